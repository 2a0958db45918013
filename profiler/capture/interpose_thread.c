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

/* The stack pointer to be, as glibc hides it in there; where that is not known, UINTPTR_MAX: out of all. */
static uintptr_t target_of(const struct __jmp_buf_tag *env)
{
#if defined(__x86_64__)
    enum { RSP = 6, ROTATED = 17 };
    uintptr_t sp = (uintptr_t)env->__jmpbuf[RSP], guard;
    __asm__("mov %%fs:0x30, %0" : "=r"(guard));
    return (sp >> ROTATED | sp << (64 - ROTATED)) ^ guard;
#else
    (void)env;
    return UINTPTR_MAX;
#endif
}

/* Whether the jump leaves the frame, or is one of a handler's that interrupted it and stays within itself,
 * perhaps on the alternate stack. */
static bool leaves(uintptr_t frame, const struct __jmp_buf_tag *env)
{
    uintptr_t target = target_of(env);
    stack_t other = {0};
    if (sigaltstack(NULL, &other) == 0 && other.ss_flags & SS_ONSTACK) {
        uintptr_t base = (uintptr_t)other.ss_sp;
        bool is_frame_there = frame - base < other.ss_size, is_target_there = target - base < other.ss_size;
        if (is_frame_there != is_target_there)
            return is_frame_there;
    }
    return target > frame;
}

/* Also while capture is off: the wait may have begun before. */
static void withdraw_record(const struct __jmp_buf_tag *env)
{
    signals_wait.innermost = NULL;
    interpose_resolve();
    struct thread *t = thread_tls;
    if ((uintptr_t)t <= (uintptr_t)THREAD_GONE || (t->busy && !leaves(t->busy, env)))
        return;
    contention_abandon(t);
    if (atomic_load_explicit(&t->parked.sequence, memory_order_relaxed) & 1)
        park_turn(&t->parked);
}

#define JUMP(name)                                                              \
    __attribute__((noreturn)) void name(struct __jmp_buf_tag env[1], int value) \
    {                                                                           \
        withdraw_record(env);                                                   \
        interpose_real.name(env, value);                                        \
        __builtin_unreachable();                                                \
    }
JUMP(longjmp)
JUMP(_longjmp)
JUMP(siglongjmp)
void __longjmp_chk(struct __jmp_buf_tag env[1], int value)
    __attribute__((noreturn)); /* what fortified code calls */
JUMP(__longjmp_chk)
