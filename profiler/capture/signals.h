#ifndef CAPTURE_SIGNALS_H
#define CAPTURE_SIGNALS_H

#include "capture/thread.h"

#include <signal.h>

/*
 * What the two signals of ours have in common: they never end a system call of the program's. SA_RESTART does
 * not cover poll, select, epoll_wait, nanosleep and the timed waits, so a handler that finds it has ended a
 * call with EINTR leaves a note for the wrapper that made the call, which resumes it for the time that
 * remains; where there is no wrapper it sets the thread back to the call's instruction, for the whole time
 * again. That is what remains: who sleeps in such a call gets no signal (asleep.c), so it has only just
 * begun.
 *
 * When a signal of the program's is there at the same moment, EINTR is its, and goes to the program. One with
 * a lower number is delivered first, and sees the interrupted call; one with a higher number is still pending
 * while a handler of ours runs.
 */

/* From now on number is one of ours, for as long as handler is what it leads to: a program may put its own in
 * place at any time, and then the signal is the program's again. */
typedef void signals_handler(int, siginfo_t *, void *);
void signals_set_in_use(int number, signals_handler *handler);

bool signals_is_ours(int number); /* now. Signal-safe. */
void signals_own(sigset_t *out);  /* those that are ours now. Signal-safe. */

/* Takes ours out of a set that is about to be blocked, waited for, or read from a descriptor. Signal-safe. */
void signals_keep_open(sigset_t *set);

/* Lets ours in where the calling thread has them blocked. Signal-safe. */
void signals_open_self(void);

/* Whether a thread has the signal blocked, as /proc says. Not for handlers. */
bool signals_blocks(pid_t tid, int number);

/*
 * How many places among the signals that may be pending (RLIMIT_SIGPENDING, which all processes of a user
 * share) we may take: half of what is free. Without any left the program's own timers, its sigqueue, even its
 * pthread_cancel fail. Reads /proc, without which it knows no limit.
 */
int64_t signals_room(void);

/* What a thread's wrappers and the handlers tell each other. */
struct signals_wait {
    struct park *innermost;  /* interpose.h: the wait that would be resumed, NULL for none */
    volatile bool cut_short; /* a signal of ours ended it with EINTR */
};
extern __thread struct signals_wait signals_wait
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* At the end of a handler: sees to it that a call which it ended goes on. Changes *context. Signal-safe. */
void signals_resume_sigsafe(void *context);

/* Whether the context was in, or about to repeat, a system call. Signal-safe. */
bool signals_in_syscall_sigsafe(const void *context);

#endif
