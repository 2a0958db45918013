#include "export/server.h"

#include "export/endpoints.h"
#include "export/ownfd.h"
#include "export/respond.h"

#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_BODY_BYTES = 1 << 20, IDLE_SECONDS = 60, CONNECTION_BYTES = 64 * 1024 };
enum { VAIN_ROUNDS = 3, BREATH_MS = 50 };

struct server {
    struct ownthread thread;
    struct workers *workers;
    struct MHD_Daemon *daemon; /* the cprof-http thread's alone, like the connections */
    int listen_fd, epoll_fd;
    int wake_fd; /* eventfd: a connection was resumed, or the cprof-http thread is to end */
    atomic_bool quit;
    int ready_fd; /* eventfd: started is set */
    bool started, is_unix;
    int in_vain; /* rounds, one after the other, in which nobody could be let in */
    bool lost; /* the program has closed our descriptors, as daemons do: the numbers may be its own by now */
    const struct guard *guard;
};

/* One request from its first byte to its last. The worker has it while state is RUNNING. */
struct exchange {
    struct server *server;
    struct MHD_Connection *connection;
    enum { HEADERS, BODY, RUNNING, DONE } state;
    bool too_big;
    char method[16];
    char *uri; /* as sent */
    char *path;
    struct request request;
    struct reply reply;
};

static enum MHD_Result refuse(struct exchange *x, int status, const char *why)
{
    reply_error(&x->reply, status, "%s", why);
    return respond(x->connection, &x->reply);
}

/* ---- requests -------------------------------------------------------------------------------------------
 */

static void *begin_exchange(void *arg, const char *uri, struct MHD_Connection *connection)
{
    struct exchange *x = calloc(1, sizeof *x);
    if (!x)
        return NULL;
    x->server = arg;
    x->connection = connection;
    x->uri = strdup(uri);
    return x;
}

static void end_exchange(
    void *arg, struct MHD_Connection *connection, void **slot, enum MHD_RequestTerminationCode why)
{
    (void)arg, (void)connection, (void)why;
    struct exchange *x = *slot;
    *slot = NULL;
    if (!x)
        return;
    buf_fini(&x->request.body);
    buf_fini(&x->reply.body);
    free(x->uri);
    free(x->path);
    free(x);
}

/* libmicrohttpd wakes only threads of its own. The connection may be gone as soon as it is resumed. */
static void resume(struct exchange *x)
{
    struct server *s = x->server;
    x->state = DONE;
    MHD_resume_connection(x->connection);
    ownfd_raise_event(s->wake_fd);
}

static void run(void *arg)
{
    struct exchange *x = arg;
    endpoints_serve(&x->request, &x->reply);
    resume(x);
}

static bool fill_request(struct exchange *x)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    size_t path_len = x->uri ? strcspn(x->uri, "?") : 0;
    x->path = malloc(path_len + 1);
    if (!x->uri || !x->path)
        return false;
    request_decode(x->uri, path_len, false, x->path, path_len + 1);
    x->request.method = x->method;
    x->request.path = x->path;
    x->request.query = x->uri[path_len] ? x->uri + path_len + 1 : "";
    x->request.client_fd = info ? info->connect_fd : -1;
    x->request.stop_fd = workers_stop_fd(x->server->workers);
    return !x->request.body.failed;
}

static const char *header(struct exchange *x, const char *name)
{
    return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

static enum MHD_Result start_exchange(struct exchange *x)
{
    struct server *s = x->server;
    const struct visitor visitor = {.asker = {.host = header(x, "Host"),
                                        .origin = header(x, "Origin"),
                                        .fetch_site = header(x, "Sec-Fetch-Site"),
                                        .fetch_dest = header(x, "Sec-Fetch-Dest")},
        .authorization = header(x, "Authorization"),
        .is_unix = s->is_unix};
    const char *why;
    int refused = guard_check(s->guard, &visitor, &why);
    if (refused)
        return refuse(x, refused, why);
    if (x->too_big)
        return refuse(x, 413, "the body is too large");
    if (!fill_request(x))
        return refuse(x, 500, "out of memory");
    x->state = RUNNING;
    MHD_suspend_connection(x->connection);
    if (workers_submit(s->workers, run, x))
        return MHD_YES;
    /* Answered as if a worker had done it: a suspended connection cannot be answered here. */
    endpoints_too_many(&x->reply);
    resume(x);
    return MHD_YES;
}

static void take_body(struct exchange *x, const char *bytes, size_t len)
{
    if (x->request.body.len + len > MAX_BODY_BYTES)
        x->too_big = true;
    else
        buf_append(&x->request.body, bytes, len);
}

static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload, size_t *upload_len, void **slot)
{
    (void)arg, (void)connection, (void)url, (void)version;
    struct exchange *x = *slot;
    if (!x)
        return MHD_NO;
    switch (x->state) {
    case HEADERS:
        snprintf(x->method, sizeof x->method, "%s", method);
        x->state = BODY;
        return MHD_YES;
    case BODY:
        if (*upload_len == 0)
            return start_exchange(x);
        take_body(x, upload, *upload_len);
        *upload_len = 0;
        return MHD_YES;
    case RUNNING:
        return MHD_YES;
    case DONE:
        break;
    }
    return respond(x->connection, &x->reply);
}

/* ---- the thread -----------------------------------------------------------------------------------------
 */

static void start_daemon(struct server *s)
{
    struct ownfd_hold hold;
    ownfd_hold_low(&hold);
    s->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle, s,
        MHD_OPTION_LISTEN_SOCKET, s->listen_fd, MHD_OPTION_URI_LOG_CALLBACK, begin_exchange, s,
        MHD_OPTION_NOTIFY_COMPLETED, end_exchange, s, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)SERVER_MAX_CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_BYTES, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        s->daemon ? MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    s->epoll_fd = info ? info->epoll_fd : -1;
    s->started = s->epoll_fd >= 0;
    ownfd_release(&hold);
}

/*
 * Without a descriptor for the next connection, libmicrohttpd looks away from the listening socket until one
 * that it has ends, and until it is run once more; where it has none, it tries again at once, for ever. So
 * the socket is watched here as well, and who has waited for some rounds is let in from here, or all take a
 * breath.
 */
static bool is_anybody_waiting(struct server *s)
{
    struct pollfd waiting = {.fd = s->listen_fd, .events = POLLIN};
    bool anybody = poll(&waiting, 1, 0) > 0;
    s->in_vain = anybody ? s->in_vain + 1 : 0;
    return anybody;
}

static bool let_in(struct server *s)
{
    struct sockaddr_storage from;
    socklen_t len = sizeof from;
    int fd = accept4(s->listen_fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
    return fd >= 0 && MHD_add_connection(s->daemon, fd, (struct sockaddr *)&from, len) == MHD_YES;
}

static bool has_connections(struct server *s)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    return info && info->num_connections > 0;
}

static void catch_breath(void)
{
    nanosleep(&(struct timespec){0, BREATH_MS * 1000000L}, NULL);
}

/* How long at most, in ms; negative: for ever. */
static int longest_wait(struct server *s, bool waiting)
{
    MHD_UNSIGNED_LONG_LONG ms;
    int most = waiting ? BREATH_MS : 60000;
    if (MHD_get_timeout(s->daemon, &ms) == MHD_YES)
        return ms < (unsigned)most ? (int)ms : most;
    return waiting ? most : -1;
}

/* Waits until there is something to do. A program whose limit is below what is watched may not poll. */
static bool wait_for_work(struct server *s)
{
    uint64_t woken;
    bool waiting = is_anybody_waiting(s), in_vain = s->in_vain > VAIN_ROUNDS && !let_in(s);
    struct pollfd watched[] = {{.fd = s->epoll_fd, .events = POLLIN}, {.fd = s->wake_fd, .events = POLLIN},
        {.fd = waiting ? -1 : s->listen_fd, .events = POLLIN}};
    int ready = poll(watched, sizeof watched / sizeof *watched, longest_wait(s, waiting));
    if (ready < 0 || (in_vain && !has_connections(s)))
        catch_breath();
    if ((watched[0].revents | watched[1].revents) & POLLNVAL)
        return false;
    return !(watched[1].revents & POLLIN) || read(s->wake_fd, &woken, sizeof woken) > 0 || errno == EAGAIN;
}

static void serve(void *arg)
{
    struct server *s = arg;
    start_daemon(s);
    ownfd_raise_event(s->ready_fd);
    while (s->started && !s->quit && !s->lost) {
        s->lost = !wait_for_work(s);
        if (!s->lost)
            MHD_run(s->daemon);
    }
    if (s->lost)
        return;
    if (s->daemon)
        MHD_stop_daemon(s->daemon); /* closes the listening socket, too */
    else
        close(s->listen_fd);
}

/* ---- life -----------------------------------------------------------------------------------------------
 */

static void release(struct server *s)
{
    int fds[] = {s->wake_fd, s->ready_fd};
    for (size_t i = 0; !s->lost && i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    free(s);
}

int server_start(const struct server_config *config, struct server **out, struct error *error)
{
    struct server *s = calloc(1, sizeof *s);
    if (!s) {
        close(config->listen_fd);
        return error_set(error, ERR_NOMEM, "out of memory");
    }
    s->listen_fd = ownfd_raise(config->listen_fd);
    s->epoll_fd = -1;
    s->is_unix = config->is_unix;
    s->guard = config->guard;
    s->workers = config->workers;
    s->wake_fd = ownfd_raise(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    s->ready_fd = ownfd_raise(eventfd(0, EFD_CLOEXEC));
    if (s->wake_fd < 0 || s->ready_fd < 0 || ownthread_start(&s->thread, "cprof-http", serve, s)) {
        close(s->listen_fd);
        release(s);
        return error_set(error, ERR_LIMIT, "cannot start the server: no descriptors or threads");
    }
    uint64_t ready; /* read and not a semaphore, since this wait is not the program's to be shown */
    while (read(s->ready_fd, &ready, sizeof ready) < 0 && errno == EINTR)
        ;
    if (!s->started) {
        ownthread_join(&s->thread);
        release(s);
        return error_set(error, ERR_IO, "libmicrohttpd would not start");
    }
    *out = s;
    return 0;
}

bool server_stop(struct server *s)
{
    if (!ownfd_is_event(s->wake_fd))
        return false;
    s->quit = true;
    ownfd_raise_event(s->wake_fd);
    ownthread_join(&s->thread);
    release(s);
    return true;
}

void server_abandon_sigsafe(struct server *s)
{
    close(s->listen_fd);
    close(s->epoll_fd);
    close(s->wake_fd);
    close(s->ready_fd);
}
