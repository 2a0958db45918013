#ifndef EXPORT_ENDPOINTS_H
#define EXPORT_ENDPOINTS_H

#include "export/request.h"
#include "export/feed.h"

/*
 * What is served below /debug/pprof/, with the paths, parameters, statuses and texts of Go's net/http/pprof.
 * One table names each endpoint; the index page is made from it. Any of the profiler's own threads may
 * serve, several at once.
 */
struct endpoint {
    const char *name; /* below /debug/pprof/ */
    void (*serve)(const struct endpoint *e, const struct request *r, struct reply *reply);
    int feed;         /* of enum feed_id, or -1 */
    const char *what; /* for the index page; NULL: the feed's */
};

#define ENDPOINTS_PREFIX "/debug/pprof/"

const struct endpoint *endpoints_list(size_t *n);

/* Fills *reply, which is all zero before and the caller's to free. Takes as long as `seconds` says.
 * reply->status 0: nobody is there to answer. */
void endpoints_serve(const struct request *r, struct reply *reply);

/* Whether a path is one that endpoints_serve answers, be it with an error. */
bool endpoints_owns(const char *path);

/* Whether a request lasts as long as it says, and not only as long as it takes. */
bool endpoints_takes_time(const struct request *r);

/* Fills *reply when there was no worker to serve. */
void endpoints_too_many(struct reply *reply);

enum { ENDPOINTS_MAX_SECONDS = 3600, ENDPOINTS_MAX_REQUESTS = 16 };

#endif
