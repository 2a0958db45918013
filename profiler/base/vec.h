#ifndef BASE_VEC_H
#define BASE_VEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

/*
 * Growable arrays. `VEC(int) v = {0};` declares one in the caller's storage; items are v.items[0..v.len).
 * Pointers into items are invalid after a push. Not thread-safe, not signal-safe.
 *
 *     if (!vec_push(&v, 7)) return ERR_NOMEM;
 *     vec_fini(&v);
 */
#define VEC(T)           \
    struct {             \
        T *items;        \
        size_t len, cap; \
    }

/* Makes room for n more items. False when memory runs out; the vector is then as it was. */
#define vec_reserve(v, n) \
    vec_reserve_bytes((void **)&(v)->items, &(v)->cap, (v)->len, (n), sizeof *(v)->items)

/* Appends one item. False when memory runs out. */
#define vec_push(v, item) (vec_reserve((v), 1) ? ((v)->items[(v)->len++] = (item), true) : false)

#define vec_fini(v) (free((v)->items), (v)->items = NULL, (v)->len = (v)->cap = 0)

/* Called, unless it is NULL, with each block that a vector or a table has grown to: for a program that has
 * wishes about large ones. Set once, before there are threads. */
extern void (*vec_grew)(void *block, size_t bytes);

bool vec_reserve_bytes(void **items, size_t *cap, size_t len, size_t more, size_t item_bytes);

#endif
