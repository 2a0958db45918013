#ifndef LESSON6_CACHE_LIMITS_H
#define LESSON6_CACHE_LIMITS_H

/*
 * The limits of lesson 6's checks, all in one place. Each lies far from both what the flawed cache and what
 * a right one measures, so that neither the machine nor its load decides.
 */

/* Work for one operation with 8,000 entries against 1,000, in basic blocks: constant work gives 1.0, a tree
 * or heap 1.3, a scan of every entry about 8. */
#define WORK_GROWTH_MAX 1.5

/* Time spent waiting for the lock against the flawed cache in the same run: a right one gives below 0.02,
 * the flawed one 1 by definition. */
#define WAITING_SHARE_MAX 0.10

/* Values the cache may hold beyond its entries: those on their way out. */
#define VALUES_ON_THEIR_WAY(capacity) ((capacity) / 8 + 16)

/* Seconds after which a case is ended that gave no answer, and for the other thread to get through while
 * a victim is freed. Watchdogs only: a right cache needs a millisecond. */
#define WATCHDOG_S 30
#define RENDEZVOUS_S 2

#endif
