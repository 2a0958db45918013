#ifndef CAPTURE_ASK_H
#define CAPTURE_ASK_H

#include "capture/rawlock.h"
#include "capture/thread.h"

/*
 * Asking running threads for their stacks, by a signal each. SIGURG if the program leaves it alone, since its
 * default is to be ignored: one that comes late, or to a thread that takes no part, does nothing; else the
 * highest real-time signal nobody uses. A thread's perf event (cpu_perf.h) sends SIGURG, too, and is passed
 * on from here. With SA_RESTART, and never to a parked thread, nor to one that sleeps in a call which the
 * signal would end: of those is told what can be seen (asleep.c). Should one park or fall asleep just as its
 * signal is on the way, the call is resumed (signals.h).
 */

struct ask {
    struct thread *t;
    pid_t tid;
    bool answered;           /* the rest is valid */
    enum thread_state state; /* RUNNING, SYSCALL, or what the note of a wrapper says */
    int64_t since_ticks;     /* this and the next: of a note; 0 without */
    uintptr_t object;
    const struct label_set *labels;
    struct unwind_stack stack;
};

/* Asks all n at once and waits for the answers, a quarter of a second at most, which only threads that cannot
 * run or block every signal behind our back use up. Under ask_lock. 0, or
 * ERR_UNSUPPORTED when there is no signal to be had: then nobody answered. */
int ask_threads(struct ask *asks, size_t n);

/* Guards the answers, the choice of a signal, and what dumps remember (seen.c). */
extern struct rawlock ask_lock;

void ask_after_fork(void);

/* Finds its signal before it is needed, so that threads which block all signals from now on leave it open. */
void ask_take_signal(void);
void threads_take_signal(void); /* threads.c: the same, with the lock */

#endif
