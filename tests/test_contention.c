#include "contention_rig.h"

#include "capture/contention_wait.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

/* ---- kinds of mutexes ------------------------------------------------------------------------------------
 */

static pthread_mutex_t special;

static void init_special(pthread_mutex_t *m, int type, int protocol, int robust, int shared)
{
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, type);
    pthread_mutexattr_setprotocol(&attr, protocol);
    pthread_mutexattr_setrobust(&attr, robust);
    pthread_mutexattr_setpshared(&attr, shared);
    ck_assert_int_eq(pthread_mutex_init(m, &attr), 0);
    pthread_mutexattr_destroy(&attr);
}

/* Until somebody waits for the lock, and 30 ms more. */
static void await_waiter(const void *lock)
{
    while (!contention_is_active(lock))
        usleep(100);
    usleep(30000);
}

static int taken_with; /* what the waiter's lock returned */

static NAMED void *wait_special(void *m)
{
    taken_with = pthread_mutex_lock(m);
    pthread_mutex_unlock(m);
    return NULL;
}

/* A thread that has waited for m for 30 ms. */
static pthread_t make_waiter(pthread_mutex_t *m)
{
    pthread_t t;
    ck_assert_int_eq(pthread_create(&t, NULL, wait_special, m), 0);
    await_waiter(m);
    return t;
}

static NAMED void unlock_outer(pthread_mutex_t *m)
{
    pthread_mutex_unlock(m);
    NOT_A_TAIL_CALL();
}

static NAMED void unlock_inner(pthread_mutex_t *m)
{
    pthread_mutex_unlock(m);
    NOT_A_TAIL_CALL();
}

START_TEST(test_every_kind_of_mutex)
{
    static const int types[] = {
        PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ADAPTIVE_NP, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_RECURSIVE};
    start(1, 1);
    for (int i = 0; i < 16; i++) {
        struct snapshot_record held = sum_of(CONTENTION_MUTEX, unlock_outer);
        struct snapshot_record waited = sum_of(CONTENTION_BLOCK, wait_special);
        init_special(&special, types[i % 4], i & 4 ? PTHREAD_PRIO_INHERIT : PTHREAD_PRIO_NONE,
            i & 8 ? PTHREAD_MUTEX_ROBUST : PTHREAD_MUTEX_STALLED, PTHREAD_PROCESS_PRIVATE);
        pthread_mutex_lock(&special);
        pthread_t t = make_waiter(&special);
        unlock_outer(&special);
        pthread_join(t, NULL);
        pthread_mutex_destroy(&special);
        int64_t charged = sum_of(CONTENTION_MUTEX, unlock_outer).values[1] - held.values[1];
        int64_t suffered = sum_of(CONTENTION_BLOCK, wait_special).values[1] - waited.values[1];
        ck_assert_int_ge(suffered, 15000000);
        ck_assert_msg(fabs((double)charged / (double)suffered - 1) <= 0.05, "kind %d: charged %lld of %lld",
            i, (long long)charged, (long long)suffered);
    }
}
END_TEST

/* Only the last of several unlocks lets go, and only the owner's. */
START_TEST(test_recursive_and_refused)
{
    start(1, 1);
    init_special(&special, PTHREAD_MUTEX_RECURSIVE, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_STALLED, 0);
    pthread_mutex_lock(&special);
    pthread_mutex_lock(&special);
    pthread_t t = make_waiter(&special);
    unlock_inner(&special);
    ck_assert_int_eq(sum_of(CONTENTION_MUTEX, NULL).values[1], 0);
    unlock_outer(&special);
    pthread_join(t, NULL);
    ck_assert_int_eq(sum_of(CONTENTION_MUTEX, unlock_inner).values[1], 0);
    ck_assert_int_ge(sum_of(CONTENTION_MUTEX, unlock_outer).values[1], 15000000);
}
END_TEST

static NAMED void *unlock_anothers(void *m)
{
    ck_assert_int_eq(pthread_mutex_unlock(m), EPERM);
    return NULL;
}

START_TEST(test_refused_unlock_is_not_charged)
{
    pthread_t intruder;
    start(1, 1);
    init_special(&special, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_STALLED, 0);
    pthread_mutex_lock(&special);
    pthread_t t = make_waiter(&special);
    pthread_create(&intruder, NULL, unlock_anothers, &special);
    pthread_join(intruder, NULL);
    unlock_outer(&special);
    pthread_join(t, NULL);
    ck_assert_int_eq(sum_of(CONTENTION_MUTEX, unlock_anothers).values[0], 0);
    ck_assert_int_ge(sum_of(CONTENTION_MUTEX, unlock_outer).values[1], 15000000);
}
END_TEST

static void *die_with_it(void *m)
{
    pthread_mutex_lock(m);
    atomic_store(&ready, 2);
    while (atomic_load(&ready) != 3)
        usleep(100);
    return NULL;
}

/* Nobody's unlock ended the wait: it is not charged to the one who waited. */
START_TEST(test_holder_that_died)
{
    pthread_t dead;
    start(1, 1);
    init_special(&special, PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_ROBUST, 0);
    pthread_create(&dead, NULL, die_with_it, &special);
    while (atomic_load(&ready) != 2)
        usleep(100);
    pthread_t t = make_waiter(&special);
    atomic_store(&ready, 3);
    pthread_join(dead, NULL);
    pthread_join(t, NULL);
    ck_assert_int_eq(taken_with, EOWNERDEAD);
    ck_assert_int_ge(sum_of(CONTENTION_BLOCK, wait_special).values[1], 15000000);
    ck_assert_int_eq(sum_of(CONTENTION_MUTEX, NULL).values[1], 0);
}
END_TEST

/* A mutex and two flags that two processes share. */
struct common {
    pthread_mutex_t mutex;
    atomic_int held, waiting;
};

static void hold_in_child(struct common *c)
{
    pthread_mutex_lock(&c->mutex);
    atomic_store(&c->held, 1);
    while (!atomic_load(&c->waiting))
        usleep(100);
    usleep(100000);
    pthread_mutex_unlock(&c->mutex);
    _exit(0);
}

START_TEST(test_holder_in_another_process)
{
    struct common *c = mmap(NULL, sizeof *c, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    init_special(
        &c->mutex, PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_STALLED, PTHREAD_PROCESS_SHARED);
    start(1, 1);
    pid_t child = fork();
    if (child == 0)
        hold_in_child(c);
    while (!atomic_load(&c->held))
        usleep(100);
    atomic_store(&c->waiting, 1);
    wait_special(&c->mutex);
    waitpid(child, NULL, 0);
    ck_assert_int_ge(sum_of(CONTENTION_BLOCK, wait_special).values[1], 15000000);
    ck_assert_int_eq(sum_of(CONTENTION_MUTEX, NULL).values[1], 0);
    /* Within one process it is a mutex as any other. */
    pthread_mutex_lock(&c->mutex);
    pthread_t t = make_waiter(&c->mutex);
    unlock_outer(&c->mutex);
    pthread_join(t, NULL);
    ck_assert_int_ge(sum_of(CONTENTION_MUTEX, unlock_outer).values[1], 15000000);
}
END_TEST

static NAMED void *give_up(void *m)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += 20000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    ck_assert_int_eq(pthread_mutex_clocklock(m, CLOCK_MONOTONIC, &until), ETIMEDOUT);
    return NULL;
}

/* Those that gave up have waited, too. */
START_TEST(test_wait_that_times_out)
{
    pthread_t t;
    start(1, 1);
    pthread_mutex_lock(&mutex);
    pthread_create(&t, NULL, give_up, &mutex);
    pthread_join(t, NULL);
    unlock_outer(&mutex);
    struct snapshot_record waited = sum_of(CONTENTION_BLOCK, give_up),
                           held = sum_of(CONTENTION_MUTEX, unlock_outer);
    ck_assert_int_eq(waited.values[0], 1);
    ck_assert_int_ge(waited.values[1], 19000000);
    ck_assert_int_eq(held.values[0], 1);
    ck_assert_double_le(fabs((double)held.values[1] / (double)waited.values[1] - 1), 0.05);
}
END_TEST

/* ---- readers and writers ---------------------------------------------------------------------------------
 */

static NAMED void *wait_write(void *arg)
{
    pthread_rwlock_wrlock(&rwlock);
    pthread_rwlock_unlock(&rwlock);
    return arg;
}

static NAMED void read_slowly(void)
{
    pthread_rwlock_unlock(&rwlock);
    NOT_A_TAIL_CALL();
}

static NAMED void *read_quickly(void *arg)
{
    for (int i = 0; i < 40; i++) {
        pthread_rwlock_rdlock(&rwlock);
        pthread_rwlock_unlock(&rwlock);
        usleep(1000);
    }
    return arg;
}

/* A writer waits for a reader that holds the lock all the time, while others come and go. */
START_TEST(test_last_reader_is_charged)
{
    pthread_t w, q;
    start(1, 1);
    pthread_rwlock_rdlock(&rwlock);
    pthread_create(&w, NULL, wait_write, NULL);
    await_waiter(&rwlock);
    pthread_create(&q, NULL, read_quickly, NULL);
    pthread_join(q, NULL);
    read_slowly();
    pthread_join(w, NULL);
    int64_t slow = sum_of(CONTENTION_MUTEX, read_slowly).values[1];
    int64_t suffered = sum_of(CONTENTION_BLOCK, wait_write).values[1];
    ck_assert_int_ge(suffered, 40000000);
    ck_assert_double_le(fabs((double)slow / (double)suffered - 1), 0.05);
    ck_assert_int_eq(sum_of(CONTENTION_MUTEX, read_quickly).values[1], 0);
    ck_assert_int_eq(sum_of(CONTENTION_MUTEX, read_slowly).values[0], 1);
}
END_TEST

/* Readers and a writer wait for a writer: all of it is that one's, and those that get it together are not
 * charged for each other. */
START_TEST(test_writer_is_charged_for_all)
{
    enum { READERS = 6 };
    pthread_t r[READERS], w;
    start(1, 1);
    pthread_rwlock_wrlock(&rwlock);
    for (int i = 0; i < READERS; i++)
        pthread_create(&r[i], NULL, wait_read, NULL);
    pthread_create(&w, NULL, wait_write, NULL);
    hold_write();
    for (int i = 0; i < READERS; i++)
        pthread_join(r[i], NULL);
    pthread_join(w, NULL);
    int64_t suffered =
        sum_of(CONTENTION_BLOCK, wait_read).values[1] + sum_of(CONTENTION_BLOCK, wait_write).values[1];
    int64_t all = sum_of(CONTENTION_MUTEX, NULL).values[1];
    ck_assert_int_eq(sum_of(CONTENTION_BLOCK, wait_read).values[0], READERS);
    ck_assert_int_ge(suffered, (READERS + 1) * INT64_C(30000000));
    ck_assert_double_le(fabs((double)all / (double)suffered - 1), 0.05);
    ck_assert_int_ge(sum_of(CONTENTION_MUTEX, hold_write).values[1] * 10, all * 9);
}
END_TEST

/* The writer gives up: the reader has cost it that time all the same. */
START_TEST(test_writer_that_gave_up)
{
    start(1, 1);
    struct timespec soon;
    pthread_rwlock_rdlock(&rwlock);
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_sec += (soon.tv_nsec += 20000000) / 1000000000;
    soon.tv_nsec %= 1000000000;
    ck_assert_int_eq(pthread_rwlock_timedwrlock(&rwlock, &soon), ETIMEDOUT);
    read_slowly();
    struct snapshot_record held = sum_of(CONTENTION_MUTEX, read_slowly),
                           waited = sum_of(CONTENTION_BLOCK, NULL);
    ck_assert_int_eq(held.values[0], 1);
    ck_assert_int_ge(held.values[1], 15000000);
    ck_assert_double_le(fabs((double)held.values[1] / (double)waited.values[1] - 1), 0.05);
}
END_TEST

/* ---- waits without a holder ------------------------------------------------------------------------------
 */

static sem_t semaphore;

static NAMED void *wait_semaphore(void *arg)
{
    sem_wait(&semaphore);
    return arg;
}

static NAMED void *leave_at_once(void *arg)
{
    return arg;
}

static NAMED void join_ended(pthread_t t)
{
    pthread_join(t, NULL);
    NOT_A_TAIL_CALL();
}

/* They are in block alone; who came last to a barrier, or joins one that has ended, did not wait. */
START_TEST(test_only_block_has_them)
{
    pthread_t b[3], s, ended;
    start(1, 1);
    sem_init(&semaphore, 0, 0);
    pthread_barrier_init(&barrier, NULL, 3);
    pthread_create(&ended, NULL, leave_at_once, NULL);
    pthread_create(&s, NULL, wait_semaphore, NULL);
    for (int i = 0; i < 3; i++)
        pthread_create(&b[i], NULL, wait_barrier, NULL);
    usleep(40000);
    join_ended(ended);
    for (int i = 0; i < 3; i++)
        pthread_join(b[i], NULL);
    sem_post(&semaphore);
    pthread_join(s, NULL);
    ck_assert_int_eq(sum_of(CONTENTION_BLOCK, wait_semaphore).values[0], 1);
    ck_assert_int_ge(sum_of(CONTENTION_BLOCK, wait_semaphore).values[1], 20000000);
    ck_assert_int_eq(sum_of(CONTENTION_BLOCK, wait_barrier).values[0], 2);
    ck_assert_int_eq(sum_of(CONTENTION_BLOCK, join_ended).values[0], 0);
    ck_assert_int_eq(sum_of(CONTENTION_MUTEX, NULL).values[0], 0);
}
END_TEST

static void unlock(void *m)
{
    pthread_mutex_unlock(m);
}

static NAMED void *wait_for_ever(void *arg)
{
    pthread_mutex_lock(&mutex);
    pthread_cleanup_push(unlock, &mutex);
    atomic_store(&ready, 1);
    pthread_cond_wait(&cond, &mutex);
    pthread_cleanup_pop(1);
    return arg;
}

/* A cancelled wait was one, and leaves the mutex as the program's own handlers do. */
START_TEST(test_cancelled_waits)
{
    pthread_t t;
    start(1, 1);
    pthread_create(&t, NULL, wait_for_ever, NULL);
    while (!atomic_load(&ready))
        usleep(100);
    usleep(20000);
    pthread_cancel(t);
    pthread_join(t, NULL);
    ck_assert_int_eq(sum_of(CONTENTION_BLOCK, wait_for_ever).values[0], 1);
    ck_assert_int_ge(sum_of(CONTENTION_BLOCK, wait_for_ever).values[1], 10000000);
    /* Waiting for a mutex is no cancellation point: the lock is taken, then the thread ends. */
    pthread_mutex_lock(&mutex);
    t = make_waiter(&mutex);
    pthread_cancel(t);
    usleep(10000);
    unlock_outer(&mutex);
    pthread_join(t, NULL);
    ck_assert_int_eq(pthread_mutex_trylock(&mutex), 0);
    struct snapshot_record held = sum_of(CONTENTION_MUTEX, unlock_outer),
                           waited = sum_of(CONTENTION_BLOCK, wait_special);
    ck_assert_double_le(fabs((double)held.values[1] / (double)waited.values[1] - 1), 0.05);
}
END_TEST

/* ---- records that could go wrong -------------------------------------------------------------------------
 */

static sigjmp_buf back;

static void jump(int signal)
{
    (void)signal;
    siglongjmp(back, 1);
}

static NAMED void wait_until_alarm(void)
{
    ualarm(20000, 0);
    if (sigsetjmp(back, 1) == 0)
        pthread_mutex_lock(&mutex);
}

static void *hold_until_told(void *arg)
{
    pthread_mutex_lock(&mutex);
    atomic_store(&ready, 1);
    while (atomic_load(&ready) != 2)
        usleep(100);
    unlock_outer(&mutex);
    return arg;
}

/* A wait left by longjmp is over then: nothing is charged for the time after. */
START_TEST(test_wait_left_by_longjmp)
{
    pthread_t t;
    start(1, 1);
    signal(SIGALRM, jump);
    pthread_create(&t, NULL, hold_until_told, NULL);
    while (!atomic_load(&ready))
        usleep(100);
    wait_until_alarm();
    int64_t then = clock_monotonic_ns();
    usleep(200000);
    int64_t after = clock_monotonic_ns() - then;
    atomic_store(&ready, 2);
    pthread_join(t, NULL);
    int64_t charged = sum_of(CONTENTION_MUTEX, unlock_outer).values[1];
    ck_assert_int_ge(charged, 10000000);
    ck_assert_int_lt(charged, after);
}
END_TEST

/* Unlocks while capture is off go unseen. What was due then must not be charged to anybody later. */
START_TEST(test_forgotten_when_off)
{
    pthread_t t;
    start(1, 1);
    pthread_mutex_lock(&mutex);
    pthread_create(&t, NULL, give_up, &mutex);
    pthread_join(t, NULL);
    capture_stop();
    pthread_mutex_unlock(&mutex);
    start(1, 1);
    pthread_mutex_lock(&mutex);
    unlock_outer(&mutex);
    ck_assert_int_eq(sum_of(CONTENTION_MUTEX, NULL).values[1], 0);
}
END_TEST

static long resident_kb(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

/* All held, and somebody has waited for each: more than there is room for. What is not kept is counted. */
START_TEST(test_a_hundred_thousand_locks)
{
    enum { LOCKS = 100000 };
    pthread_mutex_t *locks = calloc(LOCKS, sizeof *locks);
    struct timespec past = {1, 0};
    struct snapshot s;
    start(1, 0);
    for (int i = 0; i < LOCKS; i++)
        pthread_mutex_lock(&locks[i]);
    long before = resident_kb();
    for (int i = 0; i < LOCKS; i++)
        ck_assert_int_eq(pthread_mutex_timedlock(&locks[i], &past), ETIMEDOUT);
    for (int i = 0; i < LOCKS; i++)
        unlock_outer(&locks[i]);
    long grown = resident_kb() - before;
    ck_assert_int_eq(contention_snapshot(CONTENTION_MUTEX, &s), 0);
    int64_t charged = 0;
    for (size_t i = 0; i < s.records.len; i++)
        charged += s.records.items[i].values[0];
    ck_assert_int_eq(charged + (int64_t)s.lost, LOCKS);
    ck_assert_int_ge(charged, 8000);
    ck_assert_int_ge(s.lost, 1);
    ck_assert_int_lt(grown, 4096);
    snapshot_fini(&s);
    free(locks);
}
END_TEST

struct counted {
    pthread_mutex_t mutex;
    int references;
};
static _Atomic(struct counted *) current;

static void drop(struct counted *c)
{
    pthread_mutex_lock(&c->mutex);
    bool last = --c->references == 0;
    pthread_mutex_unlock(&c->mutex);
    if (!last)
        return;
    pthread_mutex_destroy(&c->mutex);
    memset(c, 0xa5, sizeof *c);
    free(c);
}

static NAMED void *drop_each(void *arg)
{
    pthread_barrier_t *turn = arg;
    for (int i = 0; i < 500; i++) {
        pthread_barrier_wait(turn);
        struct counted *c = atomic_load(&current);
        pthread_barrier_wait(turn);
        drop(c);
    }
    return NULL;
}

/* Whoever is the last to let go frees the lock, and the next one is where it was. */
START_TEST(test_memory_of_locks_is_used_again)
{
    pthread_t t[3];
    pthread_barrier_t turn;
    start(1, 1);
    pthread_barrier_init(&turn, NULL, 4);
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, drop_each, &turn);
    for (int i = 0; i < 500; i++) {
        struct counted *c = calloc(1, sizeof *c);
        c->references = 4;
        pthread_mutex_init(&c->mutex, NULL);
        atomic_store(&current, c);
        pthread_barrier_wait(&turn);
        pthread_barrier_wait(&turn);
        drop(c);
    }
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    sum_of(CONTENTION_MUTEX, NULL);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {test_holder_and_waiters, test_every_kind_of_wait,
        test_cond_wait_is_an_unlock, test_destroyed_right_after_use, test_own_threads_are_left_out,
        test_every_kind_of_mutex, test_recursive_and_refused, test_refused_unlock_is_not_charged,
        test_holder_that_died, test_holder_in_another_process, test_wait_that_times_out,
        test_last_reader_is_charged, test_writer_is_charged_for_all, test_writer_that_gave_up,
        test_only_block_has_them, test_cancelled_waits, test_wait_left_by_longjmp, test_forgotten_when_off,
        test_a_hundred_thousand_locks, test_memory_of_locks_is_used_again};
    return HARNESS_SUITE("contention", 20, tests);
}
