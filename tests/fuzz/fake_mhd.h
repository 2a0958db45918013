#ifndef TESTS_FUZZ_FAKE_MHD_H
#define TESTS_FUZZ_FAKE_MHD_H

#include "base/vec.h"

#include <microhttpd.h>
#include <stdbool.h>

/*
 * libmicrohttpd without sockets: what is linked with it has these functions in the place of the library's,
 * and is asked what a text says.
 *
 *     POST /ui/saveconfig?config=a HTTP/1.1
 *     Host: localhost
 *
 *     a body
 *
 * Names and values reach the handler decoded as libmicrohttpd decodes them; a body comes in two pieces.
 */
struct fake_value {
    enum MHD_ValueKind kind;
    const char *name, *value; /* value: NULL where there is no = */
};

/* A name for what the program passes to MHD_start_daemon, and for what a test passes itself. */
struct MHD_Daemon {
    enum MHD_FLAG flags;
    MHD_AccessHandlerCallback handle;
    void *handle_arg;
    void *(*begin)(void *arg, const char *uri, struct MHD_Connection *c); /* NULL for none */
    void *begin_arg;
    MHD_RequestCompletedCallback end; /* NULL for none */
    void *end_arg;
};

struct MHD_Connection {
    const struct MHD_Daemon *daemon;
    const struct sockaddr *client;
    char *lines, *words; /* what all below is in: as sent, and decoded */
    const char *method, *uri, *path, *body;
    VEC(struct fake_value) values;
    struct MHD_Response *response; /* NULL: nothing was answered */
    unsigned status;
};

/* What MHD_start_daemon calls; when it comes back, the daemon is said not to start. So a program's way of
 * starting its daemon is in use, and nothing of it is left. */
extern void (*fake_serve)(const struct MHD_Daemon *d);

/* Reads and has served a request by d. False when text is none, or has no answer. fake_fini in any case. */
bool fake_exchange(
    struct MHD_Connection *c, const struct MHD_Daemon *d, const struct sockaddr *client, const char *text);
void fake_fini(struct MHD_Connection *c);

/* NULL when it has none of that name. */
const char *fake_header(const struct MHD_Connection *c, const char *name);

/* Whether its Host is name, or numbers: no name that somebody could have made to point here. */
bool fake_is_for(const struct MHD_Connection *c, const char *name);

/* Of its answer. */
const char *fake_answer_header(const struct MHD_Connection *c, const char *name);
const char *fake_answer_body(const struct MHD_Connection *c, size_t *len);

/* Whether each of the answer's headers is one line. */
bool fake_answer_is_clean(const struct MHD_Connection *c);

#endif
