#ifndef CAPTURE_CPU_TIMER_H
#define CAPTURE_CPU_TIMER_H

#include <stdatomic.h>
#include <stdint.h>

/*
 * The timers that make CPU samples, one a thread, and the account of what they should have made. thread.c
 * tells of threads that begin and end, cpu.c says how fast and has the handler.
 *
 * The kernel looks at such timers on its tick only (250 a second, say), and so at a thread that runs in
 * bursts much shorter than that only now and then. Two clocks a thread has tell what that means:
 *
 *     its tick clock: a tick's length for each tick that met it. Timers run on this one: no expiration
 *                     ever waits, and each tick counts the same for long bursts and for short ones
 *     its CPU clock:  what it really used; the sum over threads is what all samples together must come to
 *
 * A timer on the CPU clock was tried: an expiration in a short burst waits for the thread's next tick, which
 * in 1,500 threads of 200 µs bursts left two thirds of the time unseen, and time that is credited to the
 * next tick comes to rest in long bursts rather than in short ones. perf_event_open's task clock needs no
 * tick, but takes a descriptor a thread out of the program's, leaves out the kernel's part where
 * perf_event_paranoid is 2, and is forbidden in most containers. What remains: work that keeps step with the
 * tick meets it always or never, so its share is only as good as the program's own irregularity.
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

/* In the handler: the CPU time that so many expirations of the caller's timer stand for. It is what the ticks
 * say and a quarter of what its CPU clock was found to differ: where threads compete for a processor they
 * come and go with the ticks, and some would meet more of them than they should. Not all of the difference,
 * for then a long burst's first tick would be credited with the short bursts before it. */
int64_t cpu_timer_elapsed_sigsafe(struct thread *t, int64_t expirations);

/* All timers at this period from now on; 0 deletes them. How many there are. Guard: cpu.c's session lock. */
int cpu_timer_follow(int64_t period_ns);

/* Since the program began, of all threads while they had timers: the CPU time they used, and what of it their
 * timers saw but no handler got to hear of (signals blocked behind our back). Guard: as above. */
struct cpu_timer_totals {
    int64_t cpu_ns, missed_ns;
};
struct cpu_timer_totals cpu_timer_totals(void);

/* In a forked child: its parent's sessions are not its own, and timers are not inherited. */
void cpu_timer_after_fork(void);
void cpu_after_fork(void); /* cpu.c: with the above */

#endif
