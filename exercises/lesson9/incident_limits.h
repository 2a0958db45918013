#ifndef LESSON9_INCIDENT_LIMITS_H
#define LESSON9_INCIDENT_LIMITS_H

/*
 * The limits of lesson 9's checks, all in one place. Whatever the case, each lies far from what a module with
 * that flaw measures and from what a right one does: at about the geometric middle. All are counts, so
 * neither the machine nor its load decides.
 */

/* Work for a text with 8 times the words: 8 times as much, or 64 times where each word is held against all
 * others. */
#define WORK_GROWTH_MAX 22

/* Bytes that are alive more after 400 jobs: none; with what a job keeps for ever some millions. */
#define GROWN_BYTES_MAX (160 * 1024)

/* Bytes allocated for a job with 40 words, all in all: some 25,000; with a page for each line 500,000 and
 * more. */
#define ALLOCATED_A_JOB_MAX (120 * 1024)

/* Threads that are there more after 200 jobs, one after the other: 0 to 2; or 200. */
#define THREADS_MORE_MAX 20

/* Jobs that came while the archive took nothing, and whose lines were kept: INCIDENT_PENDING_MAX, and the one
 * that is being archived; or all of 20 times as many. */
#define KEPT_LINES_MAX (INCIDENT_PENDING_MAX + INCIDENT_PENDING_MAX / 4)

/* How often a job sends each of the threads that stand by to sleep again: hardly ever, or once each. */
#define WAKEUPS_MAX 0.1

/* Basic blocks executed in SLEEP_MS while there is nothing to do: none or a few hundred; a thread that looks
 * again and again executes 100,000 and more, or however many a busy machine lets it: but then it is never
 * seen asleep. */
#define IDLE_BLOCKS_MAX 3000
#define SLEEP_MS 200

/* Readers that come one after the other, each before the last is gone, while one waits to write: the writer
 * gets through before or after the first, or never. */
#define READERS_IN_A_CHAIN 12

/* Seconds after which another thread is not let through any more, and after which a case is ended that gave
 * no answer. Watchdogs only: right modules need milliseconds. */
#define RENDEZVOUS_S 4
#define WATCHDOG_S 60

#endif
