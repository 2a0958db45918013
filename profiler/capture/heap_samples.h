#ifndef CAPTURE_HEAP_SAMPLES_H
#define CAPTURE_HEAP_SAMPLES_H

#include "capture/snapshot.h"

/*
 * What is alive and what was ever allocated, by stack, in a bounded table of ours.
 *
 *     jemalloc samples  ─► asks whose it is   ─► the stack's slot in the table, as a name of 64 bits
 *                      └─► notes the object   ─► keeps that name; what it stands for is added to the slot
 *     jemalloc frees it ─► takes it from whom ─► that is taken from what is alive in the slot
 *
 * jemalloc's own figures are kept by stack and thread: each thread has a tree of those it allocated at, all
 * under locks, whose nodes come and go with the objects, or stay for ever (prof_accum) and take 3.5 kB for
 * each thread that ended. A sample cost 18,000 cycles that way, and 7,000 here (in a gateway, where nothing
 * is in a cache). Only with the jemalloc of libcprof.so and libcprof.a, 5.3.0, whose functions lead here
 * (packaging/jemalloc.sh); elsewhere, for what was sampled before the start, and for stacks that the table
 * has no room for, its own figures remain.
 */

/* From here on, starting at what *before counted: its alloc_objects and alloc_space. May be called again.
 * False when it cannot be done here, or there is no memory for it. */
bool heap_samples_start(const struct snapshot *before);
bool heap_samples_are_on(void);

/* Whether it could be started: jemalloc's functions are wrapped. */
bool heap_samples_are_possible(void);

/* Forgets all, as prof.reset does. */
void heap_samples_reset(void);

/* Adds a record for each stack, and what was lost. 0 or ERR_NOMEM. */
int heap_samples_append(struct snapshot *out);

void heap_samples_after_fork(void);

#endif
