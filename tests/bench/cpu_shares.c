#include "base/clock.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Ten functions on ten threads, the k-th with k/55 of the CPU time, and what a CPU profiler says of them at
 * 100 Hz. Compiled twice: for libcprof, which reads its own samples, and with PEER_GPERFTOOLS, which leaves
 * the profile in the file named by the argument, for pprof. Prints "used K SECONDS" by the threads' own
 * clocks and, for libcprof, "seen K SECONDS".
 */

enum { FUNCTIONS = 10, SHARES = 55 };
static const double TOTAL_SECONDS = 8;

static double used[FUNCTIONS];

static inline __attribute__((always_inline)) void spin(double seconds)
{
    int64_t until = (int64_t)(seconds * 1e9);
    do
        for (volatile int i = 0; i < 20000; i++)
            ;
    while (clock_thread_cpu_ns() < until);
}

#define FUNCTION(k)                                                                                      \
    __attribute__((noinline, noclone, aligned(1024), section(".text.named"))) void *burn_##k(void *arg); \
    void *burn_##k(void *arg)                                                                            \
    {                                                                                                    \
        spin(TOTAL_SECONDS *(k) / SHARES);                                                               \
        used[(k)-1] = (double)clock_thread_cpu_ns() / 1e9;                                               \
        return arg;                                                                                      \
    }
FUNCTION(1)
FUNCTION(2)
FUNCTION(3)
FUNCTION(4)
FUNCTION(5)
FUNCTION(6)
FUNCTION(7)
FUNCTION(8)
FUNCTION(9)
FUNCTION(10)

static void *(*const functions[FUNCTIONS])(void *) = {
    burn_1, burn_2, burn_3, burn_4, burn_5, burn_6, burn_7, burn_8, burn_9, burn_10};

#if defined(PEER_GPERFTOOLS)

int ProfilerStart(const char *file);
void ProfilerStop(void);

static void begin(const char *file)
{
    if (!ProfilerStart(file))
        exit(1);
}

static void end(void)
{
    ProfilerStop();
}

#else

#include "capture/capture.h"
#include "capture/cpu.h"

static struct cpu_session *session;

static void begin(const char *file)
{
    (void)file;
    struct capture_config config = {0};
    if (capture_start(&config, NULL) != 0 || cpu_session_start(CPU_DEFAULT_HZ, &session) != 0)
        exit(1);
}

static void end(void)
{
    struct snapshot s;
    double seen[FUNCTIONS] = {0};
    if (cpu_session_stop(session, &s) != 0)
        exit(1);
    for (size_t i = 0; i < s.records.len; i++) {
        const struct snapshot_record *r = &s.records.items[i];
        for (int f = 0; f < FUNCTIONS; f++)
            for (int k = 0; k < r->depth; k++) {
                uintptr_t pc = s.pcs.items[r->first_pc + (size_t)k];
                if (pc <= (uintptr_t)functions[f] || pc >= (uintptr_t)functions[f] + 1024)
                    continue;
                seen[f] += (double)r->values[1] / 1e9;
                break;
            }
    }
    for (int f = 0; f < FUNCTIONS; f++)
        printf("seen %d %.4f\n", f + 1, seen[f]);
    snapshot_fini(&s);
}

#endif

int main(int argc, char **argv)
{
    pthread_t threads[FUNCTIONS];
    begin(argc > 1 ? argv[1] : NULL);
    for (int f = 0; f < FUNCTIONS; f++)
        pthread_create(&threads[f], NULL, functions[f], NULL);
    for (int f = 0; f < FUNCTIONS; f++)
        pthread_join(threads[f], NULL);
    end();
    for (int f = 0; f < FUNCTIONS; f++)
        printf("used %d %.4f\n", f + 1, used[f]);
    return 0;
}
