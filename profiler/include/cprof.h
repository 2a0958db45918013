#ifndef CPROF_H
#define CPROF_H

#include <stddef.h>
#include <stdint.h>

/*
 * libcprof: net/http/pprof for C.
 *
 *     #include <cprof.h>
 *     int main(void) {
 *         if (cprof_start("127.0.0.1:6060") != 0) ...   // the program runs on, unprofiled
 *         ...
 *         cprof_stop();
 *     }
 *
 * then `pprof http://127.0.0.1:6060/debug/pprof/profile?seconds=30`. Linking libcprof puts its wrappers
 * around pthread and blocking calls, and jemalloc in the place of malloc. No function here is signal-safe;
 * all may be called from any thread.
 */

#ifdef __cplusplus
extern "C" {
#endif

/* What went wrong: 0 is success, the rest are negative. */
const char *cprof_strerror(int code);

/*
 * Begins to capture and serves /debug/pprof/ on address, "HOST:PORT" (port 0 picks a free one and prints it);
 * NULL is $CPROF_HTTP, else 127.0.0.1:6060. The other CPROF_ variables are read here. The soft limit on open
 * descriptors is raised to the hard one. On failure one line goes to standard error, nothing is left running,
 * and a negative code is returned; starting twice is an error. A child of fork() runs unprofiled and may
 * start anew.
 *
 * Only loopback addresses are allowed, and only requests whose Host header names one are answered, unless
 * CPROF_ALLOW_REMOTE=1 and CPROF_TOKEN are set; then every request needs `Authorization: Bearer TOKEN`.
 */
int cprof_start(const char *address);

/* Stops serving and capturing, and joins the library's threads. Harmless when not started. */
void cprof_stop(void);

/* The address being served, with the true port; "" when not started. Valid until cprof_stop. */
const char *cprof_address(void);

/* As Go's runtime.SetMutexProfileFraction: on average 1 in n contended unlocks is recorded; 0 is off, a
 * negative n changes nothing. cprof_start sets it from CPROF_MUTEX_FRACTION. Returns the fraction before. */
int cprof_set_mutex_fraction(int n);

/* As Go's runtime.SetBlockProfileRate: waits of rate_ns or more are always recorded, shorter ones in
 * proportion; 0 is off. cprof_start sets it from CPROF_BLOCK_RATE. Returns the rate before. */
int64_t cprof_set_block_rate_ns(int64_t rate_ns);

#ifdef __cplusplus
}
#endif

#endif
