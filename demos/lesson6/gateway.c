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
#include "common/knobs.h"
#include "common/limits.h"
#include "common/reply.h"
#include "lesson6/routes.h"

#include "base/clock.h"
#include <cprof.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    STACK_BYTES = 128 * 1024,
    CONNECTION_BYTES = 24 * 1024, /* MHD's buffers for each */
    IDLE_SECONDS = 15,            /* after which a connection is closed, and its thread ends */
    SPARE_THREADS = 64,           /* to say 503 with, and for everything that is not a connection */
    LEAST_CONNECTIONS = 16,
};

struct options {
    long port, capacity, upstream_ms, max_threads, sellers;
    const char *debug;
};

static const char SUMMARY[] =
    "An API gateway over a slow upstream, with a cache: the server of lesson 6. GET /v1/items/KEY\n"
    "answers a JSON document, GET /stats the gateway's own figures. GATEWAY_JSON=static in the\n"
    "environment makes JSON free: one document, encoded at the start, answers every request.";

static uint64_t now_ms(void)
{
    return (uint64_t)clock_monotonic_ns() / 1000000;
}

/* ---- limits ---- */

/* How many connections can be served: each needs a thread, and a descriptor on either side. */
static long connections_allowed(const struct options *options)
{
    const char *what;
    long threads = limits_threads(&what) - SPARE_THREADS;
    long descriptors = (limits_raise_descriptors() - SPARE_THREADS) / 2;
    long allowed = threads;
    if (descriptors < allowed) {
        allowed = descriptors;
        what = "RLIMIT_NOFILE, see ulimit -Hn";
    }
    if (allowed < LEAST_CONNECTIONS) {
        fprintf(stderr, "gateway: the limits are too low to serve at all (%s)\n", what);
        return -1;
    }
    if (allowed >= options->max_threads)
        return options->max_threads;
    fprintf(stderr, "gateway: serves %ld connections at once, not %ld: no more are allowed here (%s)\n",
        allowed, options->max_threads, what);
    return allowed;
}

/* ---- starting and stopping ---- */

static bool fetch_sellers(struct gateway *g, long nsellers)
{
    g->sellers = calloc((size_t)nsellers + 1, sizeof *g->sellers);
    for (long i = 0; g->sellers && i < nsellers; i++) {
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
static bool warm_up(struct gateway *g, long capacity)
{
    for (long i = capacity - 1; i >= 0; i--) {
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

static void gateway_fini(struct gateway *g)
{
    for (size_t i = 0; i < g->nsellers; i++)
        answer_release(g->sellers[i]);
    free(g->sellers);
    free(g->static_document);
    cache_free(g->cache);
    upstream_free(g->upstream);
}

static bool gateway_init(struct gateway *g, const struct options *options)
{
    const struct cache_config config = {.capacity = (size_t)options->capacity,
        .retain = answer_retain,
        .release = answer_release,
        .now_ms = now_ms};
    struct error error;
    window_init(&g->latency, 10 * INT64_C(1000000000));
    if (upstream_start(options->upstream_ms, &g->upstream, &error) != 0) {
        fprintf(stderr, "gateway: %s\n", error.text);
        return false;
    }
    g->cache = cache_new(&config);
    if (g->cache && fetch_sellers(g, options->sellers) && warm_up(g, options->capacity))
        return true;
    fprintf(stderr, "gateway: cannot fill the cache: no memory, or the upstream ended\n");
    return false;
}

/* MHD's own complaints are about clients that went away. */
static void be_quiet(void *closure, const char *format, va_list args)
{
    (void)closure, (void)format, (void)args;
}

static struct MHD_Daemon *start_serving(struct gateway *g, int listen_fd)
{
    return MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ERROR_LOG, 0,
        NULL, NULL, routes_handle, g, MHD_OPTION_EXTERNAL_LOGGER, be_quiet, NULL, MHD_OPTION_LISTEN_SOCKET,
        listen_fd, MHD_OPTION_NOTIFY_CONNECTION, routes_connection, g, MHD_OPTION_THREAD_STACK_SIZE,
        (size_t)STACK_BYTES, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)(g->max_connections + SPARE_THREADS / 2), MHD_OPTION_END);
}

static void greet(const struct options *options, const struct gateway *g)
{
    printf("gateway: http://127.0.0.1:%ld/v1/items/KEY, %ld answers warm, %ld connections at most%s\n",
        options->port, options->capacity, g->max_connections, g->static_document ? ", JSON is free" : "");
    printf("Type next, each in a terminal of its own (Ctrl-C ends the gateway):\n");
    if (options->port == 8080)
        printf("  ./demos/load\n");
    else
        printf("  ./demos/load --url http://127.0.0.1:%ld\n", options->port);
    if (*cprof_address())
        printf("  ./profiler/pprof 'http://%s/debug/pprof/profile?seconds=30'\n", cprof_address());
    fflush(stdout);
}

/* Serves until SIGINT or SIGTERM, which are blocked in every thread. */
static int serve(struct gateway *g, struct options *options, const sigset_t *ending)
{
    int listen_fd = reply_listen("gateway", &options->port, 4096);
    if (listen_fd < 0)
        return 1;
    if (!gateway_init(g, options)) {
        close(listen_fd);
        return 1;
    }
    cprof_start(options->debug); /* it says itself what is wrong; the gateway can do without */
    struct MHD_Daemon *daemon = start_serving(g, listen_fd);
    if (!daemon) {
        fprintf(stderr, "gateway: cannot serve: %s\n", strerror(errno));
        close(listen_fd);
        cprof_stop();
        return 1;
    }
    greet(options, g);
    int signal_number;
    sigwait(ending, &signal_number);
    upstream_stop(g->upstream); /* those who wait for it need not any more */
    MHD_stop_daemon(daemon);
    cprof_stop();
    return 0;
}

int main(int argc, char **argv)
{
    struct options options = {.port = 8080,
        .capacity = 10000,
        .upstream_ms = 750,
        .max_threads = 4000,
        .sellers = 50,
        .debug = "127.0.0.1:6060"};
    const struct knob knobs[] = {
        {"port", "N", "where to serve on 127.0.0.1; 0 picks one", KNOB_NUMBER, &options.port, 0, 65535},
        {"debug", "ADDRESS", "where to serve the profiles", KNOB_TEXT, &options.debug, 0, 0},
        {"capacity", "N", "entries the cache is to hold", KNOB_NUMBER, &options.capacity, 1, 1000000},
        {"upstream-ms", "N", "how long the upstream takes", KNOB_NUMBER, &options.upstream_ms, 0, 60000},
        {"max-threads", "N", "connections, a thread each; 503 beyond", KNOB_NUMBER, &options.max_threads, 1,
            30000},
        {"sellers", "N", "sellers listed in each document", KNOB_NUMBER, &options.sellers, 0, 1000},
    };
    int code = knobs_parse(knobs, sizeof knobs / sizeof *knobs, SUMMARY, argc, argv);
    if (code >= 0)
        return code;
    const char *mode = getenv("GATEWAY_JSON");
    if (mode && strcmp(mode, "static") != 0) {
        fprintf(stderr, "gateway: GATEWAY_JSON may be \"static\" or unset, not \"%s\"\n", mode);
        return 2;
    }
    struct gateway gateway = {.max_connections = connections_allowed(&options)};
    if (gateway.max_connections < 0)
        return 1;
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ending, NULL);
    signal(SIGPIPE, SIG_IGN);
    code = serve(&gateway, &options, &ending);
    gateway_fini(&gateway);
    return code;
}
