#include "spread.h"

#include "base/clock.h"

#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

/*
 * What an exec costs with a library preloaded, of a program that ends at once.
 *
 *     exec_cost SECONDS PROGRAM LIBRARY…
 *     exec_cost                            is a program that allocates once and ends, to be that PROGRAM
 *
 * Without any and with each in turn, until the time is up. Prints, in ms as LEAST MEDIAN LOW HIGH, "bare" and
 * a line with its number for each library, from spawning it to its end; "more_NUMBER", how much more than the
 * bare one of the same round that is; and "cpu_NUMBER", how much more CPU time. And "rounds N".
 */

enum { MAX_LIBRARIES = 8, MIN_ROUNDS = 40, MAX_ROUNDS = 2000 };

struct cost {
    double ms, cpu_ms;
};

extern char **environ;

static struct cost run(char *program, const char *library)
{
    char preload[4096], *arguments[] = {program, NULL}, *with[] = {preload, NULL}, *none[] = {NULL};
    pid_t pid;
    int status;
    struct rusage u;
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s", library ? library : "");
    int64_t before = clock_monotonic_ns();
    if (posix_spawn(&pid, program, NULL, NULL, arguments, library ? with : none) != 0 ||
        wait4(pid, &status, 0, &u) != pid || status != 0) {
        fprintf(stderr, "exec_cost: %s does not run with %s\n", program, preload);
        exit(1);
    }
    return (struct cost){(double)(clock_monotonic_ns() - before) / 1e6,
        (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
            (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3};
}

static void print(const char *name, int i, double *values, int n)
{
    char full[32];
    snprintf(full, sizeof full, "%s%d", name, i);
    spread_print(full, spread_of(values, n));
}

int main(int argc, char **argv)
{
    static struct cost costs[MAX_LIBRARIES + 1][MAX_ROUNDS];
    static double some[MAX_ROUNDS];
    int n = argc - 3, rounds = 0;
    if (argc == 1) {
        void *volatile once = malloc(100);
        free(once);
        return 0;
    }
    if (n < 0 || n > MAX_LIBRARIES)
        return 2;
    int64_t until = clock_monotonic_ns() + (int64_t)(atof(argv[1]) * 1e9);
    for (; rounds < MAX_ROUNDS && (rounds < MIN_ROUNDS || clock_monotonic_ns() < until); rounds++)
        for (int k = 0; k <= n; k++) {
            int i = (rounds + k) % (n + 1); /* another comes first each time */
            costs[i][rounds] = run(argv[2], i ? argv[2 + i] : NULL);
        }
    for (int i = 1; i <= n; i++) {
        for (int r = 0; r < rounds; r++)
            some[r] = costs[i][r].ms - costs[0][r].ms;
        print("more_", i, some, rounds);
        for (int r = 0; r < rounds; r++)
            some[r] = costs[i][r].cpu_ms - costs[0][r].cpu_ms;
        print("cpu_", i, some, rounds);
    }
    for (int i = 0; i <= n; i++) {
        for (int r = 0; r < rounds; r++)
            some[r] = costs[i][r].ms;
        if (i == 0)
            spread_print("bare", spread_of(some, rounds));
        else
            print("", i, some, rounds);
    }
    printf("rounds %d\n", rounds);
    return 0;
}
