#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Clocks as nanoseconds in int64_t (292 years). All signal-safe. */

static inline int64_t clock_read_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline int64_t clock_monotonic_ns(void)
{
    return clock_read_ns(CLOCK_MONOTONIC);
}

static inline int64_t clock_realtime_ns(void) /* since 1970, for time_nanos */
{
    return clock_read_ns(CLOCK_REALTIME);
}

static inline int64_t clock_thread_cpu_ns(void) /* the calling thread's CPU time; a system call */
{
    return clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
}

#endif
