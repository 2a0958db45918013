#include "harness.h"

#include "capture/capture.h"
#include "capture/wall.h"

#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Each alone in its kilobyte, so that an address says whose it is. */
#define NAMED __attribute__((noinline, noclone, aligned(1024), section(".text.named")))

static atomic_bool stop;
static sem_t never, once;
static atomic_int interrupted;

static NAMED void *spin(void *a)
{
    while (!stop)
        ;
    return a;
}

static NAMED void *wait_for_ever(void *a)
{
    sem_wait(&never);
    return a;
}

static NAMED void *wait_often(void *a)
{
    while (!stop)
        usleep(700);
    return a;
}

static NAMED void *sleep_unwrapped(void *a)
{
    while (!stop) {
        struct timespec t = {10, 0};
        if (syscall(SYS_nanosleep, &t, NULL) != 0 && errno == EINTR)
            atomic_fetch_add(&interrupted, 1);
    }
    return a;
}

static NAMED void *live_briefly(void *a)
{
    sem_wait(&once);
    return a;
}

static void start(void)
{
    struct capture_config config = {0};
    ck_assert_int_eq(capture_start(&config, NULL), 0);
}

/* Takes the session's samples for that long. How many. */
static int sample(struct wall_session *s, int64_t ns)
{
    int64_t until = clock_monotonic_ns() + ns, left;
    int n = 0;
    for (int64_t wait = 0; (left = until - clock_monotonic_ns()) > 0; n++) {
        struct timespec t = {0, wait < left ? wait : left};
        nanosleep(&t, NULL);
        wait = wall_session_sample(s);
        ck_assert_int_gt(wait, 0);
        ck_assert_int_lt(wait, 1000000000);
    }
    return n;
}

/* The sum of values[v] of the stacks with that function in them; all of them for NULL. */
static double sum(const struct snapshot *s, int v, void *(*function)(void *))
{
    double total = 0;
    for (size_t i = 0; i < s->records.len; i++) {
        const struct snapshot_record *r = &s->records.items[i];
        bool in = !function;
        for (int k = 0; k < r->depth; k++) {
            uintptr_t pc = s->pcs.items[r->first_pc + (size_t)k];
            in |= pc > (uintptr_t)function && pc < (uintptr_t)function + 1024;
        }
        total += in ? (double)r->values[v] : 0;
    }
    return total;
}

static void about(const char *what, double got, double wanted, double tolerance)
{
    ck_assert_msg(got > wanted * (1 - tolerance) && got < wanted * (1 + tolerance),
        "%s: %.0f, not about %.0f", what, got, wanted);
}

static void *(*const all_the_time[])(void *) = {spin, wait_for_ever, wait_often, sleep_unwrapped};
enum { ALL = sizeof all_the_time / sizeof *all_the_time };

static void create_all(pthread_t *threads)
{
    sem_init(&never, 0, 0);
    sem_init(&once, 0, 0);
    for (int i = 0; i < ALL; i++)
        pthread_create(&threads[i], NULL, all_the_time[i], NULL);
    usleep(50000);
}

static void end_all(const pthread_t *threads)
{
    stop = true;
    sem_post(&never);
    for (int i = 0; i < ALL; i++)
        if (all_the_time[i] != sleep_unwrapped)
            pthread_join(threads[i], NULL);
}

/* Whether it runs, waits, or does both: a thread's time is how long it lived in the session. */
START_TEST(test_time_adds_up_to_lifetimes)
{
    pthread_t threads[ALL], brief;
    struct wall_session *s;
    struct snapshot found;
    start();
    create_all(threads);
    ck_assert_int_eq(wall_session_start(WALL_DEFAULT_HZ, &s), 0);
    int samples = sample(s, 300000000);
    int64_t born = clock_monotonic_ns();
    pthread_create(&brief, NULL, live_briefly, NULL);
    samples += sample(s, 600000000);
    sem_post(&once);
    pthread_join(brief, NULL);
    double lived = (double)(clock_monotonic_ns() - born);
    samples += sample(s, 300000000);
    ck_assert_int_eq(wall_session_stop(s, &found), 0);
    samples++;
    double duration = (double)found.duration_ns;
    ck_assert_int_eq(found.period, 1000000000 / WALL_DEFAULT_HZ);
    ck_assert_int_eq(found.nvalues, 2);
    for (int i = 0; i < ALL; i++) {
        about("time of a thread", sum(&found, 1, all_the_time[i]), duration, 0.02);
        about("samples of a thread", sum(&found, 0, all_the_time[i]), samples, 0.1);
    }
    about("time of the brief one", sum(&found, 1, live_briefly), lived, 0.3);
    about("time of all", sum(&found, 1, NULL), (ALL + 1) * duration + lived, 0.05);
    ck_assert_int_eq(strncmp(found.source, "wall, 99 Hz asked, ", 19), 0);
    snapshot_fini(&found);
    end_all(threads);
}
END_TEST

/* A thread that sleeps where we have no wrapper is woken to see where it is, and then left alone. */
START_TEST(test_unwrapped_sleepers_are_left_alone)
{
    pthread_t threads[ALL];
    struct wall_session *s;
    struct snapshot found;
    start();
    create_all(threads);
    ck_assert_int_eq(wall_session_start(200, &s), 0);
    int samples = 0;
    while (samples < 60)
        samples += sample(s, 100000000);
    ck_assert_int_eq(wall_session_stop(s, &found), 0);
    ck_assert_msg(interrupted < samples / 4, "%d of %d", (int)interrupted, samples);
    about("time", sum(&found, 1, sleep_unwrapped), (double)found.duration_ns, 0.02);
    snapshot_fini(&found);
    end_all(threads);
}
END_TEST

START_TEST(test_several_at_once)
{
    pthread_t threads[ALL];
    struct wall_session *s[3];
    struct snapshot found;
    start();
    create_all(threads);
    ck_assert_int_eq(wall_session_start(0, &s[0]), ERR_INVALID);
    ck_assert_int_eq(wall_session_start(WALL_MAX_HZ + 1, &s[0]), ERR_INVALID);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(wall_session_start(10 * (i + 1), &s[i]), 0);
    for (int i = 0; i < 3; i++)
        sample(s[i], 100000000);
    ck_assert_int_eq(wall_session_stop(s[1], NULL), 0);
    for (int i = 0; i < 3; i += 2) {
        ck_assert_int_eq(wall_session_stop(s[i], &found), 0);
        ck_assert_int_eq(found.period, 1000000000 / (10 * (i + 1)));
        for (int k = 0; k < ALL; k++)
            about("time", sum(&found, 1, all_the_time[k]), (double)found.duration_ns, 0.02);
        snapshot_fini(&found);
    }
    end_all(threads);
}
END_TEST

static void *breed(void *a)
{
    while (!stop) {
        pthread_t t[3];
        for (int i = 0; i < 3; i++)
            pthread_create(&t[i], NULL, i ? wait_for_ever : live_briefly, NULL);
        sem_post(&once);
        pthread_cancel(t[1]);
        pthread_cancel(t[2]);
        for (int i = 0; i < 3; i++)
            pthread_join(t[i], NULL);
    }
    return a;
}

/* Threads that come and go, are cancelled and forked away meanwhile. */
START_TEST(test_threads_come_and_go)
{
    pthread_t breeders[2];
    struct wall_session *s;
    struct snapshot found;
    start();
    sem_init(&never, 0, 0);
    sem_init(&once, 0, 0);
    ck_assert_int_eq(wall_session_start(WALL_MAX_HZ, &s), 0);
    for (int i = 0; i < 2; i++)
        pthread_create(&breeders[i], NULL, breed, NULL);
    sample(s, 300000000);
    pid_t child = fork();
    if (child == 0) {
        struct wall_session *again;
        struct capture_config config = {0};
        bool ok = capture_start(&config, NULL) == 0 && wall_session_start(10, &again) == 0 &&
                  wall_session_stop(again, NULL) == 0;
        _exit(!ok);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    sample(s, 300000000);
    stop = true;
    for (int i = 0; i < 2; i++)
        pthread_join(breeders[i], NULL);
    ck_assert_int_eq(wall_session_stop(s, &found), 0);
    /* At least both breeders; at most us, them and three each, and that a bit beyond their ends. */
    ck_assert(sum(&found, 1, NULL) > 1.5 * (double)found.duration_ns);
    ck_assert(sum(&found, 1, NULL) < 10 * (double)found.duration_ns);
    snapshot_fini(&found);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {test_time_adds_up_to_lifetimes, test_unwrapped_sleepers_are_left_alone,
        test_several_at_once, test_threads_come_and_go};
    return HARNESS_SUITE("wall", 30, tests);
}
