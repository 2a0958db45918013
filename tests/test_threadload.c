#include "harness.h"
#include "crowd.h"

#include "base/clock.h"
#include "capture/capture.h"
#include "capture/cpu.h"
#include "capture/threads.h"
#include "capture/wall.h"
#include "export/threaddump.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/*
 * Dumps of thousands of threads: nobody who waits notices, and nobody who leaves in the middle does harm.
 */

static void start(void)
{
    struct capture_config config = {.mutex_fraction = 1, .block_rate_ns = 1};
    ck_assert_int_eq(capture_start(&config, NULL), 0);
}

/* ---- nobody who waits notices ---------------------------------------------------------------------------
 */

enum { THREADS = 2300, DEPTH = 6, BURST = 10 };

static const enum thread_state state_of[NCROWD] = {
    [CROWD_mutex] = THREAD_MUTEX,
    [CROWD_cond] = THREAD_COND,
    [CROWD_rwlock] = THREAD_RWLOCK_READ,
    [CROWD_sem] = THREAD_SEMAPHORE,
    [CROWD_poll] = THREAD_POLL,
    [CROWD_epoll] = THREAD_POLL,
    [CROWD_nanosleep] = THREAD_SLEEP,
    [CROWD_recv] = THREAD_READ,
};

/* Without the profiler's own. */
static int count_of(const struct threads_snapshot *s)
{
    int n = 0;
    for (size_t i = 0; i < s->threads.len; i++)
        n += !s->threads.items[i].is_profiler;
    return n;
}

static void check_all(const struct threads_snapshot *s)
{
    ck_assert_int_eq(count_of(s), THREADS + 1);
    for (int i = 0; i < THREADS; i++) {
        enum crowd_kind kind = (enum crowd_kind)(i % NCROWD);
        const struct thread_info *t = threads_find(s, crowd_tid(i));
        ck_assert_ptr_nonnull(t);
        ck_assert_str_eq(t->name, crowd_name(kind));
        ck_assert_msg(t->state == state_of[kind], "%s: %s", t->name, thread_state_text(t->state));
        ck_assert_int_gt(t->waiting_ns, 0);
        ck_assert_int_ge(t->cpu_ns, 0);
        const struct snapshot_record *r = &s->stacks.records.items[t->record];
        ck_assert_uint_gt(r->depth, DEPTH);
        ck_assert(!r->truncated);
        bool held = kind == CROWD_mutex || kind == CROWD_rwlock;
        ck_assert_int_eq(t->holder, held ? getpid() : 0);
    }
}

static void dump_often(int times)
{
    for (int i = 0; i < times; i++) {
        struct threads_snapshot s;
        struct buf text = {0};
        ck_assert_int_eq(threads_snapshot(&s), 0);
        check_all(&s);
        ck_assert_int_eq(threaddump_text(i % 2 ? FEED_THREADS : FEED_GOROUTINE, &s, &text, NULL), 0);
        int heads = 0;
        for (const char *at = text.data; (at = strstr(at, "]:\n")) != NULL; at++)
            heads++;
        ck_assert_int_eq(heads, THREADS + 1);
        buf_fini(&text);
        threads_snapshot_fini(&s);
        ck_assert_int_eq(threads_snapshot_stacks(&s), 0);
        ck_assert_int_eq(count_of(&s), THREADS + 1);
        threads_snapshot_fini(&s);
    }
}

/* A signal, or anything else that ends a wait even for a moment, would be a switch of context more. */
START_TEST(thousands_of_waits_are_not_disturbed)
{
    struct cpu_session *session;
    struct snapshot cpu;
    start();
    crowd_start(THREADS, DEPTH);
    crowd_settle();
    int64_t before = crowd_switches();
    ck_assert_int_gt(before, 0);
    dump_often(BURST);
    ck_assert_int_eq(cpu_session_start(CPU_MAX_HZ, &session), 0);
    usleep(1100000); /* what was known of them is too old by now */
    dump_often(BURST);
    ck_assert_int_eq(cpu_session_stop(session, &cpu), 0);
    ck_assert_uint_gt(cpu.records.len, 0);
    snapshot_fini(&cpu);
    ck_assert_int_eq(crowd_switches(), before);
    ck_assert_int_eq(crowd_release(), 0);
}
END_TEST

/* As many samples as can be had, and yet they cost next to nothing and lose no time. */
START_TEST(thousands_of_waits_have_their_wall_time)
{
    struct wall_session *session;
    struct snapshot wall;
    double percent, time = 0;
    start();
    crowd_start(THREADS, DEPTH);
    crowd_settle();
    int64_t before = crowd_switches(), cpu = clock_thread_cpu_ns();
    ck_assert_int_eq(wall_session_start(WALL_MAX_HZ, &session), 0);
    /* Every stack is read at the start, whatever the budget says: long enough for that to be a hundredth of
     * it. */
    int64_t lasts = 100 * (clock_thread_cpu_ns() - cpu);
    lasts = lasts < 1000000000 ? 1000000000 : lasts > 10000000000 ? 10000000000 : lasts;
    int samples = 0;
    for (int64_t until = clock_monotonic_ns() + lasts; clock_monotonic_ns() < until; samples++) {
        struct timespec t = {0, wall_session_sample(session)};
        nanosleep(&t, NULL);
    }
    ck_assert_int_eq(wall_session_stop(session, &wall), 0);
    ck_assert_int_eq(crowd_switches(), before);
    ck_assert_int_ge(samples, 5);
    for (size_t i = 0; i < wall.records.len; i++)
        time += (double)wall.records.items[i].values[1];
    double lived = THREADS * (double)wall.duration_ns;
    ck_assert_msg(time > lived * 0.99 && time < lived * 1.01, "%.0f of %.0f", time, lived);
    ck_assert_int_eq(sscanf(wall.source, "wall, 1000 Hz asked, %*f reached, %lf", &percent), 1);
    ck_assert_msg(percent < 2 * WALL_BUDGET_PERCENT, "%s", wall.source);
    snapshot_fini(&wall);
    ck_assert_int_eq(crowd_release(), 0);
}
END_TEST

/* ---- nobody who leaves does harm ------------------------------------------------------------------------
 */

enum { LEAVERS = 6, DUMPS = 60 };

static atomic_bool stop;
static atomic_long left;
static _Thread_local sigjmp_buf way_out;

static void jump(int signal)
{
    (void)signal;
    siglongjmp(way_out, 1);
}

static void *wait_long(void *arg)
{
    struct timespec hours = {36000, 0};
    nanosleep(&hours, NULL);
    return arg;
}

static void *wait_and_jump(void *arg)
{
    if (!sigsetjmp(way_out, 1)) {
        atomic_store((atomic_bool *)arg, true);
        wait_long(NULL);
    }
    return NULL;
}

static void *return_at_once(void *arg)
{
    return arg;
}

/* Threads that wait and are cancelled, that jump out of their wait, that end; their stacks go with them. */
static void *let_leave(void *arg)
{
    for (long i = (intptr_t)arg; !stop; i++) {
        pthread_t t;
        atomic_bool armed = false;
        void *(*const what[])(void *) = {wait_long, wait_and_jump, return_at_once};
        ck_assert_int_eq(pthread_create(&t, NULL, what[i % 3], &armed), 0);
        while (i % 3 == 1 && !armed)
            sched_yield();
        if (i % 2)
            usleep(100);
        if (i % 3 == 0)
            pthread_cancel(t);
        else if (i % 3 == 1)
            pthread_kill(t, SIGUSR1);
        pthread_join(t, NULL);
        atomic_fetch_add(&left, 1);
    }
    return NULL;
}

START_TEST(threads_that_leave_meanwhile)
{
    pthread_t threads[LEAVERS];
    struct sigaction on_usr1 = {.sa_handler = jump};
    sigaction(SIGUSR1, &on_usr1, NULL);
    start();
    for (intptr_t i = 0; i < LEAVERS; i++)
        pthread_create(&threads[i], NULL, let_leave, (void *)i);
    for (int i = 0; i < DUMPS || left < 100; i++) {
        struct threads_snapshot s;
        ck_assert_int_eq(i % 2 ? threads_snapshot(&s) : threads_snapshot_stacks(&s), 0);
        ck_assert_uint_ge(s.threads.len, LEAVERS + 1);
        ck_assert_uint_le(s.threads.len, 2 * LEAVERS + 1);
        for (size_t k = 1; k < s.threads.len; k++)
            ck_assert_int_gt(s.threads.items[k].tid, s.threads.items[k - 1].tid);
        threads_snapshot_fini(&s);
    }
    stop = true;
    for (int i = 0; i < LEAVERS; i++)
        pthread_join(threads[i], NULL);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {thousands_of_waits_are_not_disturbed,
        thousands_of_waits_have_their_wall_time, threads_that_leave_meanwhile};
    return HARNESS_SUITE("threadload", 60, tests);
}
