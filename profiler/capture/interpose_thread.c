#include "capture/contention_wait.h"
#include "capture/interpose.h"
#include "capture/threadlabels.h"

#include <stdarg.h>
#include <sys/prctl.h>

const int interpose_thread_linked = 1;

/*
 * Threads as they begin, their names, and their jumps.
 */

/* ---- creation -------------------------------------------------------------------------------------------
 */

static void *run(void *record)
{
    struct thread *t = record;
    void *(*start)(void *) = t->start;
    void *argument = t->argument;
    thread_begin(t);
    signals_open_self(); /* the creator may have blocked everything */
    return start(argument);
}

int pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*start)(void *), void *argument)
{
    bool on = interpose_on(), labelled = threadlabels_get() != NULL;
    if (!on && !labelled)
        return interpose_real.pthread_create(out, attr, start, argument);
    struct unwind_regs here;
    UNWIND_HERE(&here);
    struct thread *t = thread_prepare(on ? &here : NULL, attr);
    if (!t && labelled)
        labelset_lose();
    if (!t)
        return interpose_real.pthread_create(out, attr, start, argument);
    t->start = start;
    t->argument = argument;
    int r = interpose_real.pthread_create(out, attr, run, t);
    if (r != 0)
        thread_abandon(t);
    return r;
}

int pthread_setname_np(pthread_t thread, const char *name)
{
    interpose_resolve();
    int r = interpose_real.pthread_setname_np(thread, name);
    if (r == 0 && interpose_on())
        thread_renamed(thread, name);
    return r;
}

int prctl(int option, ...)
{
    va_list args;
    va_start(args, option);
    unsigned long a[4];
    for (int i = 0; i < 4; i++)
        a[i] = va_arg(args, unsigned long);
    va_end(args);
    interpose_resolve();
    int r = interpose_real.prctl(option, a[0], a[1], a[2], a[3]);
    if (option == PR_SET_NAME && r == 0 && interpose_on())
        thread_renamed_self();
    return r;
}

/* ---- jumps ----------------------------------------------------------------------------------------------
 */

static void withdraw_record(void)
{
    signals_wait.innermost = NULL;
    if (!interpose_on())
        return;
    struct thread *t = thread_self();
    if (t && atomic_load_explicit(&t->parked.sequence, memory_order_relaxed) & 1) {
        contention_wait_abandon(t);
        park_turn(&t->parked);
    }
}

#define JUMP(name)                                                              \
    __attribute__((noreturn)) void name(struct __jmp_buf_tag env[1], int value) \
    {                                                                           \
        withdraw_record();                                                      \
        interpose_real.name(env, value);                                        \
        __builtin_unreachable();                                                \
    }
JUMP(longjmp)
JUMP(_longjmp)
JUMP(siglongjmp)
void __longjmp_chk(struct __jmp_buf_tag env[1], int value)
    __attribute__((noreturn)); /* what fortified code calls */
JUMP(__longjmp_chk)
