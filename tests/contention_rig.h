#ifndef TESTS_CONTENTION_RIG_H
#define TESTS_CONTENTION_RIG_H

#include "harness.h"

#include "capture/capture.h"
#include "capture/contention.h"

#include "base/clock.h"

/* What the tests of lock contention share: capture started, and what it has found so far. */

/* Each alone in its kilobyte, so that an address says whose it is. */
#define NAMED __attribute__((noinline, noclone, aligned(1024), section(".text.named")))
#define NOT_A_TAIL_CALL() __asm__ volatile("" ::: "memory")

static inline void start(int fraction, int64_t rate_ns)
{
    struct capture_config config = {
        .mutex_fraction = fraction, .block_rate_ns = rate_ns, .heap_rate_bytes = 0};
    ck_assert_int_eq(capture_start(&config, NULL), 0);
}

/* Counts and delay of all stacks, or of those that have a frame in function (1 KiB at most). */
static inline struct snapshot_record sum_despite_losses(enum contention_kind kind, void *function)
{
    struct snapshot s;
    struct snapshot_record sum = {0};
    ck_assert_int_eq(contention_snapshot(kind, &s), 0);
    ck_assert_int_eq(s.nvalues, 2);
    for (size_t i = 0; i < s.records.len; i++) {
        const struct snapshot_record *r = &s.records.items[i];
        bool in = function == NULL;
        for (int k = 0; k < r->depth; k++) {
            uintptr_t pc = s.pcs.items[r->first_pc + (size_t)k];
            in |= pc > (uintptr_t)function && pc < (uintptr_t)function + 1024;
        }
        if (in) {
            sum.values[0] += r->values[0];
            sum.values[1] += r->values[1];
        }
    }
    snapshot_fini(&s);
    return sum;
}

/* How many events of both kinds are lost. */
static inline uint64_t lost(void)
{
    uint64_t n = 0;
    for (int kind = 0; kind < 2; kind++) {
        struct snapshot s;
        ck_assert_int_eq(contention_snapshot((enum contention_kind)kind, &s), 0);
        n += s.lost;
        snapshot_fini(&s);
    }
    return n;
}

static inline struct snapshot_record sum_of(enum contention_kind kind, void *function)
{
    ck_assert_uint_eq(lost(), 0);
    return sum_despite_losses(kind, function);
}

static inline void busy_us(int64_t us)
{
    int64_t until = clock_monotonic_ns() + us * 1000;
    while (clock_monotonic_ns() < until)
        ;
}

#endif
