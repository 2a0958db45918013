#ifndef MODEL_LEGACY_READERS_H
#define MODEL_LEGACY_READERS_H

#include "model/legacy_build.h"

/* One reader a format. Each starts at the first byte. ERR_UNSUPPORTED when it is not its format. */
int legacy_read_cpu(struct legacy *l);        /* legacy_cpu.c; Java's too */
int legacy_read_heap(struct legacy *l);       /* legacy_heap.c: heap, growth, fragmentation */
int legacy_read_count(struct legacy *l);      /* legacy_stacks.c: goroutine, threadcreate */
int legacy_read_threads(struct legacy *l);    /* legacy_stacks.c: threadz */
int legacy_read_contention(struct legacy *l); /* legacy_contention.c */
int legacy_read_java(struct legacy *l);       /* legacy_java.c: heap and contention */
int legacy_read_jemalloc(struct legacy *l);   /* legacy_jemalloc.c: heap_v2 dumps */
int legacy_read_perf(struct legacy *l);       /* legacy_perf.c: `perf script` */

/* legacy_java.c: the names of l->p's locations, from the lines not read yet. */
int legacy_read_java_names(struct legacy *l);

/*
 * legacy_maps.c: the memory map, each of the lines not read yet, and the mapping of each location. With
 * `seek` it begins after a line that says so, which may be the one just read; without one there is none.
 */
int legacy_read_maps(struct legacy *l, bool seek);

/* legacy_maps.c: gives locations without a mapping the one they are in. */
int legacy_assign_mappings(struct legacy *l);

#endif
