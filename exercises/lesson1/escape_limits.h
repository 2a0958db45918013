#ifndef LESSON1_ESCAPE_LIMITS_H
#define LESSON1_ESCAPE_LIMITS_H

/*
 * The limits of lesson 1's checks, all in one place. Each lies far from both what the flawed original and
 * what a right one measures; both are counts, so neither the machine nor its load decides.
 */

/* Bytes moved and searched, and basic blocks executed, for a text 8 times as long: 8 times as many where each
 * byte is handled a fixed number of times, 64 times as many where every piece goes over all that is there. */
#define GROWTH_MAX 10

/* The most that may be allocated at once for each byte of the text. Room for the worst case takes 6 and a
 * copy of the result 1, a buffer that doubles takes 3; a node of a list for each byte takes 64 or so. */
#define BYTES_AT_ONCE_MAX 20

/* Seconds after which a case is ended that gave no answer: a watchdog only. */
#define WATCHDOG_S 30

#endif
