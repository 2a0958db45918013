/*
 * A theatre's ticket office, with a debug port for those who look after it.
 *
 *     GET /ticket/CODE --> ticket.c         a plan of the hall, the seat marked, signed
 *
 *     the debug port   --> debug_server.c   HTTP, and what makes the profiles
 *                              `--------->  debug_http.c    who may ask, what is answered, at what price
 *
 * The port was opened in a night when tickets came slowly, and nobody has closed it since. It is useful: on
 * everybody's laptop it answers whatever one asks. Since then the office needs more processor time for each
 * ticket, and lately somebody at the door had a ticket with a good signature that was never sold. What have
 * the two to do with the port?
 */
#include "common/reply.h"
#include "common/webserver.h"
#include "lesson8/debug_server.h"
#include "lesson8/ticket.h"

#include <cprof.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct office {
    const char *signing_key;
    struct debug_settings settings;
    struct debug_server *debug;
    uint64_t tickets; /* counted with relaxed atomics */
};

static char *issue(struct office *office, const char *code)
{
    const struct cprof_labels *before = cprof_label_save();
    const char *label = debug_http_label(code);
    if (label)
        cprof_label_set("ticket", label);
    char *ticket = ticket_new(office->signing_key, code);
    cprof_label_restore(before);
    return ticket;
}

static enum MHD_Result handle_ticket(void *closure, struct MHD_Connection *connection, const char *code)
{
    struct office *office = closure;
    if (strlen(code) == 0)
        return reply_text(connection, MHD_HTTP_BAD_REQUEST, "a ticket has a code\n");
    char *ticket = issue(office, code);
    __atomic_fetch_add(&office->tickets, 1, __ATOMIC_RELAXED);
    size_t len = ticket ? strlen(ticket) : 0;
    return reply_take(connection, MHD_HTTP_OK, "text/plain; charset=utf-8", ticket, len);
}

static void print_stats(void *closure, struct buf *to)
{
    struct office *office = closure;
    buf_printf(to, ",\"tickets\":%" PRIu64 ",\"cpu_ms\":%.0f",
        __atomic_load_n(&office->tickets, __ATOMIC_RELAXED), webserver_cpu_ms());
}

static const char *open_debug(void *closure, const char *address)
{
    struct office *office = closure;
    const char *token = getenv("CPROF_TOKEN"); /* not an option: those are for everybody to read */
    office->settings.address = address;
    office->settings.token = token ? token : "";
    office->settings.signing_key = office->signing_key;
    office->debug = debug_server_start("admin", &office->settings);
    return office->debug ? debug_server_address(office->debug) : "";
}

static void stop(void *closure)
{
    struct office *office = closure;
    debug_server_stop(office->debug);
}

int main(int argc, char **argv)
{
    static struct office office = {.signing_key = "not-for-production"};
    static const struct webserver_route routes[] = {{"/ticket", "CODE", handle_ticket}};
    const struct knob knobs[] = {
        {"signing-key", "TEXT", "what tickets are signed with", KNOB_TEXT, &office.signing_key, 0, 0}};
    office.settings.argv = (const char *const *)argv;
    struct webserver server = {.name = "admin",
        .summary =
            "A theatre's ticket office: the server of lesson 8. GET /ticket/CODE gives the ticket of that\n"
            "code. With CPROF_TOKEN set, its profiles are to be for those who know it. As it came, its "
            "debug\n"
            "port is open to your network while it runs.",
        .routes = routes,
        .nroutes = 1,
        .knobs = knobs,
        .nknobs = 1,
        .load = "--path /ticket/KEY --rate 150 --slow-ms 100",
        .open_debug = open_debug,
        .stats = print_stats,
        .stop = stop,
        .closure = &office};
    return webserver_main(&server, argc, argv);
}
