#ifndef UI_WEB_LISTEN_H
#define UI_WEB_LISTEN_H

#include "base/error.h"

#include <stdbool.h>

/* Where -http listens, and which names requests may call it by. */
struct web_listener {
    int fd;
    char host[256]; /* as given; localhost when it was not */
    unsigned port;
    bool local; /* nobody but this machine can reach it */
};

/* address: "HOST:PORT", "[IPV6]:PORT"; an empty host is localhost, an empty port a free one. ERR_INVALID,
 * ERR_BUSY, ERR_DENIED, ERR_IO, with the reason. Caller closes fd. */
int web_listen(const char *address, struct web_listener *out, struct error *error);

/*
 * Whether a request with this Host header (NULL: none) may be answered: it names this machine itself or the
 * host bound to; where others may ask, any literal address. A page of a stranger's, whose name was made to
 * point here, is none of these.
 */
bool web_listener_knows(const struct web_listener *l, const char *host);

#endif
