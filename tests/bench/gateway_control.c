#include "capture/capture.h"
#include "capture/contention.h"
#include "capture/cpu.h"
#include "capture/heap.h"
#include "capture/interpose.h"

#include "base/clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Linked into a gateway, this lets gateway_load switch its profiling on and off while it serves. A thread of
 * the profiler's reads commands of one letter and answers each with a line; BENCH_CONTROL is "READ,WRITE",
 * the two descriptors.
 *
 *     0        everything off: wrappers, locks, heap sampling, CPU
 *     1        everything on: CPU at 100 Hz, mutex 1 in 100, block from 10 us, heap each 512 KiB
 *     l h c    locks, heap or CPU alone
 *     u        CPU time of the process so far, ns
 *     n        everything on and all of it recorded, and calls counted from here on; then
 *     e        "LOCKS CALLS WAITS CHARGES BYTES" since n
 *     p        "LOCK CALL WAIT SAMPLE HEAP": what each of these costs, ns
 *
 * LOCKS are locks taken, CALLS wrapped calls for input and output, WAITS and CHARGES waits and unlocks that
 * were recorded, BYTES those allocated.
 */

enum { MUTEX_FRACTION = 100, BLOCK_RATE_NS = 10000, HEAP_RATE = 524288, CPU_HZ = 100 };

static struct cpu_session *session;

static void switch_to(bool locks, bool heap, bool cpu, bool everything)
{
    if (session)
        cpu_session_stop(session, NULL);
    session = NULL;
    capture_stop();
    heap_start(0);
    struct capture_config config = {.heap_rate_bytes = heap ? HEAP_RATE : 0};
    if (locks) {
        config.mutex_fraction = everything ? 1 : MUTEX_FRACTION;
        config.block_rate_ns = everything ? 1 : BLOCK_RATE_NS;
    }
    if (!locks && !heap && !cpu)
        return;
    if (capture_start(&config, NULL) != 0 || (cpu && cpu_session_start(CPU_HZ, &session) != 0))
        abort();
}

/* ---- counting -------------------------------------------------------------------------------------------
 */

static _Atomic long locks, calls;
static struct interpose_functions passed; /* what the counting ones go on to */

static int count_lock(pthread_mutex_t *m)
{
    atomic_fetch_add_explicit(&locks, 1, memory_order_relaxed);
    return passed.pthread_mutex_lock(m);
}

#define COUNTED(X)                                                                    \
    X(int, poll, (struct pollfd * p, nfds_t n, int ms), (p, n, ms))                   \
    X(ssize_t, read, (int fd, void *to, size_t n), (fd, to, n))                       \
    X(ssize_t, recv, (int fd, void *to, size_t n, int flags), (fd, to, n, flags))     \
    X(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n))                  \
    X(ssize_t, writev, (int fd, const struct iovec *p, int n), (fd, p, n))            \
    X(ssize_t, send, (int fd, const void *p, size_t n, int flags), (fd, p, n, flags)) \
    X(ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags), (fd, m, flags))

#define X(type, name, parameters, arguments)                        \
    static type count_##name parameters                             \
    {                                                               \
        atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed); \
        return passed.name arguments;                               \
    }
COUNTED(X)
#undef X

static void count_calls(void)
{
    passed = interpose_real;
    interpose_real.pthread_mutex_lock = count_lock;
#define X(type, name, parameters, arguments) interpose_real.name = count_##name;
    COUNTED(X)
#undef X
}

static int64_t total(const struct snapshot *s, int value)
{
    int64_t sum = 0;
    for (size_t i = 0; i < s->records.len; i++)
        sum += s->records.items[i].values[value];
    return sum;
}

struct events {
    int64_t waits, charges, bytes;
};

static struct events events_now(void)
{
    struct snapshot block, mutex, heap;
    if (contention_snapshot(CONTENTION_BLOCK, &block) || contention_snapshot(CONTENTION_MUTEX, &mutex) ||
        heap_snapshot(&heap))
        abort();
    struct events e = {total(&block, 0), total(&mutex, 0), total(&heap, 1)};
    snapshot_fini(&block);
    snapshot_fini(&mutex);
    snapshot_fini(&heap);
    return e;
}

/* ---- prices ---------------------------------------------------------------------------------------------
 */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static const struct timespec past = {1, 0};
static char byte;
static int quiet[2];

static void do_lock(void)
{
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
}

static void do_call(void)
{
    if (read(quiet[0], &byte, 1) >= 0)
        abort();
}

/* A wait, and an unlock that is charged for it. */
static void do_wait(void)
{
    pthread_mutex_lock(&mutex);
    pthread_mutex_timedlock(&mutex, &past);
    pthread_mutex_unlock(&mutex);
}

/* A tick of our own timer, as the handler sees it. */
static void do_sample(void)
{
    siginfo_t info = {.si_signo = SIGPROF, .si_code = SI_TIMER};
    info.si_value.sival_ptr = thread_self();
    syscall(SYS_rt_tgsigqueueinfo, getpid(), (pid_t)syscall(SYS_gettid), SIGPROF, &info);
}

/* So large that each is sampled. */
static void do_allocate(void)
{
    void *volatile p = malloc(8 << 20);
    free(p);
}

/* The shortest of many runs, of n each. */
static double shortest_ns(void (*what)(void), int n)
{
    double best = 1e18;
    for (int run = 0; run < 60; run++) {
        int64_t before = clock_monotonic_ns();
        for (int i = 0; i < n; i++)
            what();
        double ns = (double)(clock_monotonic_ns() - before) / n;
        best = ns < best ? ns : best;
    }
    return best;
}

struct prices {
    double lock, call, wait, sample, heap;
};

/* What `off` has not is the price. */
static void measure(struct prices *p, bool on)
{
    switch_to(on, on, on, true);
    p->lock = shortest_ns(do_lock, 2000) - p->lock;
    p->call = shortest_ns(do_call, 500) - p->call;
    p->wait = shortest_ns(do_wait, 200) - p->wait;
    p->heap = shortest_ns(do_allocate, 20) - p->heap;
    if (on)
        p->sample = shortest_ns(do_sample, 200);
}

/* In a thread that is profiled, unlike the one that reads commands. */
static void *measure_prices(void *prices)
{
    if (pipe2(quiet, O_NONBLOCK) != 0)
        abort();
    measure(prices, false);
    measure(prices, true);
    close(quiet[0]);
    close(quiet[1]);
    return NULL;
}

/* ---- commands -------------------------------------------------------------------------------------------
 */

static int64_t cpu_time_ns(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * INT64_C(1000000000) +
           (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * INT64_C(1000);
}

static struct events before;

static int answer(char command, char *line, size_t size)
{
    struct prices p = {0};
    pthread_t t;
    switch (command) {
    case '0':
    case '1':
        switch_to(command == '1', command == '1', command == '1', false);
        break;
    case 'l':
    case 'h':
    case 'c':
        switch_to(command == 'l', command == 'h', command == 'c', false);
        break;
    case 'u':
        return snprintf(line, size, "%lld\n", (long long)cpu_time_ns());
    case 'n':
        switch_to(true, true, true, true);
        count_calls();
        locks = calls = 0;
        before = events_now();
        break;
    case 'e': {
        struct events now = events_now();
        return snprintf(line, size, "%ld %ld %lld %lld %lld\n", locks, calls,
            (long long)(now.waits - before.waits), (long long)(now.charges - before.charges),
            (long long)(now.bytes - before.bytes));
    }
    case 'p':
        if (pthread_create(&t, NULL, measure_prices, &p) != 0)
            abort();
        pthread_join(t, NULL);
        switch_to(false, false, false, false);
        return snprintf(line, size, "%.2f %.2f %.0f %.0f %.0f\n", p.lock, p.call, p.wait, p.sample, p.heap);
    }
    return snprintf(line, size, "ok\n");
}

static int in, out;

static void *obey(void *arg)
{
    char command, line[128];
    capture_exclude_thread();
    while (syscall(SYS_read, in, &command, 1) == 1) {
        int len = answer(command, line, sizeof line);
        if (syscall(SYS_write, out, line, (size_t)len) != len)
            break;
    }
    kill(getpid(), SIGTERM); /* who gave the commands has gone */
    return arg;
}

/* Before main, which blocks signals in all threads to come and may be waited for. */
static __attribute__((constructor)) void begin(void)
{
    const char *control = getenv("BENCH_CONTROL");
    pthread_t t;
    if (!control || sscanf(control, "%d,%d", &in, &out) != 2 || pthread_create(&t, NULL, obey, NULL) != 0)
        abort();
    pthread_detach(t);
}
