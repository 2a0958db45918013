#include "lesson6/routes.h"

#include "base/clock.h"
#include "common/limits.h"
#include "common/reply.h"
#include <cprof.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char ITEMS[] = "/v1/items/";

/* A client's connection, with what the gateway remembers of it from request to request. */
struct session {
    bool refused; /* one too many when it came; MHD tells of closed ones late, so there may be room by now */
};

static void count(uint64_t *figure)
{
    __atomic_fetch_add(figure, 1, __ATOMIC_RELAXED);
}

static uint64_t figure(const uint64_t *f)
{
    return __atomic_load_n(f, __ATOMIC_RELAXED);
}

/* ---- items ---- */

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

static enum MHD_Result handle_item(struct gateway *g, struct MHD_Connection *connection, const char *key)
{
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

static enum MHD_Result time_item(struct gateway *g, struct MHD_Connection *connection, const char *key)
{
    int64_t began_ns = clock_monotonic_ns();
    enum MHD_Result result = handle_item(g, connection, key);
    int64_t now_ns = clock_monotonic_ns();
    count(&g->requests);
    window_add(&g->latency, now_ns, (now_ns - began_ns) / 1000);
    return result;
}

/* ---- figures ---- */

static enum MHD_Result handle_stats(struct gateway *g, struct MHD_Connection *connection)
{
    struct cache_stats cache;
    cache_stats(g->cache, &cache);
    uint64_t p95_us = window_percentile_us(&g->latency, clock_monotonic_ns(), 95);
    struct buf b = {0};
    buf_printf(&b, "{\"threads\":%ld,\"connections\":%" PRIu64 ",\"refused\":%" PRIu64, limits_threads_now(),
        figure(&g->connections), figure(&g->refused));
    buf_printf(&b, ",\"requests\":%" PRIu64 ",\"hits\":%" PRIu64 ",\"failures\":%" PRIu64,
        figure(&g->requests), figure(&g->hits), figure(&g->failures));
    buf_printf(&b, ",\"cache_entries\":%zu,\"cache_bytes\":%zu,\"evictions\":%" PRIu64, cache.entries,
        cache.bytes, cache.evictions);
    buf_printf(&b, ",\"p95_ms\":%.1f}\n", (double)p95_us / 1000);
    size_t len = b.len;
    return reply_take(connection, MHD_HTTP_OK, "application/json", buf_take(&b), len);
}

/* ---- connections and requests ---- */

void routes_connection(
    void *gateway, struct MHD_Connection *connection, void **slot, enum MHD_ConnectionNotificationCode code)
{
    (void)connection;
    struct gateway *g = gateway;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        __atomic_fetch_sub(&g->connections, 1, __ATOMIC_RELAXED);
        free(*slot);
        *slot = NULL;
        return;
    }
    uint64_t before = __atomic_fetch_add(&g->connections, 1, __ATOMIC_RELAXED);
    struct session *session = calloc(1, sizeof *session);
    if (session)
        session->refused = before >= (uint64_t)g->max_connections;
    *slot = session;
}

/* What a thread does for a request carries its labels in the profiles. */
static enum MHD_Result route(struct gateway *g, struct MHD_Connection *connection, const char *url)
{
    if (strncmp(url, ITEMS, sizeof ITEMS - 1) == 0) {
        CPROF_LABEL_SCOPE("route", "/v1/items");
        return time_item(g, connection, url + sizeof ITEMS - 1);
    }
    if (strcmp(url, "/stats") == 0) {
        CPROF_LABEL_SCOPE("route", "/stats");
        return handle_stats(g, connection);
    }
    return reply_text(connection, MHD_HTTP_NOT_FOUND, "there is /v1/items/KEY and /stats\n");
}

enum MHD_Result routes_handle(void *gateway, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload, size_t *upload_len, void **request)
{
    (void)version, (void)upload;
    struct gateway *g = gateway;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct session *session = info ? info->socket_context : NULL;
    if (!session)
        return MHD_NO;
    if (!*request) { /* the headers are there; MHD wants the answer when the body is, too */
        *request = session;
        return MHD_YES;
    }
    if (*upload_len > 0) {
        *upload_len = 0;
        return MHD_YES;
    }
    if (session->refused && figure(&g->connections) > (uint64_t)g->max_connections) {
        count(&g->refused);
        return reply_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "too many connections\n");
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0)
        return reply_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
    return route(g, connection, url);
}
