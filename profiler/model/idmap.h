#ifndef MODEL_IDMAP_H
#define MODEL_IDMAP_H

#include "base/table.h"

#include <stdint.h>

/*
 * From the ids of a file to indexes. Ids are nearly always 1..n, and nearly always in this order, when
 * nothing need be looked up; else those are in an array, and the others in a hash. A second index for an id
 * replaces the first.
 */
struct idmap {
    uint32_t *dense; /* index_plus_1 of ids 0..ndense-1 */
    size_t ndense;
    size_t nstraight; /* ids 1..nstraight have the indexes 0..nstraight-1 */
    VEC(struct {
        uint64_t id;
        uint32_t index;
    })
    others;
    struct table table; /* of others */
};

/* For about n ids. False when memory runs out. */
bool idmap_init(struct idmap *m, size_t n);
void idmap_fini(struct idmap *m);
bool idmap_put(struct idmap *m, uint64_t id, uint32_t index);
uint32_t idmap_get_other(const struct idmap *m, uint64_t id);

/* NO_INDEX (UINT32_MAX) when it is not there. */
static inline uint32_t idmap_get(const struct idmap *m, uint64_t id)
{
    if (id - 1 < m->nstraight)
        return (uint32_t)(id - 1);
    return id < m->ndense ? m->dense[id] - 1 : idmap_get_other(m, id); /* 0 - 1 is UINT32_MAX */
}

#endif
