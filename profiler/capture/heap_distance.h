#ifndef CAPTURE_HEAP_DISTANCE_H
#define CAPTURE_HEAP_DISTANCE_H

#include <stdint.h>

/*
 * How many bytes a thread allocates up to its next sample. jemalloc draws that from a generator that begins
 * with the address of a thread's storage, which the next thread has again: of threads that allocate less than
 * a distance or two and end, all were sampled at the same points, or none was. So where jemalloc is linked in
 * it is drawn here, each independently of all others.
 */

/* Geometrically distributed with mean 2^lg_rate; 1 when lg_rate is 0. Any thread, inside malloc, too. */
int64_t heap_distance_draw(int lg_rate);

#endif
