#include "capture/unwind.h"

#include "base/clock.h"

#include "spread.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <unwind.h>

/*
 * Nanoseconds a frame of a walk through 60 calls of this program: ours, libgcc's, and libunwind's where it is
 * installed. Many runs, in turns.
 */

enum { DEPTH = 60, RUNS = 41, WALKS = 50 };

static void *frames[512];
static int (*libunwind)(void **frames, int size);
static struct unwind_memory memory;

static _Unwind_Reason_Code count_frame(struct _Unwind_Context *context, void *n)
{
    frames[*(int *)n] = (void *)_Unwind_GetIP(context);
    return ++*(int *)n < 512 ? _URC_NO_REASON : _URC_END_OF_STACK;
}

static int walk_libgcc(void)
{
    int n = 0;
    _Unwind_Backtrace(count_frame, &n);
    return n;
}

static int walk_libunwind(void)
{
    return libunwind(frames, 512);
}

static int walk_ours(void)
{
    struct unwind_regs here;
    struct unwind_stack stack;
    UNWIND_HERE(&here);
    unwind_here_sigsafe(&here, &memory, &stack);
    return stack.depth;
}

static double time_frames(int (*walk)(void))
{
    int n = 0;
    int64_t before = clock_monotonic_ns();
    for (int i = 0; i < WALKS; i++)
        n += walk();
    return n < WALKS * DEPTH ? 1e9 : (double)(clock_monotonic_ns() - before) / n;
}

static void measure(void)
{
    double ours[RUNS], libgcc[RUNS], other[RUNS];
    for (int i = 0; i < RUNS; i++) {
        ours[i] = time_frames(walk_ours);
        libgcc[i] = time_frames(walk_libgcc);
        if (libunwind)
            other[i] = time_frames(walk_libunwind);
    }
    spread_print("ours", spread_of(ours, RUNS));
    spread_print("libgcc", spread_of(libgcc, RUNS));
    if (libunwind)
        spread_print("libunwind", spread_of(other, RUNS));
}

/* Alternating sizes, so that frames are not all the same. */
static __attribute__((noinline)) int go_down(int depth)
{
    volatile char some[48];
    some[0] = (char)depth;
    if (depth == 0)
        measure();
    else
        go_down(depth - 1);
    return some[0];
}

int main(void)
{
    pthread_attr_t attr;
    void *stack;
    size_t bytes;
    void *library = dlopen("libunwind.so.8", RTLD_NOW);
    libunwind = library ? (int (*)(void **, int))dlsym(library, "unw_backtrace") : NULL;
    pthread_getattr_np(pthread_self(), &attr);
    pthread_attr_getstack(&attr, &stack, &bytes);
    memory = (struct unwind_memory){(uintptr_t)stack, (uintptr_t)stack + bytes, stack};
    if (unwind_refresh() != 0)
        return 1;
    go_down(DEPTH);
    return 0;
}
