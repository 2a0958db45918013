#ifndef CAPTURE_RAWLOCK_H
#define CAPTURE_RAWLOCK_H

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/*
 * A lock of our own, since pthread_mutex_lock is what we watch. Zero is free. Not for signal handlers: they
 * share nothing with locks here. Keeps errno (its futex call may be interrupted).
 *
 * Ranks, lowest taken first: capture switch, cpu sessions, asking, unwind rebuild, thread registry,
 * contention bucket. No lock of one rank is taken while another of the same rank is held.
 */
struct rawlock {
    _Atomic uint32_t word; /* 0 free, else its owner, and whether somebody sleeps */
};

enum { RAWLOCK_ANYBODY = INT32_MAX }; /* no thread's id */
#define RAWLOCK_SLEEPERS (UINT32_C(1) << 31)

/* The system call by hand: syscall() of libc sets errno, and wrappers must not. */
long rawlock_futex(_Atomic uint32_t *word, int op, uint32_t value, const struct timespec *timeout);

static inline void rawlock_wake(struct rawlock *l)
{
    rawlock_futex(&l->word, FUTEX_WAKE_PRIVATE, 1, NULL);
}

/* With the owner in the word, from the same instruction on that makes it the owner's: a thread id. */
static inline void rawlock_lock_as(struct rawlock *l, uint32_t owner)
{
    uint32_t word = 0, mine = owner;
    while (!atomic_compare_exchange_strong_explicit(
        &l->word, &word, mine, memory_order_acquire, memory_order_relaxed)) {
        if ((word & RAWLOCK_SLEEPERS) ||
            atomic_compare_exchange_strong_explicit(
                &l->word, &word, word | RAWLOCK_SLEEPERS, memory_order_relaxed, memory_order_relaxed)) {
            rawlock_futex(&l->word, FUTEX_WAIT_PRIVATE, word | RAWLOCK_SLEEPERS, NULL);
            mine = owner | RAWLOCK_SLEEPERS; /* others may still sleep */
        }
        word = 0;
    }
}

static inline void rawlock_lock(struct rawlock *l)
{
    rawlock_lock_as(l, RAWLOCK_ANYBODY);
}

static inline void rawlock_unlock(struct rawlock *l)
{
    if (atomic_exchange_explicit(&l->word, 0, memory_order_release) & RAWLOCK_SLEEPERS)
        rawlock_wake(l);
}

static inline bool rawlock_is_owner(struct rawlock *l, uint32_t owner)
{
    return (atomic_load_explicit(&l->word, memory_order_relaxed) & ~RAWLOCK_SLEEPERS) == owner;
}

/* For a thread that was torn out of one of the above or from in between: lets go if it had got the lock, and
 * passes on a wake-up that it may have owed, or taken. */
static inline void rawlock_abandon(struct rawlock *l, uint32_t owner)
{
    if (rawlock_is_owner(l, owner))
        atomic_store_explicit(&l->word, 0, memory_order_release);
    rawlock_wake(l);
}

/* In a forked child, where the holder may not exist. */
static inline void rawlock_reset(struct rawlock *l)
{
    atomic_store_explicit(&l->word, 0, memory_order_relaxed);
}

#endif
