#ifndef TESTS_CROWD_H
#define TESTS_CROWD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Threads by the thousand that wait, an eighth of them in each of eight ways, and that remember whether
 * anything but crowd_release ended a wait: what dumps are measured on, and must not disturb.
 */

#define CROWD_KINDS(X) \
    X(mutex)           \
    X(cond)            \
    X(rwlock)          \
    X(sem)             \
    X(poll)            \
    X(epoll)           \
    X(nanosleep)       \
    X(recv)

enum crowd_kind {
#define X(name) CROWD_##name,
    CROWD_KINDS(X)
#undef X
        NCROWD
};

const char *crowd_name(enum crowd_kind kind);

/* Thread number i waits in kind i % NCROWD and is called after it; the caller holds the mutex and the
 * rwlock. Stacks are `depth` calls deep, and some. All wait, or are about to, on return. Once in a process.
 * Exits when it cannot be had. */
void crowd_start(int n, int depth);

pid_t crowd_tid(int i);

/* Until the kernel says that each of them sleeps. */
void crowd_settle(void);

/* Switches of context of all of them so far, voluntary ones and others: none while they stay parked. */
int64_t crowd_switches(void);

/* How many waits have ended by now. */
int crowd_disturbed(void);

/* Lets all go and joins them. How many waits had ended early or end with an error. */
int crowd_release(void);

#endif
