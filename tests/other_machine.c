#include "capture/capture.h"
#include "capture/threads.h"
#include "capture/unwind.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * What capture does on a machine that we have no unwind tables for, by a program that needs nothing but libc:
 * cross_compiles.sh runs it in an emulator. Each check that fails is a line; the last one counts.
 */

static int passed, failed;

static void check(const char *what, bool holds)
{
    passed += holds;
    failed += !holds;
    if (!holds)
        printf("FAILED: %s\n", what);
}

/* Each alone in its kilobyte, so that an address says whose it is. */
#define NAMED __attribute__((noinline, noclone, aligned(1024), section(".text.named")))

static bool is_in(uintptr_t pc, void *function)
{
    return pc >= (uintptr_t)function && pc < (uintptr_t)function + 1024;
}

static int find(const struct unwind_stack *s, void *function)
{
    for (int i = 0; i < s->depth; i++)
        if (is_in(s->pcs[i], function))
            return i;
    return -1;
}

static struct unwind_stack stack;

static NAMED void walk_here(void)
{
    struct unwind_regs here;
    UNWIND_HERE(&here);
    unwind_here_sigsafe(&here, &(struct unwind_memory){0}, &stack);
}

static NAMED int inner(const void *a, const void *b)
{
    walk_here();
    return *(const int *)a - *(const int *)b;
}

static NAMED void outer(void)
{
    int numbers[2] = {2, 1};
    qsort(numbers, 2, sizeof numbers[0], inner);
    __asm__ volatile("" ::: "memory");
}

static NAMED int deep(volatile int n)
{
    if (n)
        return deep(n - 1) + n;
    walk_here();
    return 0;
}

static volatile sig_atomic_t seen;

static NAMED void on_signal(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    unwind_context_sigsafe(context, &(struct unwind_memory){0}, &stack);
    seen = 1;
}

static NAMED void interrupted(void)
{
    raise(SIGUSR1);
    __asm__ volatile("" ::: "memory");
}

static void handle_on(void *alternate, size_t bytes)
{
    struct sigaction s = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    stack_t other = {.ss_sp = alternate, .ss_size = bytes, .ss_flags = alternate ? 0 : SS_DISABLE};
    sigaltstack(&other, NULL);
    sigaction(SIGUSR1, &s, NULL);
    memset(&stack, 0, sizeof stack);
    seen = 0;
    interrupted();
}

static void check_walks(void)
{
    outer();
    check("through libc", find(&stack, inner) >= 0 && find(&stack, outer) > find(&stack, inner));
    check("to the end", !stack.truncated && stack.depth < UNWIND_MAX_DEPTH);
    deep(UNWIND_MAX_DEPTH * 2);
    check("no deeper than the bound", stack.depth == UNWIND_MAX_DEPTH && stack.truncated);
    handle_on(NULL, 0);
    check("from a handler", seen && find(&stack, interrupted) > 0 && find(&stack, on_signal) < 0);
}

enum { HALF = 1 << 20 };

static void *handle_above(void *stacks)
{
    handle_on((char *)stacks + HALF, HALF);
    return NULL;
}

/* The handler's is the upper half. */
static void check_other_stack(void)
{
    pthread_t t;
    pthread_attr_t attr;
    void *stacks = aligned_alloc(4096, 2 * HALF);
    pthread_attr_init(&attr);
    pthread_attr_setstack(&attr, stacks, HALF);
    pthread_create(&t, &attr, handle_above, stacks);
    pthread_join(t, NULL);
    check("from a handler on a stack of its own",
        seen && find(&stack, interrupted) > 0 && find(&stack, on_signal) < 0);
    free(stacks);
}

/* ---- capture --------------------------------------------------------------------------------------------
 */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static NAMED void *wait_for_lock(void *arg)
{
    pthread_mutex_lock(&lock);
    pthread_mutex_unlock(&lock);
    return arg;
}

static bool waits(void)
{
    struct threads_snapshot s;
    bool found = false;
    if (threads_snapshot(&s))
        return false;
    for (size_t i = 0; i < s.threads.len; i++)
        found |= s.threads.items[i].state == THREAD_MUTEX && s.threads.items[i].waits_for == (uintptr_t)&lock;
    threads_snapshot_fini(&s);
    return found;
}

static void check_capture(void)
{
    struct capture_config config = {.mutex_fraction = 1};
    pthread_t t;
    check("capture starts", capture_start(&config, NULL) == 0);
    pthread_mutex_lock(&lock);
    pthread_create(&t, NULL, wait_for_lock, NULL);
    bool seen_waiting = false;
    for (int i = 0; i < 1000 && !seen_waiting; i++) {
        usleep(2000);
        seen_waiting = waits();
    }
    check("a thread that waits is seen", seen_waiting);
    pthread_mutex_unlock(&lock);
    pthread_join(t, NULL);
    capture_stop();
}

int main(void)
{
    check("tables", unwind_refresh() == 0);
    check_walks();
    check_other_stack();
    check_capture();
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}
