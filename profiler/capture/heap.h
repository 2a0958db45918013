#ifndef CAPTURE_HEAP_H
#define CAPTURE_HEAP_H

#include "capture/snapshot.h"

/*
 * What jemalloc samples: kept in a table of ours (heap_samples.h), and what it has of its own, from before
 * the start or in another jemalloc than ours, read through a memfd dump. values: alloc_objects, alloc_space,
 * inuse_objects, inuse_space, unbiased; period: bytes between samples; jemalloc's own frames are trimmed off
 * the leaf.
 */

/* NULL, or why there can be no heap profile: the process' malloc is not a jemalloc with profiling. */
const char *heap_why_unsupported(void);

/* Sets the sampling rate (a power of two; 0 switches sampling off) by prof.reset. ERR_UNSUPPORTED (see
 * above); ERR_INVALID. */
int heap_start(int64_t rate_bytes);

/* For a process that will not be profiled: before its first allocation, this spares jemalloc a quarter of
 * what its start takes, and there can be no heap profile later; after it, sampling stops. */
void heap_decline(void);

/* Asked as jemalloc starts, in the first allocation, which may come before any constructor; for libcprof.so
 * to define (preload.c). Must not allocate. */
bool heap_is_declined(void) __attribute__((weak));

/* ERR_UNSUPPORTED, ERR_IO, ERR_NOMEM. */
int heap_snapshot(struct snapshot *out);

/* Allocations of the calling thread are not sampled from here on. For the profiler's own threads. */
void heap_exclude_thread(void);

/* Whether allocations of the calling thread are sampled; returns whether they were. For what the library does
 * on a thread of the program's. */
bool heap_sample_thread(bool on);

#endif
