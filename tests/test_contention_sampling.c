#include "contention_rig.h"

#include "cprof.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

/*
 * The expectation is the truth at every fraction and rate. Each event here is made by one thread alone, which
 * waits for what it will not get and whose time is up, so that none depends on who runs when. What is found
 * is compared with what is expected and the standard deviation that sampling alone gives it.
 */

enum { EVENTS = 10000, SIGMAS = 6 };

static const struct timespec past = {1, 0};
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static sem_t semaphore;

/* A contended unlock: a microsecond of waiting is charged to it. How long the wait took by our own clock. */
static NAMED int64_t unlock_once(void)
{
    pthread_mutex_lock(&mutex);
    int64_t before = clock_monotonic_ns();
    ck_assert_int_eq(pthread_mutex_timedlock(&mutex, &past), ETIMEDOUT);
    int64_t took = clock_monotonic_ns() - before;
    pthread_mutex_unlock(&mutex);
    return took;
}

/* A wait that is over at once; exactly in one function, sampled in another. */
static NAMED void wait_exact(void)
{
    ck_assert_int_eq(sem_timedwait(&semaphore, &past), -1);
}

static NAMED int64_t wait_sampled(void)
{
    int64_t before = clock_monotonic_ns();
    ck_assert_int_eq(sem_timedwait(&semaphore, &past), -1);
    return clock_monotonic_ns() - before;
}

static void assert_sampled(const char *what, double found, double expected, double sigma)
{
    printf("%s: %.0f, expected %.0f, standard deviation %.0f\n", what, found, expected, sigma);
    ck_assert_msg(fabs(found - expected) <= SIGMAS * sigma, "%s: %.0f is not %.0f", what, found, expected);
}

/* ---- mutex ----------------------------------------------------------------------------------------------
 */

/* Each of n events counts for `fraction` with probability 1/fraction. */
static double count_sigma(double n, int fraction)
{
    return sqrt(n * (fraction - 1));
}

static const int fractions[] = {1, 2, 10, 100};

START_TEST(test_mutex_fraction_is_unbiased)
{
    int n = fractions[_i];
    double squares = 0;
    start(n, 1);
    ck_assert_int_eq(contention_mutex_fraction(), n);
    for (int i = 0; i < EVENTS; i++) {
        double took = (double)unlock_once();
        squares += took * took;
    }
    struct snapshot_record held = sum_of(CONTENTION_MUTEX, unlock_once),
                           waited = sum_of(CONTENTION_BLOCK, unlock_once);
    ck_assert_int_eq(waited.values[0], EVENTS);
    ck_assert_int_eq(held.values[0] % n, 0);
    assert_sampled("charges", (double)held.values[0], EVENTS, count_sigma(EVENTS, n));
    assert_sampled("delay", (double)held.values[1], (double)waited.values[1],
        sqrt(squares * (n - 1)) + 0.01 * (double)waited.values[1]);
}
END_TEST

/* Each event is weighted by the fraction there was when it was recorded. */
START_TEST(test_mutex_fraction_changes)
{
    static const int cycle[] = {1, 5, 20, 0, 50};
    enum { N = sizeof cycle / sizeof *cycle };
    double variance = 0, expected = 0;
    start(1, 0);
    for (int i = 0; i < EVENTS; i++) {
        int n = cycle[i % N];
        ck_assert_int_eq(contention_set_mutex_fraction(n), i ? cycle[(i + N - 1) % N] : 1);
        ck_assert_int_eq(contention_set_mutex_fraction(-1), n);
        unlock_once();
        variance += n ? n - 1 : 0;
        expected += n != 0;
    }
    assert_sampled(
        "charges", (double)sum_of(CONTENTION_MUTEX, unlock_once).values[0], expected, sqrt(variance));
}
END_TEST

/* ---- block ----------------------------------------------------------------------------------------------
 */

static const int64_t rates[] = {2000, 20000, 1000000};

/* A wait of d < rate counts rate/d times with probability d/rate: its variance is rate/d - 1 in events, and
 * d × (rate - d) in time. Exact waits take turns with sampled ones, so that both meet the same machine; what
 * that draws out, within the wait or beside it, is judged by the clock around it. */
START_TEST(test_block_rate_is_unbiased)
{
    int64_t rate = rates[_i];
    double count_variance = 0, delay_variance = 0;
    double clocked = 0, clocked_short = 0; /* the second: none longer than ten times the rate */
    start(0, 1);
    sem_init(&semaphore, 0, 0);
    for (int i = 0; i < EVENTS; i++) {
        contention_set_block_rate_ns(1);
        wait_exact();
        contention_set_block_rate_ns(rate);
        double d = (double)wait_sampled(); /* of which the wait itself is the half, at least */
        count_variance += 2 * (double)rate / d;
        delay_variance += d < (double)rate ? d * (double)rate : 0;
        clocked += d;
        clocked_short += fmin(d, 10 * (double)rate);
    }
    struct snapshot_record exact = sum_of(CONTENTION_BLOCK, wait_exact),
                           sampled = sum_of(CONTENTION_BLOCK, wait_sampled);
    ck_assert_int_eq(exact.values[0], EVENTS);
    assert_sampled("waits", (double)sampled.values[0], EVENTS, sqrt(count_variance));
    printf(
        "delay: %.0f, at most %.0f, at least %.0f\n", (double)sampled.values[1], clocked, clocked_short / 2);
    ck_assert_double_le((double)sampled.values[1], clocked + SIGMAS * sqrt(delay_variance));
    ck_assert_double_ge((double)sampled.values[1], clocked_short / 2 - SIGMAS * sqrt(delay_variance));
}
END_TEST

/* At the rate and above, each is recorded as it is. */
START_TEST(test_long_waits_are_exact)
{
    int64_t clocked = 0;
    start(0, 1000000);
    sem_init(&semaphore, 0, 0);
    for (int i = 0; i < 20; i++) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += 2000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        int64_t before = clock_monotonic_ns();
        sem_clockwait(&semaphore, CLOCK_MONOTONIC, &until);
        clocked += clock_monotonic_ns() - before;
    }
    struct snapshot_record all = sum_of(CONTENTION_BLOCK, NULL);
    ck_assert_int_eq(all.values[0], 20);
    ck_assert_int_le(all.values[1], clocked);
    ck_assert_int_ge(all.values[1], 20 * INT64_C(1900000));
}
END_TEST

/* ---- while threads run -----------------------------------------------------------------------------------
 */

static atomic_bool stop;
static atomic_long turns;

static NAMED void *contend(void *arg)
{
    while (!atomic_load(&stop)) {
        pthread_mutex_lock(&mutex);
        busy_us(3);
        pthread_mutex_unlock(&mutex);
        sem_timedwait(&semaphore, &past);
        atomic_fetch_add(&turns, 1);
    }
    return arg;
}

/* Off and on and at any rate, in the middle of waits: nobody is charged more than everybody can have waited.
 */
START_TEST(test_rates_change_while_threads_wait)
{
    enum { THREADS = 6 };
    pthread_t t[THREADS];
    sem_init(&semaphore, 0, 0);
    start(1, 1);
    int64_t began = clock_monotonic_ns();
    for (int i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, contend, NULL);
    for (int i = 0; i < 300; i++) {
        cprof_set_mutex_fraction(i % 3 == 0);
        cprof_set_block_rate_ns(i % 5 ? 1 : 0);
        usleep(500);
    }
    int64_t known = sum_of(CONTENTION_MUTEX, contend).values[0];
    cprof_set_mutex_fraction(1);
    for (int i = 0; i < 10000 && sum_of(CONTENTION_MUTEX, contend).values[0] == known; i++)
        usleep(500);
    atomic_store(&stop, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    int64_t most = THREADS * (clock_monotonic_ns() - began);
    ck_assert_int_gt(atomic_load(&turns), 100);
    ck_assert_int_gt(sum_of(CONTENTION_MUTEX, contend).values[0], known);
    ck_assert_int_le(sum_of(CONTENTION_MUTEX, contend).values[1], most);
    ck_assert_int_le(sum_of(CONTENTION_BLOCK, contend).values[1], most);
}
END_TEST

START_TEST(test_off_records_nothing)
{
    start(0, 0);
    sem_init(&semaphore, 0, 0);
    unlock_once();
    wait_exact();
    ck_assert_int_eq(sum_of(CONTENTION_MUTEX, NULL).values[0], 0);
    ck_assert_int_eq(sum_of(CONTENTION_BLOCK, NULL).values[0], 0);
    contention_set_mutex_fraction(1);
    contention_set_block_rate_ns(1);
    capture_stop();
    unlock_once();
    wait_exact();
    ck_assert_int_eq(sum_of(CONTENTION_MUTEX, NULL).values[0], 0);
    ck_assert_int_eq(sum_of(CONTENTION_BLOCK, NULL).values[0], 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("contention_sampling");
    TCase *cases = tcase_create("cases");
    tcase_set_timeout(cases, 30);
    tcase_add_loop_test(
        cases, test_mutex_fraction_is_unbiased, 0, (int)(sizeof fractions / sizeof *fractions));
    tcase_add_loop_test(cases, test_block_rate_is_unbiased, 0, (int)(sizeof rates / sizeof *rates));
    tcase_add_test(cases, test_mutex_fraction_changes);
    tcase_add_test(cases, test_long_waits_are_exact);
    tcase_add_test(cases, test_rates_change_while_threads_wait);
    tcase_add_test(cases, test_off_records_nothing);
    suite_add_tcase(s, cases);
    return s;
}
