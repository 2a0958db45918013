#ifndef CAPTURE_CPU_PERF_H
#define CAPTURE_CPU_PERF_H

#include "capture/unwind.h"

#include <signal.h>
#include <sys/types.h>

/*
 * One thread's CPU time as the kernel's perf events see it: a task clock, which goes off on a timer of its
 * own, not on the tick. Two ways to be told of it:
 *
 *     cpu_perf_signal   SIGURG to the thread, which looks at itself, as with POSIX timers
 *     cpu_perf_ring     registers and stack copied by the kernel into a ring, for threads that block SIGPROF;
 *                       somebody else has to read it, and unwinds from the copy
 *
 * Not SIGPROF: a timer's pending signals end with the image that asked for them, an event's do not, and the
 * program that is executed next, which has no handler yet, would die of it (one in six did, at 1000 Hz).
 * SIGURG it ignores.
 *
 * Descriptors land in the caller's table: for cpu_watch.c, which has one of its own. Not for handlers.
 */

enum { CPU_PERF_SIGNAL = SIGURG };

/* A file descriptor, or a negative errno. -EACCES where the kernel's own part may not be seen, as ordinary
 * users find it with perf_event_paranoid at 2: looks that come outside system calls alone would be charged
 * with the time in them. */
int cpu_perf_signal(pid_t tid, int64_t period_ns);
void cpu_perf_set_period(int fd, int64_t period_ns);

struct cpu_ring {
    int fd;
    char *map;
    bool user_only; /* no looks inside system calls: better than none at all */
};

/* 0 or a negative errno. */
int cpu_perf_ring(pid_t tid, int64_t period_ns, struct cpu_ring *out);
void cpu_perf_ring_fini(struct cpu_ring *ring);

/* Takes all samples out of the ring: look(arg, i, n, stack) for the i-th of n. */
void cpu_perf_drain(struct cpu_ring *ring,
    void (*look)(void *arg, int i, int n, const struct unwind_stack *stack), void *arg);

#endif
