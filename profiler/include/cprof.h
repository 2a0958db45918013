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

/* What went wrong: 0 is success. Each function says what these mean for it. */
enum {
    CPROF_ENOMEM = -1,
    CPROF_EIO = -2,
    CPROF_EINVALID = -4,
    CPROF_ENOTFOUND = -5,
    CPROF_EBUSY = -6,
    CPROF_ELIMIT = -7,
    CPROF_EDENIED = -8,
    CPROF_EUNSUPPORTED = -9,
    CPROF_ECANCELLED = -10,
    CPROF_EOFF = -11,
    CPROF_EFAILED = -12
};
const char *cprof_strerror(int code);

/*
 * Begins to capture and serves /debug/pprof/ on address, "HOST:PORT" (port 0 picks a free one and prints it);
 * NULL is $CPROF_HTTP, else 127.0.0.1:6060. The other CPROF_ variables are read here. The soft limit on open
 * descriptors is raised to the hard one. On failure one line goes to standard error, nothing is left running,
 * and a negative code is returned; starting twice is an error. A child of fork() runs unprofiled and may
 * start anew.
 *
 * Only loopback addresses are allowed, and only requests whose Host header names one are answered, unless
 * CPROF_ALLOW_REMOTE=1 and CPROF_TOKEN are set; then every request needs `Authorization: Bearer TOKEN`. What
 * a page of another site has a browser ask is not answered. A setuid program fails to start here when one of
 * the CPROF_ variables is set.
 */
int cprof_start(const char *address);

/*
 * Only begins to capture, for cprof_write. cprof_start may follow and serve as well; the CPROF_ variables
 * count as they are at the first of the two. Fails as cprof_start does.
 */
int cprof_start_capture(void);

/*
 * Writes to fd what /debug/pprof/PROFILE would answer: "heap", "threads?debug=2",
 * "profile?seconds=5&hz=200", "mutex?seconds=1". Takes as long as `seconds` says. Nothing is written until
 * all of it is there; then all is, also to a pipe, a socket, or what is non-blocking. In the heap's, a stack
 * that allocates blocks of several sizes has the average of them as its "bytes" label. For a profile at the
 * end, call it before cprof_stop. What is done for it is not in any profile, but for the caller's wait in
 * `threads`.
 *
 *     CPROF_EOFF          nothing is captured: cprof_start or cprof_start_capture comes first
 *     CPROF_ENOTFOUND     there is no such profile
 *     CPROF_EINVALID      a parameter is wrong
 *     CPROF_EUNSUPPORTED  no heap profile: the program's malloc is not jemalloc
 *     CPROF_EBUSY         no CPU profile: SIGPROF belongs to the program
 *     CPROF_ELIMIT        16 requests run, or as many CPU profiles as can, or no thread can be had
 *     CPROF_ECANCELLED    cprof_stop was called meanwhile
 *     CPROF_ENOMEM        no memory
 *     CPROF_EFAILED       it could not be made, as when /proc is not there
 *     CPROF_EIO           fd could not be written to, by errno; part of it may be there
 */
int cprof_write(const char *profile, int fd);

/*
 * For a program that has a server on libmicrohttpd (the shared library, as libcprof's own server): answers
 * /debug/pprof/ there. To be called first in its
 * access handler, with that one's arguments, at every call; the result is the handler's, unless it is
 * CPROF_MHD_NOT_MINE:
 *
 *     int result = cprof_mhd_handle(connection, url, method, upload_data, upload_data_size);
 *     if (result != CPROF_MHD_NOT_MINE)
 *         return (enum MHD_Result)result;
 *
 * *con_cls is left alone. Nothing is cprof's before cprof_start_capture() or cprof_start(). cprof_stop()
 * comes before MHD_stop_daemon(), which aborts the program when it finds a connection suspended.
 *
 * It depends on how the daemon was started who waits for what takes `seconds`:
 *
 *     MHD_USE_THREAD_PER_CONNECTION   the connection's thread
 *     MHD_ALLOW_SUSPEND_RESUME        nobody; without a thread of libmicrohttpd's, the answer is sent at the
 *                                     program's next MHD_run(): its loop may not sleep for ever
 *     neither                         nobody: it is refused with 501, and the rest takes milliseconds
 *
 * Who may ask: only this machine, by its address and the Host header, and nobody through a proxy, unless
 * CPROF_TOKEN is set; other machines need CPROF_ALLOW_REMOTE=1 as well. A proxy that adds no Forwarded,
 * X-Forwarded-For, X-Real-IP or Via header cannot be told from this machine: set CPROF_TOKEN behind one.
 */
struct MHD_Connection;
enum { CPROF_MHD_NOT_MINE = -1 };
int cprof_mhd_handle(struct MHD_Connection *connection, const char *url, const char *method,
    const char *upload_data, size_t *upload_data_size);

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

/*
 * Labels, as Go's pprof.SetGoroutineLabels and pprof.Do: what a thread is at, in the program's own terms.
 * They are in the CPU, threads, goroutine and wall profiles, where `pprof -tags` counts by them and `pprof
 * -tagfocus route=/v1/items` keeps what has them.
 *
 *     static int serve(struct request *r) {
 *         CPROF_LABEL_SCOPE("route", r->route);    // from here to the end of the block
 *         ...
 *     }
 *
 * A label is the calling thread's, until it is changed. A thread begins with a copy of those of the thread
 * that called pthread_create (not thrd_create), a forked child with those of the thread that called fork.
 * They may be set before cprof_start and after cprof_stop.
 *
 * Whether somebody profiles or not, cprof_label_set takes 30 ns (0.5 us for a set that never was before),
 * cprof_label_unset 15, cprof_label_restore 3, and a scope 33, as tests/test_labels.c prints it on a machine
 * of two cores. None of them locks or allocates.
 *
 * Key and value are UTF-8, neither may be NULL or empty, and they have at most 64 and 256 bytes; a thread has
 * at most 16 labels. Sets of labels are kept for good, and there are at most 4096 different ones: label with
 * what has few values (a route, a tenant, hit or miss), not with a request's number. Beyond that a thread
 * goes on without the label, rather than with a wrong one, and the profiles and the index page say how many
 * were lost.
 */

/* 0, or a negative code: the arguments are wrong, and nothing changes; or a limit was reached, and the thread
 * has no label of that key. Taking away one that is not there is no error. */
int cprof_label_set(const char *key, const char *value);
int cprof_label_unset(const char *key);
void cprof_label_clear(void);

/*
 * All labels of the thread, to be put back later with one store, any number of times and on any thread: a
 * pool hands them on to the thread that does the work. Valid until the process ends; NULL is "no labels".
 * cprof_label_restore refuses what cprof_label_save did not give, with a negative code, and changes nothing.
 */
struct cprof_labels;
const struct cprof_labels *cprof_label_save(void);
int cprof_label_restore(const struct cprof_labels *saved);

/* Sets a label up to the end of the block, however that is left, and then puts back what the thread had
 * before. Scopes nest. If the label cannot be set, the block runs without one of that key. Left by longjmp,
 * or by cancellation without -fexceptions, the label stays. Needs GCC or Clang. */
#ifdef __GNUC__
#define CPROF_LABEL_SCOPE(key, value) CPROF_LABEL_SCOPE_(__COUNTER__, key, value)
#define CPROF_LABEL_SCOPE_(number, key, value) CPROF_LABEL_SCOPE__(number, key, value)
#define CPROF_LABEL_SCOPE__(number, key, value)           \
    const struct cprof_labels *cprof_label_saved_##number \
        __attribute__((cleanup(cprof_label_leave), unused)) = cprof_label_enter((key), (value))
#endif
/* Its two ends. */
const struct cprof_labels *cprof_label_enter(const char *key, const char *value);
void cprof_label_leave(const struct cprof_labels **saved);

#ifdef __cplusplus
}
#endif

#endif
