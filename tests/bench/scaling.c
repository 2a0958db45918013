#include "crowd.h"
#include "spread.h"

#include "base/clock.h"
#include "cprof.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * How what the library does grows with a program:
 *
 *     scaling threads N    a dump (debug=2) of N threads that wait
 *     scaling stacks N     the heap profile of a program with N different stacks that allocated, each sampled
 *
 * prints "MS BYTES": the median of some rounds in ms, and how long the profile is. For stacks CPROF_HEAP_RATE
 * has to be 1.
 */

enum { ROUNDS = 7, DEPTH = 6 };

static void **kept;
static size_t n_kept;

/* A path of left and right for each number: as many stacks as there are numbers. */
static void left(unsigned path, int turns);
static void right(unsigned path, int turns);

static void descend(unsigned path, int turns)
{
    if (turns == 0)
        kept[n_kept++] = malloc(48);
    else if (path & 1)
        right(path >> 1, turns - 1);
    else
        left(path >> 1, turns - 1);
}

static __attribute__((noinline)) void left(unsigned path, int turns)
{
    descend(path, turns);
    __asm__ volatile(""); /* no tail call */
}

static __attribute__((noinline)) void right(unsigned path, int turns)
{
    descend(path, turns);
    __asm__ volatile("");
}

static void allocate(unsigned stacks)
{
    int turns = 0;
    while (turns < 31 && (1u << turns) < stacks)
        turns++;
    kept = calloc(stacks, sizeof *kept);
    for (unsigned i = 0; kept && i < stacks; i++)
        descend(i, turns);
}

static int measure(const char *profile)
{
    double ms[ROUNDS];
    struct stat s = {0};
    for (int i = 0; i < ROUNDS; i++) {
        int fd = memfd_create("scaling", MFD_CLOEXEC);
        int64_t before = clock_monotonic_ns();
        int code = cprof_write(profile, fd);
        ms[i] = (double)(clock_monotonic_ns() - before) / 1e6;
        if (code || fstat(fd, &s)) {
            fprintf(stderr, "scaling: %s: %s\n", profile, cprof_strerror(code));
            return 1;
        }
        close(fd);
    }
    printf("%.3f %lld\n", spread_of(ms, ROUNDS).median, (long long)s.st_size);
    return 0;
}

int main(int argc, char **argv)
{
    int n = argc == 3 ? atoi(argv[2]) : 0, code;
    bool threads = n > 0 && strcmp(argv[1], "threads") == 0;
    if (n < 1 || (!threads && strcmp(argv[1], "stacks") != 0) || cprof_start_capture() != 0)
        return 2;
    if (threads) {
        crowd_start(n, DEPTH);
        crowd_settle();
    } else
        allocate((unsigned)n);
    code = measure(threads ? "threads?debug=2" : "heap");
    if (threads)
        crowd_release();
    return code;
}
