#ifndef EXPORT_INDEX_H
#define EXPORT_INDEX_H

#include "base/buf.h"
#include "base/error.h"

/* Appends the page at /debug/pprof/: each profile with how much is in it, how many samples were lost, and
 * what it answers. Takes a snapshot of each to count. ERR_NOMEM. */
int index_page(struct buf *out, struct error *error);

#endif
