#ifndef VIEW_LABELS_H
#define VIEW_LABELS_H

#include "base/buf.h"
#include "model/profile.h"

/*
 * Numeric labels: one unit a key, and pseudo frames made of labels.
 */

struct label_unit {
    const char *key, *unit;
};

struct label_units {
    VEC(struct label_unit) keys;
};

/* The unit of each numeric key: the first one that a sample gives, else bytes for alignment and request, else
 * the key itself. Other units of the same key are named in notes, a line each. ERR_NOMEM. */
int label_units_init(struct label_units *u, const struct profile *p, struct buf *notes);
void label_units_fini(struct label_units *u);
const char *label_units_get(const struct label_units *u, const char *key); /* "" when the key is unknown */

/*
 * p with the labels named in the comma-separated root_keys and leaf_keys as frames: the first root key is the
 * new root, the last leaf key the new leaf. Keys no sample has are named in notes. ERR_NOMEM.
 */
int labels_to_frames(const struct profile *p, const char *root_keys, const char *leaf_keys, const char *unit,
    struct profile **out, struct buf *notes, struct error *error);

#endif
