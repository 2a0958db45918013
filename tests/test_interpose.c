#include "harness.h"

#include "capture/capture.h"
#include "capture/threads.h"

#include "base/clock.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * The wrappers must not be noticed: each scenario below gives one number made of results and errno values,
 * and gives the same with capture on as it gave before.
 */

static void start(void)
{
    struct capture_config config = {.mutex_fraction = 1, .block_rate_ns = 1};
    ck_assert_int_eq(capture_start(&config, NULL), 0);
}

static struct timespec after_ms(clockid_t clock, int ms)
{
    int64_t at = clock_read_ns(clock) + ms * INT64_C(1000000);
    return (struct timespec){at / 1000000000, at % 1000000000};
}

struct trace {
    int values[128];
    int n;
};

static void note(struct trace *t, int value)
{
    ck_assert_int_lt(t->n, 128);
    t->values[t->n++] = value;
}

/* A result, and errno as it was left (set to 77 before). */
#define NOTE_ERRNO(t, call)     \
    do {                        \
        errno = 77;             \
        note((t), (int)(call)); \
        note((t), errno);       \
    } while (0)

/* ---- mutexes of every kind -------------------------------------------------------------------------------
 */

struct shared {
    pthread_mutex_t mutex;
    struct trace *trace;
};

static void *lock_from_elsewhere(void *arg)
{
    struct shared *s = arg;
    struct timespec soon = after_ms(CLOCK_REALTIME, 3), past = {1, 0};
    NOTE_ERRNO(s->trace, pthread_mutex_trylock(&s->mutex));
    NOTE_ERRNO(s->trace, pthread_mutex_timedlock(&s->mutex, &soon));
    NOTE_ERRNO(s->trace, pthread_mutex_timedlock(&s->mutex, &past));
    soon = after_ms(CLOCK_MONOTONIC, 3);
    NOTE_ERRNO(s->trace, pthread_mutex_clocklock(&s->mutex, CLOCK_MONOTONIC, &soon));
    return NULL;
}

static void *die_with_lock(void *arg)
{
    pthread_mutex_lock(&((struct shared *)arg)->mutex);
    return NULL;
}

static void in_thread(void *(*function)(void *), void *arg)
{
    pthread_t t;
    ck_assert_int_eq(pthread_create(&t, NULL, function, arg), 0);
    ck_assert_int_eq(pthread_join(t, NULL), 0);
}

static void trace_mutex(struct trace *t, int type, bool robust, int protocol)
{
    struct shared s = {.trace = t};
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, type);
    pthread_mutexattr_setprotocol(&attr, protocol);
    if (robust)
        pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&s.mutex, &attr);
    if (robust) {
        in_thread(die_with_lock, &s);
        NOTE_ERRNO(t, pthread_mutex_lock(&s.mutex)); /* EOWNERDEAD */
        NOTE_ERRNO(t, pthread_mutex_consistent(&s.mutex));
    } else {
        NOTE_ERRNO(t, pthread_mutex_lock(&s.mutex));
    }
    NOTE_ERRNO(t, pthread_mutex_trylock(&s.mutex));
    if (type == PTHREAD_MUTEX_RECURSIVE || type == PTHREAD_MUTEX_ERRORCHECK)
        NOTE_ERRNO(t, pthread_mutex_lock(&s.mutex)); /* counted, or EDEADLK */
    in_thread(lock_from_elsewhere, &s);
    for (int i = 0; i < (type == PTHREAD_MUTEX_RECURSIVE ? 3 : 1); i++)
        NOTE_ERRNO(t, pthread_mutex_unlock(&s.mutex));
    if (type == PTHREAD_MUTEX_RECURSIVE || type == PTHREAD_MUTEX_ERRORCHECK)
        NOTE_ERRNO(t, pthread_mutex_unlock(&s.mutex)); /* EPERM */
    NOTE_ERRNO(t, pthread_mutex_destroy(&s.mutex));
    pthread_mutexattr_destroy(&attr);
}

static void trace_mutexes(struct trace *t)
{
    trace_mutex(t, PTHREAD_MUTEX_NORMAL, false, PTHREAD_PRIO_NONE);
    trace_mutex(t, PTHREAD_MUTEX_ADAPTIVE_NP, false, PTHREAD_PRIO_NONE);
    trace_mutex(t, PTHREAD_MUTEX_NORMAL, false, PTHREAD_PRIO_INHERIT);
}

static void trace_special_mutexes(struct trace *t)
{
    trace_mutex(t, PTHREAD_MUTEX_RECURSIVE, false, PTHREAD_PRIO_NONE);
    trace_mutex(t, PTHREAD_MUTEX_ERRORCHECK, false, PTHREAD_PRIO_NONE);
    trace_mutex(t, PTHREAD_MUTEX_NORMAL, true, PTHREAD_PRIO_NONE);
}

/* ---- waits that time out or fail --------------------------------------------------------------------------
 */

static void trace_waits(struct trace *t)
{
    pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t c = PTHREAD_COND_INITIALIZER;
    pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;
    sem_t s;
    sem_init(&s, 0, 1);
    struct timespec soon = after_ms(CLOCK_REALTIME, 3);
    pthread_mutex_lock(&m);
    NOTE_ERRNO(t, pthread_cond_timedwait(&c, &m, &soon));
    soon = after_ms(CLOCK_MONOTONIC, 3);
    NOTE_ERRNO(t, pthread_cond_clockwait(&c, &m, CLOCK_MONOTONIC, &soon));
    NOTE_ERRNO(t, pthread_mutex_trylock(&m)); /* still held */
    NOTE_ERRNO(t, pthread_rwlock_wrlock(&l));
    NOTE_ERRNO(t, pthread_rwlock_rdlock(&l)); /* EDEADLK */
    soon = after_ms(CLOCK_REALTIME, 3);
    NOTE_ERRNO(t, pthread_rwlock_timedwrlock(&l, &soon));
    NOTE_ERRNO(t, pthread_rwlock_unlock(&l));
    NOTE_ERRNO(t, pthread_rwlock_rdlock(&l));
    NOTE_ERRNO(t, pthread_rwlock_rdlock(&l));
    NOTE_ERRNO(t, pthread_rwlock_timedwrlock(&l, &soon));
    NOTE_ERRNO(t, sem_wait(&s));
    NOTE_ERRNO(t, sem_timedwait(&s, &soon));
    soon.tv_nsec = -1;
    NOTE_ERRNO(t, sem_timedwait(&s, &soon));
    NOTE_ERRNO(t, pthread_join(pthread_self(), NULL)); /* EDEADLK */
}

static void trace_io(struct trace *t)
{
    char c;
    int fds[2], sockets[2];
    struct timespec bad = {0, -1}, none = {0, 0};
    struct pollfd p = {.fd = -1};
    NOTE_ERRNO(t, pipe(fds));
    NOTE_ERRNO(t, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
    NOTE_ERRNO(t, read(-1, &c, 1));
    NOTE_ERRNO(t, write(-1, "x", 1));
    NOTE_ERRNO(t, write(fds[1], "x", 1));
    NOTE_ERRNO(t, read(fds[0], &c, 1));
    note(t, c);
    NOTE_ERRNO(t, recv(sockets[0], &c, 1, MSG_DONTWAIT));
    NOTE_ERRNO(t, send(sockets[1], "yz", 2, 0));
    NOTE_ERRNO(t, recv(sockets[0], &c, 1, 0));
    NOTE_ERRNO(t, recvfrom(sockets[0], &c, 1, 0, NULL, NULL));
    note(t, c);
    NOTE_ERRNO(t, accept(fds[0], NULL, NULL));
    NOTE_ERRNO(t, connect(fds[0], NULL, 0));
    NOTE_ERRNO(t, poll(&p, 1, 2));
    NOTE_ERRNO(t, poll(&p, 1, 0));
    NOTE_ERRNO(t, ppoll(&p, 1, &none, NULL));
    NOTE_ERRNO(t, nanosleep(&bad, NULL));
    NOTE_ERRNO(t, nanosleep(&none, NULL));
    NOTE_ERRNO(t, nanosleep(NULL, NULL));
    NOTE_ERRNO(t, clock_nanosleep(CLOCK_MONOTONIC, 0, &bad, NULL));
    NOTE_ERRNO(t, clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &none, NULL));
    NOTE_ERRNO(t, usleep(10));
    NOTE_ERRNO(t, (int)sleep(0));
    NOTE_ERRNO(t, waitpid(-1, NULL, WNOHANG));
    NOTE_ERRNO(t, waitpid(-1, NULL, 0));
    for (int i = 0; i < 2; i++) {
        close(fds[i]);
        close(sockets[i]);
    }
}

static void same_with_and_without(void (*scenario)(struct trace *))
{
    struct trace off = {.n = 0}, on = {.n = 0};
    scenario(&off);
    start();
    scenario(&on);
    ck_assert_int_gt(off.n, 10);
    ck_assert_int_eq(on.n, off.n);
    for (int i = 0; i < on.n; i++)
        ck_assert_msg(on.values[i] == off.values[i], "step %d: %d, was %d", i, on.values[i], off.values[i]);
}

START_TEST(test_mutexes)
{
    same_with_and_without(trace_mutexes);
}
END_TEST

START_TEST(test_special_mutexes)
{
    same_with_and_without(trace_special_mutexes);
}
END_TEST

START_TEST(test_waits)
{
    same_with_and_without(trace_waits);
}
END_TEST

START_TEST(test_io)
{
    same_with_and_without(trace_io);
}
END_TEST

/* ---- cancellation -----------------------------------------------------------------------------------------
 */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static sem_t semaphore;
static atomic_int cleaned;
static int quiet[2];

static void clean(void *arg)
{
    if (arg)
        pthread_mutex_unlock(arg);
    cleaned++;
}

static void *cancelled(void *arg)
{
    int kind = (int)(intptr_t)arg;
    struct pollfd p = {.fd = quiet[0], .events = POLLIN};
    char c;
    if (kind == 0)
        pthread_mutex_lock(&mutex);
    pthread_cleanup_push(clean, kind == 0 ? &mutex : NULL);
    if (kind == 0)
        pthread_cond_wait(&cond, &mutex);
    else if (kind == 1)
        sem_wait(&semaphore);
    else if (kind == 2)
        poll(&p, 1, -1);
    else if (kind == 3)
        sleep(100);
    else if (kind == 4 && read(quiet[0], &c, 1) != 1)
        abort();
    pthread_cleanup_pop(0);
    return NULL;
}

START_TEST(test_cancellation)
{
    ck_assert_int_eq(pipe(quiet), 0);
    sem_init(&semaphore, 0, 0);
    start();
    for (int i = 0; i < 50; i++) {
        pthread_t t;
        void *result;
        pthread_create(&t, NULL, cancelled, (void *)(intptr_t)(i % 5));
        if (i >= 25)
            usleep(2000);
        pthread_cancel(t);
        ck_assert_int_eq(pthread_join(t, &result), 0);
        ck_assert_ptr_eq(result, PTHREAD_CANCELED);
    }
    ck_assert_int_ge(cleaned, 25); /* those that were waiting by then, at least */
    ck_assert_int_eq(pthread_mutex_trylock(&mutex), 0);
    struct threads_snapshot s;
    ck_assert_int_eq(threads_snapshot(&s), 0);
    ck_assert_uint_eq(s.threads.len, 1);
    threads_snapshot_fini(&s);
}
END_TEST

/* A pending cancellation is acted on although there is nothing to wait for. */
static void *cancel_pending(void *arg)
{
    sem_t s;
    sem_init(&s, 0, 1);
    pthread_cancel(pthread_self());
    sem_wait(&s);
    return arg;
}

START_TEST(test_cancellation_without_a_wait)
{
    pthread_t t;
    void *result;
    start();
    pthread_create(&t, NULL, cancel_pending, NULL);
    pthread_join(t, &result);
    ck_assert_ptr_eq(result, PTHREAD_CANCELED);
}
END_TEST

/* ---- signals of the program's -----------------------------------------------------------------------------
 */

static atomic_int alarms;

static void on_alarm(int signal)
{
    (void)signal;
    struct timespec moment = {0, 1000000};
    nanosleep(&moment, NULL); /* a wait within the interrupted wait: records nest */
    alarms++;
}

/* What a signal of the program's interrupts fails with EINTR, as ever. */
START_TEST(test_own_signals_still_interrupt)
{
    struct sigaction s = {.sa_handler = on_alarm};
    struct pollfd p = {.fd = -1};
    struct timespec t = {5, 0}, rem = {0, 0};
    start();
    sigaction(SIGALRM, &s, NULL);
    sem_init(&semaphore, 0, 0);
    ualarm(20000, 0);
    ck_assert_int_eq(poll(&p, 1, 5000), -1);
    ck_assert_int_eq(errno, EINTR);
    ualarm(20000, 0);
    ck_assert_int_eq(nanosleep(&t, &rem), -1);
    ck_assert_int_eq(errno, EINTR);
    ck_assert_int_eq(rem.tv_sec, 4);
    ualarm(20000, 0);
    ck_assert_int_ge(sleep(5), 4);
    ualarm(20000, 0);
    ck_assert_int_eq(sem_wait(&semaphore), -1);
    ck_assert_int_eq(errno, EINTR);
    ck_assert_int_eq(alarms, 4);
}
END_TEST

/* ---- on and off while threads wait ------------------------------------------------------------------------
 */

static atomic_bool stop;
static long total;

static void *churn(void *arg)
{
    while (!stop) {
        pthread_mutex_lock(&mutex);
        total++;
        pthread_mutex_unlock(&mutex);
        struct timespec soon = after_ms(CLOCK_REALTIME, 0);
        sem_timedwait(&semaphore, &soon);
    }
    return arg;
}

START_TEST(test_switching_while_threads_run)
{
    pthread_t t[4];
    sem_init(&semaphore, 0, 0);
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, churn, NULL);
    for (int i = 0; i < 40; i++) {
        start();
        usleep(2000);
        capture_stop();
        capture_stop();
    }
    stop = true;
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    ck_assert_int_gt(total, 100);
}
END_TEST

/* ---- cost -------------------------------------------------------------------------------------------------
 */

struct lock_functions {
    int (*lock)(pthread_mutex_t *), (*unlock)(pthread_mutex_t *);
};

/* Inlined, so that each has calls of its own, as programs do: which function it is that an indirect call
 * leads to is foretold worse where it is now the one and now the other. */
static inline __attribute__((always_inline)) int64_t time_pairs(const volatile struct lock_functions *f)
{
    enum { PAIRS = 2000 };
    int64_t before = clock_monotonic_ns();
    for (int i = 0; i < PAIRS; i++) {
        f->lock(&mutex);
        f->unlock(&mutex);
    }
    return clock_monotonic_ns() - before;
}

static void *stay(void *arg)
{
    sem_wait(&semaphore);
    return arg;
}

/* The shortest of many runs is what it costs when nothing comes between: libc's own and ours take turns,
 * until each has had such a run. With a second thread, since libc locks more cheaply before there is one. */
START_TEST(test_uncontended_lock_costs_little)
{
    void *libc = dlopen("libc.so.6", RTLD_NOW);
    const volatile struct lock_functions bare = {
        (int (*)(pthread_mutex_t *))dlsym(libc, "pthread_mutex_lock"),
        (int (*)(pthread_mutex_t *))dlsym(libc, "pthread_mutex_unlock")};
    const volatile struct lock_functions ours = {pthread_mutex_lock, pthread_mutex_unlock};
    int64_t bare_ns = INT64_MAX, off_ns = INT64_MAX, on_ns = INT64_MAX;
    pthread_t t;
    ck_assert(bare.lock && bare.lock != ours.lock);
    sem_init(&semaphore, 0, 0);
    pthread_create(&t, NULL, stay, NULL);
    for (int i = 0; i < 2000 && (i < 200 || off_ns * 100 > bare_ns * 125 || on_ns * 100 > bare_ns * 125);
         i++) {
        int64_t a = time_pairs(&bare), b = time_pairs(&ours);
        start();
        int64_t c = time_pairs(&ours);
        capture_stop();
        bare_ns = a < bare_ns ? a : bare_ns;
        off_ns = b < off_ns ? b : off_ns;
        on_ns = c < on_ns ? c : on_ns;
    }
    printf("lock and unlock: off %.2f, on %.2f times the bare one\n", (double)off_ns / (double)bare_ns,
        (double)on_ns / (double)bare_ns);
#ifndef SANITIZED /* what the sanitizer looks at takes longer than all else */
    ck_assert_int_le(off_ns * 100, bare_ns * 125);
    ck_assert_int_le(on_ns * 100, bare_ns * 125);
#endif
    sem_post(&semaphore);
    pthread_join(t, NULL);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {test_mutexes, test_special_mutexes, test_waits, test_io, test_cancellation,
        test_cancellation_without_a_wait, test_own_signals_still_interrupt, test_switching_while_threads_run,
        test_uncontended_lock_costs_little};
    return HARNESS_SUITE("interpose", 20, tests);
}
