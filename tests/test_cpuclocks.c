#include "harness.h"

#include "capture/capture.h"
#include "capture/cpuclocks.h"
#include "capture/parked.h"

#include "base/clock.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

/* Many wait for a mutex, and one of them can be made to use CPU time without leaving its wait. */

enum { WAITERS = 60, BURN_NS = 30000000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_t waiters[WAITERS];
static _Atomic(struct thread *) records[WAITERS];
static pid_t tids[WAITERS];
static atomic_int burnt;

static void burn(int signal)
{
    (void)signal;
    for (int64_t until = clock_thread_cpu_ns() + BURN_NS; clock_thread_cpu_ns() < until;)
        ;
    atomic_fetch_add(&burnt, 1);
}

static void *wait(void *number)
{
    tids[(intptr_t)number] = thread_self()->tid;
    atomic_store(&records[(intptr_t)number], thread_self());
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    return NULL;
}

static void start_waiters(void)
{
    struct capture_config config = {0};
    struct sigaction action = {.sa_handler = burn, .sa_flags = SA_RESTART};
    ck_assert_int_eq(capture_start(&config, NULL), 0);
    sigaction(SIGUSR1, &action, NULL);
    pthread_mutex_lock(&mutex);
    for (intptr_t i = 0; i < WAITERS; i++)
        ck_assert_int_eq(pthread_create(&waiters[i], NULL, wait, (void *)i), 0);
    for (int i = 0; i < WAITERS; i++)
        while (!records[i] || !parked_look(&(struct parked_look){.t = records[i], .tid = tids[i]}))
            sched_yield();
}

static void end_waiters(void)
{
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < WAITERS; i++)
        pthread_join(waiters[i], NULL);
}

/* Ours first, then the waiters'. How many were read. */
static size_t read_clocks(struct cpuclock clocks[WAITERS + 1])
{
    clocks[0] = (struct cpuclock){thread_self(), thread_self()->tid, 0, 0};
    for (int i = 0; i < WAITERS; i++) {
        struct thread *t = records[i];
        clocks[i + 1] = (struct cpuclock){t, tids[i], atomic_load(&t->parked.sequence), 0};
    }
    return cpuclocks_read(clocks, WAITERS + 1);
}

/* What pthread_getcpuclockid's clock says of each, too, but for what is allowed. It may be 0: the kernel
 * leaves out what the host took of a virtual machine's time, which can be all that a thread needed to get to
 * its wait. */
static void expect_true(const struct cpuclock *clocks)
{
    int64_t late = 0;
    for (int i = 0; i < WAITERS; i++) {
        clockid_t id;
        ck_assert_int_eq(pthread_getcpuclockid(waiters[i], &id), 0);
        ck_assert_int_ge(clocks[i + 1].ns, 0);
        late += clock_read_ns(id) - clocks[i + 1].ns;
    }
    ck_assert_int_ge(late, 0);
    ck_assert_int_le(late, CPUCLOCKS_LATE_NS);
}

START_TEST(test_clocks_that_stand_still_are_not_read)
{
    struct cpuclock clocks[WAITERS + 1];
    int few = 0;
    start_waiters();
    ck_assert_uint_eq(read_clocks(clocks), WAITERS + 1);
    for (int i = 0; i < 30; i++) {
        few += read_clocks(clocks) == 1;
        expect_true(clocks);
    }
    ck_assert_int_ge(few, 10);
    end_waiters();
}
END_TEST

/* The sum over all threads gives it away, at once. */
START_TEST(test_a_handler_in_a_wait_is_seen)
{
    struct cpuclock clocks[WAITERS + 1];
    start_waiters();
    for (int i = 0; i < 5; i++) {
        read_clocks(clocks);
        int64_t before = clocks[8].ns;
        uint32_t sequence = clocks[8].sequence;
        pthread_kill(waiters[7], SIGUSR1);
        while (atomic_load(&burnt) <= i)
            usleep(1000);
        ck_assert_uint_eq(read_clocks(clocks), WAITERS + 1);
        ck_assert_uint_eq(clocks[8].sequence, sequence);
        ck_assert_int_ge(clocks[8].ns - before, BURN_NS - CPUCLOCKS_LATE_NS);
        expect_true(clocks);
    }
    end_waiters();
}
END_TEST

/* Its time is the process's for ever, and no other's. */
START_TEST(test_a_thread_that_has_ended)
{
    struct cpuclock clocks[WAITERS + 1];
    start_waiters();
    read_clocks(clocks);
    end_waiters();
    read_clocks(clocks);
    for (int i = 0; i < WAITERS; i++)
        ck_assert_int_eq(clocks[i + 1].ns, -1);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {test_clocks_that_stand_still_are_not_read, test_a_handler_in_a_wait_is_seen,
        test_a_thread_that_has_ended};
    return HARNESS_SUITE("cpuclocks", 20, tests);
}
