#ifndef VIEW_SYMBOLZ_H
#define VIEW_SYMBOLZ_H

#include "base/buf.h"
#include "model/profile.h"

/*
 * Names from the servers that profiles came from, by the protocol that /debug/pprof/symbol and /symbolz
 * speak: addresses are posted, "0x4005d0+0x4005f4", and lines come back, "0x4005d0 main". Functions only:
 * files and lines are not told.
 */
struct name_server {
    const char *url; /* of the profile */
    bool failed;     /* is not asked again */
};

/* A server that knows a mapping. */
struct name_source {
    const char *key; /* the mapping's build id, its file if it has none */
    uint64_t start;  /* where the server has it, which merging may have moved */
    struct name_server *server;
};

struct name_sources {
    VEC(struct name_source) items;
    /* Posts body to url. 0, ERR_CANCELLED, ERR_NOMEM, or another one with its reason. */
    int (*post)(void *context, const char *url, const char *body, size_t len, struct buf *answer,
        struct error *error);
    void *context;
};

/* Where the server of a profile's URL has its names, malloc'd; NULL when memory runs out. */
char *symbolz_url(const char *url);

/*
 * Of each mapping without functions (with force: of every one) that a source is known for, asks for the
 * addresses without names, and puts what comes back into p. named and notes are one a mapping: which have
 * names now, and a line where a server does not answer or does not know. ERR_NOMEM, ERR_CANCELLED.
 */
int symbolz_profile(struct profile *p, bool force, const struct name_sources *sources, bool *named,
    struct buf *notes, struct error *error);

#endif
