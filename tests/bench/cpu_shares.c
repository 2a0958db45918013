#include "base/clock.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/*
 * Ten functions on ten threads, with a tenth of the CPU time each or with 1/55 to 10/55, and what a CPU
 * profiler says of them at 100 Hz. Compiled twice: for libcprof, which reads its own samples, and with
 * PEER_GPERFTOOLS, which leaves the profile in FILE, for pprof.
 *
 *     cpu_shares equal|shares SECONDS [FILE]
 *
 * SECONDS of CPU time in all. Prints "used K SECONDS" by the threads' own clocks, "rusage SECONDS" of the
 * process meanwhile and, for libcprof, "seen K SECONDS" and "total SECONDS".
 */

enum { FUNCTIONS = 10, SHARES = 55 };

static bool is_equal;
static double total_seconds;
static double used[FUNCTIONS];

static void profile_thread(void);

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
        profile_thread();                                                                                \
        spin(total_seconds *(is_equal ? 1.0 / FUNCTIONS : (k) / (double)SHARES));                        \
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
void ProfilerRegisterThread(void);

static void profile_thread(void)
{
    ProfilerRegisterThread();
}

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

static void profile_thread(void)
{
}

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
    double seen[FUNCTIONS] = {0}, total = 0;
    if (cpu_session_stop(session, &s) != 0)
        exit(1);
    for (size_t i = 0; i < s.records.len; i++) {
        const struct snapshot_record *r = &s.records.items[i];
        total += (double)r->values[1] / 1e9;
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
    printf("total %.4f\n", total);
    snapshot_fini(&s);
}

#endif

static double process_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
    pthread_t threads[FUNCTIONS];
    if (argc < 3)
        return 2;
    is_equal = strcmp(argv[1], "equal") == 0;
    total_seconds = atof(argv[2]);
    begin(argc > 3 ? argv[3] : NULL);
    double before = process_seconds();
    for (int f = 0; f < FUNCTIONS; f++)
        pthread_create(&threads[f], NULL, functions[f], NULL);
    for (int f = 0; f < FUNCTIONS; f++)
        pthread_join(threads[f], NULL);
    double after = process_seconds();
    end();
    for (int f = 0; f < FUNCTIONS; f++)
        printf("used %d %.4f\n", f + 1, used[f]);
    printf("rusage %.4f\n", after - before);
    return 0;
}
