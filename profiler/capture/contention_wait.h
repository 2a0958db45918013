#ifndef CAPTURE_CONTENTION_WAIT_H
#define CAPTURE_CONTENTION_WAIT_H

#include "base/hash.h"
#include "capture/thread.h"

#include <stdatomic.h>

/*
 * What the wrappers tell contention.c. Each takes a lock's address as a name only: the lock may be destroyed
 * as soon as its owner let go. None is for handlers, all keep errno.
 */

enum { CONTENTION_BUCKET_BITS = 11, CONTENTION_BUCKETS = 1 << CONTENTION_BUCKET_BITS };

/* Which records of a bucket are those of locks with waiters, or with waits not yet charged to anybody. */
extern _Atomic uint32_t contention_active[CONTENTION_BUCKETS] __attribute__((visibility("hidden")));

/* A multiplication and a shift: cheap rather than good. What falls together costs a moment, no accuracy. */
static inline uint32_t contention_bucket(const void *lock)
{
    return (uint32_t)(uintptr_t)lock * UINT32_C(0x9e3779b1) >> (32 - CONTENTION_BUCKET_BITS);
}

/* 0: nobody waits for this lock, as far as we know. One load: for the fast path. */
static inline uint32_t contention_activity(const void *lock)
{
    return atomic_load_explicit(&contention_active[contention_bucket(lock)], memory_order_relaxed);
}

static inline bool contention_is_active(const void *lock)
{
    return contention_activity(lock) != 0;
}

/* How a wait for a lock ended. The last is a lock that may have been held where no unlock is seen: in another
 * process, or by a thread that died with it. */
enum contention_outcome {
    CONTENTION_GAVE_UP,
    CONTENTION_TAKEN,
    CONTENTION_SHARED,
    CONTENTION_FROM_ELSEWHERE
};

/* A wait for a lock, on the waiter's stack. The caller fills in the first three, and outcome once there is
 * one other than to have given up. */
struct contention_wait {
    struct thread *t;
    const void *lock;
    const struct unwind_regs *here;
    enum contention_outcome outcome;
    int64_t began_ns;   /* 0: not accounted for; negative: nor has it a record */
    uint32_t uncounted; /* contention_active when the record does not count it, while that changes */
    struct contention_wait *outer; /* that of the code which a signal handler interrupted */
};

/* Around the wait. end also records the wait itself (block) with the caller's stack. */
void contention_wait_begin(struct contention_wait *w);
void contention_wait_end(struct contention_wait *w);

/* Before a jump takes the calling thread out of its waits, and out of any of these functions if it is busy.
 */
void contention_abandon(struct thread *t);

/* Before a lock that is active is released: what its waiters waited is charged to the caller's stack. Of
 * those that hold it shared, as readers do, the last to leave is charged for all. */
void contention_release(struct thread *t, const void *lock, const struct unwind_regs *here);
void contention_release_shared(struct thread *t, const void *lock, const struct unwind_regs *here);

/* A wait of any other kind that is over (block only). began_ns 0: block was off. */
int64_t contention_block_begin(void);
void contention_block_end(struct thread *t, int64_t began_ns, const struct unwind_regs *here);

/* The tables, once, and forgets what is due on locks: 0 or ERR_NOMEM. */
int contention_init(void);
void contention_after_fork(void);

#endif
