#ifndef LESSON6_ROUTES_H
#define LESSON6_ROUTES_H

#include "common/histogram.h"
#include "lesson6/answer.h"
#include "lesson6/cache.h"
#include "lesson6/upstream.h"

#include <microhttpd.h>

/* What the gateway consists of, and what it answers. */

struct gateway {
    struct cache *cache;
    struct upstream *upstream;
    struct answer **sellers; /* who sells, which every item's document lists */
    size_t nsellers;
    long max_connections;  /* beyond these: 503 */
    char *static_document; /* what GATEWAY_JSON=static answers, or NULL */
    size_t static_len;

    /* Figures; counted with relaxed atomics. */
    uint64_t connections, refused, requests, hits, failures;
    struct latency_window latency;
};

/* Fetches the record for key, makes the document of it and puts that into the cache. A reference of the
 * caller's own, or NULL. With `now`, from the upstream's snapshot. */
struct answer *cache_fill(struct gateway *gateway, const char *key, bool now);

/* The document of one item, malloc'ed; NULL when memory runs out. */
char *encode_item(const struct gateway *gateway, const struct answer *item, size_t *len);

/* libmicrohttpd's callbacks; their closure is the gateway. */
enum MHD_Result routes_handle(void *gateway, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload, size_t *upload_len, void **request);
void routes_connection(void *gateway, struct MHD_Connection *connection, void **session,
    enum MHD_ConnectionNotificationCode code);

#endif
