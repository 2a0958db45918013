/*
 * The debug port: for this machine alone, for those who have the token, for a minute at most.
 *
 *     request ─► is it from here? ─► has it the token? ─► is there such a thing? ─► are its numbers in
 * bounds? 403                  401                    404                        400
 *
 * What the profiler is asked for is put together from what was understood, never from what was sent: a
 * parameter that is read in one way here and in another way there could slip through. Secrets are taken out
 * of all text where it leaves, so that nobody who adds a line above need think of it.
 */
#include "lesson8/debug_http.h"

#include "base/hostname.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 16, SECONDS = 30, HZ = 100, VALUE_MAX = 32 };

/* ---- where ---- */

static int listen_at(const struct sockaddr *address, socklen_t len)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0)
        return -1;
    if (address->sa_family == AF_UNIX)
        fchmod(fd, S_IRUSR | S_IWUSR); /* on Linux, what bind then makes */
    else
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, address, len) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

/* A whole number of [0, max], and nothing else; -1 otherwise. */
static long number_of(const char *text, long max)
{
    size_t len = strlen(text);
    if (len == 0 || len > 9 || strspn(text, "0123456789") != len)
        return -1;
    long n = strtol(text, NULL, 10);
    return n <= max ? n : -1;
}

static int listen_inet(const char *address)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    char host[64];
    const char *colon = strrchr(address, ':');
    long port = colon ? number_of(colon + 1, UINT16_MAX) : -1;
    errno = EINVAL;
    if (port < 0 || !hostname_is_loopback(address) || !hostname_of(address, host, sizeof host))
        return -1;
    v4.sin_port = v6.sin6_port = htons((uint16_t)port);
    if (*address == '[' && inet_pton(AF_INET6, host, &v6.sin6_addr) == 1)
        return listen_at((struct sockaddr *)&v6, sizeof v6);
    if (inet_pton(AF_INET, host, &v4.sin_addr) != 1)
        v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK); /* localhost, whatever the resolver says */
    return listen_at((struct sockaddr *)&v4, sizeof v4);
}

static int listen_unix(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    errno = EINVAL;
    if (*path != '/' || strlen(path) >= sizeof un.sun_path)
        return -1;
    strcpy(un.sun_path, path);
    return listen_at((struct sockaddr *)&un, sizeof un);
}

int debug_http_listen(const struct debug_settings *s, struct error *error)
{
    bool is_unix = strncmp(s->address, "unix:", 5) == 0;
    int fd = is_unix ? listen_unix(s->address + 5) : listen_inet(s->address);
    if (fd < 0)
        error_set(error, ERR_DENIED,
            "cannot listen at %s: %s; wanted is unix:/PATH, or localhost or a loopback address with a port",
            s->address, strerror(errno));
    return fd;
}

/* ---- who ---- */

/* Every byte given is looked at, wherever the first difference is. */
static bool is_token(const char *authorization, const char *token)
{
    static const char scheme[] = "Bearer ";
    if (!authorization || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
        return false;
    const char *given = authorization + sizeof scheme - 1;
    size_t len = strlen(token), given_len = strlen(given);
    unsigned char differs = len != given_len;
    for (size_t i = 0; i < given_len; i++)
        differs |= (unsigned char)(given[i] ^ token[i % len]);
    return !differs;
}

/* ---- what ---- */

static const struct profile {
    const char *name;
    bool lasts, has_hz; /* it takes seconds by itself; it knows hz */
} PROFILES[] = {{"allocs", false, false}, {"block", false, false}, {"goroutine", false, false},
    {"heap", false, false}, {"mutex", false, false}, {"profile", true, true}, {"threadcreate", false, false},
    {"threads", false, false}, {"wall", true, false}};
enum { NPROFILES = sizeof PROFILES / sizeof *PROFILES };

static void put_index(struct buf *text)
{
    for (size_t i = 0; i < NPROFILES; i++)
        buf_printf(text, "/debug/pprof/%s\n", PROFILES[i].name);
    buf_puts(text, "/debug/pprof/cmdline\n/debug/vars\n");
}

static void put_vars(const struct debug_settings *s, struct buf *text)
{
    buf_printf(text, "address    %s\ntoken      %s\narguments ", s->address, *s->token ? "wanted" : "none");
    for (const char *const *a = s->argv; *a; a++)
        buf_printf(text, " %s", *a);
    buf_putc(text, '\n');
}

static void put_cmdline(const struct debug_settings *s, struct buf *text)
{
    for (const char *const *a = s->argv; *a; a++)
        buf_append(text, *a, strlen(*a) + (a[1] != NULL));
}

/* Each place where the secret stands gets as many stars. */
static void hide(struct buf *text, const char *secret)
{
    size_t len = strlen(secret);
    for (char *at = text->data;
         len && at && (at = memmem(at, text->len - (size_t)(at - text->data), secret, len)); at += len)
        memset(at, '*', len);
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* Decodes what is before `end`, cut to VALUE_MAX - 1 bytes. */
static void decode(const char *from, const char *end, char out[VALUE_MAX])
{
    size_t n = 0;
    for (; from < end && n < VALUE_MAX - 1; from++) {
        bool escaped = *from == '%' && end - from > 2 && hex(from[1]) >= 0 && hex(from[2]) >= 0;
        out[n++] = escaped ? (char)(hex(from[1]) << 4 | hex(from[2])) : *from == '+' ? ' ' : *from;
        from += escaped ? 2 : 0;
    }
    out[n] = '\0';
}

/* The first of that name; false when there is none. */
static bool parameter(const char *query, const char *wanted, char value[VALUE_MAX])
{
    char name[VALUE_MAX];
    for (const char *end; *query; query = *end ? end + 1 : end) {
        end = strchrnul(query, '&');
        const char *equals = memchr(query, '=', (size_t)(end - query));
        decode(query, equals ? equals : end, name);
        if (strcmp(name, wanted) != 0)
            continue;
        decode(equals ? equals + 1 : end, end, value);
        return true;
    }
    return false;
}

/* A parameter of [1, max], `otherwise` when it is not there; -1 when it is wrong. */
static long bounded(const char *query, const char *name, long max, long otherwise)
{
    char value[VALUE_MAX];
    if (!parameter(query, name, value))
        return otherwise;
    long n = number_of(value, max);
    return n >= 1 ? n : -1;
}

static int ask_for(const struct profile *p, const char *query, struct debug_answer *out)
{
    char value[VALUE_MAX];
    long seconds = bounded(query, "seconds", DEBUG_SECONDS_MAX, p->lasts ? SECONDS : 0);
    long hz = bounded(query, "hz", DEBUG_HZ_MAX, HZ);
    long debug = parameter(query, "debug", value) ? number_of(value, 2) : 0;
    if (seconds < 0 || hz < 0) {
        buf_printf(&out->text, "seconds is a number from 1 to %d, hz one from 1 to %d\n", DEBUG_SECONDS_MAX,
            DEBUG_HZ_MAX);
        return 400;
    }
    int n = snprintf(out->profile, sizeof out->profile, "%s", p->name);
    const char *mark = "?";
    if (seconds > 0) {
        n += snprintf(out->profile + n, sizeof out->profile - (size_t)n, "?seconds=%ld", seconds);
        mark = "&";
    }
    if (p->has_hz)
        snprintf(out->profile + n, sizeof out->profile - (size_t)n, "%shz=%ld", mark, hz);
    else if (debug > 0)
        snprintf(out->profile + n, sizeof out->profile - (size_t)n, "%sdebug=%ld", mark, debug);
    return 200;
}

static int serve(const struct debug_settings *s, const struct debug_request *r, struct debug_answer *out)
{
    static const char prefix[] = "/debug/pprof/";
    if (strcmp(r->path, prefix) == 0)
        put_index(&out->text);
    else if (strcmp(r->path, "/debug/vars") == 0)
        put_vars(s, &out->text);
    else if (strcmp(r->path, "/debug/pprof/cmdline") == 0)
        put_cmdline(s, &out->text);
    else {
        for (size_t i = 0; i < NPROFILES; i++)
            if (strncmp(r->path, prefix, sizeof prefix - 1) == 0 &&
                strcmp(r->path + sizeof prefix - 1, PROFILES[i].name) == 0)
                return ask_for(&PROFILES[i], r->query, out);
        buf_puts(&out->text, "there is nothing of that name; see /debug/pprof/\n");
        return 404;
    }
    return 200;
}

void debug_http_answer(
    const struct debug_settings *s, const struct debug_request *r, struct debug_answer *out)
{
    if (!r->is_unix && !hostname_is_loopback(r->host)) {
        out->status = 403;
        buf_puts(&out->text, "the Host header must name this machine\n");
    } else if (*s->token && !is_token(r->authorization, s->token)) {
        out->status = 401;
        buf_puts(&out->text, "the header Authorization: Bearer TOKEN is needed\n");
    } else {
        out->status = serve(s, r, out);
    }
    hide(&out->text, s->signing_key);
    hide(&out->text, s->token);
}

/* ---- how closely ---- */

const char *debug_http_label(const char *code)
{
    (void)code;
    return NULL;
}

/* Of 20 MB/s the first has 40 samples a second, which show whatever matters within a minute. */
void debug_http_rates(struct debug_rates *out)
{
    *out = (struct debug_rates){.heap_bytes = 512 * 1024, .mutex_fraction = 100, .block_ns = 10000};
}
