#ifndef CAPTURE_SNAPSHOT_H
#define CAPTURE_SNAPSHOT_H

#include "base/error.h"
#include "base/vec.h"
#include "capture/labelset.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * What every capture table gives when asked: stacks with figures. The one shape in which data leaves
 * capture/; export/ turns it into a profile. Taken outside signal handlers, in the caller's storage, with
 * malloc (the caller is one of the profiler's own threads, whose allocations are not sampled).
 *
 *     records.items[i] ─► pcs.items[first_pc .. +depth)   leaf first
 *
 * Program counters are as found: the leaf's is the instruction that was interrupted or that made the call
 * into the profiler; all others are return addresses. `leaf_is_return` says that the leaf is one, too.
 */

enum { SNAPSHOT_MAX_VALUES = 4, SNAPSHOT_MAX_DEPTH = 128 };

struct snapshot_record {
    uint32_t first_pc;
    uint16_t depth;
    bool leaf_is_return;
    bool truncated; /* the stack was deeper than SNAPSHOT_MAX_DEPTH or could not be followed to its end */
    int64_t values[SNAPSHOT_MAX_VALUES];
    int64_t block_bytes;            /* heap: the size class, for the label "bytes"; else 0 */
    const struct label_set *labels; /* of the thread, or NULL */
};

struct snapshot {
    VEC(struct snapshot_record) records;
    VEC(uintptr_t) pcs;
    int nvalues;          /* how many of values[] mean something */
    int64_t time_ns;      /* clock_realtime_ns when taken */
    int64_t duration_ns;  /* cpu, wall: how long it sampled; deltas: what is between; else 0 */
    int64_t period;       /* cpu: ns between samples; heap: bytes between samples; else 1 */
    uint64_t lost;        /* samples that could not be kept; always shown to the reader */
    uint64_t lost_labels; /* cpu, threads: that samples lack which their threads should have, ever */
    char source[256]; /* cpu: what made the samples ("timer", "perf_event_open"), for a comment; else "" */
};

void snapshot_fini(struct snapshot *s);

/* Adds one record; its pcs are copied. 0 or ERR_NOMEM. */
int snapshot_add(struct snapshot *s, const struct snapshot_record *r, const uintptr_t *pcs);

/* later minus earlier, record by record (same stack, block_bytes and labels); all-zero records are left out
 * and none is negative. How long it was is the caller's to say, by a clock that does not jump: time_ns is no
 * such. Both stay the caller's. 0 or ERR_NOMEM. */
int snapshot_subtract(const struct snapshot *later, const struct snapshot *earlier, struct snapshot *out);

#endif
