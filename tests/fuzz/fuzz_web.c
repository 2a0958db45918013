#include "fuzz.h"

#include "fake_mhd.h"
#include "gateway_profile.h"
#include "model/codec.h"
#include "ui/collection.h"
#include "ui/collector.h"
#include "ui/graphviz.h"
#include "ui/interrupt.h"
#include "ui/libmicrohttpd.h"
#include "ui/server_stats.h"
#include "ui/web.h"
#include "ui/web_files.h"
#include "ui/web_listen.h"
#include "ui/web_saved.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Requests to -http, one after the other, over a small profile or a small collection. Parts are between lines
 * of %%; each is a request, or begins with a line that is one of
 *
 *     all, remote                              -triage; others can reach it
 *     settings.json                            saved configurations; what follows is in that file
 *     threads.txt, timeline.txt, about.txt     what a server had to say, in a collection
 *
 * Left out: sockets, Graphviz, and the process that collects.
 */
static const char separator[] = "\n%%\n";

static char home[] = "/tmp/fuzz-web-XXXXXX", folder[80], settings_file[100];
static struct options options;

/* ---- what stands in for others ---- */

int __wrap_libmicrohttpd_load(const struct libmicrohttpd **out, struct error *error);
int __wrap_web_listen(const char *address, struct web_listener *out, struct error *error);
int __wrap_graphviz_run(const char *format, const struct buf *graph, struct buf *picture,
    const volatile sig_atomic_t *cancel, struct error *error);
int __wrap_collection_take(const struct options *o, const char *address, const volatile sig_atomic_t *cancel,
    char **made, struct error *error);
int __wrap_collector_start(struct collector *c, const struct options *o, const char *source, int seconds,
    const char *stats, struct error *error);

static bool is_remote;

int __wrap_libmicrohttpd_load(const struct libmicrohttpd **out, struct error *error)
{
    /* clang-format off */
    static const struct libmicrohttpd fake = {
#define X(name) MHD_##name,
        LIBMICROHTTPD_LIST(X)
#undef X
    };
    /* clang-format on */
    (void)error;
    *out = &fake;
    return 0;
}

int __wrap_web_listen(const char *address, struct web_listener *out, struct error *error)
{
    (void)address, (void)error;
    *out = (struct web_listener){.fd = -1, .host = "build.example", .port = 80, .local = !is_remote};
    return 0;
}

int __wrap_graphviz_run(const char *format, const struct buf *graph, struct buf *picture,
    const volatile sig_atomic_t *cancel, struct error *error)
{
    (void)format, (void)cancel, (void)error;
    fuzz_require(graph->len > 0, "a graph", "of nothing");
    buf_puts(picture, "<svg></svg>");
    return 0;
}

int __wrap_collection_take(const struct options *o, const char *address, const volatile sig_atomic_t *cancel,
    char **made, struct error *error)
{
    (void)o, (void)address, (void)cancel, (void)error;
    *made = strdup(folder);
    return *made ? 0 : ERR_NOMEM;
}

/* Whether the URL that stats stand for is of this machine, whichever @ ends the user's name. */
static bool is_near(const char *stats)
{
    char *url = server_stats_url(stats, "http://127.0.0.1:6060/debug/pprof");
    fuzz_require(url && strstr(url, "://"), "figures of nobody", stats);
    const char *host = strstr(url, "://") + 3, *at = memrchr(host, '@', strcspn(host, "/?#"));
    host = at ? at + 1 : host;
    bool near = strncmp(host, "127.", 4) == 0 || *host == '[' || strncasecmp(host, "localhost", 9) == 0 ||
                strncasecmp(url, "http+unix:", 10) == 0;
    free(url);
    return near;
}

/* Who asks for figures of another machine gets no further. */
int __wrap_collector_start(struct collector *c, const struct options *o, const char *source, int seconds,
    const char *stats, struct error *error)
{
    (void)c, (void)o, (void)source, (void)error;
    fuzz_require(seconds >= 1 && seconds <= 3600, "a time to collect", "out of bounds");
    fuzz_require(!stats || is_near(stats), "figures of another machine", stats);
    return 0;
}

/* ---- files ---- */

static void put_file(const char *name, const char *bytes, size_t len)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    fuzz_require(fd >= 0 && write(fd, bytes, len) == (ssize_t)len, name, "cannot be written");
    close(fd);
}

/* "" when there is none. */
static char *read_file(const char *name)
{
    FILE *f = fopen(name, "re");
    struct buf text = {0};
    char chunk[4096];
    buf_puts(&text, "");
    for (size_t n; f && (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
        buf_append(&text, chunk, n);
    if (f)
        fclose(f);
    return buf_take(&text);
}

static const char *in_folder(const char *name)
{
    static char path[120];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static const char *const kept[] = {"cpu.pb.gz", "threads.pb.gz"}, *const told[] = {"threads.txt",
                                                                      "timeline.txt", "about.txt"};

static void remove_home(void)
{
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        unlink(in_folder(kept[i]));
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        unlink(in_folder(told[i]));
    unlink(settings_file);
    rmdir(folder);
    rmdir(home);
}

static void make_folder(void)
{
    struct profile *p = gateway_profile();
    struct buf bytes = {0};
    struct error error;
    fuzz_require(profile_encode(p, true, &bytes, &error) == 0, "encoding", error.text);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        put_file(in_folder(kept[i]), bytes.data, bytes.len);
    buf_fini(&bytes);
    profile_free(p);
}

static void begin_once(void)
{
    char *words[] = {"pprof", "-no_browser", "-http=:", "-triage", "-stats=8080", "http://127.0.0.1:6060"};
    struct error error = {0};
    if (options.sources.len)
        return;
    fuzz_require(mkdtemp(home) != NULL, home, "cannot be made");
    snprintf(folder, sizeof folder, "%s/pprof", home);
    snprintf(settings_file, sizeof settings_file, "%s/settings.json", folder);
    fuzz_require(mkdir(folder, 0700) == 0, folder, "cannot be made");
    setenv("XDG_CONFIG_HOME", home, 1);
    make_folder();
    atexit(remove_home);
    int code = options_parse(&options, sizeof words / sizeof *words, words, &error);
    fuzz_require(code == 0, "options", error.text);
}

/* ---- what must hold ---- */

static size_t count(const char *text, size_t len, char c)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        n += text[i] == c;
    return n;
}

/* The page as it is kept, with JSON in its hole that cannot end the element it is in. */
static void check_page(const char *body, size_t len)
{
    static const char hole[] = "@DATA@";
    struct web_file_text shell;
    web_file_find("page.html", &shell);
    const char *at = memmem(shell.text, shell.len, hole, sizeof hole - 1);
    size_t before = (size_t)(at - shell.text), after = shell.len - before - (sizeof hole - 1);
    fuzz_require(len >= before + after && memcmp(body, shell.text, before) == 0 &&
                     memcmp(body + len - after, shell.text + shell.len - after, after) == 0,
        "a page", "that is another");
    fuzz_require(
        count(body + before, len - before - after, '<') == 0, "a page", "with markup that is not its own");
    fuzz_require(fuzz_is_json(body + before, len - before - after), "a page", "with no JSON in it");
}

static bool is_status(unsigned status)
{
    static const unsigned all[] = {200, 307, 400, 403, 404, 405, 409};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i] == status)
            return true;
    return false;
}

static void check_answer(const struct MHD_Connection *c)
{
    static const char *const wanted[] = {"Content-Security-Policy", "X-Content-Type-Options",
        "X-Frame-Options", "Referrer-Policy", "Cross-Origin-Resource-Policy", "Cross-Origin-Opener-Policy",
        "Cache-Control", "Content-Type"};
    size_t len;
    const char *body = fake_answer_body(c, &len), *location = fake_answer_header(c, "Location");
    fuzz_require(is_status(c->status), "an answer with a status of its own", len ? body : "");
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        fuzz_require(fake_answer_header(c, wanted[i]) != NULL, "an answer without", wanted[i]);
    fuzz_require(fake_answer_is_clean(c), "a header", "of several lines");
    fuzz_require(c->status == 403 || fake_is_for(c, "localhost") || fake_is_for(c, "build.example"),
        "an answer", "to a page of somebody's");
    const char *type = fake_answer_header(c, "Content-Type");
    if (strncmp(type, "text/html", 9) == 0)
        check_page(body, len);
    if (strcmp(type, "application/json") == 0)
        fuzz_require(fuzz_is_json(body, len), "progress", "that is no JSON");
    fuzz_require(!location || (strncmp(location, "/ui/", 4) == 0 && location[4] != '/'), "a way", location);
}

/* What is kept of a request: by POST, from our own page, in the place of what could be read. */
static void check_saved(const struct MHD_Connection *c, bool was_readable, const char *before)
{
    char *after = read_file(settings_file);
    if (strcmp(before, after) != 0) {
        const char *site = fake_header(c, "Sec-Fetch-Site"), *origin = fake_header(c, "Origin"),
                   *host = fake_header(c, "Host");
        fuzz_require(c->response && c->status == 200 && strcmp(c->method, "POST") == 0, "settings",
            "changed by who only asks");
        fuzz_require(site || origin, "settings", "changed by what is no page");
        fuzz_require((!site || strcmp(site, "same-origin") == 0) &&
                         (!origin || (strlen(origin) > 7 && strcasecmp(origin + 7, host) == 0)),
            "settings", "changed by somebody's page");
        fuzz_require(was_readable, "settings", "lost that could not be read");
        fuzz_require(fuzz_is_json(after, strlen(after)), "settings", "that are no JSON");
    }
    free(after);
}

static bool can_load(void)
{
    struct saved saved;
    struct error error = {0};
    int code = saved_load(&saved, &error);
    fuzz_require(!code || *error.text, "settings", "that are refused without a reason");
    saved_fini(&saved);
    return code == 0;
}

/* ---- parts ---- */

static const char *requests[64];
static size_t n_requests;

static void serve(const struct MHD_Daemon *d)
{
    static const struct sockaddr nobody;
    for (size_t i = 0; i < n_requests; i++) {
        struct MHD_Connection c;
        char *before = read_file(settings_file);
        bool readable = can_load();
        if (fake_exchange(&c, d, &nobody, requests[i]))
            check_answer(&c);
        check_saved(&c, readable, before);
        fake_fini(&c);
        free(before);
    }
}

static bool begins(const char *part, const char *line)
{
    size_t len = strlen(line);
    return strncmp(part, line, len) == 0 && (part[len] == '\n' || !part[len]);
}

static bool is_file(const char *part, const char *name, const char *path)
{
    if (!begins(part, name))
        return false;
    const char *text = strchrnul(part, '\n') + (part[strlen(name)] == '\n');
    put_file(path, text, strlen(text));
    return true;
}

/* Whether the part says how things are, and is no request. */
static bool set_up(const char *part, bool *all)
{
    if (begins(part, "all") || begins(part, "remote")) {
        *(*part == 'a' ? all : &is_remote) = true;
        return true;
    }
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (is_file(part, told[i], in_folder(told[i])))
            return true;
    return is_file(part, "settings.json", settings_file);
}

static bool read_parts(char *text)
{
    bool all = false;
    n_requests = 0;
    is_remote = false;
    unlink(settings_file);
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        unlink(in_folder(told[i]));
    for (char *at = text, *end; at && n_requests < sizeof requests / sizeof *requests; at = end) {
        end = strstr(at, separator);
        if (end) {
            *end = '\0';
            end += sizeof separator - 1;
        }
        if (!set_up(at, &all))
            requests[n_requests++] = at;
    }
    return all;
}

static void serve_all(struct error *error)
{
    struct web_all *all = NULL;
    int code = web_all_open(&options, &interrupted, &all, error);
    fuzz_require(code == 0, "a collection", error->text);
    fuzz_require(web_serve_all(all, &options, error) == ERR_IO, "a server", "that has begun");
    web_all_free(all);
}

void fuzz_web(const uint8_t *bytes, size_t len)
{
    char *text = strndup((const char *)bytes, len);
    struct error error = {0};
    begin_once();
    fuzz_require(text != NULL, "malloc", "out of memory");
    fake_serve = serve;
    if (read_parts(text))
        serve_all(&error);
    else {
        struct profile *p = gateway_profile();
        fuzz_require(web_serve(p, &options, &error) == ERR_IO, "a server", "that has begun");
        profile_free(p);
    }
    free(text);
}
