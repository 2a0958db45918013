#ifndef CAPTURE_CPUCLOCKS_H
#define CAPTURE_CPUCLOCKS_H

#include "capture/thread.h"

/*
 * CPU times of threads by the thousand. A thread's clock takes a system call to read, and most threads of a
 * dump have not left their waits since the dump before, so have used nothing:
 *
 *     what the process's clock has advanced by
 *   - what the clocks that are read anyway have advanced by
 *   = what all the others together can have used, at most
 *
 * Only when that is more than CPUCLOCKS_LATE_NS are theirs read, too: a handler may have run in a wait that
 * it did not end. CPU time of threads that have ended, or are met for the first time, counts as theirs.
 *
 * Under ask_lock. Not for handlers.
 */

enum { CPUCLOCKS_LATE_NS = 1000000 };

struct cpuclock {
    const struct thread *t;
    pid_t tid;
    uint32_t sequence; /* of its parked record; 0: it is not parked */
    int64_t ns;        /* out: its CPU time, -1 when it has ended */
};

/* Sets ns of each. Those of parked threads may be late, all of them together by CPUCLOCKS_LATE_NS and what
 * has been used since the kernel's last tick. How many clocks were read. */
size_t cpuclocks_read(struct cpuclock *clocks, size_t n);

void cpuclocks_after_fork(void);

#endif
