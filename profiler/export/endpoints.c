#include "export/endpoints.h"

#include "base/clock.h"
#include "capture/capture.h"
#include "capture/cpu.h"
#include "capture/wall.h"
#include "export/convert.h"
#include "export/index.h"
#include "export/names.h"
#include "export/text.h"
#include "export/threaddump.h"
#include "model/codec.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char text_plain[] = "text/plain; charset=utf-8";

/* A parameter read as Go's strconv.Atoi with its error ignored: 0 when it is absent or no number. */
static int64_t lenient_number(const struct request *r, const char *name)
{
    char value[32];
    int64_t n;
    return request_param(r, name, value, sizeof value) && request_number(value, &n) ? n : 0;
}

static bool too_long(int64_t seconds, struct reply *reply)
{
    if (seconds <= ENDPOINTS_MAX_SECONDS)
        return false;
    reply_error(reply, 400, "profile duration exceeds the limit of %d seconds", ENDPOINTS_MAX_SECONDS);
    return true;
}

/* ---- profiles -------------------------------------------------------------------------------------------
 */

static void reply_profile(
    struct reply *reply, const struct feed *feed, const struct snapshot *s, const char *suffix)
{
    struct error error = {0};
    struct profile *p;
    int code = convert_snapshot(s, feed, &p, &error);
    if (!code) {
        code = profile_encode(p, true, &reply->body, &error);
        profile_free(p);
    }
    if (code) {
        reply_failed(reply, code, "%s", error.text);
        return;
    }
    reply->content_type = "application/octet-stream";
    snprintf(reply->filename, sizeof reply->filename, "%s%s", feed->name, suffix);
}

/* The rate asked for, or the default; 0 when the reply says what is wrong with it. */
static int rate(const struct request *r, int default_hz, int max_hz, struct reply *reply)
{
    char text[32];
    int64_t hz;
    if (!request_param(r, "hz", text, sizeof text))
        return default_hz;
    if (request_number(text, &hz) && hz >= 1 && hz <= max_hz)
        return (int)hz;
    reply_error(reply, 400, "invalid value for \"hz\" - must be between 1 and %d", max_hz);
    return 0;
}

/* How long to sample; 0 when the reply says what is wrong with it. */
static int64_t duration(const struct request *r, struct reply *reply)
{
    int64_t seconds = lenient_number(r, "seconds");
    seconds = seconds <= 0 ? 30 : seconds;
    return too_long(seconds, reply) ? 0 : seconds;
}

/* Objects may be loaded meanwhile, and handlers can only unwind through those that are known. */
static bool wait_while_sampling(const struct request *r, int64_t seconds)
{
    for (; seconds > 0; seconds--) {
        if (!request_wait(r, 1000000000))
            return false;
        capture_refresh();
    }
    return true;
}

static void serve_cpu(const struct endpoint *e, const struct request *r, struct reply *reply)
{
    struct cpu_session *session;
    struct snapshot s = {0};
    int64_t seconds = duration(r, reply);
    int hz = seconds ? rate(r, CPU_DEFAULT_HZ, CPU_MAX_HZ, reply) : 0;
    if (!hz)
        return;
    int code = cpu_session_start(hz, &session);
    if (code) {
        reply_failed(reply, code, "Could not enable CPU profiling: %s",
            code == ERR_BUSY ? "cpu profiling already in use"
            : code == ERR_IO ? "cannot list the threads: /proc/self/task is not readable"
                             : error_text(code));
        return;
    }
    bool whole = wait_while_sampling(r, seconds);
    code = cpu_session_stop(session, whole ? &s : NULL);
    if (!whole)
        reply->status = 0;
    else if (code == ERR_BUSY) /* since then */
        reply_error(reply, 500, "Could not enable CPU profiling: cpu profiling already in use");
    else if (code)
        reply_failed(reply, code, "Could not read the CPU profile: %s", error_text(code));
    else
        reply_profile(reply, feed_get((enum feed_id)e->feed), &s, "");
    snapshot_fini(&s);
}

/* The sampler is this thread. */
static bool sample_wall(struct wall_session *session, const struct request *r, int64_t seconds)
{
    int64_t until = clock_monotonic_ns() + seconds * 1000000000, left;
    for (int64_t wait = 0; (left = until - clock_monotonic_ns()) > 0;) {
        if (!request_wait(r, wait < left ? wait : left))
            return false;
        wait = wall_session_sample(session);
    }
    return true;
}

static void serve_wall(const struct endpoint *e, const struct request *r, struct reply *reply)
{
    struct wall_session *session;
    struct snapshot s = {0};
    int64_t seconds = duration(r, reply);
    int hz = seconds ? rate(r, WALL_DEFAULT_HZ, WALL_MAX_HZ, reply) : 0;
    if (!hz)
        return;
    int code = wall_session_start(hz, &session);
    if (code) {
        reply_failed(reply, code, "Could not enable wall profiling: %s", error_text(code));
        return;
    }
    bool whole = sample_wall(session, r, seconds);
    code = wall_session_stop(session, whole ? &s : NULL);
    if (!whole)
        reply->status = 0;
    else if (code)
        reply_failed(reply, code, "Could not read the wall profile: %s", error_text(code));
    else
        reply_profile(reply, feed_get((enum feed_id)e->feed), &s, "");
    snapshot_fini(&s);
}

static void serve_delta(
    const struct endpoint *e, const struct request *r, const char *seconds_text, struct reply *reply)
{
    enum feed_id id = (enum feed_id)e->feed;
    struct snapshot first = {0}, second = {0}, delta = {0};
    struct error error = {0};
    int64_t seconds;
    if (!request_number(seconds_text, &seconds) || seconds <= 0) {
        reply_error(reply, 400, "invalid value for \"seconds\" - must be a positive integer");
        return;
    }
    if (too_long(seconds, reply))
        return;
    if (lenient_number(r, "debug") != 0) {
        reply_error(reply, 400, "seconds and debug params are incompatible");
        return;
    }
    int64_t began_ns = clock_monotonic_ns(), ended_ns;
    int code = feed_take(id, &first, &error);
    if (!code && !request_wait(r, seconds * 1000000000)) {
        snapshot_fini(&first);
        reply->status = 0;
        return;
    }
    ended_ns = clock_monotonic_ns();
    if (!code)
        code = feed_take(id, &second, &error);
    if (!code)
        code = snapshot_subtract(&second, &first, &delta);
    delta.duration_ns = ended_ns - began_ns;
    if (code)
        reply_failed(reply, code, "%s", *error.text ? error.text : error_text(code));
    else
        reply_profile(reply, feed_get(id), &delta, "-delta");
    snapshot_fini(&first);
    snapshot_fini(&second);
    snapshot_fini(&delta);
}

static int thread_list(enum feed_id id, struct buf *out, struct error *error)
{
    struct threads_snapshot threads = {0};
    int code = threads_snapshot(&threads);
    if (code)
        return error_set(error, code, "%s", error_text(code));
    code = threaddump_text(id, &threads, out, error);
    threads_snapshot_fini(&threads);
    return code;
}

static void serve_text(const struct endpoint *e, int64_t debug, struct reply *reply)
{
    enum feed_id id = (enum feed_id)e->feed;
    struct error error = {0};
    struct snapshot s = {0};
    int code;
    reply->content_type = text_plain;
    if (debug >= 2 && (id == FEED_THREADS || id == FEED_GOROUTINE))
        code = thread_list(id, &reply->body, &error);
    else {
        code = feed_take(id, &s, &error);
        if (!code)
            code = text_snapshot(id, &s, &reply->body, &error);
        snapshot_fini(&s);
    }
    if (code)
        reply_failed(reply, code, "%s", error.text);
}

/* gc=1 is accepted and means nothing: C frees when the program does. */
static void serve_snapshot(const struct endpoint *e, const struct request *r, struct reply *reply)
{
    enum feed_id id = (enum feed_id)e->feed;
    char seconds[32];
    struct snapshot s = {0};
    struct error error = {0};
    if (request_param(r, "seconds", seconds, sizeof seconds)) {
        serve_delta(e, r, seconds, reply);
        return;
    }
    int64_t debug = lenient_number(r, "debug");
    if (debug != 0) {
        serve_text(e, debug, reply);
        return;
    }
    int code = feed_take(id, &s, &error);
    if (code)
        reply_failed(reply, code, "%s", error.text);
    else
        reply_profile(reply, feed_get(id), &s, "");
    snapshot_fini(&s);
}

/* ---- the others -----------------------------------------------------------------------------------------
 */

static void serve_cmdline(const struct endpoint *e, const struct request *r, struct reply *reply)
{
    (void)e, (void)r;
    char chunk[4096];
    ssize_t n = -1;
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && (n = read(fd, chunk, sizeof chunk)) > 0)
        buf_append(&reply->body, chunk, (size_t)n);
    if (n < 0)
        reply_failed(reply, ERR_IO, "/proc/self/cmdline: %s", strerror(errno));
    else if (reply->body.len && reply->body.data[reply->body.len - 1] == '\0')
        reply->body.len--;
    if (fd >= 0)
        close(fd);
    reply->content_type = text_plain;
}

static void put_symbol(struct buf *out, struct symbolizer *names, uint64_t address)
{
    struct symbol_frame frames[SYMBOL_MAX_INLINE];
    size_t n = address ? symbolizer_frames(names, address, frames, SYMBOL_MAX_INLINE) : 0;
    if (n) /* the function that is there, not those inlined into it: readers here know one name an address */
        buf_printf(out, "0x%" PRIx64 " %s\n", address, frames[n - 1].function);
}

/* Addresses joined by +, in the query or in the body, as pprof's symbolization protocol has it. */
static void serve_symbol(const struct endpoint *e, const struct request *r, struct reply *reply)
{
    (void)e;
    struct error error = {0};
    const char *text = strcmp(r->method, "POST") == 0 ? (r->body.data ? r->body.data : "") : r->query;
    struct symbolizer *names = names_begin(&error);
    if (!names) {
        reply_failed(reply, error.code, "%s", error.text);
        return;
    }
    reply->content_type = text_plain;
    buf_puts(&reply->body, "num_symbols: 1\n");
    for (;;) {
        char word[32], *end;
        size_t len = strcspn(text, "+");
        if (len > 0 && len < sizeof word && strchr("0123456789", *text)) {
            memcpy(word, text, len);
            word[len] = '\0';
            errno = 0;
            uint64_t address = strtoull(word, &end, 0);
            put_symbol(&reply->body, names, errno || *end ? 0 : address);
        }
        if (!text[len])
            break;
        text += len + 1;
    }
    names_end(names);
}

static void serve_index(const struct request *r, struct reply *reply)
{
    struct error error = {0};
    (void)r;
    reply->content_type = "text/html; charset=utf-8";
    if (index_page(&reply->body, &error))
        reply_failed(reply, error.code, "%s", error.text);
}

/* ---- the table ------------------------------------------------------------------------------------------
 */

static const struct endpoint endpoints[] = {
    {"allocs", serve_snapshot, FEED_ALLOCS, NULL},
    {"block", serve_snapshot, FEED_BLOCK, NULL},
    {"cmdline", serve_cmdline, -1, "The command line of this program, its arguments separated by NUL bytes."},
    {"goroutine", serve_snapshot, FEED_GOROUTINE, NULL},
    {"heap", serve_snapshot, FEED_HEAP, NULL},
    {"mutex", serve_snapshot, FEED_MUTEX, NULL},
    {"profile", serve_cpu, FEED_CPU, NULL},
    {"symbol", serve_symbol, -1, "The functions at the addresses asked for, for pprof."},
    {"threadcreate", serve_snapshot, FEED_THREADCREATE, NULL},
    {"threads", serve_snapshot, FEED_THREADS, NULL},
    {"wall", serve_wall, FEED_WALL, NULL},
};

const struct endpoint *endpoints_list(size_t *n)
{
    *n = sizeof endpoints / sizeof *endpoints;
    return endpoints;
}

static const struct endpoint *find_endpoint(const char *name)
{
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++)
        if (strcmp(endpoints[i].name, name) == 0)
            return &endpoints[i];
    return NULL;
}

/* The part of a path that names an endpoint, NULL when it is none of ours. */
static const char *endpoint_name(const char *path)
{
    if (strcmp(path, "/debug/fgprof") == 0) /* where Go programs serve theirs */
        return "wall";
    size_t len = sizeof ENDPOINTS_PREFIX - 1;
    return strncmp(path, ENDPOINTS_PREFIX, len) == 0 ? path + len : NULL;
}

/* What Go's server says when nothing of pprof's is meant. */
static void plain(struct reply *reply, int status, const char *text)
{
    reply->status = status;
    reply->content_type = text_plain;
    buf_puts(&reply->body, text);
}

static void route(const struct request *r, struct reply *reply)
{
    if (strcmp(r->path, "/debug/pprof") == 0) {
        reply->location = ENDPOINTS_PREFIX;
        plain(reply, 301, "Moved Permanently\n");
        return;
    }
    const char *name = endpoint_name(r->path);
    if (!name) {
        plain(reply, 404, "404 page not found\n");
        return;
    }
    const struct endpoint *e = find_endpoint(name);
    bool reads = strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0;
    bool posts = strcmp(r->method, "POST") == 0 && e && e->serve == serve_symbol;
    if (!reads && !posts)
        plain(reply, 405, "Method Not Allowed\n");
    else if (e)
        e->serve(e, r, reply);
    else if (!*name)
        serve_index(r, reply);
    else
        reply_error(reply, 404, "Unknown profile");
}

bool endpoints_owns(const char *path)
{
    return strcmp(path, "/debug/pprof") == 0 || endpoint_name(path);
}

bool endpoints_takes_time(const struct request *r)
{
    char seconds[32];
    const char *name = endpoint_name(r->path);
    const struct endpoint *e = name ? find_endpoint(name) : NULL;
    return e && e->feed >= 0 &&
           (e->serve != serve_snapshot || request_param(r, "seconds", seconds, sizeof seconds));
}

void endpoints_serve(const struct request *r, struct reply *reply)
{
    reply->status = 200;
    reply->location = "";
    route(r, reply);
    if (reply->status && reply->body.failed)
        reply_failed(reply, ERR_NOMEM, "out of memory");
}

void endpoints_too_many(struct reply *reply)
{
    reply_failed(reply, ERR_LIMIT, "too many requests at once: at most %d run", ENDPOINTS_MAX_REQUESTS);
}
