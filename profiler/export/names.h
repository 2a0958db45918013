#ifndef EXPORT_NAMES_H
#define EXPORT_NAMES_H

#include "capture/snapshot.h"
#include "symbol/symbol.h"

/*
 * The process' one symbolizer, shared by all requests, one at a time: what one request found out the next
 * one has already. Between requests only the answers are kept.
 */

/* Waits for its turn. NULL when memory runs out or the process cannot be read; then there is no turn to end.
 */
struct symbolizer *names_begin(struct error *error);
void names_end(struct symbolizer *s);

/* Asks for all addresses of the snapshot that are new, in the order that costs least. For speed alone: when
 * memory runs out, nothing happens. */
void names_prime(struct symbolizer *s, const struct snapshot *snapshot);

/* The address that stands for the i-th program counter of a record: that of the call, so a return address
 * less 1; the leaf's as it is unless it is one, too. */
static inline uint64_t names_address(const struct snapshot_record *r, const uintptr_t *pcs, size_t i)
{
    return pcs[i] - (i > 0 || r->leaf_is_return ? 1 : 0);
}

/* Frees all. Nobody may have a turn. */
void names_forget(void);

/* In the child of a fork: whoever had the turn is not there. What was known is left behind. */
void names_after_fork(void);

enum { NAMES_TEXT_BYTES = 256 };

/*
 * The frames at address as symbolizer_frames gives them, and at least one: where there is no name, the
 * function is called after where it begins in its file, "libc.so.6+0x3f930", or after the address when it is
 * in no file, "0x7f0012345678". text keeps that name. *named says which it was.
 */
size_t names_frames(struct symbolizer *s, uint64_t address, struct symbol_frame frames[SYMBOL_MAX_INLINE],
    char text[NAMES_TEXT_BYTES], bool *named);

#endif
