#ifndef TESTS_HOLDINGS_H
#define TESTS_HOLDINGS_H

#include "capture/thread.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the process holds, by the kernel's account and ours, for tests of what is left behind. */

/* Entries of a folder in /proc/self, as "/proc/self/fd" (with the one that looks) or "/proc/self/task". */
static inline int holdings_entries(const char *folder)
{
    int n = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir));)
        n += e->d_name[0] != '.';
    if (dir)
        closedir(dir);
    return n;
}

/* Timers of timer_create; -1 where the kernel does not list them. */
static inline int holdings_timers(void)
{
    char line[256];
    FILE *f = fopen("/proc/self/timers", "r");
    int n = f ? 0 : -1;
    while (f && fgets(line, sizeof line, f))
        n += strncmp(line, "ID:", 3) == 0;
    if (f)
        fclose(f);
    return n;
}

/* A number of /proc/self/status by its name, as "VmRSS" (KiB); -1 when there is none. */
static inline long holdings_status(const char *name)
{
    char line[256];
    long value = -1;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && value < 0 && fgets(line, sizeof line, f))
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
            value = atol(line + strlen(name) + 1);
    if (f)
        fclose(f);
    return value;
}

/* Our records of threads that are alive. */
static inline int holdings_records(void)
{
    int n = 0;
    for (uint32_t i = 0; i < thread_count(); i++)
        n += thread_at(i)->tid != 0;
    return n;
}

#endif
