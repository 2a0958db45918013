#ifndef CAPTURE_TICKS_H
#define CAPTURE_TICKS_H

#include "base/clock.h"

/*
 * The cheapest clock there is, for time stamps before calls that may block: the processor's cycle counter
 * where it runs at one rate on all processors, else the monotonic clock. Signal-safe.
 */

extern int ticks_are_cycles; /* decided once by ticks_init; 0 before */

static inline int64_t ticks_now(void)
{
#if defined(__x86_64__)
    if (ticks_are_cycles)
        return (int64_t)__builtin_ia32_rdtsc();
#endif
    return clock_monotonic_ns();
}

void ticks_init(void);

/* How long ago `then` was, given ticks_now() and clock_monotonic_ns() of one moment. */
int64_t ticks_ago_ns(int64_t then, int64_t now_ticks, int64_t now_ns);

#endif
