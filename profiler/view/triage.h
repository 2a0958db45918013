#ifndef VIEW_TRIAGE_H
#define VIEW_TRIAGE_H

#include "base/buf.h"
#include "base/table.h"
#include "model/profile.h"

/*
 * Five profiles of one program, read together. Each is blind to what another sees, so that none names a cause
 * by itself; a row a function, with what every profile says of it, does:
 *
 *     cpu, heap (at the start and at the end), threads, mutex, block
 *        │  each sample is charged to the owner of its stack: the innermost function of the program's own,
 *        ▼  see machinery.h
 *     rows: own (as owner), flat and cum (as in -top) of each profile
 *        ▼
 *     shares ─► score ─► order, verdict
 *
 * The same rules for every program. Of a function, as owner:
 *
 *     caused    its share of the delay in the mutex profile. Counts when all delay is a tenth of the time
 *               collected or more, so that there is something to cause
 *     stuck     of all threads, those that wait in it for a lock. Counts from 3 threads on
 *     grown     by how much its live bytes grew, as a share of what is live at the end. Counts from 1 MiB on,
 *               and beyond what the sampling of allocations may feign
 *     worked    its share of CPU time in stacks through a cause: what the cause is busy with
 *
 * The score is the sum of those that are 5% or more. Rows come by score, then by CPU share, then by live
 * bytes. What is called what, the first that holds:
 *
 *     cause     caused >= 20%
 *     waits     stuck >= 10%, or a fifth or more of the delay in the block profile at locks, when that delay
 *               is a tenth of the time collected or more
 *     part      worked >= 5%, and half its CPU time or more is spent there: below a cause, in its service
 *     grows     grown >= 5%
 *     busy      its CPU share >= 5%; "blameless" beside a cause, when it causes less than 1% and no thread
 *               is stuck in it
 *     holds     it made 20% or more of what is live
 *
 * A cause is named from the mutex profile alone: threads stuck in a function show who waits, not who makes
 * them. Pure. Not thread-safe.
 */

enum triage_lens { LENS_CPU, LENS_HEAP_START, LENS_HEAP, LENS_THREADS, LENS_MUTEX, LENS_BLOCK, N_LENSES };

enum triage_verdict {
    VERDICT_NONE,
    VERDICT_CAUSE,
    VERDICT_WAITS,
    VERDICT_PART,
    VERDICT_GROWS,
    VERDICT_BUSY,
    VERDICT_HOLDS
};

/* What was collected. A profile that is not there is NULL, and missing says why. */
struct triage_input {
    const char *source;
    const struct profile *profiles[N_LENSES];
    const char *missing[N_LENSES];
};

struct triage_row {
    const char *name;
    int64_t flat[N_LENSES], cum[N_LENSES], own[N_LENSES]; /* ns, bytes, threads */
    int64_t stuck;                                        /* threads that wait in it for a lock */
    int64_t stuck_ns;                                     /* delay suffered in it at locks */
    int64_t below_cause_ns;                               /* of its own CPU time */
    double score;
    enum triage_verdict verdict;
    bool blameless;
    size_t seen;
};

/* Who calls a cause, and how much of its delay comes that way. */
struct triage_path {
    uint32_t row;
    int64_t ns;
};

enum { TRIAGE_PATHS = 2 };

struct triage {
    struct triage_input input;
    struct intern *strings;
    VEC(struct triage_row) rows;
    struct table table;
    VEC(uint32_t) order; /* rows with a verdict, the worst first */
    int64_t total[N_LENSES], duration_ns[N_LENSES];
    int64_t stuck, stuck_ns;
    uint32_t n_causes;
    struct triage_path paths[TRIAGE_PATHS]; /* into the first cause, the widest first; row NO_INDEX: none */
};

/* Reads the profiles, which must outlive it. ERR_INVALID when there is none, ERR_NOMEM. triage_fini in any
 * case. */
int triage_init(struct triage *t, const struct triage_input *input, struct error *error);
void triage_fini(struct triage *t);

/* Threads of a thread profile that wait for locks: which of several looks was the worst. */
int64_t triage_stuck_threads(const struct profile *threads);

struct triage_style {
    int width; /* columns; 60 at least are used */
    int rows;  /* at most so many in the table */
    bool colour;
};

/* The verdict in a few sentences, the table, then what each profile says and cannot see. Appends to out. */
void triage_put(const struct triage *t, const struct triage_style *style, struct buf *out);

/* The sentences alone, each on a line of its own, behind what it calls the function ("cause   ..."). */
void triage_put_words(const struct triage *t, struct buf *out);

/*
 * The same figures for programs:
 * {"lenses":{"cpu":{"total":N,"ns":N,"missing":"why"},...},"stuck":N,"stuck_ns":N,
 * "rows":[[name,verdict,blameless,own,flat,cum,stuck,stuck_ns],...],"order":[row,...],"words":["...",...]},
 * where own, flat and cum are arrays in the order of enum triage_lens.
 */
void triage_put_json(const struct triage *t, struct buf *out);

/* "cpu", "heap-start", ...: what the lens is called. */
const char *triage_lens_name(enum triage_lens lens);

#endif
