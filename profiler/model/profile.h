#ifndef MODEL_PROFILE_H
#define MODEL_PROFILE_H

#include "base/error.h"
#include "base/intern.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The profile in memory: what profile.proto says, with strings instead of indexes into a string table and
 * indexes instead of ids.
 *
 *     samples ─► locs[first_loc .. +nlocs)   leaf first, indexes into locations
 *             ─► values[i * nsample_types ..) one a sample type
 *             ─► labels[first_label .. +nlabels)
 *     locations ─► mapping (index or NO_INDEX), lines[first_line .. +nlines), innermost inlined first
 *     lines ─► functions (index)
 *
 * A sample is three ranges in pools, not three allocations: a profile of a million samples is a dozen
 * blocks of memory. Rejected: pointers between structs (twice the memory, and a filter that drops samples
 * would have to fix them up).
 *
 * All strings live in `strings` and are compared by pointer within one pool. Strings are never NULL: "none"
 * is intern_empty, which profile_add_* put in for any "" or NULL. A profile made from another (filter,
 * merge) shares its pool by reference.
 *
 * The labels of a sample are sorted: those with text before those with numbers, then by key; values of one
 * key keep their order. So a key's values are a run, and two samples with the same labels have equal ranges.
 *
 * Ids of the file are kept (reports sort and print by them); profile_add_* number from 1 when id is 0.
 * Not thread-safe, not signal-safe. Once built, a profile is read-only: those who change one make a new one.
 */

#define NO_INDEX UINT32_MAX

struct value_type {
    const char *type, *unit;
};

struct mapping {
    uint64_t id;
    uint64_t start, limit, offset; /* [start, limit) in memory; offset of start in the file */
    const char *file, *build_id;
    bool has_functions, has_filenames, has_line_numbers, has_inline_frames;
};

struct function {
    uint64_t id;
    const char *name, *system_name, *file;
    int64_t start_line;
};

struct line {
    uint32_t function; /* index into functions, NO_INDEX for none */
    int64_t line, column;
};

struct location {
    uint64_t id;
    uint64_t address;
    uint32_t mapping; /* index into mappings, NO_INDEX for none */
    uint32_t first_line, nlines;
    bool folded;
};

/* str is the value of a string label; a numeric one has is_num and num in num_unit ("" when not given). */
struct label {
    const char *key, *str, *num_unit;
    int64_t num;
    bool is_num;
};

struct sample {
    uint32_t first_loc, nlocs;
    uint32_t first_label, nlabels;
};

struct profile {
    struct intern *strings;
    VEC(struct value_type) sample_types;
    const char *default_sample_type;
    VEC(struct sample) samples;
    VEC(uint32_t) locs;
    VEC(int64_t) values; /* samples.len * sample_types.len */
    VEC(struct label) labels;
    VEC(struct mapping) mappings;
    VEC(struct location) locations;
    VEC(struct line) lines;
    VEC(struct function) functions;
    const char *drop_frames, *keep_frames, *doc_url;
    VEC(const char *) comments;
    int64_t time_nanos, duration_nanos;
    struct value_type period_type;
    int64_t period;
};

/* Empty profile with a pool of its own, or with a reference to the pool given. NULL when memory runs out. */
struct profile *profile_new(struct intern *strings);
void profile_free(struct profile *p); /* NULL is allowed */

/* The pool's copy of text (NULL counts as ""). Returns NULL only when memory runs out. */
const char *profile_string(struct profile *p, const char *text);

/* A profile with p's header and tables but no samples, in p's pool. NULL when memory runs out. */
struct profile *profile_derive(const struct profile *p);

/* The same, with the samples. */
struct profile *profile_copy(const struct profile *p);

/*
 * The building calls. Strings given must be from p's pool or "". Each returns 0 or ERR_NOMEM, and the new
 * index through *index (which may be NULL). An id of 0 becomes index + 1. They do not look for duplicates.
 */
int profile_add_sample_type(struct profile *p, const char *type, const char *unit); /* before any sample */
int profile_add_mapping(struct profile *p, const struct mapping *m, uint32_t *index);
int profile_add_function(struct profile *p, const struct function *f, uint32_t *index);
/* lines: nlines of them, innermost first; first_line and nlines of *l are ignored and set. */
int profile_add_location(
    struct profile *p, const struct location *l, const struct line *lines, uint32_t nlines, uint32_t *index);
/* values: sample_types.len of them. */
int profile_add_sample(struct profile *p, const uint32_t *locs, uint32_t nlocs, const int64_t *values,
    const struct label *labels, uint32_t nlabels);
int profile_add_comment(struct profile *p, const char *text);

/* Takes back the sample added last, of which nothing is kept. */
void profile_pop_sample(struct profile *p);

static inline int64_t *profile_values(const struct profile *p, size_t sample)
{
    return p->values.items + sample * p->sample_types.len;
}

#endif
