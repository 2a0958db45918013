#include "cpu_rig.h"

#include "capture/threads.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * A program's own signals and masks beside the profiler's: threads that shut every signal are still seen, and
 * nobody who waits for signals ever gets one of the profiler's.
 */

static void block_all(void)
{
    sigset_t all;
    sigfillset(&all);
    ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, &all, NULL), 0);
}

/* ---- who blocks everything is seen -----------------------------------------------------------------------
 */

static _Atomic int stage;

static void await(int wanted)
{
    while (atomic_load(&stage) < wanted)
        usleep(1000);
}

static NAMED void *shut_before_session(void *a)
{
    block_all();
    atomic_store(&stage, 1);
    await(2);
    burn_ms(200);
    return a;
}

/* Of the start of capture on, no thread shuts the profiler's signal, whether or not anybody has profiled. */
START_TEST(test_blocked_before_the_first_session)
{
    pthread_t t;
    struct snapshot s;
    start();
    pthread_create(&t, NULL, shut_before_session, NULL);
    await(1);
    struct cpu_session *session = begin(100);
    atomic_store(&stage, 2);
    pthread_join(t, NULL);
    ck_assert_int_eq(cpu_session_stop(session, &s), 0);
    ck_assert_int_ge(sum_of(&s, 0, shut_before_session), 19);
    snapshot_fini(&s);
}
END_TEST

/* One that did so before capture began opens it with the first call of it that we wrap. */
START_TEST(test_blocked_before_the_start)
{
    pthread_t t;
    struct snapshot s;
    pthread_create(&t, NULL, shut_before_session, NULL);
    await(1);
    start();
    struct cpu_session *session = begin(100);
    usleep(20000);
    atomic_store(&stage, 2);
    pthread_join(t, NULL);
    ck_assert_int_eq(cpu_session_stop(session, &s), 0);
    ck_assert_int_ge(sum_of(&s, 0, shut_before_session), 19);
    snapshot_fini(&s);
}
END_TEST

static NAMED void *shut_by_attribute(void *a)
{
    burn_ms(200);
    return a;
}

START_TEST(test_mask_of_the_attributes)
{
    pthread_t t;
    pthread_attr_t attr;
    sigset_t all;
    struct snapshot s;
    start();
    struct cpu_session *session = begin(100);
    sigfillset(&all);
    pthread_attr_init(&attr);
    ck_assert_int_eq(pthread_attr_setsigmask_np(&attr, &all), 0);
    ck_assert_int_eq(pthread_create(&t, &attr, shut_by_attribute, NULL), 0);
    pthread_join(t, NULL);
    pthread_attr_destroy(&attr);
    ck_assert_int_eq(cpu_session_stop(session, &s), 0);
    ck_assert_int_ge(sum_of(&s, 0, shut_by_attribute), 19);
    snapshot_fini(&s);
}
END_TEST

/* ---- the program's own signals ---------------------------------------------------------------------------
 */

static _Atomic int theirs;

static void count(int number)
{
    (void)number;
    atomic_fetch_add(&theirs, 1);
}

/* A program that takes SIGPROF for itself may block it, too, at any time. */
START_TEST(test_a_handler_of_the_program)
{
    sigset_t one, pending;
    start();
    ck_assert_int_eq(cpu_session_stop(begin(100), NULL), 0);
    signal(SIGPROF, count);
    sigemptyset(&one);
    sigaddset(&one, SIGPROF);
    ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, &one, NULL), 0);
    raise(SIGPROF);
    ck_assert_int_eq(atomic_load(&theirs), 0);
    sigpending(&pending);
    ck_assert_int_eq(sigismember(&pending, SIGPROF), 1);
    ck_assert_int_eq(pthread_sigmask(SIG_UNBLOCK, &one, NULL), 0);
    ck_assert_int_eq(atomic_load(&theirs), 1);
    struct cpu_session *s;
    ck_assert_int_eq(cpu_session_start(100, &s), ERR_BUSY);
}
END_TEST

/* Taken while somebody samples: the session fails, and soon nothing of ours sends the signal any more. */
START_TEST(test_a_handler_put_in_place_meanwhile)
{
    struct snapshot s;
    start();
    struct cpu_session *session = begin(CPU_MAX_HZ);
    burn_ms(50);
    signal(SIGPROF, count);
    usleep(600000);
    int before = atomic_load(&theirs);
    burn_ms(100);
    ck_assert_int_eq(atomic_load(&theirs), before);
    ck_assert_int_eq(cpu_session_stop(session, &s), ERR_BUSY);
}
END_TEST

/* Sampled as densely as can be, a thread that takes turns at computing and at waiting for any signal. */
START_TEST(test_waits_for_signals)
{
    sigset_t all;
    siginfo_t info;
    struct timespec moment = {0, 1000000};
    start();
    block_all();
    sigfillset(&all);
    struct cpu_session *session = begin(CPU_MAX_HZ);
    for (int i = 0; i < 100; i++) {
        burn_ms(2);
        ck_assert_int_eq(sigtimedwait(&all, &info, &moment), -1);
        ck_assert_int_eq(errno, EAGAIN);
    }
    raise(SIGUSR1);
    ck_assert_int_eq(sigwaitinfo(&all, &info), SIGUSR1);
    raise(SIGUSR2);
    int number;
    ck_assert_int_eq(sigwait(&all, &number), 0);
    ck_assert_int_eq(number, SIGUSR2);
    ck_assert_int_eq(cpu_session_stop(session, NULL), 0);
}
END_TEST

START_TEST(test_signals_from_a_descriptor)
{
    sigset_t all;
    struct signalfd_siginfo info;
    start();
    block_all();
    sigfillset(&all);
    int fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    ck_assert_int_ge(fd, 0);
    struct cpu_session *session = begin(CPU_MAX_HZ);
    for (int i = 0; i < 60; i++) {
        burn_ms(2);
        ck_assert_int_eq(read(fd, &info, sizeof info), -1);
        ck_assert_int_eq(errno, EAGAIN);
    }
    raise(SIGUSR1);
    ck_assert_int_eq(read(fd, &info, sizeof info), sizeof info);
    ck_assert_uint_eq(info.ssi_signo, SIGUSR1);
    ck_assert_int_eq(cpu_session_stop(session, NULL), 0);
    close(fd);
}
END_TEST

static _Atomic int returned;

static void *suspend(void *mask)
{
    for (int i = 0; i < 20; i++) {
        burn_ms(5);
        if (mask)
            sigsuspend(mask);
        else
            pause();
        atomic_fetch_add(&returned, 1);
    }
    return NULL;
}

/* pause and sigsuspend return once for each signal of the program's, and for none of ours. */
static void check_suspend(sigset_t *mask)
{
    pthread_t t;
    start();
    signal(SIGUSR1, count);
    struct cpu_session *session = begin(CPU_MAX_HZ);
    pthread_create(&t, NULL, suspend, mask);
    for (int i = 0; i < 20; i++) {
        while (atomic_load(&theirs) < i)
            usleep(100);
        usleep(15000);
        struct threads_snapshot all = {0}; /* this asks those by signal that do not wait in a wrapped call */
        ck_assert_int_eq(threads_snapshot(&all), 0);
        threads_snapshot_fini(&all);
        ck_assert_int_le(atomic_load(&returned), i);
        while (atomic_load(&returned) == i) {
            pthread_kill(t, SIGUSR1);
            usleep(2000);
        }
    }
    pthread_join(t, NULL);
    ck_assert_int_eq(cpu_session_stop(session, NULL), 0);
}

START_TEST(test_pause)
{
    check_suspend(NULL);
}
END_TEST

START_TEST(test_sigsuspend)
{
    static sigset_t none;
    sigemptyset(&none);
    check_suspend(&none);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {test_blocked_before_the_first_session, test_blocked_before_the_start,
        test_mask_of_the_attributes, test_a_handler_of_the_program, test_a_handler_put_in_place_meanwhile,
        test_waits_for_signals, test_signals_from_a_descriptor, test_pause, test_sigsuspend};
    return HARNESS_SUITE("signals", 20, tests);
}
