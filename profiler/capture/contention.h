#ifndef CAPTURE_CONTENTION_H
#define CAPTURE_CONTENTION_H

#include "capture/snapshot.h"

/*
 * Who makes others wait (mutex, charged to the unlocker's stack) and who waits (block, charged to the
 * waiter's). values: contentions, delay ns; both already scaled by the sampling. Totals since the start.
 */
enum contention_kind { CONTENTION_MUTEX, CONTENTION_BLOCK };

/* ERR_NOMEM or 0. */
int contention_snapshot(enum contention_kind kind, struct snapshot *out);

/* 1 in n is recorded; 0 is off, a negative number changes nothing. Returns what it was. Any thread, any time;
 * what is recorded later goes by the new rate. */
int contention_set_mutex_fraction(int n);
int64_t contention_set_block_rate_ns(int64_t rate_ns);
int contention_mutex_fraction(void);
int64_t contention_block_rate_ns(void);

#endif
