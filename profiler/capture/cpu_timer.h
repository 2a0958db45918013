#ifndef CAPTURE_CPU_TIMER_H
#define CAPTURE_CPU_TIMER_H

/*
 * What thread.c tells cpu.c of a thread's beginning and end. A timer goes NONE → CHANGING → ARMED and back;
 * whoever moves it away from NONE or ARMED is the one to make or delete it. Signal-safe.
 */
struct thread;

enum cpu_timer_state { CPU_TIMER_NONE, CPU_TIMER_CHANGING, CPU_TIMER_ARMED };

/* Gives the thread a timer if a session runs and it has none. */
void cpu_timer_start(struct thread *t);
void cpu_timer_stop(struct thread *t);

/* In the thread itself, as the last thing before its timer is stopped. */
void cpu_thread_ending(struct thread *t);

/* In a forked child: its parent's sessions are not its own, and timers are not inherited. */
void cpu_after_fork(void);

#endif
