/*
 * A server that you have not seen before. What its trade is, what its functions are called, and what is wrong
 * with it is decided by a number, the seed of the case (make lesson9 SEED=n).
 *
 *     client --HTTP--> mystery.c --> incident.c    what is done for a client; written anew for each case
 *                          |            |
 *                          |            `--> partners.c --> a process of their own: quotes, confirmations,
 *                          `-- every so often: new rates    the archive
 *
 * There was a time when it was as quick as its partners, as large as on the first day, and alone with its
 * work. One of these is no longer so. Which, since when, and why?
 */
#include "common/reply.h"
#include "common/webserver.h"
#include "lesson9/incident.h"
#include "lesson9/partners.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CLIENT_MAX = 64, REFRESH_EVERY_US = 20000 };

struct mystery {
    struct incident *incident;
    struct neighbour *partners;
    long workers;
    pthread_t refresher;
    bool refreshes;
    atomic_bool ending;
    atomic_uint_fast64_t refreshed;
};

static enum MHD_Result handle_job(void *closure, struct MHD_Connection *connection, const char *client)
{
    struct mystery *mystery = closure;
    if (strlen(client) == 0 || strlen(client) >= CLIENT_MAX)
        return reply_text(connection, MHD_HTTP_BAD_REQUEST, "a client has a name of 63 bytes at most\n");
    char *answer = incident_handle(mystery->incident, client, text_of(client));
    return reply_take(
        connection, MHD_HTTP_OK, "text/plain; charset=utf-8", answer, answer ? strlen(answer) : 0);
}

static void *refresh(void *argument)
{
    struct mystery *mystery = argument;
    for (uint32_t base = 1; !atomic_load(&mystery->ending); base++) {
        incident_refresh(mystery->incident, base);
        atomic_fetch_add(&mystery->refreshed, 1);
        usleep(REFRESH_EVERY_US);
    }
    return NULL;
}

static bool start(void *closure)
{
    struct mystery *mystery = closure;
    setenv("CPROF_HEAP_RATE", "65536", 0);  /* what grows is to show after seconds */
    setenv("CPROF_MUTEX_FRACTION", "1", 0); /* contended unlocks are few */
    mystery->partners = neighbour_start("mystery", partners_answer);
    if (!mystery->partners)
        return false;
    const struct incident_config config = {
        .workers = (size_t)mystery->workers,
        .examine = partners_examine,
        .confirm = partners_confirm,
        .quote = partners_quote,
        .archive = partners_archive,
        .closure = mystery->partners,
    };
    mystery->incident = texts_init() ? incident_new(&config) : NULL;
    if (!mystery->incident)
        fprintf(stderr, "mystery: out of memory or threads\n");
    return mystery->incident != NULL;
}

static void opened(void *closure, long port)
{
    (void)port;
    struct mystery *mystery = closure;
    mystery->refreshes = pthread_create(&mystery->refresher, NULL, refresh, mystery) == 0;
}

static void print_stats(void *closure, struct buf *to)
{
    struct mystery *mystery = closure;
    struct incident_figures figures;
    incident_stats(mystery->incident, &figures);
    buf_printf(to, ",\"jobs\":%" PRIu64 ",\"words\":%" PRIu64 ",\"told\":%" PRIu64 ",\"given_up\":%" PRIu64,
        figures.jobs, figures.words, figures.told, figures.given_up);
    buf_printf(to, ",\"refreshed\":%" PRIu64, (uint64_t)atomic_load(&mystery->refreshed));
}

/* Whoever waits for a partner need not any more. */
static void interrupt(void *closure)
{
    struct mystery *mystery = closure;
    atomic_store(&mystery->ending, true);
    neighbour_stop(mystery->partners);
}

static void stop(void *closure)
{
    struct mystery *mystery = closure;
    if (mystery->refreshes)
        pthread_join(mystery->refresher, NULL);
    incident_free(mystery->incident);
    if (mystery->partners && !atomic_load(&mystery->ending))
        neighbour_stop(mystery->partners);
    neighbour_free(mystery->partners);
    texts_fini();
}

int main(int argc, char **argv)
{
    static struct mystery mystery = {.workers = 64};
    static const struct webserver_route routes[] = {{"/job", "CLIENT", handle_job}};
    const struct knob knobs[] = {
        {"workers", "N", "threads that stand by", KNOB_NUMBER, &mystery.workers, 1, 1000}};
    struct webserver server = {.name = "mystery",
        .summary =
            "An incident: the server of lesson 9, another one for each seed. GET /job/CLIENT does the\n"
            "client's job, GET /stats answers the server's own figures.",
        .routes = routes,
        .nroutes = 1,
        .knobs = knobs,
        .nknobs = 1,
        .load = "--path /job/KEY --rate 60 --hits 100 --popular 400",
        .threads = 1000,
        .start = start,
        .opened = opened,
        .stats = print_stats,
        .interrupt = interrupt,
        .stop = stop,
        .closure = &mystery};
    return webserver_main(&server, argc, argv);
}
