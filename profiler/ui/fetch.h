#ifndef UI_FETCH_H
#define UI_FETCH_H

#include "base/buf.h"
#include "base/error.h"

#include <signal.h>
#include <stdbool.h>

/*
 * Bytes of profiles, from files and over HTTP, all sources at once.
 */
struct fetch {
    const char *address; /* file or URL, as typed */
    int start_ms;        /* of a URL: asked for so long after the others */
    int timeout_ms;      /* of a URL: for so long; 0: as the limits say */
    bool anonymous;      /* of a URL: asked for without the token, which is another server's */
    char *url;           /* NULL for a file */
    const char *post;    /* the body, of a POST; NULL to GET */
    size_t post_len;
    struct buf bytes;
    bool fetched;     /* fetch_all has been there */
    int code;         /* 0, or what failed */
    bool answered;    /* a server did, be it with an error */
    bool reads_again; /* a file, and no pipe: fetch_file gives the same once more */
    struct error error;
};

struct fetch_limits {
    int seconds, timeout_s; /* -1: not given */
    const char *token;      /* sent as "Authorization: Bearer"; NULL or "" for none, as for all of these */
    const char *tls_cert, *tls_key, *tls_ca; /* files: whom to be for https, and whom to believe */
    const volatile sig_atomic_t *cancel;
    bool quiet;       /* without a line for each URL */
    bool files_later; /* by fetch_file, one by one */
};

/*
 * The URL that address means, malloc'd, or NULL when it is a file: host:port gets http://, a URL without a
 * path gets /debug/pprof/profile, and seconds > 0 sets its seconds parameter. unix:SOCKET, with a path behind
 * it or not, becomes http+unix://SOCKET%2FWITHOUT%2FSLASHES/path. *seconds_out is how long the server will
 * collect, 0 when the URL does not say.
 */
char *fetch_url(const char *address, int seconds, int *seconds_out);

/* How long to wait for an answer: timeout_s, else 1.5 times the seconds, else 60 s; and 5 s in any case. */
long fetch_timeout_ms(int seconds, int timeout_s);

/*
 * Fills in bytes, or code and error, of each. Says "Fetching profile over HTTP from ..." on standard error.
 * Returns ERR_CANCELLED when *cancel became non-zero, ERR_NOMEM, else 0: failures are each source's own. What
 * had come by the time it was cancelled is there.
 */
int fetch_all(struct fetch *sources, size_t n, const struct fetch_limits *limits);

/* Reads the file that f->address is: bytes, or code and error. */
void fetch_file(struct fetch *f);

void fetch_fini(struct fetch *f);

#endif
