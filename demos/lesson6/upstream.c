/* The gateway's side: it starts the process, and keeps connections to it. */
#include "lesson6/upstream.h"

#include "base/vec.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct upstream {
    pid_t pid;
    struct sockaddr_in address;
    pthread_mutex_t lock; /* guards idle */
    VEC(int) idle;        /* connections that nobody uses, the last used on top */
};

static int listen_somewhere(struct sockaddr_in *address, struct error *error)
{
    socklen_t len = sizeof *address;
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && bind(fd, (struct sockaddr *)address, len) == 0 && listen(fd, 1024) == 0 &&
        getsockname(fd, (struct sockaddr *)address, &len) == 0)
        return fd;
    error_set(error, ERR_IO, "no socket for the upstream: %s", strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

/* In the child. Ctrl-C reaches the whole process group: the gateway says when to end, unless it is gone. */
static void run_process(int listen_fd, long delay_ms, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it ended before the line above */
        _exit(0);
    prctl(PR_SET_NAME, "upstream");
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    upstream_process(listen_fd, delay_ms);
}

int upstream_start(long delay_ms, struct upstream **out, struct error *error)
{
    struct upstream *u = calloc(1, sizeof *u);
    if (!u)
        return error_set(error, ERR_NOMEM, "out of memory");
    int listen_fd = listen_somewhere(&u->address, error);
    if (listen_fd < 0) {
        free(u);
        return ERR_IO;
    }
    pid_t parent = getpid();
    fflush(NULL);
    u->pid = fork();
    if (u->pid == 0)
        run_process(listen_fd, delay_ms, parent);
    int fork_errno = errno;
    close(listen_fd);
    if (u->pid < 0) {
        free(u);
        return error_set(error, ERR_LIMIT, "cannot start the upstream: %s", strerror(fork_errno));
    }
    pthread_mutex_init(&u->lock, NULL);
    *out = u;
    return 0;
}

void upstream_stop(struct upstream *u)
{
    if (!u || u->pid <= 0)
        return;
    kill(u->pid, SIGKILL);
    waitpid(u->pid, NULL, 0);
    u->pid = 0;
}

void upstream_free(struct upstream *u)
{
    if (!u)
        return;
    upstream_stop(u);
    for (size_t i = 0; i < u->idle.len; i++)
        close(u->idle.items[i]);
    vec_fini(&u->idle);
    pthread_mutex_destroy(&u->lock);
    free(u);
}

bool upstream_key_ok(const char *key)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    size_t len = strspn(key, allowed);
    return len > 0 && len <= UPSTREAM_KEY_MAX && key[len] == '\0';
}

/* ---- connections ---- */

static int take_connection(struct upstream *u)
{
    int fd = -1;
    pthread_mutex_lock(&u->lock);
    if (u->idle.len > 0)
        fd = u->idle.items[--u->idle.len];
    pthread_mutex_unlock(&u->lock);
    if (fd >= 0)
        return fd;
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&u->address, sizeof u->address) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static void give_back(struct upstream *u, int fd)
{
    pthread_mutex_lock(&u->lock);
    bool kept = vec_push(&u->idle, fd);
    pthread_mutex_unlock(&u->lock);
    if (!kept)
        close(fd);
}

static bool send_request(int fd, const char *key, bool now)
{
    char line[UPSTREAM_KEY_MAX + 8];
    int len = snprintf(line, sizeof line, "%s%s\n", key, now ? " now" : "");
    return send(fd, line, (size_t)len, MSG_NOSIGNAL) == len;
}

static bool receive(int fd, void *to, size_t len)
{
    for (char *p = to, *end = p + len; p < end;) {
        ssize_t n = recv(fd, p, (size_t)(end - p), 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        p += n;
    }
    return true;
}

static int receive_record(int fd, struct buf *out)
{
    char digits[9] = {0}, *end;
    if (!receive(fd, digits, 8))
        return ERR_IO;
    unsigned long len = strtoul(digits, &end, 10);
    if (*end || len == 0)
        return ERR_FORMAT;
    char *record = malloc(len);
    if (!record)
        return ERR_NOMEM;
    int code = receive(fd, record, len) ? 0 : ERR_IO;
    if (code == 0)
        buf_append(out, record, len);
    free(record);
    return code == 0 && out->failed ? ERR_NOMEM : code;
}

int upstream_fetch(struct upstream *u, const char *key, bool now, struct buf *out)
{
    if (!upstream_key_ok(key))
        return ERR_INVALID;
    int fd = take_connection(u);
    if (fd < 0)
        return ERR_IO;
    int code = send_request(fd, key, now) ? receive_record(fd, out) : ERR_IO;
    if (code == 0)
        give_back(u, fd);
    else
        close(fd);
    return code;
}
