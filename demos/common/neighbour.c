/*
 * The process has a thread for each connection, which sleeps before it answers. On the side that asks,
 * connections are kept in a stack and shared; a new one is made when none is idle.
 */
#include "common/neighbour.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STACK_BYTES = 64 * 1024, BACKLOG = 1024 };

struct connection {
    int fd;
    struct connection *next; /* among the idle */
};

struct neighbour {
    struct sockaddr_un address;
    socklen_t address_len;
    pid_t pid;
    pthread_mutex_t lock;
    struct connection *idle;
};

/* ---- the process ---- */

static neighbour_answer *answer_of;

/* Each side writes one line and then reads one, so a line is whole once its end is there. */
static bool read_line(int fd, char line[NEIGHBOUR_LINE_MAX])
{
    size_t len = 0;
    while (len == 0 || line[len - 1] != '\n') {
        ssize_t n = recv(fd, line + len, NEIGHBOUR_LINE_MAX - len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        len += (size_t)n;
    }
    line[len - 1] = '\0';
    return true;
}

static bool write_line(int fd, const char *text)
{
    char line[NEIGHBOUR_LINE_MAX];
    int len = snprintf(line, sizeof line - 1, "%s", text);
    len = len < (int)sizeof line - 1 ? len : (int)sizeof line - 2;
    line[len++] = '\n';
    return send(fd, line, (size_t)len, MSG_NOSIGNAL) == len;
}

static void *serve_connection(void *argument)
{
    int fd = (int)(intptr_t)argument;
    char line[NEIGHBOUR_LINE_MAX], answer[NEIGHBOUR_LINE_MAX];
    while (read_line(fd, line)) {
        long ms = answer_of(line, answer, sizeof answer);
        nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
        if (!write_line(fd, answer))
            break;
    }
    close(fd);
    return NULL;
}

static void process_run(int listen_fd)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    for (;;) {
        pthread_t thread;
        int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0 && pthread_create(&thread, &attributes, serve_connection, (void *)(intptr_t)fd) != 0)
            close(fd);
    }
}

/* In the child. Ctrl-C is for the parent, with which this one ends. */
static void process_begin(int listen_fd, pid_t parent)
{
    signal(SIGINT, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it ended before we asked to be told */
        _exit(0);
    process_run(listen_fd);
}

/* ---- who asks ---- */

/* A name that the kernel picks, in no file system. */
static int listen_anywhere(struct neighbour *n)
{
    struct sockaddr_un any = {.sun_family = AF_UNIX};
    n->address_len = sizeof n->address;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof any.sun_family) == 0 &&
        listen(fd, BACKLOG) == 0 && getsockname(fd, (struct sockaddr *)&n->address, &n->address_len) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

struct neighbour *neighbour_start(const char *name, neighbour_answer *answer)
{
    struct neighbour *n = calloc(1, sizeof *n);
    int listen_fd = n ? listen_anywhere(n) : -1;
    if (listen_fd >= 0) {
        pid_t parent = getpid();
        answer_of = answer;
        n->pid = fork();
        if (n->pid == 0)
            process_begin(listen_fd, parent);
    }
    if (listen_fd < 0 || n->pid < 0) {
        fprintf(stderr, "%s: cannot start the service it asks: %s\n", name, strerror(errno));
        if (listen_fd >= 0)
            close(listen_fd);
        free(n);
        return NULL;
    }
    close(listen_fd);
    pthread_mutex_init(&n->lock, NULL);
    return n;
}

static struct connection *connection_new(const struct neighbour *n)
{
    struct connection *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd >= 0 && connect(c->fd, (const struct sockaddr *)&n->address, n->address_len) == 0)
        return c;
    if (c->fd >= 0)
        close(c->fd);
    free(c);
    return NULL;
}

static struct connection *take_idle(struct neighbour *n)
{
    pthread_mutex_lock(&n->lock);
    struct connection *c = n->idle;
    if (c)
        n->idle = c->next;
    pthread_mutex_unlock(&n->lock);
    return c;
}

static void give_back(struct neighbour *n, struct connection *c)
{
    pthread_mutex_lock(&n->lock);
    c->next = n->idle;
    n->idle = c;
    pthread_mutex_unlock(&n->lock);
}

bool neighbour_ask(struct neighbour *n, const char *line, char *answer, size_t size)
{
    char text[NEIGHBOUR_LINE_MAX];
    struct connection *c = take_idle(n);
    if (!c)
        c = connection_new(n);
    if (!c)
        return false;
    if (!write_line(c->fd, line) || !read_line(c->fd, text)) {
        close(c->fd);
        free(c);
        return false;
    }
    give_back(n, c);
    snprintf(answer, size, "%s", text);
    return true;
}

void neighbour_stop(struct neighbour *n)
{
    kill(n->pid, SIGKILL);
    waitpid(n->pid, NULL, 0);
}

void neighbour_free(struct neighbour *n)
{
    if (!n)
        return;
    for (struct connection *c = n->idle, *next; c; c = next) {
        next = c->next;
        close(c->fd);
        free(c);
    }
    pthread_mutex_destroy(&n->lock);
    free(n);
}
