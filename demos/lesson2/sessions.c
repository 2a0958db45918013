/*
 * The server behind a webmail: people log in, look at pages, and log out again. Now and then somebody asks
 * for the report on who is there.
 *
 *     GET /login/TOKEN, /logout/TOKEN  ->  session_table.c    who is logged in
 *     GET /page/TOKEN                  ->  html_page.c        what they see
 *     GET /report                      ->  session_report.c   who is there, for whoever wants to know
 *
 * There are always about 3,000 people logged in, and yet the process grows day and night. It is also known to
 * need, for some moments, three times the memory that it has otherwise, and nobody has ever seen for what.
 * Who keeps what, and who needs so much at once?
 */
#include "common/reply.h"
#include "common/webserver.h"
#include "lesson2/html_page.h"
#include "lesson2/session_report.h"
#include "lesson2/settings.h"

#include "base/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SETTINGS_BYTES = 8192, REPORT_BLOCK_BYTES = 32 * 1024 };

struct webmail {
    struct sessions *sessions;
    long active; /* how many are logged in at the start */
};

/* ---- what is asked for ---- */

static bool login(struct webmail *webmail, const char *token)
{
    char settings[SETTINGS_BYTES];
    settings_write(settings, sizeof settings, token);
    return sessions_login(webmail->sessions, token, settings);
}

static enum MHD_Result handle_login(void *webmail, struct MHD_Connection *connection, const char *token)
{
    bool is_new = login(webmail, token);
    return reply_text(connection, MHD_HTTP_OK, is_new ? "welcome\n" : "welcome back\n");
}

static enum MHD_Result handle_page(void *closure, struct MHD_Connection *connection, const char *token)
{
    static const char *const NAMES[] = {"/inbox", "/sent", "/drafts", "/calendar", "/contacts"};
    struct webmail *webmail = closure;
    const char *name = NAMES[hash_bytes(token, strlen(token)) % 5];
    if (!sessions_note(webmail->sessions, token, name))
        return reply_text(connection, MHD_HTTP_OK, "please log in\n");
    size_t len = 0;
    char *page = page_render(name, token, &len);
    return reply_take(connection, MHD_HTTP_OK, "text/html; charset=utf-8", page, len);
}

static enum MHD_Result handle_logout(void *closure, struct MHD_Connection *connection, const char *token)
{
    struct webmail *webmail = closure;
    bool was_there = sessions_logout(webmail->sessions, token);
    return reply_text(connection, MHD_HTTP_OK, was_there ? "goodbye\n" : "goodbye, whoever you are\n");
}

/* ---- the report ---- */

static ssize_t read_report(void *report, uint64_t at, char *to, size_t cap)
{
    (void)at;
    long n = report_read(report, to, cap);
    return n > 0 ? n : n == 0 ? MHD_CONTENT_READER_END_OF_STREAM : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void free_report(void *report)
{
    report_free(report);
}

static enum MHD_Result handle_report(void *closure, struct MHD_Connection *connection, const char *rest)
{
    (void)rest;
    struct webmail *webmail = closure;
    struct report *report = report_new(webmail->sessions);
    if (!report)
        return reply_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, REPORT_BLOCK_BYTES, read_report, report, free_report);
    if (!response) {
        report_free(report);
        return MHD_NO;
    }
    enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

/* ---- figures ---- */

/* A line of /proc/self/status in MB; 0 when there is none. */
static double status_mb(const char *name)
{
    char line[256];
    long kb = 0;
    size_t len = strlen(name);
    FILE *file = fopen("/proc/self/status", "re");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, name, len) == 0)
            sscanf(line + len, ": %ld", &kb);
    if (file)
        fclose(file);
    return (double)kb / 1024;
}

static void add_stats(void *closure, struct buf *to)
{
    struct webmail *webmail = closure;
    struct sessions_stats stats;
    sessions_stats(webmail->sessions, &stats);
    buf_printf(to, ",\"sessions\":%zu,\"logins\":%" PRIu64 ",\"logouts\":%" PRIu64, stats.active,
        stats.logins, stats.logouts);
    buf_printf(to, ",\"rss_mb\":%.1f,\"rss_peak_mb\":%.1f", status_mb("VmRSS"), status_mb("VmHWM"));
}

/* ---- starting and stopping ---- */

/* Those who stay logged in all day. */
static bool start(void *closure)
{
    struct webmail *webmail = closure;
    webmail->sessions = sessions_new();
    for (long i = 0; webmail->sessions && i < webmail->active; i++) {
        char token[32];
        snprintf(token, sizeof token, "member-%ld", i);
        if (!login(webmail, token)) {
            fprintf(stderr, "sessions: no memory for %ld sessions\n", webmail->active);
            return false;
        }
    }
    return webmail->sessions != NULL;
}

static void ready(void *closure, struct buf *to)
{
    const struct webmail *webmail = closure;
    buf_printf(to, ", %ld logged in", webmail->active);
}

static void stop(void *closure)
{
    struct webmail *webmail = closure;
    sessions_free(webmail->sessions);
}

int main(int argc, char **argv)
{
    static struct webmail webmail = {.active = 3000};
    static const struct webserver_route routes[] = {{"/login", "TOKEN", handle_login},
        {"/page", "TOKEN", handle_page}, {"/logout", "TOKEN", handle_logout},
        {"/report", NULL, handle_report}};
    const struct knob knobs[] = {
        {"active", "N", "sessions at the start, which stay", KNOB_NUMBER, &webmail.active, 0, 100000}};
    struct webserver server = {.name = "sessions",
        .summary = "Who is logged in to a webmail: the server of lesson 2. GET /login/TOKEN, /page/TOKEN,\n"
                   "/logout/TOKEN; GET /report lists everybody.",
        .routes = routes,
        .nroutes = sizeof routes / sizeof *routes,
        .knobs = knobs,
        .nknobs = 1,
        .load = "--path /login/KEY,/page/KEY,/page/KEY,/logout/KEY --hits 0 --rate 600",
        .start = start,
        .ready = ready,
        .stats = add_stats,
        .stop = stop,
        .closure = &webmail};
    return webserver_main(&server, argc, argv);
}
