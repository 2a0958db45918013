#ifndef VIEW_FLAME_H
#define VIEW_FLAME_H

#include "view/report.h"

/*
 * Samples as a tree of calls, and that tree as boxes on rows of characters:
 *
 *     |all                          |    row 0, the root: as wide as there is room
 *     |main                         |
 *     |serve            |poll       |    a box as wide as its share, below its caller; heaviest first
 *     |json      |cache |
 *
 * A box's edges are where its share of all begins and ends, rounded to a column: so boxes never overlap, and
 * a box is within its caller's. What rounds to no column, or is below the least share asked for, has no box.
 */
struct flame_node {
    const char *name;
    int64_t value; /* with callees; of FLAME_BOTH_SIGNS the sum of magnitudes */
    int64_t delta; /* the sum as it is: what grew less what shrank */
    uint32_t parent, first_child, next_sibling;
    uint32_t depth;
    uint32_t first_sample, samples; /* while the tree grows */
    double offset;                  /* where its share begins, in values from the left */
};

struct flame_box {
    uint32_t node;
    int x, width;
};

struct flame {
    struct intern *strings;
    struct table table;
    VEC(struct flame_node) nodes; /* the root is 0 */
    uint32_t depth;               /* of the deepest */
    size_t negative;              /* samples below zero */
    bool cut;                     /* there is more below than nodes */
    uint32_t *first_name;         /* of each location, into frame_names */
    const char **frame_names;     /* of each frame, NULL until it was met */
};

/* What is below zero, as a base makes it, has no width: it is left out, or drawn by its magnitude. */
enum flame_signs { FLAME_POSITIVE, FLAME_BOTH_SIGNS };

extern const char flame_rest[]; /* the name of a node that stands for all that was cut off below its caller */

/* Of the report's samples. Grows where it is heaviest, and no more once it has `most` nodes (SIZE_MAX: no
 * end): what goes on below is one node of each, flame_rest, so that sums are right. ERR_NOMEM, ERR_CANCELLED;
 * flame_fini in any case. */
int flame_init(struct flame *f, struct report *r, enum flame_signs signs, size_t most);
void flame_fini(struct flame *f);

typedef VEC(struct flame_box) flame_row;

/* The boxes below those of `above`, left to right, of nodes with at least `least` of value. Adds to *hidden
 * those that have none. ERR_NOMEM. */
int flame_next_row(const struct flame *f, const struct flame_box *above, size_t n, int width, int64_t least,
    flame_row *row, size_t *hidden);

#endif
