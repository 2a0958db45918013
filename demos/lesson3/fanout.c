/*
 * A start page for each user: the weather, the news, the mail and so on, each from a service of its own.
 * The services are asked at the same time, so that a page takes as long as the slowest of them and not as
 * long as all together.
 *
 *     client --HTTP--> page.c --a task--> pool.c: 16 workers --> the services, a process of their own
 *                         ^                  |  ^
 *                         `-- the page ------'  `-- six tasks, one for each part
 *
 * At night, with a page now and then, every page comes within 50 ms, and only the number of threads in /stats
 * is higher each morning. At nine, when everybody comes, the server stops: no page comes any more, and the
 * processors have nothing to do. It was started again each day so far. What is it waiting for?
 */
#include "common/reply.h"
#include "common/webserver.h"
#include "lesson3/page.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { GRACE_MS = 2000 };

struct fanout {
    struct press press;
    long workers, limit_ms;
};

static uint64_t late_pages;

static void count_late(size_t left)
{
    (void)left;
    __atomic_fetch_add(&late_pages, 1, __ATOMIC_RELAXED);
}

static enum MHD_Result handle_page(void *closure, struct MHD_Connection *connection, const char *user)
{
    struct fanout *fanout = closure;
    if (strlen(user) == 0 || strlen(user) > 64)
        return reply_text(connection, MHD_HTTP_BAD_REQUEST, "a user has a name of 64 bytes at most\n");
    size_t len = 0;
    char *page = page_render(&fanout->press, user, &len);
    return reply_take(connection, MHD_HTTP_OK, "text/plain; charset=utf-8", page, len);
}

static bool start(void *closure)
{
    struct fanout *fanout = closure;
    const struct pool_config config = {
        .workers = (size_t)fanout->workers, .limit_ms = fanout->limit_ms, .late = count_late};
    fanout->press.services = neighbour_start("fanout", services_answer);
    if (!fanout->press.services)
        return false;
    fanout->press.pool = pool_new(&config);
    if (!fanout->press.pool)
        fprintf(stderr, "fanout: cannot start %ld workers\n", fanout->workers);
    return fanout->press.pool != NULL;
}

static void print_ready(void *closure, struct buf *to)
{
    struct fanout *fanout = closure;
    buf_printf(to, ", %ld workers", fanout->workers);
}

static void print_stats(void *closure, struct buf *to)
{
    (void)closure;
    buf_printf(to, ",\"late\":%lu", (unsigned long)__atomic_load_n(&late_pages, __ATOMIC_RELAXED));
}

/* Ctrl-C: the pages that are being made are made first. */
static void interrupt(void *closure)
{
    struct fanout *fanout = closure;
    long unmade = 1;
    for (int tries = 0; unmade > 0 && tries < GRACE_MS; tries++) {
        usleep(1000);
        unmade = atomic_load(&fanout->press.unmade);
    }
    if (unmade > 0) {
        fprintf(stderr, "fanout: gives up %ld pages that nobody makes\n", unmade);
        _exit(1);
    }
}

static void stop(void *closure)
{
    struct fanout *fanout = closure;
    pool_free(fanout->press.pool);
    if (fanout->press.services)
        neighbour_stop(fanout->press.services);
    neighbour_free(fanout->press.services);
}

int main(int argc, char **argv)
{
    static struct fanout fanout = {.workers = 16, .limit_ms = 1000};
    static const struct webserver_route routes[] = {{"/page", "USER", handle_page}};
    const struct knob knobs[] = {
        {"workers", "N", "tasks that run at the same time", KNOB_NUMBER, &fanout.workers, 1, 1000},
        {"limit-ms", "N", "after which the parts of a page are late", KNOB_NUMBER, &fanout.limit_ms, 1,
            60000},
    };
    struct webserver server = {.name = "fanout",
        .summary = "Start pages, put together from what six services say: the server of lesson 3.\n"
                   "GET /page/USER answers one, GET /stats the server's own figures.",
        .routes = routes,
        .nroutes = 1,
        .knobs = knobs,
        .nknobs = 2,
        .load = "--path /page/KEY --rate 20",
        .threads = 2000,
        .start = start,
        .ready = print_ready,
        .stats = print_stats,
        .interrupt = interrupt,
        .stop = stop,
        .closure = &fanout};
    return webserver_main(&server, argc, argv);
}
