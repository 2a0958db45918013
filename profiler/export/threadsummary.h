#ifndef EXPORT_THREADSUMMARY_H
#define EXPORT_THREADSUMMARY_H

#include "base/buf.h"
#include "capture/threads.h"
#include "symbol/symbol.h"

/*
 * What is to be read first of a thousand threads, as lines that begin with #: how many there are and in which
 * states, each deadlock, and who waits for the same lock or in the same place, the longest waits first.
 *
 *     # 6 threads: 3 mutex wait, 2 sleep, 1 running
 *     #
 *     # deadlock: 11 "a" waits for mutex 0x55d0 held by 12 "b", 12 "b" waits for mutex 0x55f8 held by 11 "a";
 *       1 more behind them
 *     #
 *     #   longest  threads
 *     #     3.2 s        2  mutex wait on 0x55d0 held by 12 "b"; longest 11 "a" in cache_get cache.c:120
 *
 * (a deadlock is one line). The library's own threads are left out. Appends to out, which notes when memory
 * ran out. ERR_NOMEM or 0.
 */
int threadsummary_text(const struct threads_snapshot *threads, struct symbolizer *names, struct buf *out);

#endif
