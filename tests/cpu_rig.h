#ifndef TESTS_CPU_RIG_H
#define TESTS_CPU_RIG_H

#include "harness.h"

#include "base/clock.h"
#include "capture/capture.h"
#include "capture/cpu.h"

#include <stdatomic.h>

/*
 * What tests of CPU time share: something that uses it, a session, and what a snapshot says of a function.
 */

/* Each alone in its kilobyte, so that an address says whose it is. */
#define NAMED __attribute__((noinline, noclone, aligned(1024), section(".text.named")))

/* How long those who wanted to use it waited for a processor. */
static _Atomic int64_t aside_ns;

static NAMED __attribute__((unused)) void burn_ms(int ms)
{
    int64_t wall_ns = clock_monotonic_ns(), cpu_ns = clock_thread_cpu_ns();
    int64_t until = cpu_ns + ms * INT64_C(1000000);
    volatile unsigned x = 0;
    while (clock_thread_cpu_ns() < until)
        for (int i = 0; i < 2000; i++)
            x += (unsigned)i;
    (void)x;
    atomic_fetch_add(&aside_ns, clock_monotonic_ns() - wall_ns - (clock_thread_cpu_ns() - cpu_ns));
}

/*
 * Samples of period_ms that a function may be off by: `samples` where it has a processor to itself. Timers
 * ask on the kernel's tick, and beside four busy loops on two processors that meets a thread 30 to 130 times
 * in two seconds of its time, with up to 360 ms between: what was used since goes to whoever is met next. No
 * more than was waited, so where nobody waits nothing is forgiven.
 */
static inline int64_t allowed(int64_t samples, int64_t period_ms)
{
    return samples + atomic_load(&aside_ns) / 1000000 / period_ms;
}

static inline void start(void)
{
    struct capture_config config = {0};
    ck_assert_int_eq(capture_start(&config, NULL), 0);
}

static inline struct cpu_session *begin(int hz)
{
    struct cpu_session *s;
    ck_assert_int_eq(cpu_session_start(hz, &s), 0);
    return s;
}

/* value of the samples that have a frame in function; of all of them for NULL. */
static inline int64_t sum_of(const struct snapshot *s, int value, void *function)
{
    int64_t sum = 0;
    for (size_t i = 0; i < s->records.len; i++) {
        const struct snapshot_record *r = &s->records.items[i];
        bool in = function == NULL;
        for (int k = 0; k < r->depth; k++) {
            uintptr_t pc = s->pcs.items[r->first_pc + (size_t)k];
            in |= pc >= (uintptr_t)function && pc < (uintptr_t)function + 1024;
        }
        sum += in ? r->values[value] : 0;
    }
    return sum;
}

#endif
