#include "common/limits.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

long limits_raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 256;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit); /* an unlimited hard limit may be above the kernel's: then as it was */
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur > LONG_MAX ? LONG_MAX : (long)limit.rlim_cur;
}

static long read_number(const char *path)
{
    long n;
    FILE *file = fopen(path, "re");
    if (!file)
        return LONG_MAX;
    if (fscanf(file, "%ld", &n) != 1) /* pids.max says "max" */
        n = LONG_MAX;
    fclose(file);
    return n;
}

static long cgroup_pids_max(void)
{
    char line[512], path[640];
    long least = read_number("/sys/fs/cgroup/pids.max");
    FILE *file = fopen("/proc/self/cgroup", "re");
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "0::/", 4) != 0)
            continue;
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/pids.max", line + 3);
        long n = read_number(path);
        least = n < least ? n : least;
    }
    if (file)
        fclose(file);
    return least;
}

static long user_limit(void)
{
    struct rlimit limit;
    if (geteuid() == 0 || getrlimit(RLIMIT_NPROC, &limit) != 0 || limit.rlim_cur > LONG_MAX)
        return LONG_MAX; /* the kernel does not hold root to it */
    return (long)limit.rlim_cur;
}

long limits_threads(const char **what)
{
    const struct {
        const char *name;
        long n;
    } limits[] = {
        {"RLIMIT_NPROC, see ulimit -u", user_limit()},
        {"/proc/sys/kernel/threads-max", read_number("/proc/sys/kernel/threads-max")},
        {"/proc/sys/kernel/pid_max", read_number("/proc/sys/kernel/pid_max")},
        {"the cgroup's pids.max", cgroup_pids_max()},
    };
    size_t least = 0;
    for (size_t i = 1; i < sizeof limits / sizeof *limits; i++)
        if (limits[i].n < limits[least].n)
            least = i;
    *what = limits[least].name;
    return limits[least].n;
}

long limits_threads_now(void)
{
    char line[256];
    long n = 0;
    FILE *file = fopen("/proc/self/status", "re");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "Threads: %ld", &n) == 1)
            break;
    if (file)
        fclose(file);
    return n;
}
