#include "ui/web.h"

#include "base/asker.h"
#include "model/codec.h"
#include "ui/interrupt.h"
#include "ui/libmicrohttpd.h"
#include "ui/viewer.h"
#include "ui/web_all.h"
#include "ui/web_files.h"
#include "ui/web_listen.h"
#include "ui/web_page.h"
#include "ui/web_query.h"
#include "ui/web_saved.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/*
 * One thread, one request at a time: reports share the profile's strings, whose count of users is not atomic.
 *
 *     request ─► is its Host one of ours ─► path ─► file ─────────────────────────────────► response
 *                                            └────► settings from the URL ─► page of a view ──┘
 *
 * Nothing but a configuration is ever kept of a request, and nothing but collecting begun by one, and those
 * that do so must come from a page of ours. A stranger's page has nothing done, not even a report it could
 * not read (asker.h); only a link of its can be followed.
 */
struct web {
    const struct libmicrohttpd *mhd;
    const struct profile *profile; /* NULL: those of all */
    struct web_all *all;
    const struct options *options;
    struct web_listener listener;
};

struct reply {
    int status;
    const char *type;
    const char *extra, *extra_value; /* a header, or NULL */
    struct buf body;
};

enum { IDLE_SECONDS = 60 };

static const char text_type[] = "text/plain; charset=utf-8";

static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

static const char *const headers[][2] = {
    {"Content-Security-Policy", policy},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cache-Control", "no-store"},
};

/* ---- responses ---- */

static enum MHD_Result send_reply(const struct web *w, struct MHD_Connection *c, struct reply *r)
{
    struct buf *b = &r->body;
    struct MHD_Response *m = NULL;
    if (b->failed) {
        buf_fini(b);
        r->status = 500;
        r->type = text_type;
    }
    size_t len = b->len;
    char *data = b->data ? buf_take(b) : NULL;
    m = w->mhd->create_response_from_buffer(
        len, data ? data : "", data ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (!m) {
        free(data);
        return MHD_NO;
    }
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        w->mhd->add_response_header(m, headers[i][0], headers[i][1]);
    w->mhd->add_response_header(m, "Content-Type", r->type);
    if (r->extra)
        w->mhd->add_response_header(m, r->extra, r->extra_value);
    enum MHD_Result result = w->mhd->queue_response(c, (unsigned)r->status, m);
    w->mhd->destroy_response(m);
    return result;
}

static void reply_text(struct reply *r, int status, const char *text)
{
    r->status = status;
    r->type = text_type;
    buf_printf(&r->body, "%s\n", text);
}

/* ---- pages ---- */

struct reading {
    struct settings *settings;
    struct error error; /* the first */
};

static enum MHD_Result read_parameter(
    void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct reading *r = context;
    (void)kind;
    if (!r->error.code && name)
        web_query_set(r->settings, name, value ? value : "", &r->error);
    return MHD_YES;
}

static const char *parameter(const struct web *w, struct MHD_Connection *c, const char *name)
{
    const char *value = w->mhd->lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, name);
    return value ? value : "";
}

/* What the address asks for; *of is what it is called in a triage. NULL with an error. */
static const struct profile *find_profile(
    const struct web *w, struct MHD_Connection *c, const char **of, struct error *error)
{
    *of = parameter(w, c, "of");
    return w->profile ? w->profile : web_all_profile(w->all, of, error);
}

/* view: NULL for the page of all profiles. */
static void reply_view(
    const struct web *w, struct MHD_Connection *c, const struct web_view *view, struct reply *r)
{
    struct settings settings;
    struct reading reading = {.settings = &settings};
    const char *of = NULL;
    const struct profile *profile = view ? find_profile(w, c, &of, &reading.error) : NULL;
    if (web_query_init(&settings, &w->options->settings)) {
        reply_text(r, 500, "out of memory");
        return;
    }
    w->mhd->get_connection_values(c, MHD_GET_ARGUMENT_KIND, read_parameter, &reading);
    struct saved saved;
    struct error unread;
    if (saved_load(&saved, &unread) && !reading.error.code && unread.code != ERR_NOMEM)
        fprintf(stderr, "%s\n", unread.text);
    struct web_page page = {.view = view,
        .saved = &saved,
        .source = {profile, &settings.config, w->options->tools, &interrupted},
        .all = w->all,
        .of = of,
        .defaults = &w->options->settings.config,
        .refused = reading.error.code ? &reading.error : NULL};
    r->status = web_page_put(&page, &r->body);
    r->type = "text/html; charset=utf-8";
    saved_fini(&saved);
    settings_fini(&settings);
}

static void reply_profile(const struct web *w, struct MHD_Connection *c, struct reply *r)
{
    struct error error;
    const char *of;
    const struct profile *p = find_profile(w, c, &of, &error);
    if (!p || profile_encode(p, true, &r->body, &error)) {
        buf_fini(&r->body);
        reply_text(r, p ? 500 : 400, error.text);
        return;
    }
    r->status = 200;
    r->type = "application/vnd.google.protobuf+gzip";
    r->extra = "Content-Disposition";
    r->extra_value = "attachment;filename=profile.pb.gz";
}

/* ---- configurations ---- */

static const char *header(const struct web *w, struct MHD_Connection *c, const char *name)
{
    return w->mhd->lookup_connection_value(c, MHD_HEADER_KIND, name);
}

static struct asker asker_of(const struct web *w, struct MHD_Connection *c)
{
    return (struct asker){.host = header(w, c, "Host"),
        .origin = header(w, c, "Origin"),
        .fetch_site = header(w, c, "Sec-Fetch-Site"),
        .fetch_dest = header(w, c, "Sec-Fetch-Dest")};
}

/* More than not to come from a stranger's: what changes something has to say that it comes from ours. */
static bool is_from_our_page(const struct web *w, struct MHD_Connection *c)
{
    const char *site = header(w, c, "Sec-Fetch-Site"), *origin = header(w, c, "Origin"),
               *host = header(w, c, "Host");
    static const char scheme[] = "http://";
    bool is_ours = origin && strncmp(origin, scheme, sizeof scheme - 1) == 0 &&
                   strcasecmp(origin + sizeof scheme - 1, host) == 0;
    return (!site || strcmp(site, "same-origin") == 0) && (is_ours || (!origin && site));
}

static int change_saved(
    const struct web *w, struct MHD_Connection *c, bool save, const char *name, struct error *error)
{
    struct settings settings;
    struct reading reading = {.settings = &settings};
    struct saved saved;
    int code = web_query_init(&settings, &w->options->settings);
    w->mhd->get_connection_values(c, MHD_GET_ARGUMENT_KIND, read_parameter, &reading);
    *error = reading.error;
    code = code ? code : error->code;
    if (!code) {
        code = saved_load(&saved, error);
        if (!code)
            code =
                save ? saved_put(&saved, name, &settings.config, error) : saved_remove(&saved, name, error);
        if (!code)
            code = saved_store(&saved, error);
        saved_fini(&saved);
    }
    settings_fini(&settings);
    return code;
}

/* What became of something that was to be done. */
static void reply_done(struct reply *r, int code, const struct error *error)
{
    reply_text(r,
        code == 0                             ? 200
        : code == ERR_IO || code == ERR_NOMEM ? 500
        : code == ERR_BUSY                    ? 409
                                              : 400,
        code ? (*error->text ? error->text : error_text(code)) : "done");
}

/* /ui/saveconfig?config=NAME&f=..., /ui/deleteconfig?config=NAME, by POST. */
static void reply_change(const struct web *w, struct MHD_Connection *c, bool save, struct reply *r)
{
    struct error error = {0};
    int code = change_saved(w, c, save, parameter(w, c, "config"), &error);
    reply_done(r, code, &error);
}

/* ---- collecting ---- */

/* /ui/collect?seconds=N&stats=URL, by POST. Who comes from elsewhere has nothing asked of this machine. */
static void reply_collect(const struct web *w, struct MHD_Connection *c, struct reply *r)
{
    struct error error = {0};
    const char *stats = w->listener.local ? parameter(w, c, "stats") : "";
    int code = web_all_collect(w->all, parameter(w, c, "seconds"), stats, &error);
    reply_done(r, code, &error);
}

static void reply_progress(const struct web *w, struct reply *r)
{
    r->status = 200;
    r->type = "application/json";
    web_all_put_progress(w->all, &r->body);
}

/* ---- routes ---- */

struct query_copy {
    struct buf *out;
    const char *separator;
};

static void put_escaped(const char *text, struct buf *out)
{
    for (; *text; text++) {
        if ((*text >= '0' && *text <= '9') || ((*text | 32) >= 'a' && (*text | 32) <= 'z') ||
            strchr("-_.~", *text))
            buf_putc(out, *text);
        else
            buf_printf(out, "%%%02X", (unsigned char)*text);
    }
}

static enum MHD_Result copy_parameter(
    void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct query_copy *q = context;
    (void)kind;
    buf_puts(q->out, q->separator);
    q->separator = "&";
    put_escaped(name ? name : "", q->out);
    buf_putc(q->out, '=');
    put_escaped(value ? value : "", q->out);
    return MHD_YES;
}

/* Elsewhere on this server, with the same query. location backs the header. */
static void reply_moved(
    const struct web *w, struct MHD_Connection *c, const char *to, struct buf *location, struct reply *r)
{
    struct query_copy q = {location, "?"};
    buf_puts(location, to);
    w->mhd->get_connection_values(c, MHD_GET_ARGUMENT_KIND, copy_parameter, &q);
    if (location->failed) {
        reply_text(r, 500, "out of memory");
        return;
    }
    reply_text(r, 307, "It is elsewhere.");
    r->extra = "Location";
    r->extra_value = location->data;
}

/* Addresses of before, and those people type. */
static const char *moved(const char *path)
{
    static const char *const from[][2] = {{"/", "/ui/"}, {"/ui", "/ui/"},
        {"/ui/flamegraph2", "/ui/flamegraph"}, {"/ui/flamegraphold", "/ui/flamegraph"}};
    for (size_t i = 0; i < sizeof from / sizeof *from; i++)
        if (strcmp(from[i][0], path) == 0)
            return from[i][1];
    return NULL;
}

static void route(
    const struct web *w, struct MHD_Connection *c, const char *path, struct buf *location, struct reply *r)
{
    static const char prefix[] = "/ui/";
    struct web_file_text file;
    const char *name = strncmp(path, prefix, sizeof prefix - 1) == 0 ? path + sizeof prefix - 1 : NULL;
    const struct web_view *view = name ? web_view_find(name) : NULL;
    bool all = w->all && name && (strcmp(name, "all") == 0 || (!*name && !*parameter(w, c, "of")));
    if (moved(path))
        reply_moved(w, c, moved(path), location, r);
    else if (all || view)
        reply_view(w, c, all ? NULL : view, r);
    else if (name && strcmp(name, "download") == 0)
        reply_profile(w, c, r);
    else if (w->all && name && strcmp(name, "collecting") == 0)
        reply_progress(w, r);
    else if (name && strcmp(name, "page.html") != 0 && web_file_find(name, &file)) {
        r->status = 200;
        r->type = file.type;
        buf_append(&r->body, file.text, file.len);
    } else
        reply_text(r, 404, "There is no such page here: /ui/ is the first.");
}

/* What may be done, and who may. False: the path is of something to be read. */
static bool route_post(
    const struct web *w, struct MHD_Connection *c, const char *path, const char *method, struct reply *r)
{
    bool config = strcmp(path, "/ui/saveconfig") == 0 || strcmp(path, "/ui/deleteconfig") == 0;
    if (!config && !(w->all && strcmp(path, "/ui/collect") == 0))
        return false;
    if (strcmp(method, "POST") != 0) {
        reply_text(r, 405, "This is done by POST.");
        r->extra = "Allow";
        r->extra_value = "POST";
    } else if (!is_from_our_page(w, c))
        reply_text(r, 403, "Only pprof's own page may do this.");
    else if (config)
        reply_change(w, c, path[4] == 's', r);
    else
        reply_collect(w, c, r);
    return true;
}

static enum MHD_Result answer(void *context, struct MHD_Connection *c, const char *path, const char *method,
    const char *version, const char *data, size_t *len, void **seen)
{
    const struct web *w = context;
    const struct asker asker = asker_of(w, c);
    struct reply r = {0};
    struct buf location = {0};
    (void)version;
    (void)data;
    if (!*seen) { /* the headers alone: what follows is still to come */
        *seen = context;
        return MHD_YES;
    }
    if (*len) { /* nothing here reads a body */
        *len = 0;
        return MHD_YES;
    }
    if (!web_listener_knows(&w->listener, header(w, c, "Host")))
        reply_text(
            &r, 403, "The Host header names another machine: this is for localhost, or the host of -http.");
    else if (route_post(w, c, path, method, &r))
        ;
    else if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        reply_text(&r, 405, "Pages are here to be read: GET or HEAD.");
        r.extra = "Allow";
        r.extra_value = "GET, HEAD";
    } else if (asker_is_foreign(&asker))
        reply_text(&r, 403, "A page of another site made the browser ask this.");
    else
        route(w, c, path, &location, &r);
    enum MHD_Result result = send_reply(w, c, &r);
    buf_fini(&location);
    return result;
}

/* ---- serving ---- */

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);
    return value && *value;
}

/* Where to look, on standard error as the reference does; and a browser to look with. */
static void announce(const struct web *w)
{
    const struct web_listener *l = &w->listener;
    struct buf url = {0};
    struct error ignored;
    buf_printf(&url, strchr(l->host, ':') ? "http://[%s]:%u" : "http://%s:%u", l->host, l->port);
    fprintf(stderr, "Serving web UI on %s\n", url.data ? url.data : "");
    bool desktop = is_set("DISPLAY") || is_set("WAYLAND_DISPLAY") || is_set("BROWSER");
    if (!w->options->no_browser && l->local && desktop && url.data &&
        viewer_open(url.data, command_find("web")->viewers, &ignored))
        fprintf(stderr, "There is no browser to open it with.\n");
    buf_fini(&url);
}

/* Ctrl-C counts at any time: it is let through only while this waits, or works. */
static void serve(struct web *w, struct MHD_Daemon *daemon, int epoll_fd)
{
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    for (;;) {
        MHD_UNSIGNED_LONG_LONG wait_ms;
        struct pollfd ready = {.fd = epoll_fd, .events = POLLIN};
        w->mhd->run(daemon);
        sigprocmask(SIG_BLOCK, &blocked, &before);
        bool more = !interrupted;
        if (more && w->mhd->get_timeout(daemon, &wait_ms) == MHD_YES) {
            struct timespec t = {(time_t)(wait_ms / 1000), (long)(wait_ms % 1000) * 1000000};
            ppoll(&ready, 1, &t, &before);
        } else if (more)
            ppoll(&ready, 1, NULL, &before);
        sigprocmask(SIG_SETMASK, &before, NULL);
        if (!more)
            return;
    }
}

static int serve_until_interrupted(struct web *w, struct error *error)
{
    int code = libmicrohttpd_load(&w->mhd, error);
    if (!code)
        code = web_listen(w->options->http, &w->listener, error);
    if (code)
        return code;
    struct MHD_Daemon *daemon =
        w->mhd->start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, answer, w, MHD_OPTION_LISTEN_SOCKET,
            w->listener.fd, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_END);
    if (!daemon) {
        close(w->listener.fd);
        return error_set(error, ERR_IO, "-http: the server does not start");
    }
    const union MHD_DaemonInfo *info = w->mhd->get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    signal(SIGPIPE, SIG_IGN); /* of browsers that leave */
    announce(w);
    serve(w, daemon, info->epoll_fd);
    w->mhd->stop_daemon(daemon);
    return 0;
}

int web_serve(const struct profile *p, const struct options *o, struct error *error)
{
    return serve_until_interrupted(&(struct web){.profile = p, .options = o}, error);
}

int web_serve_all(struct web_all *all, const struct options *o, struct error *error)
{
    return serve_until_interrupted(&(struct web){.all = all, .options = o}, error);
}
