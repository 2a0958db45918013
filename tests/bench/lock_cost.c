#include "capture/capture.h"

#include "base/clock.h"

#include "spread.h"

#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>

/*
 * A lock and an unlock: libc's own, and ours with profiling off and on, in turns; the shortest of many runs
 * of each is what it costs when nothing comes between. Uncontended, and with another thread at it all the
 * time (names in _contended: CPU time of both).
 */

enum { RUNS = 41, PAIRS = 20000, CONTENDED_RUNS = 15, CONTENDED_PAIRS = 20000 };
enum mode { BARE, OFF, ON, MODES };

struct functions {
    int (*lock)(pthread_mutex_t *), (*unlock)(pthread_mutex_t *);
};

static volatile struct functions functions[MODES];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static sem_t never;

static void *stay(void *arg)
{
    sem_wait(&never);
    return arg;
}

/* Inlined, so that each mode has calls of its own, as programs do: which function it is that an indirect call
 * leads to is foretold worse where it is now the one and now the other. */
static inline __attribute__((always_inline)) double time_pairs_in(enum mode mode, int pairs)
{
    int64_t before = clock_monotonic_ns();
    for (int i = 0; i < pairs; i++) {
        functions[mode].lock(&mutex);
        functions[mode].unlock(&mutex);
    }
    return (double)(clock_monotonic_ns() - before) / pairs;
}

static double time_pairs(enum mode mode, int pairs)
{
    switch (mode) {
    case BARE:
        return time_pairs_in(BARE, pairs);
    case OFF:
        return time_pairs_in(OFF, pairs);
    default:
        return time_pairs_in(ON, pairs);
    }
}

static void *pound(void *mode)
{
    time_pairs(*(enum mode *)mode, CONTENDED_PAIRS);
    return NULL;
}

/* CPU time of the process a pair, with two threads at it. */
static double time_contended(enum mode mode)
{
    pthread_t t;
    int64_t before = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID);
    pthread_create(&t, NULL, pound, &mode);
    time_pairs(mode, CONTENDED_PAIRS);
    pthread_join(t, NULL);
    return (double)(clock_read_ns(CLOCK_PROCESS_CPUTIME_ID) - before) / (2 * CONTENDED_PAIRS);
}

static void switch_to(enum mode mode)
{
    const struct capture_config config = {.mutex_fraction = 100, .block_rate_ns = 10000};
    if (mode == ON)
        capture_start(&config, NULL);
    else
        capture_stop();
}

int main(void)
{
    static const char *const names[] = {"bare", "off", "on"};
    static double alone[MODES][RUNS], contended[MODES][CONTENDED_RUNS];
    char name[32];
    void *libc = dlopen("libc.so.6", RTLD_NOW);
    functions[BARE].lock = (int (*)(pthread_mutex_t *))dlsym(libc, "pthread_mutex_lock");
    functions[BARE].unlock = (int (*)(pthread_mutex_t *))dlsym(libc, "pthread_mutex_unlock");
    for (int mode = OFF; mode < MODES; mode++) {
        functions[mode].lock = pthread_mutex_lock;
        functions[mode].unlock = pthread_mutex_unlock;
    }
    pthread_t t; /* libc locks more cheaply while there is one thread alone */
    sem_init(&never, 0, 0);
    pthread_create(&t, NULL, stay, NULL);
    for (int run = 0; run < RUNS; run++)
        for (int mode = BARE; mode < MODES; mode++) {
            switch_to((enum mode)mode);
            alone[mode][run] = time_pairs((enum mode)mode, PAIRS);
        }
    for (int run = 0; run < CONTENDED_RUNS; run++)
        for (int mode = BARE; mode < MODES; mode++) {
            switch_to((enum mode)mode);
            contended[mode][run] = time_contended((enum mode)mode);
        }
    for (int mode = BARE; mode < MODES; mode++) {
        spread_print(names[mode], spread_of(alone[mode], RUNS));
        snprintf(name, sizeof name, "%s_contended", names[mode]);
        spread_print(name, spread_of(contended[mode], CONTENDED_RUNS));
    }
    return 0;
}
