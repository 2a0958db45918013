#include "harness.h"

#include "capture/stacks.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>

static struct unwind_stack stack_of(uintptr_t leaf, uint16_t depth)
{
    struct unwind_stack s = {.depth = depth};
    for (uint16_t i = 0; i < depth; i++)
        s.pcs[i] = leaf + i;
    return s;
}

static int64_t total(struct stacks *t, int value, uint64_t *lost, size_t *records)
{
    struct snapshot s = {0};
    int64_t sum = 0;
    ck_assert_int_eq(stacks_snapshot(t, false, &s), 0);
    for (size_t i = 0; i < s.records.len; i++)
        sum += s.records.items[i].values[value];
    *lost = s.lost;
    *records = s.records.len;
    snapshot_fini(&s);
    return sum;
}

START_TEST(test_same_stack_adds_up)
{
    struct stacks *t = stacks_new(256, 4096);
    uint64_t lost;
    size_t records;
    for (int i = 0; i < 1000; i++) {
        struct unwind_stack s = stack_of((uintptr_t)(i % 10) * 100, 5);
        ck_assert_uint_ne(stacks_add_sigsafe(t, &s, (int64_t[4]){1, 7}), STACKS_NONE);
    }
    ck_assert_int_eq(total(t, 0, &lost, &records), 1000);
    ck_assert_int_eq(total(t, 1, &lost, &records), 7000);
    ck_assert_uint_eq(records, 10);
    ck_assert_uint_eq(lost, 0);
    struct unwind_stack longer = stack_of(0, 6), back;
    uint32_t slot = stacks_add_sigsafe(t, &longer, (int64_t[4]){1});
    stacks_stack_sigsafe(t, slot, &back);
    ck_assert_uint_eq(back.depth, 6);
    ck_assert_uint_eq(back.pcs[5], 5);
    total(t, 0, &lost, &records);
    ck_assert_uint_eq(records, 11);
    stacks_free(t);
}
END_TEST

START_TEST(test_full_counts_lost)
{
    struct stacks *t = stacks_new(64, 128);
    uint64_t lost;
    size_t records;
    for (uintptr_t i = 0; i < 500; i++) {
        struct unwind_stack s = stack_of(i * 1000, 4);
        stacks_add_sigsafe(t, &s, (int64_t[4]){1});
    }
    int64_t kept = total(t, 0, &lost, &records);
    ck_assert_int_gt(kept, 0);
    ck_assert_uint_le(records, 32);
    ck_assert_int_eq(kept + (int64_t)lost, 500);
    stacks_free(t);
}
END_TEST

/* The same stack of threads with other labels is another. */
static long page_faults(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
}

/* Page faults while as many stacks come new into a table as most profiles have. */
static long faults_of_new_stacks(void)
{
    struct stacks *t = stacks_new(1 << 14, 1 << 19);
    struct unwind_stack first = stack_of(1, 20);
    ck_assert_uint_ne(stacks_add_sigsafe(t, &first, (int64_t[4]){1}), STACKS_NONE);
    long before = page_faults();
    for (uintptr_t i = 0; i < 300; i++) {
        struct unwind_stack s = stack_of(i * 1000, 20);
        ck_assert_uint_ne(stacks_add_sigsafe(t, &s, (int64_t[4]){1}), STACKS_NONE);
    }
    long faults = page_faults() - before;
    stacks_free(t);
    return faults;
}

/* A handler that adds them touches no page for the first time; of five tables one at least, for the kernel
 * may always take a page away. */
START_TEST(test_new_stacks_cost_no_page_faults)
{
#ifdef __SANITIZE_THREAD__
    puts("page faults of new stacks: the thread sanitizer keeps a memory of its own beside each");
    return;
#endif
    char *probe = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (madvise(probe, 4096, MADV_POPULATE_WRITE) != 0) {
        puts("page faults of new stacks: not tried before Linux 5.14");
        munmap(probe, 4096);
        return;
    }
    long least = LONG_MAX;
    for (int i = 0; i < 5; i++) {
        long faults = faults_of_new_stacks();
        least = faults < least ? faults : least;
    }
    ck_assert_int_le(least, 3);
    munmap(probe, 4096);
}
END_TEST

START_TEST(test_labels_are_part_of_the_key)
{
    static const struct label_set labels[2];
    const struct label_set *const sets[] = {NULL, &labels[0], &labels[1]};
    struct stacks *t = stacks_new(256, 4096);
    struct unwind_stack stack = stack_of(100, 5);
    struct snapshot s = {0};
    for (int i = 0; i < 60; i++)
        stacks_add_labelled_sigsafe(t, &stack, sets[i % 3], (int64_t[4]){1 + i % 3});
    ck_assert_int_eq(stacks_snapshot(t, false, &s), 0);
    ck_assert_uint_eq(s.records.len, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct snapshot_record *r = &s.records.items[i];
        ck_assert_ptr_eq(r->labels, sets[r->values[0] / 20 - 1]);
    }
    snapshot_fini(&s);
    stacks_free(t);
}
END_TEST

static struct stacks *shared;
static atomic_int handled; /* by whichever thread was interrupted */

static void on_alarm(int signal)
{
    (void)signal;
    int saved = errno;
    struct unwind_stack s = stack_of((uintptr_t)(handled++ % 50) * 100, 20);
    stacks_add_sigsafe(shared, &s, (int64_t[4]){1});
    errno = saved;
}

enum { THREADS = 4, ROUNDS = 50000 };

static void *add_many(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct unwind_stack s = stack_of((uintptr_t)(i % 50) * 100, 20);
        stacks_add_sigsafe(shared, &s, (int64_t[4]){1});
    }
    return arg;
}

/* Several threads, and a handler that interrupts them in the middle of an insertion: nothing is lost. */
START_TEST(test_threads_and_handlers)
{
    shared = stacks_new(4096, 1 << 17);
    signal(SIGALRM, on_alarm);
    struct itimerval every = {{0, 300}, {0, 300}}, never = {0};
    setitimer(ITIMER_REAL, &every, NULL);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, add_many, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    setitimer(ITIMER_REAL, &never, NULL);
    uint64_t lost;
    size_t records;
    int64_t kept = total(shared, 0, &lost, &records);
    ck_assert_int_gt(handled, 10);
    ck_assert_uint_eq(lost, 0);
    ck_assert_int_eq(kept, (int64_t)THREADS * ROUNDS + handled);
    ck_assert_uint_ge(records, 50);
    ck_assert_uint_lt(records, 100);
    stacks_free(shared);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {test_same_stack_adds_up, test_full_counts_lost,
        test_new_stacks_cost_no_page_faults, test_labels_are_part_of_the_key, test_threads_and_handlers};
    return HARNESS_SUITE("stacks", 20, tests);
}
