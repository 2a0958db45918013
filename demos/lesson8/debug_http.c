/*
 * The debug port. It was written in an hour of need, and found the fault that night:
 *
 *     curl http://localhost:6060/debug/pprof/heap         works on my laptop
 */
#include "lesson8/debug_http.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 16 };

/* ---- where ---- */

static int listen_at(const struct sockaddr *address, socklen_t len)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0)
        return -1;
    if (address->sa_family == AF_INET)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, address, len) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    close(fd);
    return -1;
}

int debug_http_listen(const struct debug_settings *s, struct error *error)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    const char *port = strrchr(s->address, ':');
    int fd;
    if (strncmp(s->address, "unix:", 5) == 0) {
        strncpy(un.sun_path, s->address + 5, sizeof un.sun_path - 1);
        fd = listen_at((struct sockaddr *)&un, sizeof un);
    } else {
        in.sin_port = htons((uint16_t)atoi(port ? port + 1 : s->address));
        fd = listen_at((struct sockaddr *)&in, sizeof in);
    }
    if (fd < 0)
        error_set(error, ERR_IO, "cannot listen at %s: %s", s->address, strerror(errno));
    return fd;
}

/* ---- what ---- */

static const char *const PROFILES[] = {
    "allocs", "block", "cmdline", "goroutine", "heap", "mutex", "profile", "threadcreate", "threads", "wall"};
enum { NPROFILES = sizeof PROFILES / sizeof *PROFILES };

static void put_index(struct debug_answer *out)
{
    for (size_t i = 0; i < NPROFILES; i++)
        buf_printf(&out->text, "/debug/pprof/%s\n", PROFILES[i]);
    buf_puts(&out->text, "/debug/vars\n");
}

/* Everything there is to know, for whoever looks for a fault. */
static void put_vars(const struct debug_settings *s, struct debug_answer *out)
{
    buf_printf(&out->text, "address      %s\ntoken        %s\nsigning_key  %s\narguments   ", s->address,
        s->token, s->signing_key);
    for (const char *const *a = s->argv; *a; a++)
        buf_printf(&out->text, " %s", *a);
    buf_putc(&out->text, '\n');
}

static bool is_profile(const char *name)
{
    for (size_t i = 0; i < NPROFILES; i++)
        if (strcmp(PROFILES[i], name) == 0)
            return true;
    return false;
}

/* What was asked for, and as often as can be: the more samples, the better the profile. */
static void ask_for(const char *name, const char *query, struct debug_answer *out)
{
    const char *more = strcmp(name, "profile") == 0 && !strstr(query, "hz=") ? "&hz=1000" : "";
    snprintf(out->profile, sizeof out->profile, "%s?%s%s", name, query, more);
}

void debug_http_answer(
    const struct debug_settings *s, const struct debug_request *r, struct debug_answer *out)
{
    static const char prefix[] = "/debug/pprof/";
    bool below = strncmp(r->path, prefix, sizeof prefix - 1) == 0;
    const char *name = below ? r->path + sizeof prefix - 1 : "";
    out->status = 200;
    if (strcmp(r->path, "/debug/vars") == 0) {
        put_vars(s, out);
    } else if (is_profile(name)) {
        ask_for(name, r->query, out);
    } else if (below && !*name) {
        put_index(out);
    } else {
        out->status = 404;
        buf_puts(&out->text, "there is nothing of that name; see /debug/pprof/\n");
    }
}

/* ---- how closely ---- */

const char *debug_http_label(const char *code)
{
    return code; /* so that each request can be told from the others */
}

void debug_http_rates(struct debug_rates *out)
{
    /* Nothing is to be missed. */
    *out = (struct debug_rates){.heap_bytes = 256, .mutex_fraction = 1, .block_ns = 1};
}
