#include "contention_rig.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

/*
 * The law: what holders are charged is what waiters suffer, and both are what the threads' own clocks say.
 * Here it must hold in a dozen mixes of threads and locks, each of which breaks a simpler way of accounting.
 */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, inheriting;
static pthread_mutex_t several[3] = {
    PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER, fair;
static _Atomic int64_t clocked_ns;

/* A lock taken, with the time it took by a clock of our own. */
#define TAKE(call)                                                    \
    do {                                                              \
        int64_t before = clock_monotonic_ns();                        \
        (call);                                                       \
        atomic_fetch_add(&clocked_ns, clock_monotonic_ns() - before); \
    } while (0)

/* All waits for locks are in here, and no others. */
static NAMED void take(pthread_mutex_t *m)
{
    TAKE(pthread_mutex_lock(m));
    NOT_A_TAIL_CALL();
}

static NAMED bool take_timed(pthread_mutex_t *m, int us)
{
    struct timespec until;
    int r;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += us * 1000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    TAKE(r = pthread_mutex_clocklock(m, CLOCK_MONOTONIC, &until));
    return r == 0;
}

static NAMED void take_rwlock(pthread_rwlock_t *l, bool write)
{
    TAKE(write ? pthread_rwlock_wrlock(l) : pthread_rwlock_rdlock(l));
    NOT_A_TAIL_CALL();
}

/* ---- what a thread does in a turn ------------------------------------------------------------------------
 */

static void hold_asleep(int thread)
{
    (void)thread;
    take(&mutex);
    usleep(200);
    pthread_mutex_unlock(&mutex);
    busy_us(100);
}

/* Whoever runs takes it again before those that were woken for it. */
static void barge(int thread)
{
    (void)thread;
    take(&mutex);
    busy_us(100);
    pthread_mutex_unlock(&mutex);
}

static void hold_long(int thread)
{
    (void)thread;
    take(&mutex);
    usleep(1000);
    pthread_mutex_unlock(&mutex);
}

/* One holds it long and seldom, the others briefly and often. */
static void uneven(int thread)
{
    take(&mutex);
    busy_us(thread == 0 ? 2000 : 5);
    pthread_mutex_unlock(&mutex);
    usleep(thread == 0 ? 3000 : 50);
}

static void inherit_priority(int thread)
{
    (void)thread;
    take(&inheriting);
    usleep(300);
    pthread_mutex_unlock(&inheriting);
}

static void give_up(int thread)
{
    (void)thread;
    if (!take_timed(&mutex, 400))
        return;
    usleep(1000);
    pthread_mutex_unlock(&mutex);
}

/* The even threads never wait, they only try. */
static void try_only(int thread)
{
    if (thread % 2 == 0 && pthread_mutex_trylock(&mutex) != 0) {
        usleep(50);
        return;
    }
    if (thread % 2)
        take(&mutex);
    busy_us(150);
    pthread_mutex_unlock(&mutex);
    usleep(20);
}

/* The lock is let go inside libc. */
static void wait_inside(int thread)
{
    take(&mutex);
    if (thread % 2) {
        busy_us(100);
        pthread_cond_signal(&cond);
    } else {
        struct timespec now;
        usleep(300);
        clock_gettime(CLOCK_REALTIME, &now);
        pthread_cond_timedwait(&cond, &mutex, &now);
    }
    pthread_mutex_unlock(&mutex);
}

static void one_within_another(int thread)
{
    pthread_mutex_t *outer = &several[thread % 2], *inner = &several[2];
    take(outer);
    take(inner);
    usleep(200);
    pthread_mutex_unlock(inner);
    busy_us(50);
    pthread_mutex_unlock(outer);
}

static void read_mostly(int thread)
{
    bool write = thread < 2;
    take_rwlock(&rwlock, write);
    usleep(write ? 300 : 200);
    pthread_rwlock_unlock(&rwlock);
    usleep(write ? 300 : 400);
}

/* Readers wait behind a writer that waits for readers. */
static void writers_first(int thread)
{
    bool write = thread < 3;
    take_rwlock(&fair, write);
    usleep(write ? 150 : 300);
    pthread_rwlock_unlock(&fair);
    busy_us(50);
}

/* A writer that tried and got it, after readers and before the writer that waits for them. */
static void try_to_write(int thread)
{
    if (thread < 2) {
        take_rwlock(&rwlock, thread == 0);
    } else if (pthread_rwlock_trywrlock(&rwlock) != 0) {
        usleep(20);
        return;
    }
    usleep(200);
    pthread_rwlock_unlock(&rwlock);
}

/* ---- the mixes -------------------------------------------------------------------------------------------
 */

static const struct mix {
    const char *name;
    void (*turn)(int thread);
    int threads, rounds;
} mixes[] = {
    {"two that sleep in it", hold_asleep, 2, 150},
    {"many that sleep in it", hold_asleep, 32, 8},
    {"barging", barge, 8, 60},
    {"long holds", hold_long, 12, 8},
    {"uneven holds", uneven, 6, 40},
    {"priority inheritance", inherit_priority, 6, 30},
    {"waits that time out", give_up, 6, 40},
    {"tries beside waits", try_only, 6, 100},
    {"condition waits", wait_inside, 6, 40},
    {"nested locks", one_within_another, 6, 40},
    {"readers and writers", read_mostly, 8, 40},
    {"writers first", writers_first, 8, 40},
    {"tries to write", try_to_write, 5, 150},
};

static const struct mix *mix;

static NAMED void *contend(void *arg)
{
    for (int i = 0; i < mix->rounds; i++)
        mix->turn((int)(intptr_t)arg);
    return NULL;
}

static int64_t suffered_ns(void)
{
    return sum_of(CONTENTION_BLOCK, take).values[1] + sum_of(CONTENTION_BLOCK, take_timed).values[1] +
           sum_of(CONTENTION_BLOCK, take_rwlock).values[1];
}

static void run_mix(const struct mix *m)
{
    pthread_t threads[32];
    mix = m;
    for (int i = 0; i < m->threads; i++)
        pthread_create(&threads[i], NULL, contend, (void *)(intptr_t)i);
    for (int i = 0; i < m->threads; i++)
        pthread_join(threads[i], NULL);
}

static bool within(double a, double b, double tolerance)
{
    return fabs(a / b - 1) <= tolerance;
}

/* Whether they waited, and the threads' own clocks agree, too: a thread may lose the processor between the
 * end of its wait and a look at its clock, so that may be asked for again. What is charged is suffered in any
 * case. */
static bool law_holds(const struct mix *m)
{
    int64_t charged0 = sum_of(CONTENTION_MUTEX, contend).values[1], suffered0 = suffered_ns();
    atomic_store(&clocked_ns, 0);
    run_mix(m);
    double charged = (double)(sum_of(CONTENTION_MUTEX, contend).values[1] - charged0);
    double suffered = (double)(suffered_ns() - suffered0), clocked = (double)clocked_ns;
    printf("%-22s charged %7.1f ms, suffered %7.1f ms, clocked %7.1f ms\n", m->name, charged / 1e6,
        suffered / 1e6, clocked / 1e6);
    if (suffered < 1e6)
        return false; /* they never met, beside much else */
    ck_assert_msg(
        within(charged, suffered, 0.05), "%s: charged %.0f ns, suffered %.0f ns", m->name, charged, suffered);
    return within(charged, clocked, 0.05) && within(suffered, clocked, 0.05);
}

START_TEST(test_delay_charged_is_delay_suffered)
{
    int attempts = 0;
    start(1, 1);
    while (!law_holds(&mixes[_i]))
        ck_assert_msg(
            ++attempts < 5, "%s: nobody waits, or not as long as the threads' clocks say", mixes[_i].name);
}
END_TEST

static void init_locks(void)
{
    pthread_mutexattr_t attr;
    pthread_rwlockattr_t rwattr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&inheriting, &attr);
    pthread_rwlockattr_init(&rwattr);
    pthread_rwlockattr_setkind_np(&rwattr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&fair, &rwattr);
}

Suite *suite(void)
{
    Suite *s = suite_create("contention_law");
    TCase *law = tcase_create("mixes");
    init_locks();
    tcase_set_timeout(law, 30);
    tcase_add_loop_test(law, test_delay_charged_is_delay_suffered, 0, (int)(sizeof mixes / sizeof *mixes));
    suite_add_tcase(s, law);
    return s;
}
