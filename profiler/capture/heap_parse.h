#ifndef CAPTURE_HEAP_PARSE_H
#define CAPTURE_HEAP_PARSE_H

#include "capture/snapshot.h"

#include <stddef.h>

/*
 * jemalloc's profile text, version heap_v2 (see jemalloc's prof_dump in prof_data.c):
 *
 *     heap_v2/524288
 *       t*: 28106: 56637512 [0: 0]
 *     @ 0x5f86da8 0x5f5a1dc 0x29e4d4e
 *       t*: 13: 6688 [39: 20064]
 *       t3: …
 *     MAPPED_LIBRARIES: …
 *
 * curobjs: curbytes [accumobjs: accumbytes]; the t* line is the sum over threads, the others are left out.
 */

/* Fills *out with all stacks, unbiased, as heap.h says. own_start..own_end are ranges whose frames are
 * trimmed off the leaf (see heap_trim). On malformed text ERR_FORMAT and *error says where; ERR_NOMEM. Pure.
 */
struct heap_range {
    uintptr_t start, end;
};
int heap_parse(const char *text, size_t len, const struct heap_range *trim, size_t ntrim,
    struct snapshot *out, struct error *error);

/* The size class of blocks that take `bytes` together; their average where they are of several. */
int64_t heap_block_size(int64_t bytes, int64_t objects);

/* What was counted, given what was sampled: n objects of `bytes` together, at rate bytes between samples. */
void heap_unbias(int64_t rate, int64_t *objects, int64_t *bytes);

#endif
