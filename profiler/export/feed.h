#ifndef EXPORT_FEED_H
#define EXPORT_FEED_H

#include "capture/threads.h"

/*
 * The profiles there are: what each is called, which figures it has, and where capture/ keeps them. One list,
 * from which the endpoints, the index page and the conversion read.
 */
enum feed_id {
    FEED_CPU,
    FEED_HEAP,
    FEED_ALLOCS,
    FEED_THREADS,
    FEED_GOROUTINE, /* the same under Go's name, for readers that know only Go's */
    FEED_THREADCREATE,
    FEED_MUTEX,
    FEED_BLOCK,
    FEED_WALL,
    NFEEDS
};

enum { FEED_MAX_TYPES = 4 };

struct feed_type {
    const char *type, *unit;
};

struct feed {
    const char *name;
    struct feed_type types[FEED_MAX_TYPES]; /* as many as there are, then NULLs */
    int columns[FEED_MAX_TYPES];            /* which of a snapshot's values each of them is */
    struct feed_type period;
    const char *default_type; /* "" for none */
    const char *what;         /* a sentence or two for the index page */
    bool takes_time;          /* it is what happens from now on, and not a state */
};

const struct feed *feed_get(enum feed_id id);

/* What it says now; not for those that take time. On failure *error says why. */
int feed_take(enum feed_id id, struct snapshot *out, struct error *error);

/* Two records with the same program counters, told apart also by what the leaf's is; labels do not count. */
uint64_t feed_stack_hash(const struct snapshot *s, const struct snapshot_record *r);
bool feed_stack_same(const struct snapshot *a, const struct snapshot_record *x, const struct snapshot *b,
    const struct snapshot_record *y);

/* One record for each stack and set of labels with values[0], how many of the program's own threads have it:
 * the profiler's are left out. ERR_NOMEM or 0. */
int feed_group_threads(const struct threads_snapshot *threads, struct snapshot *out);

#endif
