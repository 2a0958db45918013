#include "capture/heap_distance.h"

#include "base/clock.h"

#include <math.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>

/* jemalloc's, where it is linked in (packaging/jemalloc.sh). */
extern size_t je_lg_prof_sample __attribute__((weak));
uint64_t __wrap_je_prof_sample_new_event_wait(void *tsd);

/* splitmix64's: any two inputs give two numbers that have nothing to do with each other. */
static uint64_t scramble(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* Another in each thread and, by the time, in children that were forked one after another. */
static uint64_t next_random(void)
{
    static _Atomic uint64_t drawn;
    uint64_t of_process = 0;
    const void *random = (const void *)getauxval(AT_RANDOM); /* 16 bytes from the kernel */
    if (random)
        memcpy(&of_process, random, sizeof of_process);
    uint64_t n = atomic_fetch_add_explicit(&drawn, 1, memory_order_relaxed) + 1;
    return scramble(scramble(of_process + (uint64_t)clock_monotonic_ns()) + n * UINT64_C(0x9e3779b97f4a7c15));
}

int64_t heap_distance_draw(int lg_rate)
{
    if (lg_rate == 0)
        return 1;
    double uniform = (double)((next_random() >> 11) + 1) * 0x1p-53; /* in (0, 1] */
    double rate = (double)(UINT64_C(1) << lg_rate);
    return (int64_t)(log(uniform) / log(1 - 1 / rate)) + 1;
}

uint64_t __wrap_je_prof_sample_new_event_wait(void *tsd)
{
    (void)tsd;
    return (uint64_t)heap_distance_draw((int)je_lg_prof_sample);
}
