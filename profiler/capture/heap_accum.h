#ifndef CAPTURE_HEAP_ACCUM_H
#define CAPTURE_HEAP_ACCUM_H

#include "capture/snapshot.h"
#include "capture/unwind.h"

/*
 * What was ever allocated, by stack, in a bounded table of ours.
 *
 *     jemalloc samples ─► asks for the stack ─► heap_accum_stack_sigsafe: finds its slot
 *                     └─► notes the sample  ─► its size, unbiased, is added to that slot
 *
 * jemalloc's own figures (prof_accum) are kept by stack and thread, and for ever: 3.5 kB for each thread that
 * ended, and a dump that reads them all. With this they are off, and what jemalloc remembers of a thread goes
 * with the last object that it sampled there. Only with the jemalloc of libcprof.so and libcprof.a, whose
 * function that notes a sample leads here (packaging/jemalloc.sh); elsewhere nothing here does anything, and
 * prof_accum stays on.
 */

/* From here on, starting at what *before counted: its alloc_objects and alloc_space. May be called again.
 * False when it cannot be done here, or there is no memory for it. */
bool heap_accum_start(const struct snapshot *before);
bool heap_accum_is_on(void);

/* Whether it could be started: jemalloc's function is wrapped. */
bool heap_accum_is_possible(void);

/* Forgets all, as prof.reset does. */
void heap_accum_reset(void);

/* The caller is about to take a sample with this stack. */
void heap_accum_stack_sigsafe(const struct unwind_stack *stack);

/* Adds records with alloc_objects and alloc_space, and what was lost. 0 or ERR_NOMEM. */
int heap_accum_append(struct snapshot *out);

void heap_accum_after_fork(void);

#endif
