#ifndef EXPORT_THREADDUMP_H
#define EXPORT_THREADDUMP_H

#include "base/buf.h"
#include "export/feed.h"

/*
 * The answer to ?debug=2: the threads one by one, the profiler's own left out. FEED_GOROUTINE heads each as
 * Go heads a goroutine, so that tools for Go's dumps read it; FEED_THREADS calls it a thread.
 *
 *     thread 4711 [mutex wait, for 33 ms, on 0x5601..., held by 4712 "holder", name "worker", cpu 32 ms]:
 *     function(...)
 *     \tfile:line +0xOFFSET
 *     created by function
 *     \tfile:line +0xOFFSET
 *
 * Threads by the thousand stand in a few places, so each stack is written out once and copied from then on.
 * Appends to out. ERR_NOMEM, ERR_IO.
 */
int threaddump_text(
    enum feed_id id, const struct threads_snapshot *threads, struct buf *out, struct error *error);

#endif
