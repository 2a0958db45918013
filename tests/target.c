#include <cprof.h>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * A small server-like program for tests to profile: two threads compute and allocate, three contend for a
 * mutex, one waits for good, and some memory stays alive. It says its address on standard output and lives
 * until SIGTERM or until standard input ends, so that no test leaves it behind.
 *
 *     .build/tests/target 127.0.0.1:0
 */
static pthread_mutex_t contended = PTHREAD_MUTEX_INITIALIZER, gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static volatile unsigned long sink;
static char *volatile kept[64];

static __attribute__((noinline)) void target_sort(unsigned seed)
{
    unsigned numbers[512] = {0};
    for (unsigned i = 0; i < 512; i++) {
        unsigned at = i;
        for (seed = seed * 1664525u + 1013904223u; at > 0 && numbers[at - 1] > seed; at--)
            numbers[at] = numbers[at - 1];
        numbers[at] = seed;
    }
    sink += numbers[17];
}

static __attribute__((noinline)) void target_copy(void)
{
    static char from[64 * 1024];
    char *to = malloc(sizeof from);
    for (int i = 0; to && i < 8; i++) {
        memcpy(to, from, sizeof from);
        sink += (unsigned char)to[sink % sizeof from];
    }
    free(to);
}

static __attribute__((noinline)) void target_spin(unsigned turns)
{
    for (unsigned i = 0; i < turns; i++)
        sink = sink * 31 + i;
}

static void *compute(void *arg)
{
    cprof_label_set("job", "compute");
    for (unsigned i = 0;; i++) {
        target_sort(i + *(unsigned *)arg);
        target_copy();
        {
            CPROF_LABEL_SCOPE("turns", i % 2 ? "odd" : "even");
            target_spin(80000);
        }
        if (i % 2 == 0)
            poll(NULL, 0, 1); /* leave some of a small machine to others */
    }
    return NULL;
}

static __attribute__((noinline)) void target_hold(void)
{
    pthread_mutex_lock(&contended);
    poll(NULL, 0, 2);
    pthread_mutex_unlock(&contended);
}

static void *contend(void *arg)
{
    CPROF_LABEL_SCOPE("job", "contend");
    for (;;)
        target_hold();
    return arg;
}

static __attribute__((noinline)) void target_wait(void)
{
    pthread_mutex_lock(&gate);
    for (;;)
        pthread_cond_wait(&never, &gate);
}

static void *wait_for_good(void *arg)
{
    pthread_setname_np(pthread_self(), "waits");
    target_wait();
    return arg;
}

static __attribute__((noinline)) void target_keep(void)
{
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        kept[i] = calloc(1, 1 << 20);
}

static void start(void *(*run)(void *), void *arg)
{
    pthread_t id;
    if (pthread_create(&id, NULL, run, arg))
        exit(1);
}

int main(int argc, char **argv)
{
    static unsigned seeds[2] = {1, 2};
    char byte;
    if (cprof_start(argc > 1 ? argv[1] : NULL))
        return 1;
    cprof_set_mutex_fraction(1); /* every contended unlock: a second is enough to see one */
    target_keep();
    for (int i = 0; i < 2; i++)
        start(compute, &seeds[i]);
    for (int i = 0; i < 3; i++)
        start(contend, NULL);
    start(wait_for_good, NULL);
    printf("%s\n", cprof_address());
    fflush(stdout);
    while (read(0, &byte, 1) > 0)
        ;
    cprof_stop();
    return 0;
}
