/*
 * A connection goes round: idle -> (a request is due) -> sending -> reading the head -> reading the body ->
 * idle. Idle ones are a stack, so that what is not needed stays at the bottom and times out at the server.
 */
#include "common/loadgen.h"

#include "base/clock.h"
#include "base/vec.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    HEAD_BYTES = 2048, /* of a request or an answer */
    BODY_BYTES = 256 * 1024,
    PROGRESS_MS = 250,
    DRAIN_SECONDS = 20, /* for what is in flight in the end; what has no answer then has failed */
};

enum state { IDLE, SENDING, READING_HEAD, READING_BODY };

struct connection {
    int fd;
    enum state state;
    bool reused; /* this is not its first request */
    bool last;   /* the server will close it */
    bool failed; /* by its status */
    size_t len;  /* of head */
    size_t body_left;
    int64_t due_ns;
    uint64_t n;                      /* which request */
    struct connection *next, **link; /* in the list of all */
    char head[HEAD_BYTES];
};

struct run {
    const struct load_plan *plan;
    struct load_report *report;
    int epoll_fd;
    struct connection *all;
    VEC(struct connection *) idle;
    VEC(struct connection *) dead; /* freed when no event can name them any more */
    uint64_t connections, in_flight;
    struct latency_window recent;
    char *body; /* where bodies are read to; nobody looks at them */
};

int load_plan_url(struct load_plan *plan, const char *url, struct error *error)
{
    static const char scheme[] = "http://";
    const char *from = url + sizeof scheme - 1;
    if (strncmp(url, scheme, sizeof scheme - 1) != 0)
        return error_set(error, ERR_INVALID, "\"%s\" is no http:// address", url);
    size_t len = strcspn(from, "/");
    if (len == 0 || len >= sizeof plan->host || (from[len] && from[len + 1]))
        return error_set(error, ERR_INVALID, "\"%s\" is not http://HOST:PORT", url);
    char host[sizeof plan->host];
    snprintf(host, sizeof host, "%.*s", (int)len, from);
    snprintf(plan->host, sizeof plan->host, "%s", host);
    char *port = strrchr(host, ':');
    if (port)
        *port++ = '\0';
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found;
    int code = getaddrinfo(host, port ? port : "80", &hints, &found);
    if (code != 0)
        return error_set(error, ERR_NOTFOUND, "%s: %s", url, gai_strerror(code));
    memcpy(&plan->address, found->ai_addr, found->ai_addrlen);
    plan->address_len = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

/* ---- connections ---- */

static void watch(struct run *r, struct connection *c, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = c};
    epoll_ctl(r->epoll_fd, EPOLL_CTL_MOD, c->fd, &event);
}

static struct connection *connection_new(struct run *r)
{
    struct connection *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->fd = socket(r->plan->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = c};
    if (c->fd < 0 || epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, c->fd, &event) != 0 ||
        (connect(c->fd, (const struct sockaddr *)&r->plan->address, r->plan->address_len) != 0 &&
            errno != EINPROGRESS)) {
        int connect_errno = errno;
        if (c->fd >= 0)
            close(c->fd);
        free(c);
        errno = connect_errno;
        return NULL;
    }
    c->next = r->all;
    c->link = &r->all;
    if (c->next)
        c->next->link = &c->next;
    r->all = c;
    r->connections++;
    return c;
}

static void connection_close(struct run *r, struct connection *c)
{
    if (c->state == IDLE)
        for (size_t i = 0; i < r->idle.len; i++)
            if (r->idle.items[i] == c) {
                memmove(r->idle.items + i, r->idle.items + i + 1, (--r->idle.len - i) * sizeof(void *));
                break;
            }
    close(c->fd);
    c->fd = -1;
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    r->connections--;
    if (!vec_push(&r->dead, c))
        free(c);
}

/* ---- requests ---- */

static void finish(struct run *r, int64_t due_ns, bool failed)
{
    int64_t now_ns = clock_monotonic_ns();
    int64_t us = (now_ns - due_ns) / 1000;
    r->in_flight--;
    r->report->requests++;
    if (failed) {
        r->report->errors++;
        return;
    }
    histogram_add(&r->report->latency, us);
    window_add(&r->recent, now_ns, us);
}

/* Nobody listens: the server is gone, and so is the point of going on. */
static void note_refusal(struct run *r, int errno_seen)
{
    if (errno_seen == ECONNREFUSED)
        error_set(&r->report->error, ERR_IO, "http://%s: %s", r->plan->host, strerror(errno_seen));
}

static void send_request(struct run *r, struct connection *c)
{
    ssize_t n = send(c->fd, c->head, c->len, MSG_NOSIGNAL);
    if (n == (ssize_t)c->len) {
        c->state = READING_HEAD;
        c->len = 0;
        watch(r, c, EPOLLIN);
        return;
    }
    if (n < 0 && (errno == EAGAIN || errno == ENOTCONN)) {
        watch(r, c, EPOLLOUT);
        return;
    }
    note_refusal(r, errno);
    connection_close(r, c);
    finish(r, c->due_ns, true);
}

static void begin_on(struct run *r, struct connection *c, uint64_t n, int64_t due_ns)
{
    char path[512];
    r->plan->path(r->plan->closure, n, path, sizeof path);
    c->n = n;
    c->due_ns = due_ns;
    c->state = SENDING;
    c->failed = c->last = false;
    c->len =
        (size_t)snprintf(c->head, sizeof c->head, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, r->plan->host);
    send_request(r, c);
}

static void begin(struct run *r, uint64_t n, int64_t due_ns)
{
    r->in_flight++;
    struct connection *c = NULL;
    if (r->idle.len > 0) {
        c = r->idle.items[--r->idle.len];
        c->reused = true;
    } else {
        c = connection_new(r);
    }
    if (c) {
        begin_on(r, c, n, due_ns);
        return;
    }
    note_refusal(r, errno);
    finish(r, due_ns, true);
}

static void fail(struct run *r, struct connection *c)
{
    bool stale = c->reused && c->state == READING_HEAD && c->len == 0;
    connection_close(r, c);
    if (stale) { /* the server closed it while the request was under way: that one was never looked at */
        struct connection *fresh = connection_new(r);
        if (fresh) {
            begin_on(r, fresh, c->n, c->due_ns);
            return;
        }
    }
    finish(r, c->due_ns, true);
}

static void complete(struct run *r, struct connection *c)
{
    finish(r, c->due_ns, c->failed);
    c->state = IDLE;
    c->len = 0;
    if (c->last || !vec_push(&r->idle, c))
        connection_close(r, c);
}

/* The value of a header in the NUL-terminated head, or NULL. */
static const char *header(const char *head, const char *name)
{
    size_t len = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, len) == 0 && line[len] == ':')
            return line + len + 1 + strspn(line + len + 1, " ");
    }
    return NULL;
}

static bool parse_head(struct connection *c, size_t head_len)
{
    int status;
    c->head[head_len] = '\0';
    const char *length = header(c->head, "Content-Length"), *then = header(c->head, "Connection");
    if (sscanf(c->head, "HTTP/1.%*d %d", &status) != 1 || !length)
        return false;
    char *end;
    c->body_left = strtoul(length, &end, 10);
    c->failed = status >= 400;
    c->last = then && strncasecmp(then, "close", 5) == 0;
    return end != length;
}

/* Takes what has come of the head. False when there is no more to be read now, or the connection is gone. */
static bool read_head(struct run *r, struct connection *c)
{
    ssize_t n = recv(c->fd, c->head + c->len, sizeof c->head - 1 - c->len, 0);
    if (n <= 0) {
        if (n == 0 || errno != EAGAIN)
            fail(r, c);
        return false;
    }
    c->len += (size_t)n;
    c->head[c->len] = '\0';
    char *end = strstr(c->head, "\r\n\r\n");
    if (!end && c->len < sizeof c->head - 1)
        return true;
    size_t head_len = end ? (size_t)(end - c->head) + 4 : 0, came = c->len - head_len;
    if (!end || !parse_head(c, head_len - 2) || came > c->body_left) {
        c->reused = false;
        fail(r, c);
        return false;
    }
    c->body_left -= came;
    c->state = READING_BODY;
    return true;
}

static bool read_body(struct run *r, struct connection *c)
{
    if (c->body_left == 0) {
        complete(r, c);
        return false;
    }
    ssize_t n = recv(c->fd, r->body, c->body_left < BODY_BYTES ? c->body_left : BODY_BYTES, 0);
    if (n <= 0) {
        if (n == 0 || errno != EAGAIN)
            fail(r, c);
        return false;
    }
    c->body_left -= (size_t)n;
    return true;
}

static void handle_event(struct run *r, struct connection *c)
{
    if (c->fd < 0)
        return; /* closed by an event before this one */
    if (c->state == SENDING) {
        int error = 0;
        socklen_t len = sizeof error;
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
        note_refusal(r, error);
        send_request(r, c);
    } else if (c->state == IDLE) {
        connection_close(r, c); /* only its end can come now */
    } else {
        while (c->state == READING_HEAD ? read_head(r, c) : c->state == READING_BODY && read_body(r, c))
            ;
    }
}

/* ---- the run ---- */

static void free_dead(struct run *r)
{
    for (size_t i = 0; i < r->dead.len; i++)
        free(r->dead.items[i]);
    r->dead.len = 0;
}

static void handle_events(struct run *r, int timeout_ms)
{
    struct epoll_event events[256];
    int n = epoll_wait(r->epoll_fd, events, 256, timeout_ms);
    for (int i = 0; i < n; i++)
        handle_event(r, events[i].data.ptr);
    free_dead(r);
}

static void tell(struct run *r, int64_t start_ns, int64_t now_ns)
{
    if (!r->plan->progress)
        return;
    struct load_progress now = {.seconds = (double)(now_ns - start_ns) / 1e9,
        .in_flight = r->in_flight,
        .connections = r->connections,
        .p95_us = window_percentile_us(&r->recent, now_ns, 95),
        .requests = r->report->requests,
        .errors = r->report->errors};
    r->plan->progress(r->plan->closure, &now);
}

static bool stopped(const struct run *r)
{
    return r->report->error.code != 0 || (r->plan->stop && *r->plan->stop);
}

static void run_to_the_end(struct run *r)
{
    int64_t start_ns = clock_monotonic_ns(), now_ns = start_ns, tell_ns = start_ns;
    int64_t end_ns = start_ns + (int64_t)(r->plan->seconds * 1e9);
    int64_t drained_ns = end_ns + DRAIN_SECONDS * INT64_C(1000000000);
    double step_ns = 1e9 / r->plan->rate;
    for (uint64_t n = 0; !stopped(r); now_ns = clock_monotonic_ns()) {
        int64_t due_ns;
        while (
            (due_ns = start_ns + (int64_t)((double)n * step_ns)) <= now_ns && due_ns < end_ns && !stopped(r))
            begin(r, n++, due_ns);
        if ((due_ns >= end_ns && r->in_flight == 0) || now_ns > drained_ns)
            break;
        if (now_ns >= tell_ns) {
            tell(r, start_ns, now_ns);
            tell_ns += PROGRESS_MS * INT64_C(1000000);
        }
        int64_t wait_ms = due_ns < end_ns ? (due_ns - now_ns) / 1000000 : 50;
        handle_events(r, wait_ms < 1 ? 1 : wait_ms > 50 ? 50 : (int)wait_ms);
    }
}

static int probe(const struct load_plan *plan, struct error *error)
{
    int fd = socket(plan->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int code = 0;
    if (fd < 0 || connect(fd, (const struct sockaddr *)&plan->address, plan->address_len) != 0)
        code = error_set(error, ERR_IO, "http://%s: %s", plan->host, strerror(errno));
    if (fd >= 0)
        close(fd);
    return code;
}

int loadgen_run(const struct load_plan *plan, struct load_report *report)
{
    *report = (struct load_report){0};
    struct run r = {.plan = plan, .report = report};
    int code = probe(plan, &report->error);
    if (code != 0)
        return code;
    window_init(&r.recent, 5 * INT64_C(1000000000));
    r.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    r.body = malloc(BODY_BYTES);
    if (r.epoll_fd < 0 || !r.body) {
        code = error_set(&report->error, ERR_NOMEM, "cannot begin: %s", strerror(errno));
    } else {
        run_to_the_end(&r);
        if (plan->stop && *plan->stop)
            report->cut_short = r.in_flight;
        else if (r.in_flight > 0)
            report->requests += r.in_flight, report->errors += r.in_flight;
        while (r.all)
            connection_close(&r, r.all);
        free_dead(&r);
    }
    if (r.epoll_fd >= 0)
        close(r.epoll_fd);
    free(r.body);
    vec_fini(&r.idle);
    vec_fini(&r.dead);
    return code;
}
