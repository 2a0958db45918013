#ifndef EXPORT_CONVERT_H
#define EXPORT_CONVERT_H

#include "export/source.h"
#include "model/profile.h"

/*
 * A snapshot as a profile, with names: what leaves the process.
 *
 * Addresses are those of the calls: a return address less 1, the leaf's as it is unless it is one, too.
 * Every location has its address and a line; where the symbolizer has no name the line says
 * `libc.so.6+0x1d2a0`, and has_functions of that mapping stays false, so that a reader that knows better may
 * still try.
 */

/* The caller frees *out. ERR_NOMEM, ERR_IO. */
int convert_snapshot(
    const struct snapshot *s, const struct source *source, struct profile **out, struct error *error);

/* The address that stands for the i-th program counter of a record. */
static inline uint64_t convert_address(const struct snapshot_record *r, const uintptr_t *pcs, size_t i)
{
    return pcs[i] - (i > 0 || r->leaf_is_return ? 1 : 0);
}

#endif
