#ifndef EXPORT_SOURCE_H
#define EXPORT_SOURCE_H

#include "capture/threads.h"

/*
 * The profiles there are: what each is called, which figures it has, and where capture/ keeps them. One list,
 * from which the endpoints, the index page and the conversion read.
 */
enum source_id {
    SOURCE_CPU,
    SOURCE_HEAP,
    SOURCE_ALLOCS,
    SOURCE_THREADS,
    SOURCE_GOROUTINE, /* the same under Go's name, for readers that know only Go's */
    SOURCE_THREADCREATE,
    SOURCE_MUTEX,
    SOURCE_BLOCK,
    NSOURCES
};

enum { SOURCE_MAX_TYPES = 4 };

struct source_type {
    const char *type, *unit;
};

struct source {
    const char *name;
    struct source_type types[SOURCE_MAX_TYPES]; /* as many as there are, then NULLs */
    int columns[SOURCE_MAX_TYPES];              /* which of a snapshot's values each of them is */
    struct source_type period;
    const char *default_type; /* "" for none */
    const char *what;         /* a sentence or two for the index page */
};

const struct source *source_get(enum source_id id);

/* What it says now; not for SOURCE_CPU, which takes time. On failure *error says why. */
int source_take(enum source_id id, struct snapshot *out, struct error *error);

/* Two records with the same program counters, told apart also by what the leaf's is. */
uint64_t source_stack_hash(const struct snapshot *s, const struct snapshot_record *r);
bool source_stack_same(const struct snapshot *a, const struct snapshot_record *x, const struct snapshot *b,
    const struct snapshot_record *y);

/* One record for each stack with values[0], how many of the program's own threads have it: the profiler's
 * are left out. ERR_NOMEM or 0. */
int source_group_threads(const struct threads_snapshot *threads, struct snapshot *out);

#endif
