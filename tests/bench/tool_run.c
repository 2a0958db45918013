/*
 * Runs a command some times and prints the medians, of the whole process with the children it waited for:
 *
 *     tool_run RUNS LIMIT_S COMMAND [ARG...]     prints "cpu_ms wall_ms peak_kb"
 *
 * A run that takes longer than LIMIT_S seconds is ended, and what it took until then is all that is said:
 * "cpu_ms wall_ms peak_kb over". Its output goes nowhere. Exit: 0, 1 when the command failed, 2 for a wrong
 * call.
 */

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_RUNS = 99 };

struct run {
    int64_t cpu_ms, wall_ms, peak_kb;
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static volatile sig_atomic_t over;
static volatile pid_t child;

static void end_child(int signal)
{
    (void)signal;
    over = 1;
    kill(-child, SIGKILL);
}

static pid_t start(char **command)
{
    pid_t pid = fork();
    if (pid)
        return pid;
    setpgid(0, 0);
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    execvp(command[0], command);
    _exit(127);
}

/* 0, 1 when the command failed, 2 when it took too long. */
static int run(char **command, long limit_s, struct run *r)
{
    int64_t began = now_ms();
    pid_t pid = start(command);
    if (pid < 0)
        return 1;
    int status;
    struct rusage usage;
    over = 0;
    child = pid;
    alarm((unsigned)limit_s);
    while (wait4(pid, &status, 0, &usage) < 0)
        ;
    alarm(0);
    r->wall_ms = now_ms() - began;
    r->cpu_ms = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * (int64_t)1000 +
                (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
    r->peak_kb = usage.ru_maxrss;
    return over ? 2 : !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static int64_t median(int64_t *values, long n)
{
    qsort(values, (size_t)n, sizeof *values, compare);
    return values[n / 2];
}

int main(int argc, char **argv)
{
    long runs = argc > 3 ? strtol(argv[1], NULL, 10) : 0, limit_s = argc > 3 ? strtol(argv[2], NULL, 10) : 0;
    signal(SIGALRM, end_child);
    int64_t cpu[MAX_RUNS], wall[MAX_RUNS], peak[MAX_RUNS];
    if (runs < 1 || runs > MAX_RUNS || limit_s < 1) {
        fprintf(stderr, "usage: tool_run RUNS LIMIT_S COMMAND [ARG...]\n");
        return 2;
    }
    for (long i = 0; i < runs; i++) {
        struct run r;
        int result = run(argv + 3, limit_s, &r);
        if (result == 1)
            return 1;
        if (result == 2) {
            printf("%lld %lld %lld over\n", (long long)r.cpu_ms, (long long)r.wall_ms, (long long)r.peak_kb);
            return 0;
        }
        cpu[i] = r.cpu_ms;
        wall[i] = r.wall_ms;
        peak[i] = r.peak_kb;
    }
    printf("%lld %lld %lld\n", (long long)median(cpu, runs), (long long)median(wall, runs),
        (long long)median(peak, runs));
    return 0;
}
