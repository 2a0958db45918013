/*
 * Quotas for an interface that others pay for: each request of a client is first asked for here. Most are
 * allowed. A client on the free plan is soon refused, and since such clients complain, each refusal is
 * written to a log that lies with an auditor.
 *
 *     client --HTTP--> quota.c --> rules.c    may it? sixty limits of the whole service, and the client's own
 *                         |
 *                         `------> stats.c    who asked, who was refused
 *                                     `-----> audit.c --> the auditor, a process of its own
 *
 * An answer takes a tenth of a millisecond of work, and yet one in twenty takes thirty milliseconds and more,
 * on processors that are idle, for clients who were never refused anything. A colleague has counted which
 * lock threads run into most often, and wants to split that one. Would that help?
 */
#include "common/reply.h"
#include "common/webserver.h"
#include "lesson4/audit.h"
#include "lesson4/rules.h"
#include "lesson4/stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct quota {
    struct rules *rules;
    struct stats *stats;
    struct neighbour *auditor;
};

static enum MHD_Result handle_use(void *closure, struct MHD_Connection *connection, const char *client)
{
    struct quota *quota = closure;
    if (strlen(client) == 0 || strlen(client) >= STATS_CLIENT_MAX)
        return reply_text(connection, MHD_HTTP_BAD_REQUEST, "a client has a name of 63 bytes at most\n");
    stats_begin(quota->stats, client);
    bool allowed = rules_allow(quota->rules, client);
    stats_end(quota->stats, client, !allowed);
    return reply_text(connection, MHD_HTTP_OK, allowed ? "yes\n" : "no: more than the plan allows\n");
}

static bool start(void *closure)
{
    struct quota *quota = closure;
    setenv("CPROF_MUTEX_FRACTION", "1", 0); /* contended unlocks are too few to record 1 in 100 */
    quota->auditor = neighbour_start("quota", audit_answer);
    if (!quota->auditor)
        return false;
    const struct stats_config config = {.append = audit_append, .log = quota->auditor};
    quota->rules = rules_new();
    quota->stats = stats_new(&config);
    if (quota->rules && quota->stats)
        return true;
    fprintf(stderr, "quota: out of memory\n");
    return false;
}

static void print_stats(void *closure, struct buf *to)
{
    struct quota *quota = closure;
    struct stats_figures totals;
    stats_totals(quota->stats, &totals);
    buf_printf(to, ",\"used\":%" PRIu64 ",\"denied\":%" PRIu64 ",\"in_flight\":%" PRIu64, totals.requests,
        totals.refused, totals.in_flight);
}

static void stop(void *closure)
{
    struct quota *quota = closure;
    stats_free(quota->stats);
    rules_free(quota->rules);
    if (quota->auditor)
        neighbour_stop(quota->auditor);
    neighbour_free(quota->auditor);
}

int main(int argc, char **argv)
{
    static struct quota quota;
    static const struct webserver_route routes[] = {{"/use", "CLIENT", handle_use}};
    struct webserver server = {.name = "quota",
        .summary = "Quotas for the clients of an interface: the server of lesson 4. GET /use/CLIENT answers\n"
                   "whether the client may, GET /stats the server's own figures.",
        .routes = routes,
        .nroutes = 1,
        .load = "--path /use/KEY --rate 400 --hits 100 --popular 300 --slow-ms 20",
        .start = start,
        .stats = print_stats,
        .stop = stop,
        .closure = &quota};
    return webserver_main(&server, argc, argv);
}
