#include "cpu_rig.h"

#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/*
 * How exact the CPU profile is, against the clocks of the threads it is of, in the same run. Each test prints
 * what it found, for `make bench` to fold into its table, and holds it to a bound that a busy machine cannot
 * move: what the functions did is read off their threads' own clocks, and never the wall's.
 */

enum { TEN = 10 };
static int64_t used_ns[TEN]; /* by each of the ten functions, as its thread's clock has it */

/* Ten copies of one thing. */
#define TEN_TIMES(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9)
#define WORK(n)                                             \
    static NAMED void work##n(int64_t ns)                   \
    {                                                       \
        int64_t began = clock_thread_cpu_ns(), now;         \
        volatile unsigned x = 0;                            \
        do                                                  \
            for (int i = 0; i < 3000; i++)                  \
                x += (unsigned)i;                           \
        while ((now = clock_thread_cpu_ns()) < began + ns); \
        (void)x;                                            \
        used_ns[n] += now - began;                          \
    }
TEN_TIMES(WORK)
#define NAME(n) work##n,
static void (*const work[TEN])(int64_t) = {TEN_TIMES(NAME)};

static double rusage_ns(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e9 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e3;
}

/* A session, and what getrusage said when it began. */
struct run {
    struct cpu_session *session;
    double rusage_before_ns;
};

static struct run begin_run(int hz)
{
    start();
    struct run r = {.session = begin(hz)};
    r.rusage_before_ns = rusage_ns();
    return r;
}

/* Total CPU within 3% of getrusage. */
static void end(const struct run *r, const char *what, struct snapshot *s)
{
    double used = rusage_ns() - r->rusage_before_ns;
    ck_assert_int_eq(cpu_session_stop(r->session, s), 0);
    double seen = (double)sum_of(s, 1, NULL);
    printf("accuracy: %s: %.0f samples, %.1f%% of getrusage, %llu lost, %s\n", what, seen / (double)s->period,
        seen / used * 100, (unsigned long long)s->lost, s->source);
    ck_assert_double_le(fabs(seen / used - 1), 0.03);
    ck_assert_uint_eq(s->lost, 0);
}

/* The largest difference between a function's share of the profile and of the ten clocks, in points. */
static double worst_of_ten(const struct snapshot *s, const char *what)
{
    double used = 0, seen = 0, worst = 0;
    for (int i = 0; i < TEN; i++) {
        used += (double)used_ns[i];
        seen += (double)sum_of(s, 1, (void *)work[i]);
    }
    for (int i = 0; i < TEN; i++) {
        double off = fabs((double)sum_of(s, 1, (void *)work[i]) / seen - (double)used_ns[i] / used) * 100;
        worst = off > worst ? off : worst;
    }
    printf("accuracy: %s: worst function off by %.2f points\n", what, worst);
    return worst;
}

/* ---- ten threads -----------------------------------------------------------------------------------------
 */

static void *thread(void *number)
{
    work[(intptr_t)number](250000000);
    return NULL;
}

static void ten_threads(int hz, const char *what)
{
    pthread_t t[TEN];
    struct snapshot s;
    struct run r = begin_run(hz);
    for (int i = 0; i < TEN; i++)
        ck_assert_int_eq(pthread_create(&t[i], NULL, thread, (void *)(intptr_t)i), 0);
    for (int i = 0; i < TEN; i++)
        pthread_join(t[i], NULL);
    end(&r, what, &s);
    ck_assert_double_le(worst_of_ten(&s, what), 1.0);
    snapshot_fini(&s);
}

START_TEST(test_ten_threads)
{
    ten_threads(100, "ten threads at 100 Hz");
}
END_TEST

/* ---- ten blocks ------------------------------------------------------------------------------------------
 */

/* Work of 1 to 10, one after another, at least 3,000 samples. */
START_TEST(test_ten_blocks)
{
    struct snapshot s;
    struct run r = begin_run(1000);
    for (int i = 0; i < TEN; i++)
        work[i]((i + 1) * INT64_C(55000000));
    end(&r, "ten blocks at 1000 Hz", &s);
    ck_assert_double_ge((double)sum_of(&s, 1, NULL) / (double)s.period, 3000);
    ck_assert_double_le(worst_of_ten(&s, "ten blocks at 1000 Hz"), 0.5);
    snapshot_fini(&s);
}
END_TEST

/* ---- bursts ----------------------------------------------------------------------------------------------
 */

enum { BURSTERS = 150, SHORT_NS = 200000, LONG_NS = 1600000, SHORT_A_LONG = 8 };
static _Atomic int64_t short_ns, long_ns;
static _Atomic bool bursts_end;

/* Two copies of one thing, to be told apart by address. Counts what its thread's clock says it took. */
#define BURN_NS(name, sum)                                  \
    static NAMED void name(int64_t ns)                      \
    {                                                       \
        int64_t began = clock_thread_cpu_ns(), now;         \
        volatile unsigned x = 0;                            \
        do                                                  \
            for (int i = 0; i < 500; i++)                   \
                x += (unsigned)i;                           \
        while ((now = clock_thread_cpu_ns()) < began + ns); \
        (void)x;                                            \
        atomic_fetch_add(&(sum), now - began);              \
    }
BURN_NS(burn_short, short_ns)
BURN_NS(burn_long, long_ns)

static void *burst(void *number)
{
    unsigned seed = (unsigned)(intptr_t)number;
    for (int i = rand_r(&seed) % SHORT_A_LONG; !atomic_load(&bursts_end); i++) {
        struct pollfd none = {.fd = -1};
        poll(&none, 1, 20 + rand_r(&seed) % 40);
        burn_short(SHORT_NS);
        if (i % SHORT_A_LONG == 0)
            burn_long(LONG_NS);
    }
    return NULL;
}

/* Threads that never run for as long as the kernel's tick, half of their time in bursts a twentieth of it:
 * all of it is seen, and no kind more than the other. */
START_TEST(test_short_bursts)
{
    pthread_t threads[BURSTERS];
    struct snapshot s;
    struct capture_config config = {0};
    ck_assert_int_eq(capture_start(&config, NULL), 0);
    for (int i = 0; i < BURSTERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, burst, (void *)(intptr_t)(i + 1)), 0);
    struct run r = begin_run(100);
    double were[] = {(double)short_ns, (double)long_ns};
    while (rusage_ns() < r.rusage_before_ns + 2e9)
        usleep(20000);
    were[0] = (double)short_ns - were[0], were[1] = (double)long_ns - were[1];
    end(&r, "bursts", &s);
    atomic_store(&bursts_end, true);
    for (int i = 0; i < BURSTERS; i++)
        pthread_join(threads[i], NULL);
    double as_short = (double)sum_of(&s, 1, (void *)burn_short),
           as_long = (double)sum_of(&s, 1, (void *)burn_long);
    double share = as_short / (as_short + as_long), was = were[0] / (were[0] + were[1]);
    printf("accuracy: bursts: short ones are %.1f%% of the samples, and were %.1f%% of the time\n",
        share * 100, was * 100);
    ck_assert_double_le(fabs(share - was), 0.10);
    snapshot_fini(&s);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {test_ten_threads, test_ten_blocks, test_short_bursts};
    return HARNESS_SUITE("accuracy", 60, tests);
}
