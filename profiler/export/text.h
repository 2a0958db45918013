#ifndef EXPORT_TEXT_H
#define EXPORT_TEXT_H

#include "base/buf.h"
#include "export/source.h"

/*
 * The answers to ?debug=1 and ?debug=2: Go's text formats, for people and for the readers that know those.
 * Program counters after the @ are as found; those of the lines below, and the offsets, are the calls'.
 */

/* Any source but SOURCE_CPU as debug=1: records by falling figures, each with its frames. ERR_NOMEM, ERR_IO.
 */
int text_snapshot(enum source_id id, const struct snapshot *s, struct buf *out, struct error *error);

/* debug=2: the threads one by one, the profiler's own left out. SOURCE_GOROUTINE heads each with Go's words,
 * so that tools for Go's dumps read it; SOURCE_THREADS says more. ERR_NOMEM, ERR_IO. */
int text_threads(
    enum source_id id, const struct threads_snapshot *threads, struct buf *out, struct error *error);

#endif
