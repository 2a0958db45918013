#ifndef LESSON6_UPSTREAM_H
#define LESSON6_UPSTREAM_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>

/*
 * The service that the gateway stands in front of: a process of its own behind a loopback socket, which
 * takes its time for every answer. One request at a time goes over a connection; connections are kept and
 * shared. A request is a line, "KEY\n", or "KEY now\n" for an answer without the wait, from the upstream's
 * own snapshot; the answer is its length in eight digits and the record of catalogue.h.
 */
struct upstream;

enum { UPSTREAM_KEY_MAX = 64 }; /* letters, digits, '-' and '_' */

/*
 * Forks the process, which ends when upstream_stop is called or when the caller's process ends, however that
 * happens. To be called before there are other threads. Negative, with the reason in *error, on failure.
 */
int upstream_start(long delay_ms, struct upstream **out, struct error *error);

/* Ends the process; requests that wait for it fail at once. Then upstream_free, when no thread uses it. */
void upstream_stop(struct upstream *upstream);
void upstream_free(struct upstream *upstream);

/* Whether key is one that may be asked for. */
bool upstream_key_ok(const char *key);

/* Appends the record for key to *out, or leaves it alone and returns a negative code. Any thread. */
int upstream_fetch(struct upstream *upstream, const char *key, bool now, struct buf *out);

/* The process itself: serves listen_fd until it is killed. (In upstream_process.c.) */
void upstream_process(int listen_fd, long delay_ms) __attribute__((noreturn));

#endif
