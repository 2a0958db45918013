#include "export/mount.h"

#include "capture/capture.h"
#include "cprof.h"
#include "export/direct.h"
#include "export/endpoints.h"
#include "export/respond.h"
#include "export/service.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES = 2 * ENDPOINTS_MAX_REQUESTS, MAX_BODY_BYTES = 1 << 20 };

struct place {
    char ticket[1]; /* what a request has among its values; its address says which place */
    enum { FREE, BODY, RUNNING, DONE } state;
    bool held;     /* by the handler, or the worker */
    uint64_t left; /* the order in which they were left last */
    bool too_big;
    struct MHD_Connection *connection;
    char *path, *query;
    char method[8];
    struct request request;
    struct reply reply;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards state, held, left and connection */
static struct place places[PLACES];
static uint64_t times_left; /* by the same lock */

/* ---- places ---------------------------------------------------------------------------------------------
 */

static void empty(struct place *p)
{
    buf_fini(&p->request.body);
    buf_fini(&p->reply.body);
    free(p->path);
    free(p->query);
    memset(p, 0, sizeof *p);
}

/* Nobody tells us when a client goes away between two calls. So when none is free, it is the one that nobody
 * has come back to for longest. */
static struct place *find_room(void)
{
    struct place *found = NULL;
    for (struct place *p = places; p < places + PLACES; p++) {
        if (p->state == FREE)
            return p;
        if (!p->held && (!found || p->left < found->left))
            found = p;
    }
    if (found)
        empty(found);
    return found;
}

static struct place *take_place(struct MHD_Connection *connection)
{
    pthread_mutex_lock(&lock);
    struct place *p = find_room();
    if (p) {
        p->state = BODY;
        p->held = true;
        p->connection = connection;
    }
    pthread_mutex_unlock(&lock);
    return p;
}

static void free_place(struct place *p)
{
    pthread_mutex_lock(&lock);
    empty(p);
    pthread_mutex_unlock(&lock);
}

/* Until the handler or the worker comes back. */
static void leave_place(struct place *p, int state)
{
    pthread_mutex_lock(&lock);
    p->state = state;
    p->held = state == RUNNING;
    p->left = ++times_left;
    pthread_mutex_unlock(&lock);
}

struct finding {
    struct MHD_Connection *connection;
    struct place *place;
    bool is_known; /* it has a ticket, though the place may be another's by now */
};

static enum MHD_Result see_value(void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
    struct finding *f = arg;
    (void)kind, (void)key;
    for (size_t i = 0; i < PLACES; i++) {
        if (value != places[i].ticket)
            continue;
        f->is_known = true;
        pthread_mutex_lock(&lock);
        if (places[i].state != FREE && places[i].connection == f->connection) {
            f->place = &places[i];
            f->place->held = true;
        }
        pthread_mutex_unlock(&lock);
    }
    return MHD_YES;
}

/* ---- who asks -------------------------------------------------------------------------------------------
 */

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static bool is_here(const struct sockaddr *a)
{
    const struct in6_addr *v6 = &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;
    if (a->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr) >> 24 == 127;
    return a->sa_family == AF_INET6 &&
           (IN6_IS_ADDR_LOOPBACK(v6) || (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == 127));
}

static int admit(struct MHD_Connection *connection, const char **why)
{
    static const char *const by_proxies[] = {"Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"};
    const union MHD_ConnectionInfo *from =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = from ? from->client_addr : NULL;
    struct visitor v = {.asker = {.host = header(connection, "Host"),
                            .origin = header(connection, "Origin"),
                            .fetch_site = header(connection, "Sec-Fetch-Site"),
                            .fetch_dest = header(connection, "Sec-Fetch-Dest")},
        .authorization = header(connection, "Authorization"),
        .is_unix = address && address->sa_family == AF_UNIX};
    v.is_remote = !v.is_unix && !(address && is_here(address));
    for (size_t i = 0; i < sizeof by_proxies / sizeof *by_proxies; i++)
        v.is_forwarded |= header(connection, by_proxies[i]) != NULL;
    return service_admit(&v, why);
}

/* ---- what is asked --------------------------------------------------------------------------------------
 */

/* The query is not handed to us as it was sent: it is put together again. */
static void put_encoded(struct buf *out, const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (; *text; text++) {
        if (strchr(plain, *text))
            buf_putc(out, *text);
        else if (*text == ' ')
            buf_putc(out, '+');
        else
            buf_printf(out, "%%%02X", (unsigned char)*text);
    }
}

static enum MHD_Result put_argument(void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
    struct buf *out = arg;
    (void)kind;
    if (out->len)
        buf_putc(out, '&');
    put_encoded(out, key ? key : "");
    if (value) {
        buf_putc(out, '=');
        put_encoded(out, value);
    }
    return MHD_YES;
}

static bool fill_request(struct place *p, const char *url)
{
    struct buf query = {0};
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(p->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    buf_puts(&query, "");
    MHD_get_connection_values(p->connection, MHD_GET_ARGUMENT_KIND, put_argument, &query);
    p->path = strdup(url);
    p->query = buf_take(&query);
    p->request.method = p->method;
    p->request.path = p->path;
    p->request.query = p->query;
    p->request.client_fd = info ? info->connect_fd : -1;
    return p->path && p->query && !p->request.body.failed;
}

/* ---- answers --------------------------------------------------------------------------------------------
 */

static int refuse(struct MHD_Connection *connection, int status, const char *why)
{
    struct reply reply = {0};
    reply_error(&reply, status, "%s", why);
    return respond(connection, &reply);
}

static int answer(struct place *p)
{
    int sent = respond(p->connection, &p->reply);
    free_place(p);
    return sent;
}

static int answer_with(struct place *p, int status, const char *why)
{
    reply_error(&p->reply, status, "%s", why);
    return answer(p);
}

/* For a client that has gone away the handler is not called again, or finds that there is no place. */
static void resume(struct place *p)
{
    struct MHD_Connection *connection = p->connection;
    struct pollfd client = {.fd = p->request.client_fd, .events = POLLRDHUP};
    if (p->reply.status == 0 || poll(&client, 1, 0) > 0)
        free_place(p);
    else
        leave_place(p, DONE);
    MHD_resume_connection(connection);
}

static void run(void *arg)
{
    struct place *p = arg;
    endpoints_serve(&p->request, &p->reply);
    resume(p);
}

static int suspend(struct place *p)
{
    leave_place(p, RUNNING);
    MHD_suspend_connection(p->connection);
    int code = service_submit(run, p, &p->request.stop_fd);
    if (!code)
        return MHD_YES;
    /* Answered as if a worker had done it: a suspended connection cannot be answered here. */
    if (code == ERR_LIMIT)
        endpoints_too_many(&p->reply);
    else
        reply_failed(&p->reply, ERR_LIMIT, "libcprof was stopped");
    resume(p);
    return MHD_YES;
}

static int wait_for_it(struct place *p)
{
    leave_place(p, RUNNING);
    if (direct_serve(&p->request, &p->reply) == ERR_OFF)
        reply_failed(&p->reply, ERR_LIMIT, "libcprof was stopped");
    return answer(p);
}

static int flags_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *of = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_DAEMON);
    const union MHD_DaemonInfo *info = of ? MHD_get_daemon_info(of->daemon, MHD_DAEMON_INFO_FLAGS) : NULL;
    return info ? (int)info->flags : 0;
}

/* Only a thread that has nothing else to do may wait for long. */
static int start(struct place *p, const char *url)
{
    enum { MAY_SUSPEND = MHD_ALLOW_SUSPEND_RESUME & ~MHD_USE_ITC }; /* which is dropped in external modes */
    int flags = flags_of(p->connection);
    if (p->too_big)
        return answer_with(p, 413, "the body is too large");
    if (!fill_request(p, url))
        return answer_with(p, 500, "out of memory");
    if (flags & MHD_USE_THREAD_PER_CONNECTION)
        return wait_for_it(p);
    if (flags & MAY_SUSPEND)
        return suspend(p);
    if (!endpoints_takes_time(&p->request))
        return wait_for_it(p);
    return answer_with(p, 501,
        "this would hold up the program's server: it has to be started with MHD_ALLOW_SUSPEND_RESUME, or "
        "with MHD_USE_THREAD_PER_CONNECTION");
}

/* ---- calls ----------------------------------------------------------------------------------------------
 */

static void take_body(struct place *p, const char *bytes, size_t *len)
{
    if (p->request.body.len + *len > MAX_BODY_BYTES)
        p->too_big = true;
    else
        buf_append(&p->request.body, bytes, *len);
    *len = 0;
}

static int begin(
    struct MHD_Connection *connection, const char *url, const char *method, const char *upload, size_t *bytes)
{
    const char *why;
    int status = admit(connection, &why);
    if (status < 0)
        return CPROF_MHD_NOT_MINE;
    if (status)
        return refuse(connection, status, why);
    struct place *p = take_place(connection);
    /* A footer, since nobody looks through those. */
    if (!p || !MHD_set_connection_value(connection, MHD_FOOTER_KIND, "cprof", p->ticket)) {
        struct reply reply = {0};
        if (p)
            free_place(p);
        endpoints_too_many(&reply);
        return respond(connection, &reply);
    }
    strncpy(p->method, method, sizeof p->method - 1);
    /* At once, though libmicrohttpd then closes the connection: this may be the last call there is, in a
     * program that lets its first one pass. */
    if (strcmp(method, "POST") != 0)
        return start(p, url);
    if (*bytes)
        take_body(p, upload, bytes);
    leave_place(p, BODY);
    return MHD_YES;
}

static int handle(
    struct MHD_Connection *connection, const char *url, const char *method, const char *upload, size_t *bytes)
{
    struct finding f = {.connection = connection};
    MHD_get_connection_values(connection, MHD_FOOTER_KIND, see_value, &f);
    if (!f.is_known)
        return begin(connection, url, method, upload, bytes);
    if (!f.place)
        return MHD_NO;
    if (f.place->state == DONE)
        return answer(f.place);
    if (f.place->state == RUNNING)
        return MHD_YES;
    if (*bytes == 0)
        return start(f.place, url);
    take_body(f.place, upload, bytes);
    leave_place(f.place, BODY);
    return MHD_YES;
}

int mount_handle(struct MHD_Connection *connection, const char *url, const char *method, const char *upload,
    size_t *upload_bytes)
{
    struct capture_quiet quiet;
    if (!endpoints_owns(url)) /* which costs the program's own requests next to nothing */
        return CPROF_MHD_NOT_MINE;
    capture_quiet_begin(&quiet);
    int result = handle(connection, url, method, upload, upload_bytes);
    capture_quiet_end(&quiet);
    return result;
}

void mount_after_fork(void)
{
    pthread_mutex_init(&lock, NULL);
    memset(places, 0, sizeof places); /* what they had is lost: the parent's threads may have been in it */
}
