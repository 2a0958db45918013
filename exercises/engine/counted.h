#ifndef EXERCISES_COUNTED_H
#define EXERCISES_COUNTED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Exact counts of what a module under test does.
 *
 * The module is compiled a second time with gcc's -fsanitize-coverage=trace-pc, which calls us once for each
 * basic block executed, and with counted_names.h in front, which sends its calls of malloc, memmove and
 * their like through here. The program that loads it is linked with counted.c and exports these names.
 * Counts do not depend on the machine or its load; a clock does.
 */

/* Basic blocks executed by counted modules, in all threads, plus one for each 64 bytes of counted_bytes(). */
uint64_t counted_work(void);

/* Of these, what the calling thread has executed. */
uint64_t counted_thread_work(void);

/*
 * Bytes that counted modules have had moved, set, compared or searched by the functions of string.h that
 * counted_names.h lists, the NUL at a string's end included; and what a realloc moves: the old bytes,
 * whenever it is to have more than fit where it is.
 */
uint64_t counted_bytes(void);

/* Bytes that counted modules have allocated and not freed: usable sizes. Negative when they free what others
 * allocated. And the most there were of these since counted_peak_restart(), which sets it to those of now. */
int64_t counted_live_bytes(void);
int64_t counted_peak_bytes(void);
void counted_peak_restart(void);

/* All bytes that counted modules have ever allocated, freed or not: usable sizes; of a realloc all of the new
 * block. */
uint64_t counted_allocated_bytes(void);

/*
 * While on, the executing thread naps for a moment every few blocks and another one runs: a lock that is
 * missing then shows within milliseconds, even on one core.
 */
void counted_shuffle(bool on);

#endif
