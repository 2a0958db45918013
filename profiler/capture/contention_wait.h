#ifndef CAPTURE_CONTENTION_WAIT_H
#define CAPTURE_CONTENTION_WAIT_H

#include "base/hash.h"
#include "capture/thread.h"

#include <stdatomic.h>

/*
 * What the wrappers tell contention.c. Each takes a lock's address as a name only: the lock may be destroyed
 * as soon as its owner let go. None is for handlers, all keep errno.
 */

enum { CONTENTION_BUCKETS = 2048 };

/* How many locks in a bucket have waiters, or waits not yet charged to anybody. */
extern _Atomic uint32_t contention_active[CONTENTION_BUCKETS] __attribute__((visibility("hidden")));

/* Cheap rather than good: what falls together costs a moment, no accuracy. */
static inline uint32_t contention_bucket(const void *lock)
{
    uintptr_t at = (uintptr_t)lock;
    return (uint32_t)((at >> 4 ^ at >> 13) % CONTENTION_BUCKETS);
}

/* False: nobody waits for this lock, as far as we know. One load: for the fast path. */
static inline bool contention_is_active(const void *lock)
{
    return atomic_load_explicit(&contention_active[contention_bucket(lock)], memory_order_relaxed) != 0;
}

/* Around a wait for a lock. begin gives the time it began, for end; acquired says that the wait was
 * successful and the caller holds the lock. end also records the wait itself (block) with the caller's stack.
 */
int64_t contention_wait_begin(struct thread *t, const void *lock);
void contention_wait_end(
    struct thread *t, const void *lock, int64_t began_ns, bool acquired, const struct unwind_regs *here);

/* Before a lock that is active is released: what its waiters waited is charged to the caller's stack. */
void contention_release(struct thread *t, const void *lock, const struct unwind_regs *here);

/* A wait of any other kind that is over (block only). began_ns 0: block was off. */
int64_t contention_block_begin(void);
void contention_block_end(struct thread *t, int64_t began_ns, const struct unwind_regs *here);

/* The tables, once: 0 or ERR_NOMEM. */
int contention_init(void);
void contention_after_fork(void);

#endif
