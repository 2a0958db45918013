#ifndef CAPTURE_CPU_H
#define CAPTURE_CPU_H

#include "capture/snapshot.h"

/*
 * CPU sampling: one POSIX timer a thread on that thread's CPU clock, for every thread of the process from
 * its first instruction, or from the start of the session; none exists while there is no session.
 *
 * Several sessions may run at once and each gets its own samples; the timers run at the highest rate asked
 * for and each session keeps its share. values: samples, cpu ns.
 */
struct cpu_session;

enum { CPU_DEFAULT_HZ = 100, CPU_MAX_HZ = 1000 };

/* Begins to sample at hz (1..CPU_MAX_HZ). ERR_BUSY when somebody else owns SIGPROF, ERR_INVALID,
 * ERR_NOMEM, ERR_LIMIT when no timer can be had or too many sessions run. */
int cpu_session_start(int hz, struct cpu_session **session);

/* Ends the session, gives what it saw in *out (the caller's to snapshot_fini) and frees it, also when it
 * fails: with ERR_BUSY when the program took SIGPROF meanwhile. out may be NULL: the samples are thrown away.
 */
int cpu_session_stop(struct cpu_session *session, struct snapshot *out);

/* Takes SIGPROF, unless the program has a handler of its own there: ERR_BUSY. Done at the start of capture,
 * so that no thread blocks it by the time there is a session. */
int cpu_own_signal(void);

#endif
