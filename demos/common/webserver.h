#ifndef COMMON_WEBSERVER_H
#define COMMON_WEBSERVER_H

#include "base/buf.h"
#include "common/knobs.h"

#include <microhttpd.h>

/*
 * What every demo server is around its one job: options, HTTP on 127.0.0.1 with a thread for each
 * connection, /stats, the profiles, and an orderly end on Ctrl-C. A server's own file has the job:
 *
 *     static enum MHD_Result handle_page(void *shop, struct MHD_Connection *connection, const char *key)
 *     {
 *         char *page = render(shop, key);              // malloc'ed; query parameters: webserver_number()
 *         return reply_take(connection, MHD_HTTP_OK, "text/html", page, strlen(page));
 *     }
 *
 *     int main(int argc, char **argv)
 *     {
 *         static struct shop shop = {.pages = 100};
 *         static const struct webserver_route routes[] = {{"/page", "KEY", handle_page}};
 *         const struct knob knobs[] = {{"pages", "N", "how many there are", KNOB_NUMBER, &shop.pages, 1,
 * 9999}}; struct webserver server = {.name = "shop", .summary = "A shop: the server of lesson 0.", .routes =
 * routes, .nroutes = 1, .knobs = knobs, .nknobs = 1, .closure = &shop}; return webserver_main(&server, argc,
 * argv);
 *     }
 *
 * What a thread does for a request carries the label "route" in the profiles: the route's path.
 */
struct webserver_route {
    const char *path; /* "/v1/items" */
    const char *rest; /* what follows it after a slash, as the texts call it: "KEY"; NULL: nothing may */
    enum MHD_Result (*handle)(void *closure, struct MHD_Connection *connection, const char *rest);
};

/* All but the first four may be left out. The functions get `closure`. */
struct webserver {
    const char *name;    /* begins its messages */
    const char *summary; /* of --help */
    const struct webserver_route *routes;
    size_t nroutes;
    const struct knob *knobs; /* beside --port, --debug and --max-threads */
    size_t nknobs;
    const char *load; /* the options of ./demos/load that make its traffic, for what it prints at the start */
    long port, threads; /* defaults of --port and --max-threads: 8080, 1000 */

    /* The order of a life: the port is taken, start(), profiles and requests are served, ready(), opened(),
     * Ctrl-C, interrupt(), the last requests end, stop(). */
    bool (*start)(void *closure); /* makes what the job needs; false after a line on standard error. There are
                                     no threads yet, and nothing is profiled */
    /* Serves the profiles at the address that --debug says, in place of cprof_start(), which would. Returns
     * where they are, "" when they are nowhere. What it started, stop() ends. */
    const char *(*open_debug)(void *closure, const char *address);
    void (*ready)(void *closure, struct buf *to); /* appends to the line printed at the start: ", 9 pages" */
    void (*stats)(void *closure, struct buf *to); /* appends its figures to /stats: ",\"pages\":9" */
    void (*opened)(void *closure, long port);     /* requests are served there from now on */
    void (*interrupt)(void *closure);             /* requests that wait for something need not any more */
    void (*stop)(void *closure);                  /* frees; called after a start() that failed, too */
    void *closure;
};

/* Serves until SIGINT or SIGTERM; what main() is to return. One server a process. */
int webserver_main(struct webserver *server, int argc, char **argv);

/* Processor time of the whole process since it started. */
double webserver_cpu_ms(void);

/* The number of the request's query parameter, "?size=9"; `otherwise` when it is missing or not a number of
 * [min, max]. */
long webserver_number(
    struct MHD_Connection *connection, const char *name, long min, long max, long otherwise);

#endif
