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

/*
 * Rows found before, by address: one line of memory where the search reads three or four, which in a program
 * that uses its caches for other things are not there any more. Whoever writes one takes it by making its pc
 * MEMO_TAKEN, and who finds it taken searches: a writer may be interrupted, for good even. A pc has one row
 * as long as these tables live, so that the same pc before and after reading says that the row is its own.
 */
struct unwind_memo {
    _Alignas(32) _Atomic uintptr_t pc;
    _Atomic uint64_t row[sizeof(struct cfi_row) / sizeof(uint64_t)];
};

enum { MEMO_BITS = 10, MEMO_TAKEN = 1 };

/* Which memo is for this address, of 1 << MEMO_BITS. */
static inline size_t unwind_memo_of(uintptr_t pc)
{
    return pc * UINT64_C(0x9e3779b97f4a7c15) >> (64 - MEMO_BITS);
}

struct unwind_tables {
    size_t nobjects, region_bytes;
    struct unwind_tables *retired_next;
    struct unwind_memo *memos;       /* 1 << MEMO_BITS of them, in the same region */
    struct unwind_object *objects[]; /* by address */
};

/* Between these two calls the tables stay. Signal-safe; may nest. NULL when none were made. */
const struct unwind_tables *unwind_tables_enter(_Atomic uint32_t **reader);

static inline void unwind_tables_leave(_Atomic uint32_t *reader)
{
    atomic_fetch_sub_explicit(reader, 1, memory_order_release);
}

#endif
