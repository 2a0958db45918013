#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include "base/vec.h"

#include <stdint.h>

/*
 * A hash index over somebody else's array: it holds (hash, index) pairs and leaves the keys where they are,
 * so that a lookup costs no allocation and any struct can be a key. `struct table t = {0};` is empty.
 *
 *     uint32_t found;
 *     for (size_t at = table_first(&t, hash); table_next(&t, hash, &at, &found);)
 *         if (same(&items[found], key))
 *             return found;
 *     if (!table_add(&t, hash, nitems)) return ERR_NOMEM;
 *
 * Not thread-safe, not signal-safe.
 */
struct table_slot {
    uint32_t hash, index_plus_1; /* 0: free */
};

struct table {
    struct table_slot *slots; /* a power of two of them, at most 3/4 taken */
    size_t size, count;
};

static inline size_t table_first(const struct table *t, uint64_t hash)
{
    return t->size ? (uint32_t)hash & (t->size - 1) : 0;
}

/* Where many hashes are looked up: asks memory for the first slot, and does not wait for it. */
static inline void table_prefetch(const struct table *t, uint64_t hash)
{
    if (t->size)
        __builtin_prefetch(&t->slots[table_first(t, hash)]);
}

/* The next index stored under hash, false when there are no more. */
static inline bool table_next(const struct table *t, uint64_t hash, size_t *at, uint32_t *index)
{
    while (t->size && t->slots[*at].index_plus_1) {
        const struct table_slot *s = &t->slots[*at];
        *at = (*at + 1) & (t->size - 1);
        if (s->hash == (uint32_t)hash) {
            *index = s->index_plus_1 - 1;
            return true;
        }
    }
    return false;
}

/* Stores index (below UINT32_MAX) under hash. False when memory runs out; the table is then as it was. */
bool table_add(struct table *t, uint64_t hash, uint32_t index);
void table_fini(struct table *t);

#endif
