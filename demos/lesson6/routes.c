#include "lesson6/routes.h"

#include "common/reply.h"
#include <cprof.h>

#include <inttypes.h>
#include <stdlib.h>

static void count(uint64_t *figure)
{
    __atomic_fetch_add(figure, 1, __ATOMIC_RELAXED);
}

static uint64_t figure(const uint64_t *f)
{
    return __atomic_load_n(f, __ATOMIC_RELAXED);
}

struct answer *cache_fill(struct gateway *g, const char *key, bool now)
{
    struct buf text = {0};
    struct answer *answer = NULL;
    if (upstream_fetch(g->upstream, key, now, &text) == 0)
        answer = answer_new(text.data, text.len);
    buf_fini(&text);
    if (answer)
        cache_put(g->cache, key, answer, answer_bytes(answer)); /* if it cannot be kept, it can be served */
    return answer;
}

char *encode_item(const struct gateway *g, const struct answer *item, size_t *len)
{
    struct json j = {0};
    json_open(&j, '{');
    json_key(&j, "item");
    answer_encode(item, &j);
    json_key(&j, "sellers");
    json_open(&j, '[');
    for (size_t i = 0; i < g->nsellers; i++)
        answer_encode(g->sellers[i], &j);
    json_close(&j, ']');
    json_close(&j, '}');
    return json_take(&j, len);
}

static enum MHD_Result reply_item(
    struct gateway *g, struct MHD_Connection *connection, const struct answer *item)
{
    if (g->static_document)
        return reply_static(connection, MHD_HTTP_OK, "application/json", g->static_document, g->static_len);
    size_t len = 0;
    char *document = encode_item(g, item, &len);
    return reply_take(connection, MHD_HTTP_OK, "application/json", document, len);
}

enum MHD_Result routes_item(void *gateway, struct MHD_Connection *connection, const char *key)
{
    struct gateway *g = gateway;
    if (!upstream_key_ok(key))
        return reply_text(
            connection, MHD_HTTP_BAD_REQUEST, "a key is up to 64 letters, digits, dashes and underscores\n");
    struct answer *item = cache_get(g->cache, key);
    CPROF_LABEL_SCOPE("cache", item ? "hit" : "miss");
    if (item)
        count(&g->hits);
    else
        item = cache_fill(g, key, false);
    if (!item) {
        count(&g->failures);
        return reply_text(connection, MHD_HTTP_BAD_GATEWAY, "the upstream does not answer\n");
    }
    enum MHD_Result result = reply_item(g, connection, item);
    answer_release(item);
    return result;
}

void routes_stats(void *gateway, struct buf *to)
{
    struct gateway *g = gateway;
    struct cache_stats cache;
    cache_stats(g->cache, &cache);
    buf_printf(to, ",\"hits\":%" PRIu64 ",\"failures\":%" PRIu64, figure(&g->hits), figure(&g->failures));
    buf_printf(to, ",\"cache_entries\":%zu,\"cache_bytes\":%zu,\"evictions\":%" PRIu64, cache.entries,
        cache.bytes, cache.evictions);
}
