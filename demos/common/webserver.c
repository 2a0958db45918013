/* What the demo servers share; see webserver.h. */
#include "common/webserver.h"

#include "common/histogram.h"
#include "common/limits.h"
#include "common/reply.h"

#include "base/clock.h"
#include <cprof.h>

#include <errno.h>
#include <inttypes.h>
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
    KNOBS_MAX = 16,
};

/* A client's connection, with what is remembered of it from request to request. */
struct session {
    bool refused; /* one too many when it came; MHD tells of closed ones late, so there may be room by now */
};

struct serving {
    const struct webserver *server;
    long max_connections; /* beyond these: 503 */

    /* Figures; counted with relaxed atomics. */
    uint64_t connections, refused, requests;
    struct latency_window latency;
};

static void count(uint64_t *figure)
{
    __atomic_fetch_add(figure, 1, __ATOMIC_RELAXED);
}

static uint64_t figure(const uint64_t *f)
{
    return __atomic_load_n(f, __ATOMIC_RELAXED);
}

/* ---- requests ---- */

double webserver_cpu_ms(void)
{
    return (double)clock_read_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e6;
}

long webserver_number(struct MHD_Connection *connection, const char *name, long min, long max, long otherwise)
{
    const char *text = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
    long n;
    return text && knobs_number(text, min, max, &n) ? n : otherwise;
}

static enum MHD_Result handle_stats(struct serving *s, struct MHD_Connection *connection)
{
    uint64_t p95_us = window_percentile_us(&s->latency, clock_monotonic_ns(), 95);
    struct buf b = {0};
    buf_printf(&b,
        "{\"threads\":%ld,\"connections\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"requests\":%" PRIu64,
        limits_threads_now(), figure(&s->connections), figure(&s->refused), figure(&s->requests));
    if (s->server->stats)
        s->server->stats(s->server->closure, &b);
    buf_printf(&b, ",\"p95_ms\":%.1f}\n", (double)p95_us / 1000);
    size_t len = b.len;
    return reply_take(connection, MHD_HTTP_OK, "application/json", buf_take(&b), len);
}

static enum MHD_Result time_request(struct serving *s, const struct webserver_route *route,
    struct MHD_Connection *connection, const char *rest)
{
    int64_t began_ns = clock_monotonic_ns();
    enum MHD_Result result = route->handle(s->server->closure, connection, rest);
    int64_t now_ns = clock_monotonic_ns();
    count(&s->requests);
    window_add(&s->latency, now_ns, (now_ns - began_ns) / 1000);
    return result;
}

/* What follows the route's path in url, or NULL when it is another's. */
static const char *match(const struct webserver_route *route, const char *url)
{
    size_t len = strlen(route->path);
    if (strncmp(url, route->path, len) != 0)
        return NULL;
    if (!route->rest)
        return url[len] ? NULL : "";
    return url[len] == '/' ? url + len + 1 : NULL;
}

static enum MHD_Result not_found(const struct webserver *server, struct MHD_Connection *connection)
{
    struct buf b = {0};
    buf_printf(&b, "there is ");
    for (size_t i = 0; i < server->nroutes; i++)
        buf_printf(&b, "%s%s%s, ", server->routes[i].path, server->routes[i].rest ? "/" : "",
            server->routes[i].rest ? server->routes[i].rest : "");
    buf_printf(&b, "and /stats\n");
    size_t len = b.len;
    return reply_take(connection, MHD_HTTP_NOT_FOUND, "text/plain; charset=utf-8", buf_take(&b), len);
}

static enum MHD_Result answer(struct serving *s, struct MHD_Connection *connection, const char *url)
{
    for (size_t i = 0; i < s->server->nroutes; i++) {
        const struct webserver_route *route = &s->server->routes[i];
        const char *rest = match(route, url);
        if (rest) {
            CPROF_LABEL_SCOPE("route", route->path);
            return time_request(s, route, connection, rest);
        }
    }
    if (strcmp(url, "/stats") == 0) {
        CPROF_LABEL_SCOPE("route", "/stats");
        return handle_stats(s, connection);
    }
    return not_found(s->server, connection);
}

/* ---- libmicrohttpd's callbacks ---- */

static void on_connection(
    void *serving, struct MHD_Connection *connection, void **slot, enum MHD_ConnectionNotificationCode code)
{
    (void)connection;
    struct serving *s = serving;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        __atomic_fetch_sub(&s->connections, 1, __ATOMIC_RELAXED);
        free(*slot);
        *slot = NULL;
        return;
    }
    uint64_t before = __atomic_fetch_add(&s->connections, 1, __ATOMIC_RELAXED);
    struct session *session = calloc(1, sizeof *session);
    if (session)
        session->refused = before >= (uint64_t)s->max_connections;
    *slot = session;
}

static enum MHD_Result on_request(void *serving, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload, size_t *upload_len, void **request)
{
    (void)version, (void)upload;
    struct serving *s = serving;
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
    if (session->refused && figure(&s->connections) > (uint64_t)s->max_connections) {
        count(&s->refused);
        return reply_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "too many connections\n");
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0)
        return reply_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
    return answer(s, connection, url);
}

/* MHD's own complaints are about clients that went away. */
static void be_quiet(void *closure, const char *format, va_list args)
{
    (void)closure, (void)format, (void)args;
}

static struct MHD_Daemon *start_serving(struct serving *s, int listen_fd)
{
    return MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ERROR_LOG, 0,
        NULL, NULL, on_request, s, MHD_OPTION_EXTERNAL_LOGGER, be_quiet, NULL, MHD_OPTION_LISTEN_SOCKET,
        listen_fd, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_THREAD_STACK_SIZE,
        (size_t)STACK_BYTES, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)(s->max_connections + SPARE_THREADS / 2), MHD_OPTION_END);
}

/* ---- limits ---- */

/* How many connections can be served: each needs a thread, and a descriptor on either side. */
static long connections_allowed(const struct webserver *server)
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
        fprintf(stderr, "%s: the limits are too low to serve at all (%s)\n", server->name, what);
        return -1;
    }
    if (allowed >= server->threads)
        return server->threads;
    fprintf(stderr, "%s: serves %ld connections at once, not %ld: no more are allowed here (%s)\n",
        server->name, allowed, server->threads, what);
    return allowed;
}

/* ---- starting and stopping ---- */

static void greet(const struct webserver *server, long max_connections, const char *debug)
{
    const struct webserver_route *route = &server->routes[0];
    struct buf ready = {0};
    if (server->ready)
        server->ready(server->closure, &ready);
    printf("%s: http://127.0.0.1:%ld%s%s%s%.*s, %ld connections at most\n", server->name, server->port,
        route->path, route->rest ? "/" : "", route->rest ? route->rest : "", (int)ready.len,
        ready.data ? ready.data : "", max_connections);
    buf_fini(&ready);
    printf("Type next, each in a terminal of its own (Ctrl-C ends the %s server):\n", server->name);
    printf("  ./demos/load");
    if (server->port != 8080)
        printf(" --url http://127.0.0.1:%ld", server->port);
    printf("%s%s\n", server->load ? " " : "", server->load ? server->load : "");
    const char *scheme = strncmp(debug, "unix:", 5) == 0 ? "" : "http://";
    if (*debug)
        printf("  ./profiler/pprof '%s%s/debug/pprof/profile?seconds=30'\n", scheme, debug);
    fflush(stdout);
}

/* The address they are at. Whoever is asked says itself what is wrong; the server can do without. */
static const char *open_debug(const struct webserver *server, const char *address)
{
    if (server->open_debug)
        return server->open_debug(server->closure, address);
    cprof_start(address);
    return cprof_address();
}

static int serve_until(const sigset_t *ending, struct serving *s, int listen_fd, const char *debug)
{
    const struct webserver *server = s->server;
    const char *debug_at = open_debug(server, debug);
    struct MHD_Daemon *daemon = start_serving(s, listen_fd);
    if (!daemon) {
        fprintf(stderr, "%s: cannot serve: %s\n", server->name, strerror(errno));
        close(listen_fd);
        cprof_stop();
        return 1;
    }
    greet(server, s->max_connections, debug_at);
    if (server->opened)
        server->opened(server->closure, server->port);
    int signal_number;
    sigwait(ending, &signal_number);
    if (server->interrupt)
        server->interrupt(server->closure);
    MHD_stop_daemon(daemon);
    cprof_stop();
    return 0;
}

/* The shared knobs and the server's own. */
static int parse(struct webserver *server, const char **debug, int argc, char **argv)
{
    struct knob knobs[KNOBS_MAX] = {
        {"port", "N", "where to serve on 127.0.0.1; 0 picks one", KNOB_NUMBER, &server->port, 0, 65535},
        {"debug", "ADDRESS", "where to serve the profiles", KNOB_TEXT, debug, 0, 0},
        {"max-threads", "N", "connections, a thread each; 503 beyond", KNOB_NUMBER, &server->threads, 1,
            30000},
    };
    size_t nknobs = 3;
    for (size_t i = 0; i < server->nknobs && nknobs < KNOBS_MAX; i++)
        knobs[nknobs++] = server->knobs[i];
    return knobs_parse(knobs, nknobs, server->summary, argc, argv);
}

int webserver_main(struct webserver *server, int argc, char **argv)
{
    static struct serving serving;
    const char *debug = "127.0.0.1:6060";
    server->port = server->port ? server->port : 8080;
    server->threads = server->threads ? server->threads : 1000;
    int code = parse(server, &debug, argc, argv);
    if (code >= 0)
        return code;
    serving.server = server;
    serving.max_connections = connections_allowed(server);
    if (serving.max_connections < 0)
        return 1;
    window_init(&serving.latency, 10 * INT64_C(1000000000));
    sigset_t ending; /* blocked in every thread */
    sigemptyset(&ending);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ending, NULL);
    signal(SIGPIPE, SIG_IGN);
    int listen_fd = reply_listen(server->name, &server->port, 4096);
    if (listen_fd < 0)
        return 1;
    bool started = !server->start || server->start(server->closure);
    code = 1;
    if (started)
        code = serve_until(&ending, &serving, listen_fd, debug);
    else
        close(listen_fd);
    if (server->stop)
        server->stop(server->closure);
    return code;
}
