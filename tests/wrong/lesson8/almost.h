/*
 * A right debug port with seams: the address goes through getaddrinfo and is judged as a socket address, the
 * query is walked once, and an option's value is never shown, whatever it is. Each wrong fix in this folder
 * defines a seam, includes this, and is wrong in just that; its first comment names the check that must fail,
 * and those that may fail as well because the mistake cannot be seen by one alone. The designs in
 * tests/right/lesson8 define other ones, and are right.
 */
#include "lesson8/debug_http.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef IS_LOCAL /* an address with its text */
#define IS_LOCAL(a, text) is_loopback(a)
#endif
#ifndef BOUND /* what is bound for it */
#define BOUND(a) (a)
#endif
#ifndef PATH_MODE /* of a socket with a path */
#define PATH_MODE 0600
#endif
#ifndef IS_OUR_NAME /* a Host header */
#define IS_OUR_NAME(host) is_our_name(host)
#endif
#ifndef IS_TOKEN
#define IS_TOKEN(given, token) is_same(given, token)
#endif
#ifndef NUMBER /* of a parameter, -1 when it is wrong */
#define NUMBER(text, max) number_of(text, max)
#endif
#ifndef DECODE /* a parameter's name or value, in place */
#define DECODE(text) decode(text)
#endif
#ifndef SECONDS_RIGHT
#define SECONDS_RIGHT(name, seconds) ((seconds) >= 0)
#endif
#ifndef HZ_RIGHT
#define HZ_RIGHT(hz) ((hz) > 0)
#endif
#ifndef PASS_ON /* the query to the profiler, of what was read */
#define PASS_ON(out, name, query, seconds, hz, debug) pass_on(out, name, seconds, hz, debug)
#endif
#ifndef PUT_ARGUMENT
#define PUT_ARGUMENT(text, s, argv, i) put_argument(text, (argv)[i])
#endif
#ifndef CMDLINE /* puts the command line */
#define CMDLINE(s, out) put_arguments(s, &(out)->text)
#endif
#ifndef LABEL
#define LABEL(code) ((void)(code), "ticket")
#endif
#ifndef HEAP_BYTES
#define HEAP_BYTES (512 * 1024)
#endif
#ifndef MUTEX_FRACTION
#define MUTEX_FRACTION 100
#endif
#ifndef BLOCK_NS
#define BLOCK_NS 10000
#endif

/* ---- where ---- */

static __attribute__((unused)) bool is_loopback(const struct sockaddr *a)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)a;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)a;
    return a->sa_family == AF_INET ? ntohl(v4->sin_addr.s_addr) >> 24 == 127
                                   : IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static int listen_at(const struct sockaddr *a, socklen_t len)
{
    int fd = socket(a->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (fd >= 0 && a->sa_family == AF_UNIX)
        fchmod(fd, PATH_MODE);
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd >= 0 && (bind(fd, a, len) != 0 || listen(fd, 16) != 0)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static int listen_named(const char *text)
{
    struct addrinfo hints = {
        .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    struct addrinfo *list;
    char host[128];
    const char *colon = strrchr(text, ':');
    size_t brackets = *text == '[';
    if (!colon || strlen(text) >= sizeof host || strlen(colon + 1) > 5 || atol(colon + 1) > 65535)
        return -1;
    snprintf(host, sizeof host, "%.*s", (int)((size_t)(colon - text) - 2 * brackets), text + brackets);
    const char *named = strcmp(host, "localhost") == 0 ? "127.0.0.1" : *host ? host : NULL;
    if (getaddrinfo(named, colon + 1, &hints, &list) != 0)
        return -1;
    int fd = -1;
    if (IS_LOCAL(list->ai_addr, text))
        fd = listen_at(BOUND(list->ai_addr), list->ai_addrlen);
    freeaddrinfo(list);
    return fd;
}

int debug_http_listen(const struct debug_settings *s, struct error *error)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = -1;
    if (strncmp(s->address, "unix:", 5) != 0) {
        fd = listen_named(s->address);
    } else if (strlen(s->address + 5) < sizeof un.sun_path) {
        strcpy(un.sun_path, s->address + 5);
        fd = listen_at((struct sockaddr *)&un, sizeof un);
    }
    if (fd < 0)
        error_set(error, ERR_DENIED, "%s is not an address of loopback that is free", s->address);
    return fd;
}

/* ---- who ---- */

static __attribute__((unused)) bool is_our_name(const char *host)
{
    char name[128];
    struct in_addr v4;
    if (!host || strncmp(host, "[::1]", 5) == 0)
        return !host || !host[5] || host[5] == ':';
    snprintf(name, sizeof name, "%.*s", (int)strcspn(host, ":"), host);
    return strcasecmp(name, "localhost") == 0 ||
           (inet_pton(AF_INET, name, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127);
}

static __attribute__((unused)) bool is_same(const char *given, const char *token)
{
    size_t given_len = strlen(given), len = strlen(token);
    unsigned differs = given_len != len;
    for (size_t i = 0; i < given_len; i++)
        differs |= (unsigned)(given[i] ^ token[i % len]);
    return differs == 0;
}

static bool has_token(const char *authorization, const char *token)
{
    if (!*token)
        return true;
    return authorization && strncmp(authorization, "Bearer ", 7) == 0 && IS_TOKEN(authorization + 7, token);
}

/* ---- what ---- */

static __attribute__((unused)) void decode(char *text)
{
    char *to = text, pair[3] = "";
    for (; *text; text++) {
        if (*text == '%' && isxdigit((unsigned char)text[1]) && isxdigit((unsigned char)text[2])) {
            memcpy(pair, text + 1, 2);
            *to++ = (char)strtol(pair, NULL, 16);
            text += 2;
        } else {
            *to++ = *text;
        }
    }
    *to = '\0';
}

static __attribute__((unused)) int number_of(const char *text, int max)
{
    int n = 0;
    if (!*text)
        return -1;
    for (; *text; text++) {
        if (!isdigit((unsigned char)*text) || n > max)
            return -1;
        n = 10 * n + (*text - '0');
    }
    return n >= 1 && n <= max ? n : -1;
}

/* -1 in what is wrong. */
static void read_query(const char *query, int *seconds, int *hz, int *debug)
{
    char copy[512], *rest = copy;
    snprintf(copy, sizeof copy, "%s", query);
    for (char *part; (part = strsep(&rest, "&"));) {
        char *value = strchr(part, '=');
        if (value)
            *value++ = '\0';
        DECODE(part);
        if (value)
            DECODE(value);
        if (value && strcmp(part, "seconds") == 0 && *seconds >= 0)
            *seconds = NUMBER(value, DEBUG_SECONDS_MAX);
        else if (value && strcmp(part, "hz") == 0 && *hz >= 0)
            *hz = NUMBER(value, DEBUG_HZ_MAX);
        else if (value && strcmp(part, "debug") == 0)
            *debug = atoi(value);
    }
}

static __attribute__((unused)) void pass_on(
    struct debug_answer *out, const char *name, int seconds, int hz, int debug)
{
    size_t size = sizeof out->profile;
    if (strcmp(name, "profile") == 0)
        snprintf(out->profile, size, "profile?seconds=%d&hz=%d", seconds ? seconds : 30, hz);
    else if (seconds)
        snprintf(out->profile, size, "%s?seconds=%d", name, seconds);
    else
        snprintf(out->profile, size, debug == 1 || debug == 2 ? "%s?debug=%d" : "%s", name, debug);
}

static void ask_for(const char *name, const char *query, struct debug_answer *out)
{
    int seconds = 0, hz = 100, debug = 0;
    read_query(query, &seconds, &hz, &debug);
    out->status = SECONDS_RIGHT(name, seconds) && HZ_RIGHT(hz) ? 200 : 400;
    if (out->status == 200)
        PASS_ON(out, name, query, seconds, hz, debug);
}

/* An option's name, and nothing of its value. */
static __attribute__((unused)) void put_argument(struct buf *text, const char *argument)
{
    if (strncmp(argument, "--", 2) == 0)
        buf_append(text, argument, strcspn(argument, "="));
    else
        buf_puts(text, "...");
}

static __attribute__((unused)) void put_arguments(const struct debug_settings *s, struct buf *text)
{
    for (size_t i = 0; s->argv[i]; i++) {
        PUT_ARGUMENT(text, s, s->argv, i);
        buf_putc(text, '\0');
    }
}

static const char *const NAMES[] = {
    "allocs", "block", "goroutine", "heap", "mutex", "profile", "threadcreate", "threads", "wall"};

static void serve(const struct debug_settings *s, const struct debug_request *r, struct debug_answer *out)
{
    const char *name = strncmp(r->path, "/debug/pprof/", 13) == 0 ? r->path + 13 : NULL;
    out->status = 404;
    for (size_t i = 0; name && i < sizeof NAMES / sizeof *NAMES; i++) {
        if (!*name)
            buf_printf(&out->text, "%s\n", NAMES[i]);
        else if (strcmp(name, NAMES[i]) == 0)
            ask_for(name, r->query, out);
    }
    if (name && !*name)
        out->status = 200;
    if (name && strcmp(name, "cmdline") == 0) {
        out->status = 200;
        CMDLINE(s, out);
    }
}

void debug_http_answer(
    const struct debug_settings *s, const struct debug_request *r, struct debug_answer *out)
{
    if (!r->is_unix && !IS_OUR_NAME(r->host))
        out->status = 403;
    else if (!has_token(r->authorization, s->token))
        out->status = 401;
    else
        serve(s, r, out);
}

/* ---- how closely ---- */

const char *debug_http_label(const char *code)
{
    return LABEL(code);
}

void debug_http_rates(struct debug_rates *out)
{
    *out = (struct debug_rates){
        .heap_bytes = HEAP_BYTES, .mutex_fraction = MUTEX_FRACTION, .block_ns = BLOCK_NS};
}
