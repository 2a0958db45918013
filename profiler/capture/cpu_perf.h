#ifndef CAPTURE_CPU_PERF_H
#define CAPTURE_CPU_PERF_H

#include "capture/unwind.h"

#include <sys/types.h>

/*
 * One thread's CPU time as the kernel's perf events see it: a task clock, which goes off on a timer of its
 * own, not on the tick. Two ways to be told of it:
 *
 *     cpu_perf_signal   SIGPROF to the thread, which looks at itself, as with POSIX timers
 *     cpu_perf_ring     registers and stack copied by the kernel into a ring, for threads that block SIGPROF;
 *                       somebody else has to read it, and unwinds from the copy
 *
 * Descriptors land in the caller's table: for cpu_watch.c, which has one of its own. Not for handlers.
 */

/* A file descriptor, or a negative errno. *user_only: time inside system calls is not seen
 * (perf_event_paranoid is 2 and we are nobody special). */
int cpu_perf_signal(pid_t tid, int64_t period_ns, bool *user_only);
void cpu_perf_set_period(int fd, int64_t period_ns);

struct cpu_ring {
    int fd;
    char *map;
};

/* 0 or a negative errno. */
int cpu_perf_ring(pid_t tid, int64_t period_ns, struct cpu_ring *out);
void cpu_perf_ring_fini(struct cpu_ring *ring);

/* Takes all samples out of the ring: look(arg, i, n, stack) for the i-th of n. */
void cpu_perf_drain(struct cpu_ring *ring,
    void (*look)(void *arg, int i, int n, const struct unwind_stack *stack), void *arg);

#endif
