#ifndef LESSON3_POOL_LIMITS_H
#define LESSON3_POOL_LIMITS_H

/*
 * The limits of lesson 3's checks, all in one place. Most of what they measure is exact and has its limit in
 * the contract (demos/lesson3/pool.h): tasks that ran, tasks at the same time, threads at rest.
 */

/* Basic blocks executed while all there is to do is wait, for SLEEP_MS: sleepers execute none or a few
 * hundred, a thread that spins some millions. */
#define BLOCKS_WHILE_WAITING_MAX 10000
#define SLEEP_MS 200

/* Seconds without anything getting done after which nothing will be, and after which a case is ended that
 * gave no answer. Watchdogs only: a right pool needs milliseconds. */
#define STANDSTILL_S 2
#define WATCHDOG_S 40

#endif
