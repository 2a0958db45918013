#ifndef EXERCISES_WATCHDOG_H
#define EXERCISES_WATCHDOG_H

/*
 * Ends a check that hangs, and says where its threads stood, by the project's own thread profile. It is a
 * thread of the process it watches, named "watchdog".
 */

/*
 * After `seconds` the profile goes to fd and end() is called, which is to end the process. If even that
 * hangs, end() is called from a signal handler three seconds later. Call it before the process has other
 * threads.
 */
void watchdog_start(unsigned seconds, int fd, void (*end)(void));

/* Prints what watchdog_start left in fd, the watchdog itself left out: a line for each thread and each frame
 * of its stack that is in a file of ours. Nothing when nothing was left. */
void watchdog_print(int fd);

#endif
