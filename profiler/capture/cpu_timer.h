#ifndef CAPTURE_CPU_TIMER_H
#define CAPTURE_CPU_TIMER_H

#include <stdatomic.h>
#include <stdint.h>

/*
 * The timers that make CPU samples, one a thread on that thread's CPU clock, and the account of what they
 * should have made. thread.c tells of threads that begin and end, cpu.c says how fast and has the handler.
 *
 * The kernel looks at such timers on its tick only (250 a second, say). An expiration in a burst much shorter
 * than that waits for the next tick that meets its thread: of 1,500 threads with bursts of 200 µs a third to
 * two thirds of the time was still waiting when the session ended. So what is late when a timer goes, or a
 * session, is read off the thread's clock and goes to the stack it was last seen with, or, when it ends
 * without one, to its start routine; what else no tick met is spread over what was sampled (cpu.c).
 *
 * What was rejected: timers on the tick clock (CPUCLOCK_PROF), which are never late and fair to every burst
 * of a thread alone, but beside others on the same processor, who come and go with the ticks, a thread was
 * seen for between a quarter and one and a half of what it used. perf_event_open's task clock needs no tick,
 * but takes a descriptor a thread out of the program's, leaves out the kernel's part where
 * perf_event_paranoid is 2, and is forbidden in most containers. What remains: within one thread, time of
 * bursts too short to be met is seen with the next burst that is; and work that keeps step with the tick is
 * met always in the same place.
 *
 * A timer goes NONE → CHANGING → ARMED and back; whoever moves it away from NONE or ARMED is the one to make,
 * read or delete it. start and stop are signal-safe.
 */
struct thread;

enum cpu_timer_state { CPU_TIMER_NONE, CPU_TIMER_CHANGING, CPU_TIMER_ARMED };

/* Gives the thread a timer if a session runs and it has none. */
void cpu_timer_start(struct thread *t);
void cpu_timer_stop(struct thread *t);

extern _Atomic int64_t cpu_timer_period_ns; /* 0: no session, no timers */
extern _Atomic uint32_t cpu_timer_refused;  /* threads that could have none since timers began */

/* All timers at this period from now on; 0 deletes them. How many there are. Guard: cpu.c's session lock. */
int cpu_timer_follow(int64_t period_ns);

/* The CPU time since the program began of all threads while they had timers. late, when not NULL, is told of
 * each timer that has expirations no handler got to hear of yet, and must not want a timer. Guard: as above.
 */
int64_t cpu_timer_account(void (*late)(void *arg, struct thread *t, int64_t late_ns), void *arg);

/* cpu.c: the timer of a thread goes, or begins anew, with so much that no handler will get to hear of. */
void cpu_late_sigsafe(struct thread *t, int64_t late_ns);

/* In a forked child: its parent's sessions are not its own, and timers are not inherited. */
void cpu_timer_after_fork(void);
void cpu_after_fork(void); /* cpu.c: with the above */

#endif
