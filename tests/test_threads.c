#include "harness.h"

#include "capture/capture.h"
#include "capture/interpose.h"
#include "capture/thread.h"
#include "capture/threads.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Each alone in its kilobyte, so that an address says whose it is. */
#define NAMED __attribute__((noinline, noclone, aligned(1024), section(".text.named")))

static void start(void)
{
    struct capture_config config = {0};
    ck_assert_int_eq(capture_start(&config, NULL), 0);
}

static bool has_frame(const struct snapshot *s, uint32_t record, void *function)
{
    if (record == NO_RECORD)
        return false;
    const struct snapshot_record *r = &s->records.items[record];
    for (int k = 0; k < r->depth; k++) {
        uintptr_t pc = s->pcs.items[r->first_pc + (size_t)k];
        if (pc > (uintptr_t)function && pc < (uintptr_t)function + 1024)
            return true;
    }
    return false;
}

static const struct thread_info *find(const struct threads_snapshot *s, const char *name)
{
    for (size_t i = 0; i < s->threads.len; i++)
        if (strcmp(s->threads.items[i].name, name) == 0)
            return &s->threads.items[i];
    return NULL;
}

/* ---- states ---------------------------------------------------------------------------------------------
 */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, free_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static sem_t semaphore;
static int pipe_fds[2];
static pthread_t poller_thread;
static atomic_bool stop;

static NAMED void *wait_mutex(void *a)
{
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    return a;
}

static NAMED void *wait_cond(void *a)
{
    pthread_mutex_lock(&free_mutex);
    while (!stop)
        pthread_cond_wait(&cond, &free_mutex);
    pthread_mutex_unlock(&free_mutex);
    return a;
}

static NAMED void *wait_read_lock(void *a)
{
    pthread_rwlock_rdlock(&rwlock);
    pthread_rwlock_unlock(&rwlock);
    return a;
}

static NAMED void *wait_write_lock(void *a)
{
    pthread_rwlock_wrlock(&rwlock);
    pthread_rwlock_unlock(&rwlock);
    return a;
}

static NAMED void *wait_barrier(void *a)
{
    pthread_barrier_wait(&barrier);
    return a;
}

static NAMED void *wait_semaphore(void *a)
{
    sem_wait(&semaphore);
    return a;
}

static NAMED void *wait_poll(void *a)
{
    struct pollfd p = {.fd = pipe_fds[0], .events = POLLIN};
    poll(&p, 1, -1);
    return a;
}

static NAMED void *wait_join(void *a)
{
    pthread_join(poller_thread, NULL);
    return a;
}

static NAMED void *wait_sleep(void *a)
{
    while (!stop)
        usleep(200000);
    return a;
}

static NAMED void *wait_input(void *a)
{
    char c;
    if (read(pipe_fds[0], &c, 1) != 1)
        abort();
    return a;
}

static NAMED void *run(void *a)
{
    while (!stop)
        ;
    return a;
}

static NAMED void *unwrapped(void *a)
{
    while (!stop) {
        struct timespec t = {0, 400000000};
        syscall(SYS_nanosleep, &t, NULL);
    }
    return a;
}

static const struct {
    void *(*start)(void *);
    const char *name;
    enum thread_state state;
} kinds[] = {
    {wait_poll, "poll", THREAD_POLL},
    {wait_mutex, "mutex", THREAD_MUTEX},
    {wait_cond, "cond", THREAD_COND},
    {wait_read_lock, "rdlock", THREAD_RWLOCK_READ},
    {wait_write_lock, "wrlock", THREAD_RWLOCK_WRITE},
    {wait_barrier, "barrier", THREAD_BARRIER},
    {wait_semaphore, "sem", THREAD_SEMAPHORE},
    {wait_join, "join", THREAD_JOIN},
    {wait_sleep, "sleep", THREAD_SLEEP},
    {wait_input, "read", THREAD_READ},
    {run, "run", THREAD_RUNNING},
    {unwrapped, "syscall", THREAD_SYSCALL},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static NAMED void create_all(pthread_t *threads)
{
    for (int i = 0; i < KINDS; i++) {
        pthread_create(&threads[i], NULL, kinds[i].start, NULL);
        pthread_setname_np(threads[i], kinds[i].name);
        if (i == 0)
            poller_thread = threads[0];
    }
}

static void release_all(pthread_t *threads)
{
    stop = true;
    pthread_mutex_unlock(&mutex);
    pthread_rwlock_unlock(&rwlock);
    pthread_mutex_lock(&free_mutex);
    pthread_cond_broadcast(&cond);
    pthread_mutex_unlock(&free_mutex);
    sem_post(&semaphore);
    pthread_barrier_wait(&barrier);
    ck_assert_int_eq(write(pipe_fds[1], "xxxx", 4), 4);
    for (int i = 1; i < KINDS; i++) /* the first is joined by another */
        pthread_join(threads[i], NULL);
}

static bool all_are_there(void)
{
    struct threads_snapshot s;
    ck_assert_int_eq(threads_snapshot(&s), 0);
    bool all = true;
    for (int i = 0; i < KINDS; i++) {
        const struct thread_info *t = find(&s, kinds[i].name);
        all &= t && t->state == kinds[i].state;
    }
    threads_snapshot_fini(&s);
    return all;
}

START_TEST(test_states)
{
    pthread_t threads[KINDS];
    pthread_barrier_init(&barrier, NULL, 2);
    sem_init(&semaphore, 0, 0);
    ck_assert_int_eq(pipe(pipe_fds), 0);
    start();
    pthread_mutex_lock(&mutex);
    pthread_rwlock_wrlock(&rwlock);
    create_all(threads);
    for (int tries = 0; tries < 500 && !all_are_there(); tries++) /* a busy machine lets them begin late */
        usleep(10000);
    usleep(100000);
    struct threads_snapshot s;
    ck_assert_int_eq(threads_snapshot(&s), 0);
    ck_assert_uint_eq(s.threads.len, KINDS + 1);
    for (int i = 0; i < KINDS; i++) {
        const struct thread_info *t = find(&s, kinds[i].name);
        ck_assert_msg(t != NULL, "no thread %s", kinds[i].name);
        ck_assert_msg(t->state == kinds[i].state, "%s: %s", kinds[i].name, thread_state_text(t->state));
        ck_assert_msg(has_frame(&s.stacks, t->record, kinds[i].start), "%s: stack", kinds[i].name);
        ck_assert_msg(has_frame(&s.stacks, t->created_record, create_all), "%s: creation", kinds[i].name);
        if (t->state != THREAD_SYSCALL) /* which is seen from outside, without the registers it saved */
            ck_assert(!s.stacks.records.items[t->record].truncated);
        ck_assert_int_ge(t->cpu_ns, 0);
        bool parked = t->state != THREAD_RUNNING && t->state != THREAD_SYSCALL;
        if (parked && t->state != THREAD_SLEEP)
            ck_assert_int_ge(t->waiting_ns, 50000000);
        ck_assert_int_le(t->waiting_ns, 20000000000);
    }
    ck_assert_uint_eq(find(&s, "mutex")->waits_for, (uintptr_t)&mutex);
    ck_assert_int_eq(find(&s, "mutex")->holder, getpid());
    ck_assert_int_eq(find(&s, "rdlock")->holder, getpid());
    ck_assert_int_eq(find(&s, "wrlock")->holder, getpid());
    ck_assert_int_eq(find(&s, "cond")->holder, 0);
    ck_assert_int_gt(find(&s, "run")->cpu_ns, find(&s, "cond")->cpu_ns);
    threads_snapshot_fini(&s);
    struct snapshot created;
    ck_assert_int_eq(threads_created_snapshot(&created), 0);
    int64_t live = 0, ever = 0;
    for (size_t i = 0; i < created.records.len; i++) {
        live += created.records.items[i].values[0];
        ever += created.records.items[i].values[1];
    }
    ck_assert_int_eq(live, KINDS);
    ck_assert_int_eq(ever, KINDS);
    snapshot_fini(&created);
    release_all(threads);
    ck_assert_int_eq(threads_snapshot(&s), 0);
    ck_assert_uint_eq(s.threads.len, 1);
    threads_snapshot_fini(&s);
}
END_TEST

/* ---- no thread is disturbed -----------------------------------------------------------------------------
 */

enum { UNDISTURBED = 200, DUMPS = 50, WAIT_MS = 1500 };
static atomic_int disturbed, waiting, over;
static int quiet_fds[2];

static struct timespec after_ms(int ms)
{
    int64_t at = clock_realtime_ns() + ms * INT64_C(1000000);
    return (struct timespec){at / 1000000000, at % 1000000000};
}

static int wait_undisturbed(int kind, int epoll)
{
    struct pollfd p = {.fd = quiet_fds[0], .events = POLLIN};
    struct timespec t = {WAIT_MS / 1000, WAIT_MS % 1000 * 1000000}, until = after_ms(WAIT_MS);
    struct timeval v = {t.tv_sec, t.tv_nsec / 1000};
    struct epoll_event event;
    sigset_t none;
    sigemptyset(&none);
    switch (kind) {
    case 0:
        return poll(&p, 1, WAIT_MS) == 0;
    case 1:
        return nanosleep(&t, NULL) == 0;
    case 2:
        return sem_timedwait(&semaphore, &until) == -1 && errno == ETIMEDOUT;
    case 3:
        return epoll_wait(epoll, &event, 1, WAIT_MS) == 0;
    case 4:
        return select(0, NULL, NULL, NULL, &v) == 0;
    case 5:
        return ppoll(&p, 1, &t, &none) == 0;
    case 6:
        return sleep(2) == 0;
    default:
        return usleep(WAIT_MS * 1000) == 0;
    }
}

static void *undisturbed(void *arg)
{
    int epoll = epoll_create1(0);
    int64_t before = clock_monotonic_ns();
    atomic_fetch_add(&waiting, 1);
    int ok = wait_undisturbed((int)(intptr_t)arg % 8, epoll);
    if (!ok || clock_monotonic_ns() - before < (WAIT_MS - 2) * INT64_C(1000000))
        atomic_fetch_add(&disturbed, 1);
    atomic_fetch_add(&over, 1); /* on a busy machine while others are still looked at */
    close(epoll);
    return NULL;
}

/* Dumps from the moment the threads are created, when some are just about to wait and do get a signal. */
START_TEST(test_waits_are_not_disturbed)
{
    pthread_t threads[UNDISTURBED];
    sem_init(&semaphore, 0, 0);
    ck_assert_int_eq(pipe(quiet_fds), 0);
    start();
    struct threads_snapshot s;
    for (int i = 0; i < UNDISTURBED; i++) {
        pthread_create(&threads[i], NULL, undisturbed, (void *)(intptr_t)i);
        if (i % 8 == 0) {
            ck_assert_int_eq(threads_snapshot(&s), 0);
            threads_snapshot_fini(&s);
        }
    }
    while (waiting < UNDISTURBED)
        sched_yield();
    size_t seen = 0, seen_parked = 0;
    for (int i = 0; i < DUMPS; i++) {
        ck_assert_int_eq(threads_snapshot(&s), 0);
        ck_assert_uint_le(s.threads.len, UNDISTURBED + 1);
        ck_assert_uint_ge(s.threads.len + (size_t)over, UNDISTURBED + 1);
        seen += s.threads.len - 1;
        for (size_t k = 0; k < s.threads.len; k++)
            seen_parked += s.threads.items[k].waiting_ns > 0;
        threads_snapshot_fini(&s);
    }
    for (int i = 0; i < UNDISTURBED; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(disturbed, 0);
    ck_assert_uint_ge(seen_parked, seen * 9 / 10);
}
END_TEST

/* ---- threads that come and go ---------------------------------------------------------------------------
 */

static void *short_lived(void *arg)
{
    usleep((useconds_t)(intptr_t)arg);
    return NULL;
}

static void *breeder(void *arg)
{
    for (int i = 0; !stop; i++) {
        pthread_t t[4];
        for (int k = 0; k < 4; k++)
            pthread_create(&t[k], NULL, short_lived, (void *)(intptr_t)(i * 37 % 300));
        if (i % 2)
            pthread_cancel(t[0]);
        for (int k = 0; k < 4; k++)
            pthread_join(t[k], NULL);
    }
    return arg;
}

START_TEST(test_threads_come_and_go)
{
    pthread_t breeders[2];
    struct threads_snapshot s;
    start();
    for (int i = 0; i < 2; i++)
        pthread_create(&breeders[i], NULL, breeder, NULL);
    for (int i = 0; i < 150; i++) {
        ck_assert_int_eq(threads_snapshot(&s), 0);
        ck_assert_uint_ge(s.threads.len, 3);
        ck_assert_uint_le(s.threads.len, 16);
        for (size_t k = 1; k < s.threads.len; k++)
            ck_assert_int_ne(s.threads.items[k].tid, s.threads.items[k - 1].tid);
        threads_snapshot_fini(&s);
    }
    stop = true;
    for (int i = 0; i < 2; i++)
        pthread_join(breeders[i], NULL);
    usleep(10000);
    ck_assert_int_eq(threads_snapshot(&s), 0);
    ck_assert_uint_eq(s.threads.len, 1);
    threads_snapshot_fini(&s);
    struct snapshot created;
    ck_assert_int_eq(threads_created_snapshot(&created), 0);
    for (size_t i = 0; i < created.records.len; i++)
        ck_assert_int_eq(created.records.items[i].values[0], 0);
    snapshot_fini(&created);
}
END_TEST

/* ---- who waits for whom ----------------------------------------------------------------------------------
 */

static pthread_mutex_t ring[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
static atomic_int locked;

static void *lock_both(void *which)
{
    int first = (int)(intptr_t)which;
    pthread_setname_np(pthread_self(), first ? "second" : "first");
    pthread_mutex_lock(&ring[first]);
    atomic_fetch_add(&locked, 1);
    while (locked < 2)
        usleep(1000);
    pthread_mutex_lock(&ring[1 - first]);
    return NULL;
}

static void *lock_twice(void *arg)
{
    static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
    pthread_setname_np(pthread_self(), "twice");
    pthread_mutex_lock(&once);
    pthread_mutex_lock(&once);
    return arg;
}

static void *join_other(void *thread)
{
    pthread_setname_np(pthread_self(), "joiner");
    pthread_join(*(pthread_t *)thread, NULL);
    return NULL;
}

/* They never end: the test's process does. */
START_TEST(test_deadlocks)
{
    pthread_t t[4];
    struct threads_snapshot s;
    const struct thread_info *first, *second, *twice, *joiner;
    start();
    for (intptr_t i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, lock_both, (void *)i);
    pthread_create(&t[2], NULL, lock_twice, NULL);
    pthread_create(&t[3], NULL, join_other, &t[0]);
    for (;;) {
        ck_assert_int_eq(threads_snapshot(&s), 0);
        first = find(&s, "first"), second = find(&s, "second");
        twice = find(&s, "twice"), joiner = find(&s, "joiner");
        if (first && second && twice && joiner && first->holder && second->holder && twice->holder &&
            joiner->holder)
            break;
        threads_snapshot_fini(&s);
        usleep(10000);
    }
    ck_assert_int_eq(first->holder, second->tid);
    ck_assert_uint_eq(first->waits_for, (uintptr_t)&ring[1]);
    ck_assert_int_eq(second->holder, first->tid);
    ck_assert_int_eq(twice->holder, twice->tid);
    ck_assert_int_eq(joiner->state, THREAD_JOIN);
    ck_assert_int_eq(joiner->holder, first->tid);
    ck_assert(first->still_waits && second->still_waits && twice->still_waits && joiner->still_waits);
    ck_assert(!threads_find(&s, getpid())->still_waits);
    threads_snapshot_fini(&s);
}
END_TEST

/* What one dump has read of a thread is the next one's only while it has not moved. */
static NAMED void *wait_here_and_there(void *arg)
{
    wait_semaphore(NULL);
    wait_input(NULL);
    return arg;
}

static void await_state(enum thread_state state, void *function)
{
    struct threads_snapshot s;
    for (bool there = false; !there;) {
        ck_assert_int_eq(threads_snapshot(&s), 0);
        const struct thread_info *t = find(&s, "mover");
        there = t->state == state;
        ck_assert(!there || has_frame(&s.stacks, t->record, function));
        threads_snapshot_fini(&s);
    }
}

START_TEST(test_a_thread_that_moves_between_dumps)
{
    pthread_t t;
    sem_init(&semaphore, 0, 0);
    ck_assert_int_eq(pipe(pipe_fds), 0);
    start();
    pthread_create(&t, NULL, wait_here_and_there, NULL);
    pthread_setname_np(t, "mover");
    for (int i = 0; i < 3; i++)
        await_state(THREAD_SEMAPHORE, wait_semaphore);
    sem_post(&semaphore);
    for (int i = 0; i < 3; i++)
        await_state(THREAD_READ, wait_input);
    ck_assert_int_eq(write(pipe_fds[1], "x", 1), 1);
    pthread_join(t, NULL);
}
END_TEST

/* ---- stranded records, deaf threads, threads from before -------------------------------------------------
 */

static sigjmp_buf escape;
static atomic_int armed, escaped;

static void on_usr1(int signal)
{
    (void)signal;
    siglongjmp(escape, 1);
}

static NAMED void *jumps_out(void *arg)
{
    if (!sigsetjmp(escape, 1)) {
        armed = 1;
        wait_poll(NULL);
    }
    escaped = 1;
    return run(arg);
}

START_TEST(test_longjmp_out_of_a_wait)
{
    pthread_t t;
    struct threads_snapshot s;
    ck_assert_int_eq(pipe(pipe_fds), 0);
    signal(SIGUSR1, on_usr1);
    start();
    pthread_create(&t, NULL, jumps_out, NULL);
    pthread_setname_np(t, "jumper");
    while (!armed) /* before that there is nowhere to jump to */
        usleep(1000);
    usleep(50000);
    pthread_kill(t, SIGUSR1);
    while (!escaped)
        usleep(1000);
    usleep(20000);
    ck_assert_int_eq(threads_snapshot(&s), 0);
    const struct thread_info *info = find(&s, "jumper");
    ck_assert(has_frame(&s.stacks, info->record, run));
    ck_assert_int_eq(info->state, THREAD_RUNNING);
    threads_snapshot_fini(&s);
    stop = true;
    pthread_join(t, NULL);
}
END_TEST

static void *deaf(void *arg)
{
    uint64_t all = UINT64_MAX;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, 8); /* behind the wrappers' back */
    atomic_store(&waiting, 1);
    return run(arg);
}

static void *polite(void *arg)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    atomic_store(&escaped, 1);
    return run(arg);
}

START_TEST(test_threads_that_block_signals)
{
    pthread_t d, p;
    struct threads_snapshot s;
    start();
    ck_assert_int_eq(threads_snapshot(&s), 0); /* from here on there is a signal to keep open */
    threads_snapshot_fini(&s);
    pthread_create(&d, NULL, deaf, NULL);
    pthread_setname_np(d, "deaf");
    pthread_create(&p, NULL, polite, NULL);
    pthread_setname_np(p, "polite");
    while (!waiting || !escaped)
        usleep(1000);
    int answered = 0; /* on a busy machine a thread may well not run for as long as we wait */
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(threads_snapshot(&s), 0);
        ck_assert_int_eq(find(&s, "deaf")->state, THREAD_UNKNOWN);
        answered += find(&s, "polite")->state == THREAD_RUNNING;
        threads_snapshot_fini(&s);
    }
    ck_assert_int_ge(answered, 2);
    stop = true;
    pthread_join(d, NULL);
    pthread_join(p, NULL);
}
END_TEST

START_TEST(test_threads_from_before_the_start)
{
    pthread_t t;
    struct threads_snapshot s;
    pthread_create(&t, NULL, run, NULL);
    pthread_setname_np(t, "early");
    start();
    ck_assert_int_eq(threads_snapshot(&s), 0);
    const struct thread_info *info = find(&s, "early");
    ck_assert_ptr_nonnull(info);
    ck_assert(has_frame(&s.stacks, info->record, run));
    ck_assert_uint_eq(info->created_record, NO_RECORD);
    threads_snapshot_fini(&s);
    stop = true;
    pthread_join(t, NULL);
}
END_TEST

/* ---- names -----------------------------------------------------------------------------------------------
 */

static int (*real_prctl)(int, unsigned long, unsigned long, unsigned long, unsigned long);
static atomic_int asked_name, renamed;

/* The first answer is from before the renaming, and arrives after it. */
static int slow_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
    char before[16];
    if (option != PR_GET_NAME || asked_name)
        return real_prctl(option, a, b, c, d);
    int r = real_prctl(option, (unsigned long)before, 0, 0, 0);
    asked_name = 1;
    while (!renamed)
        sched_yield();
    memcpy((char *)a, before, sizeof before);
    return r;
}

START_TEST(test_a_name_given_while_the_thread_begins)
{
    pthread_t t;
    sem_init(&semaphore, 0, 0);
    start();
    real_prctl = interpose_real.prctl;
    interpose_real.prctl = slow_prctl;
    pthread_create(&t, NULL, wait_semaphore, NULL);
    while (!asked_name)
        sched_yield();
    ck_assert_int_eq(pthread_setname_np(t, "late name"), 0);
    renamed = 1;
    sem_post(&semaphore);
    pthread_join(t, NULL);
    ck_assert_str_eq(thread_at(thread_count() - 1)->name, "late name"); /* what its record was left with */
}
END_TEST

static void *deaf(void *arg);

/* It never runs code of ours, and so never gets to know its record. */
START_TEST(test_a_name_given_to_a_thread_that_was_found)
{
    pthread_t t;
    struct threads_snapshot s;
    pthread_create(&t, NULL, deaf, NULL);
    while (!waiting)
        usleep(1000);
    start();
    ck_assert_int_eq(pthread_setname_np(t, "found"), 0);
    ck_assert_int_eq(threads_snapshot(&s), 0);
    ck_assert_ptr_nonnull(find(&s, "found"));
    threads_snapshot_fini(&s);
    stop = true;
    pthread_join(t, NULL);
}
END_TEST

static _Atomic bool started;

/* Known to be readable: from this function's frame, or an alternate stack's, to the top of the own stack. */
static bool knows_stack_from(void *at)
{
    struct thread *t = thread_self();
    struct unwind_memory m = thread_memory(t, (uintptr_t)at);
    return m.lo <= (uintptr_t)at && (uintptr_t)at < m.hi && m.hi == (uintptr_t)pthread_self();
}

static NAMED bool knows_deeper_stack(int pages)
{
    char page[4096];
    __asm__ volatile("" ::"r"(page) : "memory");
    return pages == 0 ? knows_stack_from(page) : knows_deeper_stack(pages - 1);
}

static void *look_at_own_stack(void *arg)
{
    char here;
    while (!started)
        sched_yield();
    bool *ok = arg;
    size_t guard = 65536; /* below it may lie what was mapped before: that must not pass for this stack */
    char *alternate = mmap(NULL, guard, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ok[0] = !knows_stack_from(alternate + guard / 2);
    ok[1] = knows_stack_from(&here) && knows_deeper_stack(100) && knows_deeper_stack(3);
    ok[2] = !knows_stack_from(alternate + guard / 2);
    munmap(alternate, guard);
    return arg;
}

/* Nobody told us how large their stacks are; each walk would take a system call or more. */
START_TEST(test_stacks_from_before_the_start)
{
    pthread_t t;
    bool ok[3];
    pthread_create(&t, NULL, look_at_own_stack, ok);
    start();
    started = true;
    pthread_join(t, NULL);
    for (int i = 0; i < 3; i++)
        ck_assert_msg(ok[i], "case %d", i);
}
END_TEST

static void *own(void *arg)
{
    capture_exclude_thread();
    atomic_store(&waiting, 1);
    return run(arg);
}

enum { FOUND_THREADS = 24, FOUND_ROUNDS = 40 };
static atomic_int found_waiting;
static _Atomic bool found_go, found_end;

static void *wait_often(void *arg)
{
    struct timespec moment = {0, 1000};
    atomic_fetch_add(&found_waiting, 1);
    while (!atomic_load(&found_go))
        sched_yield();
    while (!atomic_load(&found_end))
        nanosleep(&moment, NULL);
    return arg;
}

static int by_pid(const void *a, const void *b)
{
    return *(const pid_t *)a - *(const pid_t *)b;
}

static int count_twins(void)
{
    pid_t tids[512] = {0};
    size_t n = 0;
    int twins = 0;
    for (uint32_t i = 0; i < thread_count() && n < 512; i++)
        if ((tids[n] = atomic_load(&thread_at(i)->tid)) != 0)
            n++;
    qsort(tids, n, sizeof *tids, by_pid);
    for (size_t i = 1; i < n; i++)
        twins += tids[i] == tids[i - 1];
    return twins;
}

/* Threads that come to their first wait while the enumeration is looking for them. */
START_TEST(test_nobody_is_known_twice)
{
    pthread_t threads[FOUND_THREADS];
    int twins = 0;
    for (int round = 0; round < FOUND_ROUNDS; round++) {
        atomic_store(&found_waiting, 0);
        atomic_store(&found_go, false);
        atomic_store(&found_end, false);
        for (int i = 0; i < FOUND_THREADS; i++)
            pthread_create(&threads[i], NULL, wait_often, NULL);
        while (atomic_load(&found_waiting) < FOUND_THREADS)
            usleep(100);
        atomic_store(&found_go, true);
        start();
        if (count_twins() > 0) { /* one may still be at it */
            usleep(20000);
            twins += count_twins();
        }
        capture_stop();
        atomic_store(&found_end, true);
        for (int i = 0; i < FOUND_THREADS; i++)
            pthread_join(threads[i], NULL);
    }
    ck_assert_int_eq(twins, 0);
}
END_TEST

START_TEST(test_own_threads_are_flagged)
{
    pthread_t t;
    struct threads_snapshot s;
    start();
    pthread_create(&t, NULL, own, NULL);
    pthread_setname_np(t, "own");
    while (!waiting)
        usleep(1000);
    ck_assert_int_eq(threads_snapshot(&s), 0);
    ck_assert(find(&s, "own")->is_profiler);
    threads_snapshot_fini(&s);
    stop = true;
    pthread_join(t, NULL);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {test_states, test_waits_are_not_disturbed, test_threads_come_and_go,
        test_longjmp_out_of_a_wait, test_threads_that_block_signals, test_threads_from_before_the_start,
        test_stacks_from_before_the_start, test_deadlocks, test_a_thread_that_moves_between_dumps,
        test_nobody_is_known_twice, test_a_name_given_while_the_thread_begins,
        test_a_name_given_to_a_thread_that_was_found, test_own_threads_are_flagged};
    return HARNESS_SUITE("threads", 20, tests);
}
