#include "ui/fetch.h"

#include "base/clock.h"
#include "ui/libcurl.h"
#include "ui/progress.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static const char default_path[] = "/debug/pprof/profile";
static const struct libcurl *curl; /* once something is fetched over the network */
static const size_t MAX_BODY_BYTES = (size_t)4 << 30;

/* ---- addresses ---- */

/* "HOST:..." and "127.0.0.1:6060/..." mean HTTP; "dir/file" and "file" do not, nor does what is on disk. */
static bool looks_like_host(const char *address)
{
    size_t first = strcspn(address, "/");
    const char *colon = memchr(address, ':', first);
    return colon && colon > address && access(address, F_OK) != 0;
}

static const char unix_scheme[] = "http+unix://";

static bool is_unix_url(const char *url)
{
    return strncasecmp(url, unix_scheme, sizeof unix_scheme - 1) == 0;
}

static bool is_socket(const char *path, size_t len)
{
    char name[PATH_MAX];
    struct stat st;
    return len && snprintf(name, sizeof name, "%.*s", (int)len, path) < (int)sizeof name &&
           stat(name, &st) == 0 && S_ISSOCK(st.st_mode);
}

/*
 * Where the socket's name ends in "/run/app.sock/debug/pprof/heap" or "/run/app.sock:/debug/pprof/heap": at
 * the colon, or at what is a socket; when there is none, before /debug/, or at the end of all.
 */
static size_t socket_length(const char *path)
{
    size_t all = strcspn(path, "?#");
    const char *colon = memmem(path, all, ":/", 2), *debug = memmem(path, all, "/debug/", 7);
    if (colon)
        return (size_t)(colon - path);
    for (size_t len = all; len > 0; len--)
        if ((len == all || path[len] == '/') && is_socket(path, len))
            return len;
    return debug && debug > path ? (size_t)(debug - path) : all;
}

/* "/run/app.sock/debug/pprof/heap" as http+unix://%2Frun%2Fapp.sock/debug/pprof/heap. */
static void put_socket_url(struct buf *out, const char *path)
{
    path += strncmp(path, "///", 3) == 0 ? 2 : 0;
    size_t len = socket_length(path);
    buf_puts(out, unix_scheme);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)path[i];
        if (isalnum(c) || strchr("-._~", c))
            buf_putc(out, (char)c);
        else
            buf_printf(out, "%%%02X", c);
    }
    buf_puts(out, path + len + (path[len] == ':'));
}

/* The value of seconds= in a query, or -1. */
static int query_seconds(const char *query)
{
    for (const char *at = query; *at;) {
        const char *end = strchrnul(at, '&');
        if (strncmp(at, "seconds=", 8) == 0) {
            char *stop;
            long n = strtol(at + 8, &stop, 10);
            if (stop == end && n >= 0 && n < 1000000)
                return (int)n;
        }
        at = *end ? end + 1 : end;
    }
    return -1;
}

/* The query without its seconds, and with these if there are some. */
static void put_query(struct buf *out, const char *query, int seconds)
{
    const char *separator = "?";
    for (const char *at = query; *at;) {
        const char *end = strchrnul(at, '&');
        if (end > at && !(seconds > 0 && strncmp(at, "seconds=", 8) == 0)) {
            buf_printf(out, "%s%.*s", separator, (int)(end - at), at);
            separator = "&";
        }
        at = *end ? end + 1 : end;
    }
    if (seconds > 0)
        buf_printf(out, "%sseconds=%d", separator, seconds);
}

char *fetch_url(const char *address, int seconds, int *seconds_out)
{
    static const char *const schemes[] = {"http://", "https://", "https+insecure://", unix_scheme};
    struct buf url = {0};
    size_t scheme = 0;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strncasecmp(address, schemes[i], strlen(schemes[i])) == 0)
            scheme = strlen(schemes[i]);
    bool is_socket = !scheme && strncmp(address, "unix:/", 6) == 0 && access(address, F_OK) != 0;
    if (!scheme && !is_socket && !looks_like_host(address))
        return NULL;
    if (is_socket)
        put_socket_url(&url, address + 5);
    else
        buf_printf(&url, "%s%s", scheme ? "" : schemes[0], address);
    char *whole = buf_take(&url);
    if (!whole)
        return NULL;
    whole[strcspn(whole, "#")] = '\0';
    char *query = strchr(whole, '?'), empty[] = "";
    if (query)
        *query++ = '\0';
    else
        query = empty;
    const char *host = strstr(whole, "://") + 3, *path = strchrnul(host, '/');
    buf_puts(&url, whole);
    if (!*path || strcmp(path, "/") == 0)
        buf_puts(&url, default_path + (*path == '/'));
    put_query(&url, query, seconds);
    int asked = query_seconds(query);
    *seconds_out = seconds > 0 ? seconds : asked > 0 ? asked : 0;
    free(whole);
    return buf_take(&url);
}

long fetch_timeout_ms(int seconds, int timeout_s)
{
    long ms = timeout_s > 0 ? timeout_s * 1000L : seconds > 0 ? seconds * 1500L : 60000;
    return ms + 5000;
}

/* ---- files ---- */

enum { READ_BYTES = 4096 };

static int read_fd(struct fetch *f, int fd)
{
    struct buf *b = &f->bytes;
    struct stat st = {0};
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
        return error_set(&f->error, ERR_IO, "is a directory");
    f->reads_again = S_ISREG(st.st_mode);
    if (!buf_reserve(b, READ_BYTES + (st.st_size > 0 ? (size_t)st.st_size : 0)))
        return error_set(&f->error, ERR_NOMEM, "out of memory");
    for (;;) {
        if (!buf_reserve(b, READ_BYTES))
            return error_set(&f->error, ERR_NOMEM, "out of memory");
        ssize_t n = read(fd, b->data + b->len, b->cap - b->len - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(&f->error, ERR_IO, "%s", strerror(errno));
        if (n == 0)
            break;
        b->len += (size_t)n;
    }
    b->data[b->len] = '\0';
    return 0;
}

void fetch_file(struct fetch *f)
{
    int fd = open(f->address, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        f->code = error_set(&f->error, ERR_NOTFOUND, "%s", strerror(errno));
        return;
    }
    f->code = read_fd(f, fd);
    close(fd);
}

/* ---- HTTP ---- */

struct transfer {
    struct fetch *f;
    CURL *easy;
    struct curl_slist *headers;
    bool started;
    bool is_pprof; /* the answer is from a profile handler, so its text explains an error */
    char status[64];
    char why[CURL_ERROR_SIZE];
};

static size_t take_body(char *bytes, size_t size, size_t n, void *context)
{
    struct transfer *t = context;
    if (t->f->bytes.len + size * n > MAX_BODY_BYTES)
        return 0;
    buf_append(&t->f->bytes, bytes, size * n);
    return t->f->bytes.failed ? 0 : size * n;
}

static size_t take_header(char *bytes, size_t size, size_t n, void *context)
{
    struct transfer *t = context;
    size_t len = size * n;
    if (len > 12 && strncmp(bytes, "HTTP/", 5) == 0) {
        const char *space = memchr(bytes, ' ', len);
        size_t skip = space ? (size_t)(space - bytes) + 1 : 0;
        size_t text = len - skip;
        while (text && isspace((unsigned char)bytes[skip + text - 1]))
            text--;
        snprintf(t->status, sizeof t->status, "%.*s", (int)text, bytes + skip);
        t->is_pprof = false;
    }
    if (len > 11 && strncasecmp(bytes, "X-Go-Pprof:", 11) == 0)
        t->is_pprof = true;
    return len;
}

/* Of http+unix://SOCKET/PATH: the socket, and http://localhost/PATH instead. False when memory runs out. */
static bool set_socket(CURL *easy, const char *url)
{
    const char *host = url + sizeof unix_scheme - 1, *path = strchrnul(host, '/');
    int len;
    char *name = curl->easy_unescape(easy, host, (int)(path - host), &len);
    char *rest;
    if (!name || asprintf(&rest, "http://localhost%s", path) < 0) {
        curl->free(name);
        return false;
    }
    bool ok = curl->easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, name) == CURLE_OK &&
              curl->easy_setopt(easy, CURLOPT_URL, rest) == CURLE_OK;
    curl->easy_setopt(easy, CURLOPT_PROXY, "");
    curl->free(name);
    free(rest);
    return ok;
}

static bool set_address(CURL *easy, const char *url)
{
    static const char insecure[] = "https+insecure://";
    if (is_unix_url(url))
        return set_socket(easy, url);
    if (strncasecmp(url, insecure, sizeof insecure - 1) != 0)
        return curl->easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK;
    char *https; /* curl does not know the other */
    if (asprintf(&https, "https://%s", url + sizeof insecure - 1) < 0)
        return false;
    bool ok = curl->easy_setopt(easy, CURLOPT_URL, https) == CURLE_OK;
    curl->easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl->easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    free(https);
    return ok;
}

/* Without the round trip that curl would first ask by whether a long body is welcome. */
static bool set_body(struct transfer *t)
{
    t->headers = curl->slist_append(NULL, "Content-Type: application/octet-stream");
    struct curl_slist *more = t->headers ? curl->slist_append(t->headers, "Expect:") : NULL;
    if (!more)
        return false;
    curl->easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
    curl->easy_setopt(t->easy, CURLOPT_POSTREDIR, (long)CURL_REDIR_POST_ALL);
    curl->easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->f->post_len);
    return curl->easy_setopt(t->easy, CURLOPT_POSTFIELDS, t->f->post) == CURLE_OK;
}

/* No proxy for this machine, as Go has it, nor for what the environment says. */
static void set_proxy(CURL *easy)
{
    const char *others = getenv("no_proxy") ? getenv("no_proxy") : getenv("NO_PROXY");
    struct buf all = {0};
    buf_printf(&all, "localhost,127.0.0.1,::1%s%s", others ? "," : "", others ? others : "");
    if (all.data)
        curl->easy_setopt(easy, CURLOPT_NOPROXY, all.data);
    buf_fini(&all);
}

/* Who we are, and whom we believe. curl gives the token to the host that was asked alone, wherever that
 * leads. */
static void set_credentials(CURL *easy, const struct fetch_limits *limits, bool anonymous)
{
    if (!anonymous && limits->token && *limits->token) {
        curl->easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
        curl->easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, limits->token);
    }
    if (limits->tls_cert && *limits->tls_cert)
        curl->easy_setopt(easy, CURLOPT_SSLCERT, limits->tls_cert);
    if (limits->tls_key && *limits->tls_key)
        curl->easy_setopt(easy, CURLOPT_SSLKEY, limits->tls_key);
    if (limits->tls_ca && *limits->tls_ca)
        curl->easy_setopt(easy, CURLOPT_CAINFO, limits->tls_ca);
}

static int prepare_transfer(struct transfer *t, const struct fetch_limits *limits, long timeout_ms)
{
    t->easy = curl->easy_init();
    if (!t->easy)
        return ERR_NOMEM;
    set_proxy(t->easy);
    set_credentials(t->easy, limits, t->f->anonymous);
    curl->easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl->easy_setopt(t->easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl->easy_setopt(t->easy, CURLOPT_MAXREDIRS, 10L);
    curl->easy_setopt(t->easy, CURLOPT_USERAGENT, "pprof");
    curl->easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
    curl->easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, t->f->timeout_ms ? (long)t->f->timeout_ms : timeout_ms);
    curl->easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, take_body);
    curl->easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
    curl->easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, take_header);
    curl->easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
    curl->easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->why);
    curl->easy_setopt(t->easy, CURLOPT_PRIVATE, t);
    if (t->f->post && !set_body(t))
        return ERR_NOMEM;
    return set_address(t->easy, t->f->url) ? 0 : ERR_NOMEM;
}

/* Starts those whose time has come. *later is how many are not due yet. */
static int start_due(CURLM *multi, struct transfer *transfers, size_t n, int64_t elapsed_ms, size_t *later)
{
    *later = 0;
    for (size_t i = 0; i < n; i++) {
        struct transfer *t = &transfers[i];
        if (t->started)
            continue;
        if (t->f->start_ms > elapsed_ms) {
            ++*later;
            continue;
        }
        if (curl->multi_add_handle(multi, t->easy) != CURLM_OK)
            return ERR_NOMEM;
        t->started = true;
    }
    return 0;
}

static bool is_text(CURL *easy)
{
    const char *type = NULL;
    curl->easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
    return type && strncasecmp(type, "text/plain", 10) == 0;
}

/* The server's own words, on one line. */
static void explain(struct transfer *t)
{
    struct fetch *f = t->f;
    size_t len = f->bytes.len;
    while (len && isspace((unsigned char)f->bytes.data[len - 1]))
        len--;
    for (size_t i = 0; i < len; i++)
        if (iscntrl((unsigned char)f->bytes.data[i]))
            f->bytes.data[i] = ' ';
    bool useful = len && (t->is_pprof || is_text(t->easy));
    error_set(&f->error, ERR_IO, "server response: %s%s%.*s", t->status, useful ? " - " : "",
        useful ? (int)(len < 300 ? len : 300) : 0, f->bytes.data ? f->bytes.data : "");
}

static void hint_at_token(struct fetch *f)
{
    size_t len = strlen(f->error.text);
    snprintf(f->error.text + len, sizeof f->error.text - len,
        " (CPROF_TOKEN or -token has the token it asks for)");
}

static void finish_transfer(struct transfer *t, CURLcode result)
{
    struct fetch *f = t->f;
    long status = 0;
    curl->easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    f->code = 0;
    f->answered = status != 0;
    if (result == CURLE_WRITE_ERROR && f->bytes.failed)
        f->code = error_set(&f->error, ERR_NOMEM, "out of memory");
    else if (result == CURLE_WRITE_ERROR)
        f->code = error_set(&f->error, ERR_LIMIT, "more than %zu bytes", MAX_BODY_BYTES);
    else if (result != CURLE_OK)
        f->code =
            error_set(&f->error, ERR_IO, "http fetch: %s", t->why[0] ? t->why : curl->easy_strerror(result));
    else if (status != 200) {
        explain(t);
        if (status == 401)
            hint_at_token(f);
        f->code = ERR_IO;
    }
}

static size_t bytes_so_far(const struct transfer *transfers, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += transfers[i].f->bytes.len;
    return bytes;
}

static void collect_finished(CURLM *multi)
{
    int left;
    for (CURLMsg *m; (m = curl->multi_info_read(multi, &left));) {
        struct transfer *t;
        if (m->msg != CURLMSG_DONE)
            continue;
        curl->easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
        finish_transfer(t, m->data.result);
    }
}

static int run_transfers(
    CURLM *multi, struct transfer *transfers, size_t n, double seconds, const volatile sig_atomic_t *cancel)
{
    struct progress progress;
    int running = 1, code = 0;
    size_t later = 0;
    int64_t began_ns = clock_monotonic_ns();
    progress_start(&progress, seconds);
    while ((running || later) && !code) {
        code = start_due(multi, transfers, n, (clock_monotonic_ns() - began_ns) / 1000000, &later);
        if (!code && curl->multi_perform(multi, &running) != CURLM_OK)
            code = ERR_NOMEM;
        collect_finished(multi);
        progress_update(&progress, (size_t)running + later, bytes_so_far(transfers, n));
        if ((running || later) && !code)
            curl->multi_poll(multi, NULL, 0, 100, NULL);
        if (cancel && *cancel)
            code = ERR_CANCELLED;
    }
    progress_end(&progress);
    return code;
}

static int fetch_urls(
    struct transfer *transfers, size_t n, const int *seconds, const struct fetch_limits *limits)
{
    CURLM *multi = curl->multi_init();
    int code = multi ? 0 : ERR_NOMEM, longest = 0;
    for (size_t i = 0; i < n && !code; i++) {
        if (!limits->quiet)
            fprintf(stderr, "Fetching profile over HTTP from %s\n", transfers[i].f->url);
        if (!limits->quiet && limits->seconds > 0)
            fprintf(stderr, "Please wait... (%ds)\n", limits->seconds);
        transfers[i].f->code = error_set(&transfers[i].f->error, ERR_CANCELLED, "cancelled");
        code = prepare_transfer(&transfers[i], limits, fetch_timeout_ms(seconds[i], limits->timeout_s));
        longest = seconds[i] > longest ? seconds[i] : longest;
    }
    if (!code && n)
        code = run_transfers(multi, transfers, n, longest, limits->cancel);
    for (size_t i = 0; i < n; i++) {
        if (transfers[i].easy) {
            if (transfers[i].started)
                curl->multi_remove_handle(multi, transfers[i].easy);
            curl->easy_cleanup(transfers[i].easy);
            curl->slist_free_all(transfers[i].headers);
        }
    }
    curl->multi_cleanup(multi);
    return code;
}

/* Without libcurl each of the transfers has failed. */
static void load(struct transfer *transfers, size_t n)
{
    struct error error;
    int code = libcurl_load(&curl, &error);
    for (size_t i = 0; i < n && code; i++)
        transfers[i].f->code = error_set(&transfers[i].f->error, code, "%s", error.text);
}

int fetch_all(struct fetch *sources, size_t n, const struct fetch_limits *limits)
{
    struct transfer *transfers = calloc(n + 1, sizeof *transfers);
    int *seconds = calloc(n + 1, sizeof *seconds);
    size_t nurls = 0;
    int code = transfers && seconds ? 0 : ERR_NOMEM;
    for (size_t i = 0; i < n && !code; i++) {
        struct fetch *f = &sources[i];
        f->fetched = true;
        f->url = fetch_url(f->address, limits->seconds, &seconds[nurls]);
        if (f->url)
            transfers[nurls++].f = f;
        else if (!limits->files_later)
            fetch_file(f);
    }
    if (!code && nurls)
        load(transfers, nurls);
    if (!code && nurls && curl)
        code = fetch_urls(transfers, nurls, seconds, limits);
    free(transfers);
    free(seconds);
    return code;
}

void fetch_fini(struct fetch *f)
{
    free(f->url);
    buf_fini(&f->bytes);
    f->url = NULL;
}
