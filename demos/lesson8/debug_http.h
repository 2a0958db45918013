#ifndef LESSON8_DEBUG_HTTP_H
#define LESSON8_DEBUG_HTTP_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The debug port of a server: who may ask, what is answered, and what it costs to have it. debug_server.c
 * speaks HTTP around it, and the profiler makes the profiles; here it is only decided.
 *
 * debug_http_listen is called once, when nothing else runs; the others from any thread at any time.
 */
struct debug_settings {
    const char *address;     /* "HOST:PORT", "[HOST]:PORT" or "unix:/PATH"; port 0 picks one */
    const char *token;       /* secret; "" for none */
    const char *signing_key; /* secret, never "" */
    const char *const *argv; /* the command line, NULL at its end; it may have a secret in it, anywhere */
};

/*
 * A socket that listens at the address, the caller's to close. HOST is localhost or an address of loopback,
 * such as 127.0.0.1 or ::1, and only that one gets through; to a socket with a path only the user may
 * connect. -1, with *error saying why, for anything else, and when it cannot be had.
 */
int debug_http_listen(const struct debug_settings *s, struct error *error);

enum {
    DEBUG_SECONDS_MAX = 60, /* that a request may last */
    DEBUG_HZ_MAX = 250,     /* of a CPU profile */
    DEBUG_LABELS_MAX = 32,  /* values of the label of tickets, ever */
    DEBUG_PROFILE_MAX = 96,
};

/* What was asked. Headers are NULL when missing. */
struct debug_request {
    const char *path;          /* decoded, without the query */
    const char *query;         /* as sent: "seconds=5&hz=100", %XX and all; "" for none */
    const char *host;          /* the header Host */
    const char *authorization; /* the header Authorization */
    bool is_unix;              /* it came through the socket with a path, as no page in a browser can */
};

/* What is answered: a profile, as cprof_write() is asked for it, or with "" the text. */
struct debug_answer {
    int status;
    char profile[DEBUG_PROFILE_MAX]; /* "heap", "profile?seconds=30&hz=100" */
    struct buf text;                 /* the caller's to buf_fini() */
};

/*
 * Fills *out, which is all zero.
 *
 *     403    the Host header names another machine than this one: a page in a browser asks, which has had its
 *            own name point here
 *     401    there is a token, and the request has no `Authorization: Bearer TOKEN`; whatever it asks for,
 *            and in the same time whether a guess was near or not
 *     404    there is nothing of that name
 *     400    seconds is no whole number from 1 to DEBUG_SECONDS_MAX, or hz none from 1 to DEBUG_HZ_MAX
 *     200    /debug/pprof/NAME: allocs, block, goroutine, heap, mutex, profile, threadcreate, threads, wall
 *            /debug/pprof/: their names
 *
 * /debug/pprof/cmdline and /debug/vars, which shows the settings, may be there or not. Whatever the status,
 * no answer has a secret in it.
 */
void debug_http_answer(
    const struct debug_settings *s, const struct debug_request *r, struct debug_answer *out);

/*
 * What the profiles call a request for the ticket of that code, by the label "ticket"; NULL: nothing. Whoever
 * knows a code may enter with it, so it is not to be seen there; and labels have few values, since each is
 * kept for good.
 */
const char *debug_http_label(const char *code);

/* How closely the profiler looks. With closer looks come more samples, and each takes its time from the
 * server's work. */
struct debug_rates {
    int64_t heap_bytes; /* allocated, from one sample to the next; a power of two */
    int mutex_fraction; /* one contended unlock in so many is recorded */
    int64_t block_ns;   /* waits of so long are recorded, and shorter ones as often as they are shorter */
};

void debug_http_rates(struct debug_rates *out);

#endif
