#ifndef LESSON2_SESSION_LIMITS_H
#define LESSON2_SESSION_LIMITS_H

/*
 * The limits of lesson 2's checks. What is alive after sessions came and went has no limit: it must be the
 * same to the byte.
 */

/* The most a report may have allocated at once, however many sessions there are. Of 16,000 sessions, about
 * 8 MB of text, the flawed original holds 16 MB at once; ours 33 kB, which is what the fullest shelf needs.
 */
#define REPORT_BYTES_MAX (256 * 1024)

/* Seconds after which a case is ended that gave no answer, and for whoever frees in a thread of its own to be
 * done. Watchdogs only. */
#define WATCHDOG_S 30
#define RENDEZVOUS_S 2

#endif
