#ifndef CAPTURE_CPU_WATCH_H
#define CAPTURE_CPU_WATCH_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A thread of the profiler's that lives as long as there are CPU sessions, for what the threads themselves
 * cannot do: it opens perf events for those that use the processor while somebody samples faster than the
 * kernel's tick, reads the samples of those that block our signal, and finds threads that came without
 * pthread_create.
 *
 * Timer or perf event? Both see the same, since a look stands for what the clock says (cpu_timer.h); an event
 * comes when it is due instead of with the next tick. Measured, ten functions with work 1 to 10, 3 s:
 *
 *                                 off by at most     beside four busy threads    a context switch costs
 *     timer, 100 Hz / 1000 Hz     0.2 / 0.1 points       0.2 / 0.3 points               as without
 *     event, 100 Hz / 1000 Hz     0.2 / 0.03             0.3 / 0.03                     2.1 us more (of 4.6)
 *
 * So the timer is what samples up to the tick's rate, the event above it. A thread begins with a timer and
 * asks for an event once it has used 10 ms: most threads of a server never do, nor does one that lives for a
 * millisecond. Beside others a tick may meet it only after 360 ms of its time (measured, four busy threads on
 * two processors): the watcher, which reads all clocks, gives it one by then.
 *
 * Descriptors: the thread has a table of its own (close_range with CLOSE_RANGE_UNSHARE), empty but for the
 * events. So the program never sees them: its numbers, its limit and what its children inherit stay as they
 * were, and they are gone when the thread is. What the kernel does not allow, or no longer, is the timer's
 * again. Under a seccomp filter nothing is tried at all: such filters kill for less.
 */
struct thread;

/* What a thread's account is fed by, beside its timer. */
enum cpu_watch_state {
    WATCH_NONE,
    WATCH_WANTED,  /* asked for an event */
    WATCH_EVENT,   /* has one */
    WATCH_RING,    /* blocks our signals, and is read through a ring */
    WATCH_REFUSED, /* could have none */
    WATCH_DEAF     /* blocks our signal, and could have none: its time is lost */
};

/* Sessions begin; sample this often; no more sessions. Guard: cpu.c's session lock. Without a thread to be
 * had, there are just timers. */
void cpu_watch_start(void);
void cpu_watch_follow(int64_t period_ns);
void cpu_watch_stop(void);

/* A thread that is looked at has used so much since its account was opened: it may want an event.
 * Signal-safe.
 */
void cpu_watch_used_sigsafe(struct thread *t, int64_t used_ns);

/* Since sessions began, for the comment of a profile. */
struct cpu_watch_figures {
    uint32_t events, rings, refused, deaf;
    bool user_only; /* rings without the time in the kernel */
    int error;      /* why some were refused, as errno; 0 when none were */
    bool seccomp;   /* nothing was tried because of a filter */
};
void cpu_watch_figures(struct cpu_watch_figures *out);

void cpu_watch_after_fork(void);

#endif
