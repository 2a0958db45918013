/*
 * What does a sample cost here, in processor time? For each profile a way of its own to tell it from the work
 * beside it; five rounds each, of which the middle one counts, and the least and the most say how far to
 * trust it.
 *
 *     cpu       a loop that looks at its clock all the time: how much longer the steps are in which a sample
 *               was taken. What tells them is the signal's stack, which has been written to. The timer's
 *               interrupt is in it: on a virtual machine one took 45 us, and a sample with it 50 to 65
 *     heap      blocks allocated and freed, with a sample every 1,024 bytes and with none
 *     mutex     a lock let go of while another thread waits for it, on the record or not: what unlocking
 *               and waiting take, on one processor. On two it took 1.7 to 1.9 us, when what is written
 *               of the lock moved between them
 *     block     two threads that wake each other up, with every wait on the record or none
 *     threads   the stacks of 200 threads that wait, as a profile, and no work beside it. They begin after
 *               capture, as a server's do; one that waits from before has to be asked, which took 45 us
 *     wall      a look at 200 threads each of which has moved since the last
 *
 * By the thread's clock, or the process', and not the wall's: what other programs do meanwhile is not in it.
 * The stacks are twelve calls deep.
 */
#include "base/clock.h"
#include "capture/thread.h"
#include "capture/wall.h"

#include <cprof.h>

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    ROUNDS = 5,
    DEPTH = 12,
    CPU_STEPS_MAX = 4096,
    PAIRS_MAX = 1000,
    ALLOCATED = 20000,
    BLOCK_BYTES = 512,
    HEAP_RATE = 1024,
    UNLOCKS = PAIRS_MAX,
    TURNS = 200,
    THREADS = 200,
    DUMPS = 5,
    LOOKS = 20,
};

static int64_t process_cpu_ns(void)
{
    return clock_read_ns(CLOCK_PROCESS_CPUTIME_ID);
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t median(int64_t *values, size_t n)
{
    if (n == 0)
        return 0;
    qsort(values, n, sizeof *values, by_value);
    return values[n / 2];
}

static void must(bool is_so, const char *what)
{
    if (is_so)
        return;
    fprintf(stderr, "sample_cost: %s\n", what);
    exit(1);
}

static void start_thread(pthread_t *thread, void *(*run)(void *))
{
    must(pthread_create(thread, NULL, run, NULL) == 0, "no thread can be had");
}

/* Runs `work` as the last of DEPTH calls. */
__attribute__((noinline)) static int deep(void (*work)(void), int depth)
{
    if (depth > 0)
        return deep(work, depth - 1) + 1; /* not the last thing it does, so that each call has a frame */
    work();
    return 0;
}

/* A round: what a sample took, in ns, and how many there were. */
struct round {
    double ns;
    long samples;
};

static void measure(const char *name, struct round (*round)(void))
{
    int64_t picoseconds[ROUNDS];
    long samples = 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct round r = round();
        picoseconds[i] = (int64_t)(r.ns * 1e3);
        samples += r.samples;
    }
    int64_t middle = median(picoseconds, ROUNDS);
    printf("%-8s %6.2f us a sample, %.2f to %.2f in %d rounds of %ld\n", name, (double)middle / 1e6,
        (double)picoseconds[0] / 1e6, (double)picoseconds[ROUNDS - 1] / 1e6, ROUNDS, samples / ROUNDS);
    fflush(stdout);
}

static void begin_capture(void)
{
    must(cprof_start_capture() == 0, "capture does not start");
}

static int write_profile(const char *profile)
{
    int fd = memfd_create("profile", MFD_CLOEXEC);
    int code = cprof_write(profile, fd);
    close(fd);
    return code;
}

/* ---- cpu ---- */

static _Atomic bool is_collected;
static unsigned char signal_stack[64 * 1024];
static struct round cpu_round_now;

static void *collect_cpu(void *unused)
{
    must(write_profile("profile?seconds=1&hz=1000") == 0, "no CPU profile");
    is_collected = true;
    return unused;
}

static bool was_sampled(void)
{
    for (size_t i = 0; i < sizeof signal_stack; i++) {
        if (signal_stack[i]) {
            memset(signal_stack, 0, sizeof signal_stack);
            return true;
        }
    }
    return false;
}

static void watch_clock(void)
{
    static int64_t plain[CPU_STEPS_MAX], sampled[CPU_STEPS_MAX];
    size_t nplain = 0, nsampled = 0;
    while (nplain < CPU_STEPS_MAX) {
        int64_t began = clock_thread_cpu_ns();
        plain[nplain++] = clock_thread_cpu_ns() - began;
    }
    int64_t usual = median(plain, nplain);
    was_sampled();
    while (!is_collected) {
        int64_t began = clock_thread_cpu_ns(), took = clock_thread_cpu_ns() - began;
        if (took > usual + usual / 2 && was_sampled() && nsampled < CPU_STEPS_MAX)
            sampled[nsampled++] = took;
    }
    must(nsampled > 0, "the CPU profile took no sample");
    cpu_round_now = (struct round){(double)(median(sampled, nsampled) - usual), (long)nsampled};
}

static struct round round_cpu(void)
{
    stack_t stack = {.ss_sp = signal_stack, .ss_size = sizeof signal_stack}, before;
    pthread_t collector;
    sigaltstack(&stack, &before);
    begin_capture();
    is_collected = false;
    start_thread(&collector, collect_cpu);
    deep(watch_clock, DEPTH);
    pthread_join(collector, NULL);
    cprof_stop();
    sigaltstack(&before, NULL);
    return cpu_round_now;
}

/* ---- heap, mutex and block: off and on the record, in turns ---- */

/* The middle one of the differences between one and the next: a processor is now fast, now slow, for longer.
 */
static struct round in_pairs(int64_t (*work_ns)(bool is_recorded), int pairs, long samples)
{
    int64_t more_ns[PAIRS_MAX];
    for (int i = 0; i < pairs; i++) {
        int64_t without = work_ns(false);
        more_ns[i] = work_ns(true) - without;
    }
    return (struct round){(double)median(more_ns, (size_t)pairs) / (double)samples, samples * pairs};
}

static void *volatile allocated;

static void allocate(void)
{
    for (int i = 0; i < ALLOCATED; i++) {
        allocated = malloc(BLOCK_BYTES);
        free(allocated);
    }
}

static int64_t allocating_ns(bool is_recorded)
{
    setenv("CPROF_HEAP_RATE", is_recorded ? "1024" : "0", 1);
    begin_capture();
    int64_t began = process_cpu_ns();
    deep(allocate, DEPTH);
    int64_t used = process_cpu_ns() - began;
    cprof_stop();
    setenv("CPROF_HEAP_RATE", "0", 1);
    return used;
}

static struct round round_heap(void)
{
    return in_pairs(allocating_ns, 9, (long)ALLOCATED * BLOCK_BYTES / HEAP_RATE);
}

/* On one processor: where threads are woken makes more of a difference than what is measured. */
static struct round on_one_processor(struct round (*round)(void))
{
    cpu_set_t all, one;
    sched_getaffinity(0, sizeof all, &all);
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    sched_setaffinity(0, sizeof one, &one);
    struct round r = round();
    sched_setaffinity(0, sizeof all, &all);
    return r;
}

static pthread_mutex_t contended = PTHREAD_MUTEX_INITIALIZER;
static int64_t waiter_ns;
static sem_t ping, pong;

static void wait_for_lock(void)
{
    for (int i = 0; i < 2 * UNLOCKS; i++) {
        sem_wait(&ping);
        int64_t began = clock_thread_cpu_ns();
        pthread_mutex_lock(&contended);
        waiter_ns = clock_thread_cpu_ns() - began;
        pthread_mutex_unlock(&contended);
        sem_post(&pong);
    }
}

static void *contend(void *unused)
{
    deep(wait_for_lock, DEPTH);
    return unused;
}

static int64_t unlocked_ns;

static void let_go(void)
{
    pthread_mutex_lock(&contended);
    sem_post(&ping);
    while (
        __atomic_load_n(&contended.__data.__lock, __ATOMIC_RELAXED) != 2) /* glibc's "taken, and awaited" */
        sched_yield();
    int64_t began = clock_thread_cpu_ns();
    pthread_mutex_unlock(&contended);
    unlocked_ns = clock_thread_cpu_ns() - began;
    sem_wait(&pong);
}

static int64_t contending_ns(bool is_recorded)
{
    cprof_set_mutex_fraction(is_recorded);
    deep(let_go, DEPTH);
    return unlocked_ns + waiter_ns;
}

static struct round unlocking(void)
{
    pthread_t waiter;
    begin_capture();
    start_thread(&waiter, contend);
    struct round r = in_pairs(contending_ns, UNLOCKS, 1);
    pthread_join(waiter, NULL);
    cprof_stop();
    return r;
}

static struct round round_mutex(void)
{
    return on_one_processor(unlocking);
}

static void *answer(void *unused)
{
    for (int i = 0; i < TURNS; i++) {
        sem_wait(&ping);
        sem_post(&pong);
    }
    return unused;
}

static void take_turns(void)
{
    pthread_t other;
    start_thread(&other, answer);
    for (int i = 0; i < TURNS; i++) {
        sem_post(&ping);
        sem_wait(&pong);
    }
    pthread_join(other, NULL);
}

static int64_t waiting_ns(bool is_recorded)
{
    cprof_set_block_rate_ns(is_recorded);
    int64_t began = process_cpu_ns();
    deep(take_turns, DEPTH);
    return process_cpu_ns() - began;
}

static struct round taking_turns(void)
{
    begin_capture();
    struct round r = in_pairs(waiting_ns, 15, 2L * TURNS);
    cprof_stop();
    return r;
}

static struct round round_block(void)
{
    return on_one_processor(taking_turns);
}

/* ---- threads and wall ---- */

static sem_t moves[THREADS];
static _Atomic bool is_over;
static _Atomic int next_mover;

static void move_along(void)
{
    sem_t *mine = &moves[next_mover++];
    while (!is_over) {
        sem_post(&pong);
        sem_wait(mine);
    }
}

static void *mover(void *unused)
{
    deep(move_along, DEPTH);
    return unused;
}

static void await_all(void)
{
    for (int i = 0; i < THREADS; i++)
        sem_wait(&pong);
    usleep(2000); /* until the last one waits again */
}

static void move_all(void)
{
    for (int i = 0; i < THREADS; i++)
        sem_post(&moves[i]);
}

static struct round round_threads(void)
{
    int64_t began = process_cpu_ns();
    for (int i = 0; i < DUMPS; i++)
        must(write_profile("threads") == 0, "no threads");
    return (struct round){(double)(process_cpu_ns() - began) / DUMPS / THREADS, (long)DUMPS * THREADS};
}

/* The profiler looks on a thread of its own. */
static void *look(void *result)
{
    struct wall_session *session;
    int64_t looks_ns[LOOKS];
    thread_exclude_self();
    must(wall_session_start(WALL_DEFAULT_HZ, &session) == 0, "no wall profile");
    for (int i = 0; i < LOOKS; i++) {
        move_all();
        await_all();
        int64_t began = clock_thread_cpu_ns();
        wall_session_sample(session);
        looks_ns[i] = clock_thread_cpu_ns() - began;
    }
    wall_session_stop(session, NULL);
    *(struct round *)result =
        (struct round){(double)median(looks_ns, LOOKS) / THREADS, (long)LOOKS * THREADS};
    return NULL;
}

static struct round round_wall(void)
{
    struct round r;
    pthread_t looker;
    must(pthread_create(&looker, NULL, look, &r) == 0, "no thread can be had");
    pthread_join(looker, NULL);
    return r;
}

static void measure_waiting(void)
{
    pthread_t threads[THREADS];
    begin_capture();
    for (int i = 0; i < THREADS; i++)
        sem_init(&moves[i], 0, 0);
    for (int i = 0; i < THREADS; i++)
        start_thread(&threads[i], mover);
    await_all();
    round_threads(); /* names are looked up once */
    measure("threads", round_threads);
    measure("wall", round_wall);
    is_over = true;
    move_all();
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    cprof_stop();
}

int main(void)
{
    setenv("CPROF_HEAP_RATE", "0", 1);
    setenv("CPROF_MUTEX_FRACTION", "0", 1);
    setenv("CPROF_BLOCK_RATE", "0", 1);
    sem_init(&ping, 0, 0);
    sem_init(&pong, 0, 0);
    measure("cpu", round_cpu);
    measure("heap", round_heap);
    measure("mutex", round_mutex);
    measure("block", round_block);
    measure_waiting();
    return 0;
}
