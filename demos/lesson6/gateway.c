/*
 * An API gateway: it stands between many clients and one slow upstream, and keeps the answers in a cache,
 * so that three requests in four need not wait.
 *
 *     client --HTTP--> routes.c --> cache.c           a hit is encoded (json.c) and sent
 *     (a thread each)      `-----> upstream.c --> upstream_process.c     a miss waits for the upstream first
 *
 * It was measured when it was built, and was fine. Under the traffic of today (./demos/load) one answer in
 * twenty takes seconds, although the upstream is as quick as ever and the processors are not even busy. One
 * of the team has taken a CPU profile and wants to rewrite the JSON encoder. Would that help?
 */
#include "common/webserver.h"
#include "lesson6/routes.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char SUMMARY[] =
    "An API gateway over a slow upstream, with a cache: the server of lesson 6. GET /v1/items/KEY\n"
    "answers a JSON document, GET /stats the gateway's own figures. GATEWAY_JSON=static in the\n"
    "environment makes JSON free: one document, encoded at the start, answers every request.";

static uint64_t now_ms(void)
{
    return (uint64_t)clock_monotonic_ns() / 1000000;
}

static bool fetch_sellers(struct gateway *g)
{
    g->sellers = calloc((size_t)g->options.sellers + 1, sizeof *g->sellers);
    for (long i = 0; g->sellers && i < g->options.sellers; i++) {
        char key[32];
        struct buf text = {0};
        snprintf(key, sizeof key, "seller-%ld", i);
        if (upstream_fetch(g->upstream, key, true, &text) == 0)
            g->sellers[i] = answer_new(text.data, text.len);
        buf_fini(&text);
        if (!g->sellers[i])
            return false;
        g->nsellers++;
    }
    return g->sellers != NULL;
}

/* Fills the cache from the upstream's snapshot, so that nobody has to wait for that. Items are numbered by
 * how popular they are: the most popular comes last, as the one to be kept longest. */
static bool warm_up(struct gateway *g)
{
    for (long i = g->options.capacity - 1; i >= 0; i--) {
        char key[32];
        snprintf(key, sizeof key, "item-%ld", i);
        struct answer *item = cache_fill(g, key, true);
        if (!item)
            return false;
        if (i == 0 && getenv("GATEWAY_JSON"))
            g->static_document = encode_item(g, item, &g->static_len);
        answer_release(item);
    }
    return true;
}

static bool gateway_start(void *gateway)
{
    struct gateway *g = gateway;
    const struct cache_config config = {.capacity = (size_t)g->options.capacity,
        .retain = answer_retain,
        .release = answer_release,
        .now_ms = now_ms};
    struct error error;
    if (upstream_start(g->options.upstream_ms, &g->upstream, &error) != 0) {
        fprintf(stderr, "gateway: %s\n", error.text);
        return false;
    }
    g->cache = cache_new(&config);
    if (g->cache && fetch_sellers(g) && warm_up(g))
        return true;
    fprintf(stderr, "gateway: cannot fill the cache: no memory, or the upstream ended\n");
    return false;
}

static void gateway_ready(void *gateway, struct buf *to)
{
    const struct gateway *g = gateway;
    buf_printf(to, ", %ld answers warm%s", g->options.capacity, g->static_document ? ", JSON is free" : "");
}

static void gateway_interrupt(void *gateway)
{
    upstream_stop(((struct gateway *)gateway)->upstream);
}

static void gateway_stop(void *gateway)
{
    struct gateway *g = gateway;
    for (size_t i = 0; i < g->nsellers; i++)
        answer_release(g->sellers[i]);
    free(g->sellers);
    free(g->static_document);
    cache_free(g->cache);
    upstream_free(g->upstream);
}

int main(int argc, char **argv)
{
    static struct gateway g = {.options = {.capacity = 10000, .upstream_ms = 750, .sellers = 50}};
    static const struct webserver_route routes[] = {{"/v1/items", "KEY", routes_item}};
    const struct knob knobs[] = {
        {"capacity", "N", "entries the cache is to hold", KNOB_NUMBER, &g.options.capacity, 1, 1000000},
        {"upstream-ms", "N", "how long the upstream takes", KNOB_NUMBER, &g.options.upstream_ms, 0, 60000},
        {"sellers", "N", "sellers listed in each document", KNOB_NUMBER, &g.options.sellers, 0, 1000},
    };
    struct webserver server = {.name = "gateway",
        .summary = SUMMARY,
        .routes = routes,
        .nroutes = sizeof routes / sizeof *routes,
        .knobs = knobs,
        .nknobs = sizeof knobs / sizeof *knobs,
        .threads = 4000,
        .start = gateway_start,
        .ready = gateway_ready,
        .stats = routes_stats,
        .interrupt = gateway_interrupt,
        .stop = gateway_stop,
        .closure = &g};
    const char *mode = getenv("GATEWAY_JSON");
    if (mode && strcmp(mode, "static") != 0) {
        fprintf(stderr, "gateway: GATEWAY_JSON may be \"static\" or unset, not \"%s\"\n", mode);
        return 2;
    }
    return webserver_main(&server, argc, argv);
}
