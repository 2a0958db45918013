#ifndef LESSON4_STATS_LIMITS_H
#define LESSON4_STATS_LIMITS_H

/*
 * The limits of lesson 4's checks, all in one place. Each lies far from both what the flawed statistics and
 * what right ones measure, so that neither the machine nor its load decides. What is exact (totals, lines)
 * has its limit in the contract, demos/lesson4/stats.h.
 */

/* Time spent waiting, apart from the writing of one's own lines, against the flawed statistics in the same
 * run: right ones give below 0.01, the flawed ones 1 by definition. */
#define WAITING_SHARE_MAX 0.10

/* Basic blocks executed in SLEEP_MS while all there is to do is wait: sleepers execute none or a few hundred,
 * a thread that spins some millions. */
#define BLOCKS_WHILE_WAITING_MAX 10000
#define SLEEP_MS 200

/* Seconds after which another thread is not let through any more, and after which a case is ended that gave
 * no answer. Watchdogs only: right statistics need a millisecond. */
#define RENDEZVOUS_S 2
#define WATCHDOG_S 30

#endif
