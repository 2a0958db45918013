#ifndef MODEL_LEGACY_BUILD_H
#define MODEL_LEGACY_BUILD_H

#include "base/buf.h"
#include "base/table.h"
#include "model/profile.h"

/*
 * What the readers of legacy formats share: the lines of a text, and a profile whose locations are found by
 * address. A reader returns ERR_UNSUPPORTED while it may still be another format.
 */
struct legacy {
    const unsigned char *at, *end; /* what was not read yet */
    size_t line_number;
    struct buf line; /* the last line read, without its end; a NUL byte ends it */
    struct profile *p;
    struct table by_address; /* of p's locations */
    VEC(uint32_t) locs;      /* of the sample being read */
    bool says_drops;         /* the reader has said which frames to drop */
    struct error *error;
};

int legacy_nomem(struct legacy *l);
/* ERR_FORMAT: "line N: what". */
int legacy_fail(struct legacy *l, const char *what);

/* Reads the next line into l->line. False at the end of the text, where the line is empty. */
bool legacy_next_line(struct legacy *l);
const char *legacy_line(const struct legacy *l); /* never NULL */
/* The line without the blanks at its start. */
const char *legacy_trimmed(const struct legacy *l);
bool legacy_is_comment(const char *line); /* or empty */
bool legacy_is_map_start(const char *line);

/* Moves *at past blanks and a decimal number, maybe negative. False, and *at as it was, when there is none or
 * it does not fit. */
bool legacy_number(const char **at, int64_t *number);

/* New sample and period types, "count" with it. ERR_NOMEM. */
int legacy_types(struct legacy *l, const char *const types[][2], size_t n, const char *const period[2]);

/* Adds a frame to l->locs: the location of the address. ERR_NOMEM. */
int legacy_add_address(struct legacy *l, uint64_t address);
/* All of "0x..." in text up to the first character that is not of such a list (NULL: the whole line), each
 * less by one but, if `leaf`, the first of the sample. */
int legacy_add_addresses(struct legacy *l, const char *text, bool only_addresses, bool leaf);
/* The sample of l->locs, which is empty then; with the size of its blocks as a label if they have one. */
#define LEGACY_NO_BLOCKS INT64_MIN
int legacy_add_sample(struct legacy *l, const int64_t *values, int64_t block_bytes);

/* a times b, wrapping around as in Go. */
static inline int64_t legacy_times(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a * (uint64_t)b);
}

/* What count blocks of size bytes together, sampled every rate bytes, stand for. */
void legacy_unsample(int64_t *count, int64_t *size, int64_t rate);

/* A leaf frame that was recorded twice, from the signal and from the stack, is there once. */
void legacy_drop_double_leaves(struct profile *p);

#endif
