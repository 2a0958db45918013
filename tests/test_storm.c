#include "harness.h"
#include "holdings.h"

#include "cprof.h"

#include "base/clock.h"
#include "capture/contention.h"
#include "capture/cpu.h"
#include "capture/heap.h"
#include "capture/thread.h"
#include "capture/threads.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Everything at once, under a CPU profile at 1000 Hz, every wait and every contention recorded, dumps in a
 * loop, and the profiler itself stopped and started again: threads that live for microseconds, threads
 * cancelled in each kind of wait, pthread_exit, jumps out of handlers, fork, exec, dlopen. Afterwards nothing
 * may be left: no record, timer, descriptor, or memory.
 *
 * STORM_SECONDS makes it longer (make stress).
 */
enum { STACK_BYTES = 256 << 10, CYCLE_MS = 150 };

static atomic_bool stopping;
static atomic_long failures, short_threads, detached, cancels, exits, jumps, children, loads, dumps;
static pthread_mutex_t shared = PTHREAD_MUTEX_INITIALIZER;
static pthread_attr_t small, small_detached;
extern char **environ;

#define EXPECT(condition)                                                                \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            failures++;                                                                  \
            fprintf(stderr, "line %d: not %s, errno %d\n", __LINE__, #condition, errno); \
        }                                                                                \
    } while (0)

static void pause_ns(long ns)
{
    nanosleep(&(struct timespec){0, ns}, NULL);
}

/* ---- short threads --------------------------------------------------------------------------------------
 */

static void *lives_shortly(void *is_detached)
{
    pthread_mutex_lock(&shared);
    short_threads++;
    pthread_mutex_unlock(&shared);
    free(malloc(100));
    if (is_detached)
        detached--;
    return NULL;
}

static void *makes_short_threads(void *arg)
{
    enum { BATCH = 8 };
    pthread_t threads[BATCH];
    while (!stopping) {
        for (int i = 0; i < BATCH; i++)
            EXPECT(pthread_create(&threads[i], &small, lives_shortly, NULL) == 0);
        for (int i = 0; i < BATCH / 4; i++) {
            pthread_t t;
            detached++;
            EXPECT(pthread_create(&t, &small_detached, lives_shortly, &detached) == 0);
        }
        for (int i = 0; i < BATCH; i++)
            EXPECT(pthread_join(threads[i], NULL) == 0);
        while (detached > 64)
            pause_ns(100000);
    }
    return arg;
}

/* ---- cancellation, in every kind of wait that is wrapped and may be cancelled ----------------------------
 */

struct victim {
    int kind, pipe[2], full[2], sockets[2], listener, poller;
    sem_t never;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    pthread_t other; /* one that does not end by itself */
    pid_t child;
    atomic_int cleaned;
};

static void clean(void *victim)
{
    ((struct victim *)victim)->cleaned++;
}

static void unlock(void *mutex)
{
    pthread_mutex_unlock(mutex);
}

static struct timespec far_ahead(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec += 100;
    return t;
}

static void wait_on_cond(struct victim *v)
{
    struct timespec until = far_ahead();
    pthread_mutex_lock(&v->mutex);
    pthread_cleanup_push(unlock, &v->mutex);
    if (v->kind == 0)
        pthread_cond_wait(&v->cond, &v->mutex);
    else
        pthread_cond_timedwait(&v->cond, &v->mutex, &until);
    pthread_cleanup_pop(1);
}

static void fill(int fd)
{
    static const char bytes[65536];
    while (write(fd, bytes, sizeof bytes) > 0)
        ;
}

static void wait_in(struct victim *v)
{
    char byte;
    struct timespec until = far_ahead(), long_time = {100, 0};
    struct iovec vector = {&byte, 1};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    struct pollfd polled = {.fd = v->pipe[0], .events = POLLIN};
    struct epoll_event event;
    siginfo_t info;
    fd_set set;
    FD_ZERO(&set);
    FD_SET(v->pipe[0], &set);
    switch (v->kind) {
    case 0:
    case 1:
        wait_on_cond(v);
        break;
    case 2:
        sem_wait(&v->never);
        break;
    case 3:
        sem_timedwait(&v->never, &until);
        break;
    case 4:
        poll(&polled, 1, -1);
        break;
    case 5:
        ppoll(&polled, 1, &long_time, NULL);
        break;
    case 6:
        select(v->pipe[0] + 1, &set, NULL, NULL, NULL);
        break;
    case 7:
        epoll_wait(v->poller, &event, 1, -1);
        break;
    case 8:
        EXPECT(read(v->pipe[0], &byte, 1) < 0);
        break;
    case 9:
        EXPECT(readv(v->pipe[0], &vector, 1) < 0);
        break;
    case 10:
        recv(v->sockets[0], &byte, 1, 0);
        break;
    case 11:
        (void)recvmsg(v->sockets[0], &message, 0);
        break;
    case 12:
        accept(v->listener, NULL, NULL);
        break;
    case 13:
        fill(v->full[1]);
        break;
    case 14:
        nanosleep(&long_time, NULL);
        break;
    case 15:
        sleep(100);
        break;
    case 16:
        clock_nanosleep(CLOCK_MONOTONIC, 0, &long_time, NULL);
        break;
    case 17:
        pthread_join(v->other, NULL);
        break;
    case 18:
        waitpid(v->child, NULL, 0);
        break;
    case 19:
        waitid(P_PID, (id_t)v->child, &info, WEXITED);
        break;
    case 20: /* no cancellation point: it is cancelled in the next one */
        pthread_mutex_lock(&v->mutex);
        pthread_mutex_unlock(&v->mutex);
        pthread_testcancel();
        break;
    }
}

enum { KINDS = 21 };

static void *waits(void *arg)
{
    struct victim *v = arg;
    pthread_cleanup_push(clean, v);
    wait_in(v);
    pthread_cleanup_pop(0);
    return NULL;
}

static void victim_open(struct victim *v)
{
    *v = (struct victim){.mutex = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
    struct sockaddr_un {
        sa_family_t family;
        char path[108];
    } nameless = {AF_UNIX, ""};
    EXPECT(pipe(v->pipe) == 0 && pipe(v->full) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, v->sockets) == 0);
    v->poller = epoll_create1(0);
    v->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT(bind(v->listener, (struct sockaddr *)&nameless, sizeof(sa_family_t)) == 0 &&
           listen(v->listener, 1) == 0);
    sem_init(&v->never, 0, 0);
    v->child = fork();
    if (v->child == 0) {
        signal(SIGTERM, SIG_DFL);
        for (;;)
            pause();
    }
}

static void victim_close(struct victim *v)
{
    const int fds[] = {
        v->pipe[0], v->pipe[1], v->full[0], v->full[1], v->sockets[0], v->sockets[1], v->listener, v->poller};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        close(fds[i]);
    kill(v->child, SIGKILL);
    waitpid(v->child, NULL, 0);
    sem_destroy(&v->never);
}

static void cancel_one(struct victim *v)
{
    pthread_t t;
    void *result = NULL;
    v->cleaned = 0;
    bool holds = v->kind == 20;
    if (holds)
        pthread_mutex_lock(&v->mutex);
    EXPECT(pthread_create(&t, &small, waits, v) == 0);
    pause_ns(random() % 300000);
    EXPECT(pthread_cancel(t) == 0);
    if (holds)
        pthread_mutex_unlock(&v->mutex);
    EXPECT(pthread_join(t, &result) == 0);
    EXPECT(result == PTHREAD_CANCELED && v->cleaned == 1);
    cancels++;
}

static void *cancels_threads(void *arg)
{
    struct victim v;
    victim_open(&v);
    v.other = pthread_self();
    for (v.kind = 0; !stopping || v.kind != 0; v.kind = (v.kind + 1) % KINDS)
        cancel_one(&v);
    victim_close(&v);
    return arg;
}

/* ---- pthread_exit, jumps ---------------------------------------------------------------------------------
 */

static pthread_key_t key;

/* Of the program's own: still waits and locks while the thread goes, in more than one round. */
static void destroy(void *rounds)
{
    pthread_mutex_lock(&shared);
    pthread_mutex_unlock(&shared);
    pause_ns(1000);
    if (rounds > (void *)1)
        pthread_setspecific(key, (char *)rounds - 1);
    else
        exits++;
}

static void count_exit(void *left)
{
    (*(int *)left)--;
}

static __attribute__((noinline)) void exit_deep(int depth, int *left)
{
    pthread_cleanup_push(count_exit, left);
    if (depth == 0)
        pthread_exit((void *)7);
    if (!stopping || depth > 0) /* always, but the compiler cannot know */
        exit_deep(depth - 1, left);
    pthread_cleanup_pop(0);
}

static void *exits_inside(void *arg)
{
    pthread_setspecific(key, (void *)2);
    exit_deep(3, arg);
    return NULL;
}

static void *makes_exits(void *arg)
{
    while (!stopping) {
        pthread_t t;
        void *result;
        int left = 4;
        EXPECT(pthread_create(&t, &small, exits_inside, &left) == 0);
        EXPECT(pthread_join(t, &result) == 0 && result == (void *)7 && left == 0);
    }
    return arg;
}

static __thread sigjmp_buf escape;
static __thread volatile sig_atomic_t may_escape;

static void on_jump(int signal)
{
    (void)signal;
    if (may_escape) {
        may_escape = 0;
        siglongjmp(escape, 1);
    }
}

static void *jumps_out(void *arg)
{
    sem_t never;
    int fds[2];
    char byte;
    sem_init(&never, 0, 0);
    EXPECT(pipe(fds) == 0);
    struct pollfd polled = {.fd = fds[0], .events = POLLIN};
    for (volatile int kind = 0; !stopping; kind = (kind + 1) % 4) {
        if (sigsetjmp(escape, 1)) {
            jumps++;
            continue;
        }
        may_escape = 1;
        if (kind == 0)
            sem_wait(&never);
        else if (kind == 1)
            EXPECT(read(fds[0], &byte, 1) < 0);
        else if (kind == 2)
            poll(&polled, 1, -1);
        else
            pause_ns(500000000);
        may_escape = 0;
    }
    close(fds[0]);
    close(fds[1]);
    return arg;
}

static void *makes_jumps(void *arg)
{
    pthread_t t;
    EXPECT(pthread_create(&t, &small, jumps_out, NULL) == 0);
    while (!stopping) {
        pause_ns(200000);
        pthread_kill(t, SIGUSR1);
    }
    while (pthread_tryjoin_np(t, NULL) == EBUSY) {
        pthread_kill(t, SIGUSR1);
        pause_ns(200000);
    }
    return arg;
}

/* ---- children, objects, dumps ---------------------------------------------------------------------------
 */

/* A forked child of a program with threads: locks, makes a thread, may even profile itself. */
static void be_child(int n)
{
    pthread_t t;
    free(malloc(10000));
    if (pthread_create(&t, &small, lives_shortly, NULL) != 0 || pthread_join(t, NULL) != 0)
        _exit(1);
    if (n % 4 == 0 && cprof_start("127.0.0.1:0") == 0)
        cprof_stop();
    _exit(3);
}

static void *makes_children(void *arg)
{
    char *const command[] = {"true", NULL};
    for (int n = 0; !stopping; n++) {
        int status = 0;
        pid_t child = -1;
        if (n % 3 == 0) {
            EXPECT(posix_spawn(&child, "/bin/true", NULL, NULL, command, environ) == 0);
        } else if ((child = fork()) == 0) {
            if (n % 3 == 1)
                be_child(n);
            execv("/bin/true", command);
            _exit(4);
        }
        EXPECT(waitpid(child, &status, 0) == child && WIFEXITED(status));
        EXPECT(WEXITSTATUS(status) == (n % 3 == 1 ? 3 : 0));
        children++;
        pause_ns(2000000);
    }
    return arg;
}

static void *loads_objects(void *arg)
{
    while (!stopping) {
        void *object = dlopen("libthread_db.so.1", RTLD_LAZY);
        EXPECT(object && dlsym(object, "td_ta_new") && dlclose(object) == 0);
        loads++;
        pause_ns(500000);
    }
    return arg;
}

static void *dumps_threads(void *arg)
{
    while (!stopping) {
        struct threads_snapshot threads = {0};
        struct snapshot s = {0};
        EXPECT(threads_snapshot(&threads) == 0);
        threads_snapshot_fini(&threads);
        EXPECT(contention_snapshot(dumps % 2 ? CONTENTION_MUTEX : CONTENTION_BLOCK, &s) == 0);
        snapshot_fini(&s);
        if (dumps++ % 16 == 0) {
            struct snapshot heap = {0};
            int r = heap_snapshot(&heap);
            EXPECT(r == 0 || r == ERR_UNSUPPORTED); /* under a sanitizer */
            snapshot_fini(&heap);
        }
    }
    return arg;
}

/* ---- the storm ------------------------------------------------------------------------------------------
 */

static double storm_seconds(double otherwise)
{
    const char *text = getenv("STORM_SECONDS");
    return text ? atof(text) : otherwise;
}

static void cycle(const char *address)
{
    struct cpu_session *session;
    struct snapshot samples = {0};
    EXPECT(cprof_start(address) == 0);
    int code = cpu_session_start(CPU_MAX_HZ, &session);
    EXPECT(code == 0 || code == ERR_LIMIT);
    pause_ns(CYCLE_MS * 1000000L);
    if (code == 0)
        EXPECT(cpu_session_stop(session, &samples) == 0);
    snapshot_fini(&samples);
    cprof_stop();
}

static int tasks(void)
{
    int n = 0;
    DIR *dir = opendir("/proc/self/task");
    for (struct dirent *e; dir && (e = readdir(dir));)
        n += e->d_name[0] != '.';
    if (dir)
        closedir(dir);
    return n;
}

typedef void *actor(void *);
static actor *const all[] = {makes_short_threads, makes_short_threads, cancels_threads, makes_exits,
    makes_jumps, makes_children, loads_objects, dumps_threads, NULL};
static actor *const only_short[] = {makes_short_threads, makes_short_threads, NULL};

/* As long as it lasts; then all its threads have ended. */
static void storm(actor *const *actors, double seconds)
{
    enum { MOST = sizeof all / sizeof *all };
    pthread_t threads[MOST];
    int n = 0;
    char address[64];
    int64_t end = clock_monotonic_ns() + (int64_t)(seconds * 1e9);
    snprintf(address, sizeof address, "unix:/tmp/cprof-storm.%d", (int)getpid());
    stopping = false;
    for (; actors[n]; n++)
        ck_assert_int_eq(pthread_create(&threads[n], &small, actors[n], NULL), 0);
    while (clock_monotonic_ns() < end)
        cycle(address);
    stopping = true;
    for (int i = 0; i < n; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < 5000 && tasks() > 1; i++)
        usleep(1000);
    ck_assert_int_eq(tasks(), 1);
    ck_assert_int_eq(detached, 0);
    ck_assert_int_eq(failures, 0);
}

static void prepare(void)
{
    setenv("CPROF_MUTEX_FRACTION", "1", 1);
    setenv("CPROF_BLOCK_RATE", "1", 1);
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK_BYTES);
    pthread_attr_init(&small_detached);
    pthread_attr_setstacksize(&small_detached, STACK_BYTES);
    pthread_attr_setdetachstate(&small_detached, PTHREAD_CREATE_DETACHED);
    pthread_key_create(&key, destroy);
    struct sigaction jump = {.sa_handler = on_jump};
    sigaction(SIGUSR1, &jump, NULL);
}

/* ---- what is left ---------------------------------------------------------------------------------------
 */

static int descriptors(void)
{
    int n = 0;
    for (int fd = 0; fd < 4096; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static int64_t created_and_alive(void)
{
    struct snapshot s = {0};
    int64_t sum = 0;
    ck_assert_int_eq(threads_created_snapshot(&s), 0);
    for (size_t i = 0; i < s.records.len; i++)
        sum += s.records.items[i].values[0];
    snapshot_fini(&s);
    return sum;
}

START_TEST(test_nothing_is_left)
{
    prepare();
    double seconds = storm_seconds(3);
    storm(all, seconds / 2); /* tables, arenas and caches get their size */
    long rss = holdings_status("VmRSS"), size = holdings_status("VmSize"), before = short_threads;
    int fds = descriptors();
    storm(all, seconds / 2);
    long made = short_threads - before, rss_now = holdings_status("VmRSS"),
         size_now = holdings_status("VmSize");
    printf("%ld short threads (%.0f a second), %ld cancelled, %ld exits, %ld jumps, %ld children, %ld loads, "
           "%ld dumps\n",
        (long)short_threads, (double)made / (seconds / 2), (long)cancels, (long)exits, (long)jumps,
        (long)children, (long)loads, (long)dumps);
    printf("RSS %ld KiB, then %ld; VmSize %ld KiB, then %ld; %u records used\n", rss, rss_now, size, size_now,
        thread_count());
    ck_assert_int_eq(descriptors(), fds);
    ck_assert_int_le(holdings_timers(), 0);
    ck_assert_int_eq(thread_enumerate(true), 0);
    ck_assert_int_eq(holdings_records(), 1);
    ck_assert_int_eq(created_and_alive(), 0);
    ck_assert_uint_lt(thread_count(), 1024);
    ck_assert_int_lt(rss_now - rss, 4096 + made / 16); /* 64 bytes for each thread would show */
    ck_assert_int_lt(size_now - size, 65536);
    ck_assert(cancels >= KINDS && exits && jumps && children && loads && dumps);
}
END_TEST

/* Ten thousand a second, where the machine has nothing else to do: what is gated is that none is lost. */
START_TEST(test_short_threads)
{
    prepare();
    storm(only_short, storm_seconds(3) / 6);
    int64_t began = clock_monotonic_ns();
    long before = short_threads, rss = holdings_status("VmRSS");
    storm(only_short, storm_seconds(3) / 3);
    long made = short_threads - before;
    printf("%ld short threads, %.0f a second\n", made,
        (double)made * 1e9 / (double)(clock_monotonic_ns() - began));
    ck_assert_int_le(holdings_timers(), 0);
    ck_assert_int_eq(thread_enumerate(true), 0);
    ck_assert_int_eq(holdings_records(), 1);
    ck_assert_int_eq(created_and_alive(), 0);
    ck_assert_int_lt(holdings_status("VmRSS") - rss, 4096 + made / 16);
}
END_TEST

/*
 * Timers count against the limit on pending signals, which all of a user's processes share: here it is a user
 * of our own, where we may. What the program needs of it itself, to cancel threads, must be left.
 */
START_TEST(test_without_timers)
{
    prepare();
    if (geteuid() == 0)
        ck_assert_int_eq(setresuid(61234, 61234, 61234), 0);
    struct rlimit few = {(rlim_t)holdings_status("SigQ") + 10, (rlim_t)holdings_status("SigQ") + 10};
    ck_assert_int_eq(setrlimit(RLIMIT_SIGPENDING, &few), 0);
    storm(all, storm_seconds(3) / 3);
    ck_assert_int_le(holdings_timers(), 0);
    ck_assert_int_eq(thread_enumerate(true), 0);
    ck_assert_int_eq(holdings_records(), 1);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {test_nothing_is_left, test_short_threads, test_without_timers};
    return HARNESS_SUITE("storm", 20 + 4 * storm_seconds(0), tests);
}
