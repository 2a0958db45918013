#ifndef EXPORT_REQUEST_H
#define EXPORT_REQUEST_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * One HTTP request and its reply as the endpoints see them, without the server around them. Parameters are
 * read as Go's net/http reads them: the first of a name counts, %XX and + are decoded.
 */
struct request {
    const char *method; /* "GET" */
    const char *path;   /* decoded, without the query */
    const char *query;  /* as sent, "" when there is none */
    struct buf body;
    int client_fd; /* the connection's socket, -1 when there is none */
    int stop_fd;   /* readable when the server stops, or -1 */
};

struct reply {
    int status;
    int code; /* of enum error_code: what went wrong, for callers inside the program; 0 while nothing did */
    const char *content_type; /* static */
    char filename[32];        /* for Content-Disposition; "" for none */
    bool is_go_error;         /* X-Go-Pprof: 1 */
    const char *location;     /* static; "" or where a redirect goes */
    struct buf body;
};

/* The parameter's value, cut to size - 1 bytes, and whether it is there and not empty. */
bool request_param(const struct request *r, const char *name, char *value, size_t size);

/* Decodes %XX (and + when is_query) into out, cut to size - 1 bytes. A % without two digits
 * stays, and so does %00. */
void request_decode(const char *from, size_t len, bool is_query, char *out, size_t size);

/* A decimal number with an optional sign and nothing else, as Go's strconv.ParseInt(text, 10, 64). */
bool request_number(const char *text, int64_t *number);

/* Waits. False, at once, when the client went away or the server stops. */
bool request_wait(const struct request *r, int64_t ns);

/* An error as Go's pprof handlers send it: the text, a newline, X-Go-Pprof. What was in the body is dropped.
 * For what the client did. */
void reply_error(struct reply *reply, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for what went wrong here: 503 when it is ERR_LIMIT, else 500. */
void reply_failed(struct reply *reply, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
