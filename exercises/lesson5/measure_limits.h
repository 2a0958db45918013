#ifndef LESSON5_MEASURE_LIMITS_H
#define LESSON5_MEASURE_LIMITS_H

/*
 * The limits of lesson 5's checks, all in one place. The clock of the checks is set, not read: what is right
 * is known exactly, and no machine and no load changes it.
 */

/* How far a figure may be from the true one, as a share of it: what a histogram rounds, or another way to
 * interpolate a percentile, makes 0.03 at most; what the flawed one says is off by a factor of 11 and more.
 */
#define FIGURE_OFF_MAX 0.05

/* How long after it is due a request may leave, when nothing is before it. */
#define LATE_MAX_NS 50000

/* Comparisons with a right answer, of COMPARISONS each. Nineteen of twenty are promised; a stopwatch that
 * keeps that to the letter loses 20 of 400, and by chance, which has a standard deviation of 4.4, hardly more
 * than 33. The flawed one loses 300 and more. */
#define COMPARISONS 400
#define COMPARISONS_LOST_MAX 33

/* Seconds after which a case is ended that gave no answer: a watchdog only, a right one needs milliseconds.
 */
#define WATCHDOG_S 20

#endif
