#include "export/guard.h"

#include "base/hostname.h"

#include <string.h>
#include <strings.h>

int guard_check(const struct guard *g, const struct visitor *v, const char **why)
{
    if (v->is_remote && !g->allow_remote) {
        *why = "only this machine may ask: CPROF_ALLOW_REMOTE=1 and CPROF_TOKEN are needed for others";
        return 403;
    }
    if (v->is_forwarded && !*g->token) {
        *why = "this came through a proxy, and so from anywhere: CPROF_TOKEN is needed";
        return 403;
    }
    if (!g->allow_remote && !v->is_unix && !hostname_is_loopback(v->asker.host)) {
        *why = "the Host header must name localhost or a loopback address";
        return 403;
    }
    if (!v->is_unix && asker_is_foreign(&v->asker)) {
        *why = "a page of another site made the browser ask this";
        return 403;
    }
    if (*g->token && !guard_token_matches(v->authorization, g->token)) {
        *why = "the header Authorization: Bearer TOKEN is needed";
        return 401;
    }
    return 0;
}

bool guard_token_matches(const char *authorization, const char *token)
{
    if (!authorization || strncasecmp(authorization, "Bearer ", 7) != 0)
        return false;
    const char *given = authorization + 7;
    size_t len = strlen(token), given_len = strlen(given);
    unsigned char differs = len != given_len;
    for (size_t i = 0; i < len; i++)
        differs |= (unsigned char)(token[i] ^ (given_len ? given[i % given_len] : 0));
    return !differs;
}
