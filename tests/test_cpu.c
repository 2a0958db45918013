#include "cpu_rig.h"

#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- every thread gets its share -------------------------------------------------------------------------
 */

#define WORKER(n)                          \
    static NAMED void *worker##n(void *a)  \
    {                                      \
        burn_ms((int)(intptr_t)a);         \
        __asm__ volatile("" ::: "memory"); \
        return a;                          \
    }
WORKER(0)
WORKER(1)
WORKER(2)
WORKER(3)

static pthread_barrier_t session_began;

static void *early(void *worker)
{
    pthread_barrier_wait(&session_began);
    return worker == (void *)worker0 ? worker0((void *)400) : worker1((void *)200);
}

/* Two that exist before the session and two that come later, all of different length: each within what
 * rounding to samples and the tick allow of its own CPU clock. */
START_TEST(test_shares)
{
    void *(*const workers[])(void *) = {worker0, worker1, worker2, worker3};
    pthread_t t[4];
    struct snapshot s;
    start();
    pthread_barrier_init(&session_began, NULL, 3);
    pthread_create(&t[0], NULL, early, (void *)worker0);
    pthread_create(&t[1], NULL, early, (void *)worker1);
    int64_t before = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID);
    struct cpu_session *session = begin(100);
    pthread_create(&t[2], NULL, worker2, (void *)300);
    pthread_create(&t[3], NULL, worker3, (void *)100);
    pthread_barrier_wait(&session_began);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    int64_t used = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID) - before;
    ck_assert_int_eq(cpu_session_stop(session, &s), 0);
    ck_assert_int_eq(s.period, 10000000);
    ck_assert_int_eq(s.nvalues, 2);
    ck_assert_uint_eq(s.lost, 0);
    ck_assert_int_eq(strncmp(s.source, "timer, scaled by ", 17), 0);
    ck_assert_int_gt(s.duration_ns, 400000000);
    static const int ms[] = {400, 200, 300, 100};
    for (int i = 0; i < 4; i++) {
        int64_t ns = sum_of(&s, 1, workers[i]);
        ck_assert_msg(llabs(ns - ms[i] * INT64_C(1000000)) <= allowed(2, 10) * s.period,
            "worker %d: %lld ms of %d", i, (long long)ns / 1000000, ms[i]);
        ck_assert_int_eq(ns, sum_of(&s, 0, workers[i]) * s.period);
    }
    double all = (double)sum_of(&s, 1, NULL);
    ck_assert_double_le(fabs(all / (double)used - 1), 0.03);
    snapshot_fini(&s);
}
END_TEST

/* Faster than the kernel's tick: each look stands for the time that went by. */
START_TEST(test_above_the_tick)
{
    struct snapshot s;
    start();
    struct cpu_session *session = begin(CPU_MAX_HZ);
    burn_ms(400);
    ck_assert_int_eq(cpu_session_stop(session, &s), 0);
    int64_t samples = sum_of(&s, 0, burn_ms);
    ck_assert_int_ge(samples, 380);
    ck_assert_int_le(samples, 420);
    snapshot_fini(&s);
}
END_TEST

/* ---- threads hard to see ---------------------------------------------------------------------------------
 */

static NAMED void *short_lived(void *a)
{
    burn_ms(1);
    return a;
}

/* Each lives a tenth of a period; together they are seen for what they are. */
START_TEST(test_short_threads)
{
    struct snapshot s;
    start();
    struct cpu_session *session = begin(100);
    for (int i = 0; i < 600; i++) {
        pthread_t t;
        pthread_create(&t, NULL, short_lived, NULL);
        pthread_join(t, NULL);
    }
    ck_assert_int_eq(cpu_session_stop(session, &s), 0);
    int64_t samples = sum_of(&s, 0, short_lived);
    printf("short threads: %lld samples of about 60\n", (long long)samples);
    ck_assert_int_ge(samples, 57); /* none were, before ends were accounted for */
    ck_assert_int_le(samples, 90); /* a thread's beginning and end cost, too */
    snapshot_fini(&s);
}
END_TEST

static NAMED void *deaf(void *a)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    burn_ms(150);
    return a;
}

START_TEST(test_threads_that_block_signals)
{
    struct snapshot s;
    pthread_t t[2];
    sigset_t all, old;
    start();
    struct cpu_session *session = begin(100);
    pthread_create(&t[0], NULL, deaf, NULL);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &old);
    pthread_create(&t[1], NULL, worker1, (void *)150); /* inherits the mask */
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    ck_assert_int_eq(cpu_session_stop(session, &s), 0);
    ck_assert_int_ge(sum_of(&s, 0, deaf), 14);
    ck_assert_int_ge(sum_of(&s, 0, worker1), 14);
    snapshot_fini(&s);
}
END_TEST

static NAMED void *excluded(void *a)
{
    capture_exclude_thread();
    burn_ms(150);
    return a;
}

START_TEST(test_own_threads_are_left_out)
{
    struct snapshot s;
    pthread_t t;
    start();
    struct cpu_session *session = begin(100);
    pthread_create(&t, NULL, excluded, NULL);
    pthread_join(t, NULL);
    ck_assert_int_eq(cpu_session_stop(session, &s), 0);
    ck_assert_int_le(sum_of(&s, 0, excluded), 1);
    snapshot_fini(&s);
}
END_TEST

/* ---- sessions --------------------------------------------------------------------------------------------
 */

START_TEST(test_two_sessions)
{
    struct snapshot a, b;
    start();
    struct cpu_session *slow = begin(50);
    worker0((void *)200);
    struct cpu_session *fast = begin(200);
    worker1((void *)200);
    ck_assert_int_eq(cpu_session_stop(slow, &a), 0);
    worker2((void *)200);
    ck_assert_int_eq(cpu_session_stop(fast, &b), 0);
    worker3((void *)100);
    ck_assert_int_eq(a.period, 20000000);
    ck_assert_int_eq(b.period, 5000000);
    /* Within what rounding and the tick allow; what ran before or after a session is not in it. */
    ck_assert_int_le(llabs(sum_of(&a, 0, worker0) - 10), allowed(2, 20));
    ck_assert_int_le(llabs(sum_of(&a, 0, worker1) - 10), allowed(2, 20));
    ck_assert_int_eq(sum_of(&a, 0, worker2), 0);
    ck_assert_int_eq(sum_of(&b, 0, worker0), 0);
    ck_assert_int_le(llabs(sum_of(&b, 0, worker1) - 40), allowed(4, 5));
    ck_assert_int_le(llabs(sum_of(&b, 0, worker2) - 40), allowed(4, 5));
    ck_assert_int_eq(sum_of(&b, 0, worker3), 0);
    snapshot_fini(&a);
    snapshot_fini(&b);
}
END_TEST

START_TEST(test_refusals)
{
    struct cpu_session *s[16], *one = NULL;
    start();
    ck_assert_int_eq(cpu_session_start(0, &one), ERR_INVALID);
    ck_assert_int_eq(cpu_session_start(CPU_MAX_HZ + 1, &one), ERR_INVALID);
    int n = 0, r = 0;
    while (n < 16 && (r = cpu_session_start(100, &s[n])) == 0)
        n++;
    ck_assert_int_eq(r, ERR_LIMIT);
    ck_assert_int_ge(n, 4);
    while (n > 0)
        ck_assert_int_eq(cpu_session_stop(s[--n], NULL), 0);
    ck_assert_int_eq(cpu_session_start(100, &one), 0);
    ck_assert_int_eq(cpu_session_stop(one, NULL), 0);
}
END_TEST

static void foreign(int signal)
{
    (void)signal;
}

START_TEST(test_foreign_handler)
{
    struct cpu_session *s = NULL;
    start();
    signal(SIGPROF, foreign);
    ck_assert_int_eq(cpu_session_start(100, &s), ERR_BUSY);
    ck_assert_ptr_null(s);
    signal(SIGPROF, SIG_DFL);
    ck_assert_int_eq(cpu_session_start(100, &s), 0);
    ck_assert_int_eq(cpu_session_stop(s, NULL), 0);
    raise(SIGPROF); /* a late one finds somebody */
}
END_TEST

START_TEST(test_no_timer_to_be_had)
{
    struct cpu_session *s = NULL;
    struct rlimit old, none;
    start();
    ck_assert_int_eq(getrlimit(RLIMIT_SIGPENDING, &old), 0);
    none = (struct rlimit){0, old.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_SIGPENDING, &none), 0);
    int r = cpu_session_start(100, &s);
    setrlimit(RLIMIT_SIGPENDING, &old); /* Check needs timers, too */
    ck_assert_int_eq(r, ERR_LIMIT);
}
END_TEST

/* ---- no harm ---------------------------------------------------------------------------------------------
 */

START_TEST(test_children_start_unprofiled)
{
    start();
    struct cpu_session *session = begin(CPU_MAX_HZ);
    burn_ms(20);
    pid_t child = fork();
    if (child == 0) {
        struct cpu_session *own;
        struct snapshot s;
        struct capture_config config = {0};
        burn_ms(30);
        if (capture_start(&config, NULL) != 0 || cpu_session_start(100, &own) != 0)
            _exit(1);
        burn_ms(300);
        if (cpu_session_stop(own, &s) != 0)
            _exit(2);
        int64_t samples = sum_of(&s, 0, NULL) + (int64_t)s.lost;
        _exit(samples >= 26 && samples <= 34 ? 0 : 3);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(cpu_session_stop(session, NULL), 0);
}
END_TEST

/* Calls that SA_RESTART does not cover, under the densest sampling: as if there were none. */
START_TEST(test_no_call_is_interrupted)
{
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    start();
    struct cpu_session *session = begin(CPU_MAX_HZ);
    struct pollfd p = {.fd = fds[0], .events = POLLIN};
    int64_t until = clock_thread_cpu_ns() + 120000000;
    long calls = 0;
    while (clock_thread_cpu_ns() < until) {
        struct timespec moment = {0, 1000};
        ck_assert_int_eq(poll(&p, 1, 1), 0);
        for (int i = 0; i < 20; i++)
            ck_assert_int_eq(nanosleep(&moment, NULL), 0);
        burn_ms(1);
        calls++;
    }
    ck_assert_int_gt(calls, 20);
    ck_assert_int_eq(cpu_session_stop(session, NULL), 0);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {test_shares, test_above_the_tick, test_short_threads,
        test_threads_that_block_signals, test_own_threads_are_left_out, test_two_sessions, test_refusals,
        test_foreign_handler, test_no_timer_to_be_had, test_children_start_unprofiled,
        test_no_call_is_interrupted};
    return HARNESS_SUITE("cpu", 20, tests);
}
