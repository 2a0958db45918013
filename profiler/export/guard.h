#ifndef EXPORT_GUARD_H
#define EXPORT_GUARD_H

#include "base/asker.h"

#include <stdbool.h>

/*
 * Who may ask: a profile shows a program's inside, so it is this machine or a token.
 */
struct guard {
    bool allow_remote; /* there is a token then */
    const char *token; /* "" for none */
};

struct visitor {
    struct asker asker;
    const char *authorization;    /* the header, NULL when missing */
    bool is_unix;                 /* came through a unix socket, which no page in a browser can */
    bool is_remote, is_forwarded; /* from another machine; through a proxy, behind which anybody may be */
};

/* 0, or the status to refuse with and why. */
int guard_check(const struct guard *g, const struct visitor *v, const char **why);

/* Whether an Authorization header (or NULL) is `Bearer TOKEN`; takes as long for a near miss as for a miss.
 */
bool guard_token_matches(const char *authorization, const char *token);

#endif
