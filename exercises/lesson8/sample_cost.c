/*
 * What does a sample cost here? The same work with a profile that looks at everything and with the profile
 * off; the difference in the processor time of the whole process, divided by the samples there were. Of
 * several rounds that take turns the least of each counts: whatever else the machine does only adds.
 *
 *     heap      blocks allocated and freed, twelve calls deep; a sample every 1,024 bytes
 *     block     two threads that wake each other up in turn; every wait is recorded
 *     threads   reading the stacks of 200 threads that wait, and no work beside it
 */
#include "base/clock.h"

#include <cprof.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    ROUNDS = 5,
    ALLOCATED = 200000,
    BLOCK_BYTES = 512,
    HEAP_RATE = 1024,
    TURNS = 20000,
    DEPTH = 12,
    PARKED = 200,
    DUMPS = 20,
};

static int64_t cpu_ns(void)
{
    return clock_read_ns(CLOCK_PROCESS_CPUTIME_ID);
}

/* ---- work ---- */

static void *volatile allocated;

__attribute__((noinline)) static int allocate(int depth)
{
    if (depth > 0)
        return allocate(depth - 1) + 1; /* not the last thing it does, so that each call has a frame */
    for (int i = 0; i < ALLOCATED; i++) {
        allocated = malloc(BLOCK_BYTES);
        free(allocated);
    }
    return 0;
}

static void work_heap(void)
{
    allocate(DEPTH);
}

static sem_t ping, pong;

static void *answer(void *unused)
{
    for (int i = 0; i < TURNS; i++) {
        sem_wait(&ping);
        sem_post(&pong);
    }
    return unused;
}

static void work_block(void)
{
    pthread_t other;
    sem_init(&ping, 0, 0);
    sem_init(&pong, 0, 0);
    if (pthread_create(&other, NULL, answer, NULL) != 0)
        abort();
    for (int i = 0; i < TURNS; i++) {
        sem_post(&ping);
        sem_wait(&pong);
    }
    pthread_join(other, NULL);
}

static void work_threads(void)
{
    for (int i = 0; i < DUMPS; i++) {
        int fd = memfd_create("threads", MFD_CLOEXEC);
        cprof_write("threads", fd);
        close(fd);
    }
}

/* ---- with and without ---- */

static int64_t cost_of(void (*work)(void), const char *variable, const char *rate)
{
    setenv(variable, rate, 1);
    if (cprof_start_capture() != 0)
        exit(1);
    int64_t began = cpu_ns();
    work();
    int64_t used = cpu_ns() - began;
    cprof_stop();
    setenv(variable, "0", 1);
    return used;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void compare(
    const char *name, void (*work)(void), const char *variable, const char *rate, long samples)
{
    int64_t with = INT64_MAX, without = INT64_MAX;
    for (int i = 0; i < ROUNDS; i++) {
        without = least(without, cost_of(work, variable, "0"));
        with = least(with, cost_of(work, variable, rate));
    }
    printf("%-8s %6.2f us a sample: %ld samples took %.1f ms\n", name,
        (double)(with - without) / 1e3 / (double)samples, samples, (double)(with - without) / 1e6);
}

static sem_t parked;

static void *park(void *unused)
{
    sem_wait(&parked);
    return unused;
}

static void measure_threads(void)
{
    pthread_t threads[PARKED];
    int64_t used = INT64_MAX;
    sem_init(&parked, 0, 0);
    for (int i = 0; i < PARKED; i++)
        if (pthread_create(&threads[i], NULL, park, NULL) != 0)
            abort();
    if (cprof_start_capture() != 0)
        exit(1);
    work_threads(); /* names are looked up once */
    for (int i = 0; i < ROUNDS; i++) {
        int64_t began = cpu_ns();
        work_threads();
        used = least(used, cpu_ns() - began);
    }
    cprof_stop();
    for (int i = 0; i < PARKED; i++)
        sem_post(&parked);
    for (int i = 0; i < PARKED; i++)
        pthread_join(threads[i], NULL);
    printf("%-8s %6.2f ms a dump of %d threads, and nothing in between\n", "threads",
        (double)used / 1e6 / DUMPS, PARKED);
}

int main(void)
{
    setenv("CPROF_HEAP_RATE", "0", 1);
    setenv("CPROF_MUTEX_FRACTION", "0", 1);
    setenv("CPROF_BLOCK_RATE", "0", 1);
    compare("heap", work_heap, "CPROF_HEAP_RATE", "1024", (long)ALLOCATED * BLOCK_BYTES / HEAP_RATE);
    compare("block", work_block, "CPROF_BLOCK_RATE", "1", 2L * TURNS);
    measure_threads();
    return 0;
}
