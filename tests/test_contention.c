#include "harness.h"

#include "capture/capture.h"
#include "capture/contention.h"

#include "base/clock.h"

#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Each alone in its kilobyte, so that an address says whose it is. */
#define NAMED __attribute__((noinline, noclone, aligned(1024), section(".text.named")))

static void start(int fraction, int64_t rate_ns)
{
    struct capture_config config = {
        .mutex_fraction = fraction, .block_rate_ns = rate_ns, .heap_rate_bytes = 0};
    ck_assert_int_eq(capture_start(&config, NULL), 0);
}

/* Counts and delay of all stacks, or of those that have a frame in function (1 KiB at most). */
static struct snapshot_record sum_of(enum contention_kind kind, void *function)
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
    ck_assert_uint_eq(s.lost, 0);
    snapshot_fini(&s);
    return sum;
}

static void busy_us(int64_t us)
{
    int64_t until = clock_monotonic_ns() + us * 1000;
    while (clock_monotonic_ns() < until)
        ;
}

/* ---- who is charged -------------------------------------------------------------------------------------
 */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static atomic_int ready;

static NAMED void *waiter(void *arg)
{
    atomic_fetch_add(&ready, 1);
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    return arg;
}

static NAMED void holder(pthread_t *threads, int n)
{
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < n; i++)
        pthread_create(&threads[i], NULL, waiter, NULL);
    while (atomic_load(&ready) < n)
        usleep(100);
    usleep(50000);
    pthread_mutex_unlock(&mutex);
    __asm__ volatile("" ::: "memory");
}

/* Every waiter's time is charged to the one who held the lock, and each waiter says where it waited. */
START_TEST(test_holder_and_waiters)
{
    enum { N = 8 };
    pthread_t threads[N];
    start(1, 1);
    holder(threads, N);
    for (int i = 0; i < N; i++)
        pthread_join(threads[i], NULL);
    struct snapshot_record held = sum_of(CONTENTION_MUTEX, holder), waited = sum_of(CONTENTION_BLOCK, waiter);
    ck_assert_int_eq(waited.values[0], N);
    ck_assert_int_ge(waited.values[1], N * INT64_C(50000000));
    ck_assert_int_ge(held.values[0], 1);
    ck_assert_int_ge(held.values[1], N * INT64_C(50000000));
    struct snapshot_record all = sum_of(CONTENTION_MUTEX, NULL);
    ck_assert_double_le(fabs((double)all.values[1] / (double)waited.values[1] - 1), 0.05);
}
END_TEST

/* ---- the law --------------------------------------------------------------------------------------------
 */

struct mix {
    int threads, rounds, hold_us, pause_us;
    bool hold_asleep;
};

static const struct mix *mix;
static _Atomic int64_t clocked_ns; /* what the threads themselves saw */

static NAMED void *contend(void *arg)
{
    for (int i = 0; i < mix->rounds; i++) {
        int64_t before = clock_monotonic_ns();
        pthread_mutex_lock(&mutex);
        atomic_fetch_add(&clocked_ns, clock_monotonic_ns() - before);
        if (mix->hold_asleep)
            usleep((useconds_t)mix->hold_us);
        else
            busy_us(mix->hold_us);
        pthread_mutex_unlock(&mutex);
        if (mix->pause_us)
            busy_us(mix->pause_us);
    }
    return arg;
}

static void run_mix(const struct mix *m)
{
    pthread_t threads[32];
    mix = m;
    for (int i = 0; i < m->threads; i++)
        pthread_create(&threads[i], NULL, contend, NULL);
    for (int i = 0; i < m->threads; i++)
        pthread_join(threads[i], NULL);
}

/* What holders are charged is what waiters suffer, and both are what the threads' own clocks say. */
START_TEST(test_delay_charged_is_delay_suffered)
{
    static const struct mix mixes[] = {
        {2, 200, 200, 100, true},
        {8, 60, 100, 0, false}, /* barging: whoever runs takes it again */
        {16, 10, 1000, 0, true},
        {4, 60, 300, 300, true},
        {32, 6, 500, 50, true},
    };
    start(1, 1);
    for (size_t i = 0; i < sizeof mixes / sizeof *mixes; i++) {
        struct snapshot_record held0 = sum_of(CONTENTION_MUTEX, contend);
        struct snapshot_record waited0 = sum_of(CONTENTION_BLOCK, contend);
        atomic_store(&clocked_ns, 0);
        run_mix(&mixes[i]);
        double held = (double)(sum_of(CONTENTION_MUTEX, contend).values[1] - held0.values[1]);
        double waited = (double)(sum_of(CONTENTION_BLOCK, contend).values[1] - waited0.values[1]);
        printf("mix %zu: charged %.1f ms, suffered %.1f ms, clocked %.1f ms\n", i, held / 1e6, waited / 1e6,
            (double)clocked_ns / 1e6);
        ck_assert_double_gt(waited, 1e5);
        ck_assert_double_le(fabs(held / waited - 1), 0.05);
    }
}
END_TEST

/* ---- sampling -------------------------------------------------------------------------------------------
 */

/* The expectation is the truth at every fraction: a hundred and more charges, sampled 1 in 4. */
START_TEST(test_mutex_fraction_is_unbiased)
{
    static const struct mix m = {4, 250, 50, 50, true};
    start(4, 1);
    ck_assert_int_eq(contention_mutex_fraction(), 4);
    run_mix(&m);
    struct snapshot_record held = sum_of(CONTENTION_MUTEX, contend),
                           waited = sum_of(CONTENTION_BLOCK, contend);
    ck_assert_int_eq(held.values[0] % 4, 0);
    double ratio = (double)held.values[1] / (double)waited.values[1];
    printf("fraction 4: %.2f of what waiters suffered, %ld charges\n", ratio, (long)held.values[0]);
    ck_assert_double_ge(ratio, 0.5);
    ck_assert_double_le(ratio, 1.7);
}
END_TEST

static sem_t ping, pong;

static NAMED void *ping_pong(void *arg)
{
    for (int i = 0; i < 1500; i++) {
        sem_wait(&ping);
        sem_post(&pong);
    }
    return arg;
}

static void play(void)
{
    pthread_t t;
    pthread_create(&t, NULL, ping_pong, NULL);
    for (int i = 0; i < 1500; i++) {
        busy_us(20);
        sem_post(&ping);
        sem_wait(&pong);
    }
    pthread_join(t, NULL);
}

/* Waits far shorter than the rate: few are kept, each stands for many. */
START_TEST(test_block_rate_is_unbiased)
{
    sem_init(&ping, 0, 0);
    sem_init(&pong, 0, 0);
    start(0, 1);
    play();
    struct snapshot_record exact = sum_of(CONTENTION_BLOCK, ping_pong);
    ck_assert_int_eq(contention_set_block_rate_ns(200000), 1);
    play();
    struct snapshot_record both = sum_of(CONTENTION_BLOCK, ping_pong);
    double counts = (double)(both.values[0] - exact.values[0]) / (double)exact.values[0];
    printf("rate 200000: %.2f of the waits, %ld exact\n", counts, (long)exact.values[0]);
    ck_assert_double_ge(counts, 0.5);
    ck_assert_double_le(counts, 2);
}
END_TEST

START_TEST(test_off_records_nothing)
{
    static const struct mix m = {4, 20, 100, 0, true};
    start(0, 0);
    run_mix(&m);
    ck_assert_int_eq(sum_of(CONTENTION_MUTEX, NULL).values[0], 0);
    ck_assert_int_eq(sum_of(CONTENTION_BLOCK, NULL).values[0], 0);
    contention_set_mutex_fraction(1);
    contention_set_block_rate_ns(1);
    capture_stop();
    run_mix(&m);
    ck_assert_int_eq(sum_of(CONTENTION_MUTEX, NULL).values[0], 0);
}
END_TEST

/* ---- other kinds ----------------------------------------------------------------------------------------
 */

static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;

static NAMED void *wait_cond(void *arg)
{
    pthread_mutex_lock(&mutex);
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 30000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&cond, &mutex, &until);
    pthread_mutex_unlock(&mutex);
    return arg;
}

static NAMED void *wait_read(void *arg)
{
    pthread_rwlock_rdlock(&rwlock);
    pthread_rwlock_unlock(&rwlock);
    return arg;
}

static NAMED void *wait_barrier(void *arg)
{
    pthread_barrier_wait(&barrier);
    return arg;
}

static NAMED void *wait_join(void *thread)
{
    pthread_join(*(pthread_t *)thread, NULL);
    return thread;
}

static NAMED void hold_write(void)
{
    usleep(120000);
    pthread_rwlock_unlock(&rwlock);
    __asm__ volatile("" ::: "memory");
}

START_TEST(test_every_kind_of_wait)
{
    pthread_t c, r, b, j;
    start(1, 1);
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_rwlock_wrlock(&rwlock);
    pthread_create(&c, NULL, wait_cond, NULL);
    pthread_create(&r, NULL, wait_read, NULL);
    pthread_create(&b, NULL, wait_barrier, NULL);
    pthread_create(&j, NULL, wait_join, &b);
    hold_write();
    pthread_barrier_wait(&barrier);
    pthread_join(j, NULL);
    pthread_join(r, NULL);
    pthread_join(c, NULL);
    void *kinds[] = {wait_cond, wait_read, wait_barrier, wait_join};
    for (int i = 0; i < 4; i++) {
        struct snapshot_record w = sum_of(CONTENTION_BLOCK, kinds[i]);
        ck_assert_int_ge(w.values[0], 1);
        ck_assert_int_ge(w.values[1], 15000000);
    }
    ck_assert_int_ge(sum_of(CONTENTION_MUTEX, hold_write).values[1], 15000000);
}
END_TEST

static NAMED void *hold_and_wait(void *arg)
{
    pthread_mutex_lock(&mutex);
    atomic_store(&ready, 1);
    while (atomic_load(&ready) < 2) /* the other is about to wait */
        usleep(1000);
    usleep(60000);
    struct timespec soon;
    clock_gettime(CLOCK_REALTIME, &soon);
    pthread_cond_timedwait(&cond, &mutex, &soon);
    pthread_mutex_unlock(&mutex);
    return arg;
}

/* Waiting on a condition lets go of the mutex: whoever waited for that is charged to the waiter on the
 * condition. */
START_TEST(test_cond_wait_is_an_unlock)
{
    pthread_t h, w;
    start(1, 1);
    pthread_create(&h, NULL, hold_and_wait, NULL);
    while (!atomic_load(&ready))
        usleep(100);
    pthread_create(&w, NULL, waiter, NULL);
    pthread_join(w, NULL);
    pthread_join(h, NULL);
    ck_assert_int_ge(sum_of(CONTENTION_MUTEX, hold_and_wait).values[1], 15000000);
}
END_TEST

/* A lock may go as soon as its last holder let it go. */
START_TEST(test_destroyed_right_after_use)
{
    start(1, 1);
    for (int i = 0; i < 200; i++) {
        pthread_mutex_t *m = malloc(sizeof *m);
        pthread_mutex_init(m, NULL);
        pthread_mutex_lock(m);
        pthread_mutex_unlock(m);
        pthread_mutex_destroy(m);
        free(m);
        mutex = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
        pthread_t t;
        pthread_mutex_lock(&mutex);
        pthread_create(&t, NULL, waiter, NULL);
        if (i % 8 == 0)
            usleep(200);
        pthread_mutex_unlock(&mutex);
        pthread_join(t, NULL);
        pthread_mutex_destroy(&mutex);
    }
}
END_TEST

static NAMED void *excluded(void *arg)
{
    capture_exclude_thread();
    return waiter(arg);
}

START_TEST(test_own_threads_are_left_out)
{
    pthread_t t;
    start(1, 1);
    pthread_mutex_lock(&mutex);
    pthread_create(&t, NULL, excluded, NULL);
    usleep(30000);
    pthread_mutex_unlock(&mutex);
    pthread_join(t, NULL);
    ck_assert_int_eq(sum_of(CONTENTION_BLOCK, excluded).values[0], 0);
    ck_assert_int_eq(sum_of(CONTENTION_MUTEX, NULL).values[1], 0);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {test_holder_and_waiters, test_delay_charged_is_delay_suffered,
        test_mutex_fraction_is_unbiased, test_block_rate_is_unbiased, test_off_records_nothing,
        test_every_kind_of_wait, test_cond_wait_is_an_unlock, test_destroyed_right_after_use,
        test_own_threads_are_left_out};
    return HARNESS_SUITE("contention", 20, tests);
}
