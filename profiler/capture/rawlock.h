#ifndef CAPTURE_RAWLOCK_H
#define CAPTURE_RAWLOCK_H

#include <linux/futex.h>
#include <stdatomic.h>
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
    _Atomic uint32_t word; /* 0 free, 1 held, 2 held and somebody sleeps */
};

/* The system call by hand: syscall() of libc sets errno, and wrappers must not. */
long rawlock_futex(_Atomic uint32_t *word, int op, uint32_t value, const struct timespec *timeout);

static inline void rawlock_lock(struct rawlock *l)
{
    uint32_t free_word = 0;
    if (atomic_compare_exchange_strong_explicit(
            &l->word, &free_word, 1, memory_order_acquire, memory_order_relaxed))
        return;
    while (atomic_exchange_explicit(&l->word, 2, memory_order_acquire) != 0)
        rawlock_futex(&l->word, FUTEX_WAIT_PRIVATE, 2, NULL);
}

static inline void rawlock_unlock(struct rawlock *l)
{
    if (atomic_exchange_explicit(&l->word, 0, memory_order_release) == 2)
        rawlock_futex(&l->word, FUTEX_WAKE_PRIVATE, 1, NULL);
}

/* In a forked child, where the holder may not exist. */
static inline void rawlock_reset(struct rawlock *l)
{
    atomic_store_explicit(&l->word, 0, memory_order_relaxed);
}

#endif
