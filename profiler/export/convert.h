#ifndef EXPORT_CONVERT_H
#define EXPORT_CONVERT_H

#include "export/feed.h"
#include "model/profile.h"

/*
 * A snapshot as a profile, with names: what leaves the process.
 *
 * Every location has its address and a line; where there is no name the function is called after
 * where it begins, `libc.so.6+0x3f930`, and has_functions of that mapping stays false, so that a reader that
 * knows better may still try.
 */

/* The caller frees *out. ERR_NOMEM, ERR_IO. */
int convert_snapshot(
    const struct snapshot *s, const struct feed *feed, struct profile **out, struct error *error);

#endif
