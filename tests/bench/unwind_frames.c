#include "capture/unwind.h"

#include "base/clock.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <unwind.h>

/*
 * Nanoseconds a frame of a walk through 60 calls of this program: ours, libgcc's, and libunwind's where it is
 * installed. The shortest of many runs, in turns.
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

static double time_frames(int (*walk)(void), double best)
{
    int n = 0;
    int64_t before = clock_monotonic_ns();
    for (int i = 0; i < WALKS; i++)
        n += walk();
    double ns = n < WALKS * DEPTH ? 1e9 : (double)(clock_monotonic_ns() - before) / n;
    return ns < best ? ns : best;
}

static void measure(void)
{
    double ours = 1e9, libgcc = 1e9, other = 1e9;
    for (int i = 0; i < RUNS; i++) {
        ours = time_frames(walk_ours, ours);
        libgcc = time_frames(walk_libgcc, libgcc);
        if (libunwind)
            other = time_frames(walk_libunwind, other);
    }
    printf("ours %.1f\nlibgcc %.1f\n", ours, libgcc);
    if (libunwind)
        printf("libunwind %.1f\n", other);
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
