#ifndef CAPTURE_CPU_TIMER_H
#define CAPTURE_CPU_TIMER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The account of every thread's CPU time while there are sessions, and the timers that ask for a look at
 * where it goes: one a thread, on that thread's CPU clock. thread.c tells of threads that begin and end,
 * cpu.c says how often to look and has the handler.
 *
 * How much a look stands for is never counted in expirations, but read off the thread's clock: all it used
 * since the one before. So nothing is lost or counted twice, however late or bunched signals come.
 *
 * The kernel looks at such timers on its tick only (250 a second, say); the tick finds a thread as often as
 * that uses the processor, so time is shared out fairly in the long run, also among bursts a twentieth of a
 * tick long. An expired timer waits for a tick that meets its thread, so timers ask for as many looks as the
 * tick can give, and for four a sample where that is less: with one a sample, of 150 threads with bursts of
 * 200 µs a quarter was never met in two seconds.
 *
 * What was rejected: counting expirations and overruns (beside others on the processor, the tick that tells
 * of several may meet the thread two functions later, and at the session's end those not told of are to be
 * guessed); timers on the tick clock (CPUCLOCK_PROF), which charge whole ticks to whoever they meet: a thread
 * beside others was seen for between a quarter and one and a half of what it used.
 *
 * A thread's account goes NONE → CHANGING → ARMED and back; whoever moves it away from NONE or ARMED is the
 * one to make, read or delete its timer. Nobody else writes the state: a session may still be at the record
 * of a thread that has just ended, so thread.c closes the account once more after the tid is given up, from
 * when on none is opened. start and stop are signal-safe.
 */
struct thread;
struct unwind_stack;

enum cpu_timer_state { CPU_TIMER_NONE, CPU_TIMER_CHANGING, CPU_TIMER_ARMED };

/* Opens the thread's account and gives it a timer, if a session runs and it has none. */
void cpu_timer_start(struct thread *t);
void cpu_timer_stop(struct thread *t);

extern _Atomic int64_t cpu_timer_interval_ns; /* 0: no session, no timers */
extern _Atomic uint32_t cpu_timer_refused;    /* threads that could have none since timers began */

/* The kernel's tick: timers cannot tell of less. */
int64_t cpu_timer_tick_ns(void);

/* How often to look for samples that are period_ns apart. */
int64_t cpu_timer_interval_for(int64_t period_ns);

/* All timers at this interval from now on; 0 deletes them. How many there are. Guard: cpu.c's session lock.
 */
int cpu_timer_follow(int64_t interval_ns);

/* A thread that is looked at by other means needs no signals of its timer's, until it does again. Nothing
 * when its account is another by now. */
void cpu_timer_quiet(struct thread *t, uint32_t account, bool quiet);

/* The thread's CPU clock, -1 when it is gone. Signal-safe. */
int64_t cpu_timer_clock_ns(pid_t tid);

/* The CPU time since the program began of all threads while they had accounts. each, when not NULL, is told
 * of every open one, with the thread's clock, and must not open or close one. Guard: as above. */
int64_t cpu_timer_account(void (*each)(void *arg, struct thread *t, int64_t clock_ns), void *arg);

/* cpu.c: the thread's account is about to be closed, at this reading of its clock. */
void cpu_late_sigsafe(struct thread *t, int64_t clock_ns);

/* cpu.c: the thread was seen with this stack, at this reading of its clock. */
void cpu_look_sigsafe(struct thread *t, int64_t clock_ns, const struct unwind_stack *stack);

/* cpu.c: the calling thread's perf event has sent ask.c's signal. */
void cpu_event_sigsafe(struct thread *t, const void *context);

/* In a forked child: its parent's sessions are not its own, and timers are not inherited. */
void cpu_timer_after_fork(void);
void cpu_after_fork(void); /* cpu.c: with the above */

#endif
