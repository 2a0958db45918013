#ifndef COMMON_NEIGHBOUR_H
#define COMMON_NEIGHBOUR_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A service that a demo server depends on: a process of its own behind a socket, which takes its time. One
 * line is asked and one is answered; any number may be asked at the same time, and none waits for another.
 */
struct neighbour;

enum { NEIGHBOUR_LINE_MAX = 256 }; /* bytes of a line, with its end */

/* Run in the process, by any of its threads: writes the answer to the line, without its end, and returns how
 * many milliseconds it takes. */
typedef long neighbour_answer(const char *line, char *answer, size_t size);

/*
 * Forks the process, which ends with neighbour_stop or when the caller's process ends, however that happens.
 * To be called before there are other threads. NULL after a line on standard error that begins with `name`.
 */
struct neighbour *neighbour_start(const char *name, neighbour_answer *answer);

/* The answer to the line, cut to `size`. False when the process is gone. Any thread. */
bool neighbour_ask(struct neighbour *neighbour, const char *line, char *answer, size_t size);

/* Ends the process: who waits for it gets false at once. Then, when no thread uses it, neighbour_free. */
void neighbour_stop(struct neighbour *neighbour);
void neighbour_free(struct neighbour *neighbour); /* NULL is allowed */

#endif
