#ifndef TESTS_CPU_RIG_H
#define TESTS_CPU_RIG_H

#include "harness.h"

#include "base/clock.h"
#include "capture/capture.h"
#include "capture/cpu.h"

/*
 * What tests of CPU time share: something that uses it, a session, and what a snapshot says of a function.
 */

/* Each alone in its kilobyte, so that an address says whose it is. */
#define NAMED __attribute__((noinline, noclone, aligned(1024), section(".text.named")))

static NAMED __attribute__((unused)) void burn_ms(int ms)
{
    int64_t until = clock_thread_cpu_ns() + ms * INT64_C(1000000);
    volatile unsigned x = 0;
    while (clock_thread_cpu_ns() < until)
        for (int i = 0; i < 2000; i++)
            x += (unsigned)i;
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
