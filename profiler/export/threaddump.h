#ifndef EXPORT_THREADDUMP_H
#define EXPORT_THREADDUMP_H

#include "base/buf.h"
#include "export/feed.h"

/*
 * The answer to ?debug=2: the threads one by one, those first that have waited longest, the profiler's own
 * left out. FEED_THREADS begins with a summary (threadsummary.h), each line of which begins with #, and calls
 * a thread a thread; FEED_GOROUTINE has nothing that Go would not have there, and heads each as Go heads a
 * goroutine, so that tools for Go's dumps read it.
 *
 *     thread 4711 [mutex wait, for 33 ms, on 0x5601, held by 4712 "holder", name "worker", cpu 32 ms]:
 *     function(...)
 *     \tfile:line +0xOFFSET
 *     created by function
 *     \tfile:line +0xOFFSET
 *
 * Appends to out. ERR_NOMEM, ERR_IO.
 */
int threaddump_text(
    enum feed_id id, const struct threads_snapshot *threads, struct buf *out, struct error *error);

#endif
