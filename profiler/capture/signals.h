#ifndef CAPTURE_SIGNALS_H
#define CAPTURE_SIGNALS_H

#include "capture/thread.h"

#include <signal.h>

/*
 * What the two signals of ours have in common. A handler that finds it has ended a system call with EINTR
 * leaves a note, so that the wrapper which made the call can resume it: SA_RESTART does not cover poll,
 * select, epoll_wait, nanosleep and the timed waits. When a signal of the program's arrives at the same
 * moment, the kernel delivers it first if its number is lower, and then it is that one which sees the
 * interrupted call and EINTR goes to the program as it should: ours have high numbers.
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

/* At the start of a handler. Signal-safe. */
void signals_note_sigsafe(struct thread *t, const void *context);

/* Whether the context was in, or about to repeat, a system call. Signal-safe. */
bool signals_in_syscall_sigsafe(const void *context);

#endif
