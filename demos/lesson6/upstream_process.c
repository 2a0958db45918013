/*
 * The upstream: one thread, one epoll loop. Every request waits equally long, so that those that wait form
 * a queue in the order of their due times.
 */
#include "lesson6/upstream.h"

#include "base/clock.h"
#include "lesson6/catalogue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
    int fd;
    bool waiting; /* its request is in the queue */
    bool gone;    /* the peer closed it meanwhile; whoever takes it from the queue frees it */
    size_t len;
    char line[UPSTREAM_KEY_MAX + 8]; /* what has come of a request */
    int64_t due_ns;
    struct connection *next; /* in the queue */
};

struct server {
    int listen_fd, epoll_fd;
    int64_t delay_ns;
    struct connection *first, **last; /* the queue */
};

static void connection_free(struct connection *c)
{
    close(c->fd);
    free(c);
}

static void accept_all(struct server *s)
{
    int fd;
    while ((fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        struct connection *c = calloc(1, sizeof *c);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        if (!c || epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
            free(c);
            close(fd);
            continue;
        }
        c->fd = fd;
    }
}

static bool send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

/* A peer that is gone shows on its connection's next event. */
static void answer(struct connection *c, const char *key)
{
    struct buf record = {0};
    buf_puts(&record, "00000000");
    catalogue_write(&record, key);
    if (!record.failed) {
        char digits[24];
        snprintf(digits, sizeof digits, "%08zu", record.len - 8);
        memcpy(record.data, digits, 8);
        send_all(c->fd, record.data, record.len);
    }
    buf_fini(&record);
    c->len = 0;
}

static void take_request(struct server *s, struct connection *c)
{
    char *newline = memchr(c->line, '\n', c->len);
    if (!newline)
        return;
    *newline = '\0';
    char *space = strchr(c->line, ' ');
    if (space) {
        *space = '\0';
        answer(c, c->line);
        return;
    }
    c->waiting = true;
    c->due_ns = clock_monotonic_ns() + s->delay_ns;
    c->next = NULL;
    *s->last = c;
    s->last = &c->next;
}

static void read_some(struct server *s, struct connection *c)
{
    ssize_t n = recv(c->fd, c->line + c->len, sizeof c->line - c->len, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0 && !c->waiting) {
        c->len += (size_t)n;
        take_request(s, c);
        return;
    }
    epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL); /* closed, or it speaks out of turn */
    c->gone = true;
    if (!c->waiting)
        connection_free(c);
}

static void answer_what_is_due(struct server *s)
{
    int64_t now_ns = clock_monotonic_ns();
    while (s->first && s->first->due_ns <= now_ns) {
        struct connection *c = s->first;
        s->first = c->next;
        if (!s->first)
            s->last = &s->first;
        c->waiting = false;
        if (c->gone)
            connection_free(c);
        else
            answer(c, c->line);
    }
}

static int timeout_ms(const struct server *s)
{
    if (!s->first)
        return -1;
    int64_t left_ns = s->first->due_ns - clock_monotonic_ns();
    return left_ns > 0 ? (int)(left_ns / 1000000) + 1 : 0;
}

void upstream_process(int listen_fd, long delay_ms)
{
    struct server s = {.listen_fd = listen_fd, .delay_ns = delay_ms * 1000000};
    struct epoll_event listening = {.events = EPOLLIN};
    s.last = &s.first;
    s.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (s.epoll_fd < 0 || fcntl(listen_fd, F_SETFL, O_NONBLOCK) != 0 ||
        epoll_ctl(s.epoll_fd, EPOLL_CTL_ADD, listen_fd, &listening) != 0) {
        perror("upstream");
        _exit(1);
    }
    for (;;) {
        struct epoll_event events[64];
        int n = epoll_wait(s.epoll_fd, events, 64, timeout_ms(&s));
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr)
                read_some(&s, events[i].data.ptr);
            else
                accept_all(&s);
        }
        answer_what_is_due(&s);
    }
}
