#ifndef LESSON6_ROUTES_H
#define LESSON6_ROUTES_H

#include "lesson6/answer.h"
#include "lesson6/cache.h"
#include "lesson6/upstream.h"

#include <microhttpd.h>

/* What the gateway consists of, and what it answers. */

struct gateway {
    struct {
        long capacity, upstream_ms, sellers;
    } options;
    struct cache *cache;
    struct upstream *upstream;
    struct answer **sellers; /* who sells, which every item's document lists */
    size_t nsellers;
    char *static_document; /* what GATEWAY_JSON=static answers, or NULL */
    size_t static_len;

    uint64_t hits, failures; /* counted with relaxed atomics */
};

/* Fetches the record for key, makes the document of it and puts that into the cache. A reference of the
 * caller's own, or NULL. With `now`, from the upstream's snapshot. */
struct answer *cache_fill(struct gateway *gateway, const char *key, bool now);

/* The document of one item, malloc'ed; NULL when memory runs out. */
char *encode_item(const struct gateway *gateway, const struct answer *item, size_t *len);

/* GET /v1/items/KEY, and the gateway's part of GET /stats; see common/webserver.h. */
enum MHD_Result routes_item(void *gateway, struct MHD_Connection *connection, const char *key);
void routes_stats(void *gateway, struct buf *to);

#endif
