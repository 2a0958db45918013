#ifndef CAPTURE_UNWIND_TABLES_H
#define CAPTURE_UNWIND_TABLES_H

#include "capture/cfi.h"

#include <stdatomic.h>

/*
 * The compiled tables of all loaded objects, as the walker of unwind.c reads them. Private to the two.
 */

enum { TABLES_BLOCK_SHIFT = 7 };

/* One object's rows. Immutable once published; shared by successive tables as long as it stays loaded. */
struct unwind_object {
    uintptr_t start, end;
    const struct cfi_row *rows;
    size_t nrows;
    const uint32_t *blocks; /* blocks[i]: the row that holds where the i-th 128 bytes begin */
    uint64_t identity;      /* hash of the search table and the address: the same object in the same place */
    size_t region_bytes;    /* the object, its rows and blocks are one region */
    uint32_t references;    /* tables that name it; guard: the rebuild lock */
};

struct unwind_tables {
    size_t nobjects, region_bytes;
    struct unwind_tables *retired_next;
    struct unwind_object *objects[]; /* by address */
};

/* Between these two calls the tables stay. Signal-safe; may nest. NULL when none were made. */
const struct unwind_tables *unwind_tables_enter(_Atomic uint32_t **reader);

static inline void unwind_tables_leave(_Atomic uint32_t *reader)
{
    atomic_fetch_sub_explicit(reader, 1, memory_order_release);
}

#endif
