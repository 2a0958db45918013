#include "lesson8/debug_server.h"

#include "common/reply.h"

#include <cprof.h>

#include <arpa/inet.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 32, IDLE_SECONDS = 15 };

struct debug_server {
    const struct debug_settings *settings;
    struct MHD_Daemon *daemon;
    char address[DEBUG_SERVER_ADDRESS_MAX];
    bool is_unix;
};

/* ---- requests ---- */

static int status_of(int code)
{
    switch (code) {
    case CPROF_EINVALID:
        return MHD_HTTP_BAD_REQUEST;
    case CPROF_ENOTFOUND:
        return MHD_HTTP_NOT_FOUND;
    case CPROF_ELIMIT:
    case CPROF_EOFF:
    case CPROF_ECANCELLED:
        return MHD_HTTP_SERVICE_UNAVAILABLE;
    default:
        return MHD_HTTP_INTERNAL_SERVER_ERROR;
    }
}

static bool is_text(const char *profile)
{
    const char *debug = strstr(profile, "debug=");
    return (debug && strcmp(debug, "debug=0") != 0) || strncmp(profile, "cmdline", 7) == 0;
}

static enum MHD_Result send_text(struct MHD_Connection *connection, unsigned status, struct buf *text)
{
    size_t len = text->len;
    if (len == 0)
        return reply_text(connection, status, "");
    return reply_take(connection, status, "text/plain; charset=utf-8", buf_take(text), len);
}

/* Made in memory first: whether there is one is known only then. */
static enum MHD_Result send_profile(struct MHD_Connection *connection, const char *profile)
{
    int fd = memfd_create("profile", MFD_CLOEXEC);
    int code = fd < 0 ? CPROF_ENOMEM : cprof_write(profile, fd);
    struct stat made;
    struct MHD_Response *response = NULL;
    if (code == 0 && fstat(fd, &made) == 0)
        response = MHD_create_response_from_fd((uint64_t)made.st_size, fd); /* which closes it */
    if (!response) {
        struct buf why = {0};
        buf_printf(&why, "%s: %s\n", profile, cprof_strerror(code));
        if (fd >= 0)
            close(fd);
        return send_text(connection, (unsigned)status_of(code), &why);
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
        is_text(profile) ? "text/plain; charset=utf-8" : "application/octet-stream");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

/* What follows the path, as it was sent: MHD has it only in parts that are decoded already. */
static void *keep_uri(void *server, const char *uri, struct MHD_Connection *connection)
{
    (void)server, (void)connection;
    return strdup(uri);
}

static void forget_uri(
    void *server, struct MHD_Connection *connection, void **uri, enum MHD_RequestTerminationCode why)
{
    (void)server, (void)connection, (void)why;
    free(*uri);
    *uri = NULL;
}

static enum MHD_Result on_request(void *server, struct MHD_Connection *connection, const char *path,
    const char *method, const char *version, const char *upload, size_t *upload_len, void **uri)
{
    (void)version, (void)upload;
    struct debug_server *s = server;
    struct debug_answer answer = {0};
    if (!*uri)
        return MHD_NO;
    if (*upload_len > 0) {
        *upload_len = 0;
        return MHD_YES;
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0)
        return reply_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
    const char *query = strchr(*uri, '?');
    const struct debug_request request = {.path = path,
        .query = query ? query + 1 : "",
        .host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST),
        .authorization =
            MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION),
        .is_unix = s->is_unix};
    debug_http_answer(s->settings, &request, &answer);
    enum MHD_Result result = answer.status == MHD_HTTP_OK && *answer.profile
                                 ? send_profile(connection, answer.profile)
                                 : send_text(connection, (unsigned)answer.status, &answer.text);
    buf_fini(&answer.text);
    return result;
}

/* ---- starting and stopping ---- */

static void describe(struct debug_server *s, int fd)
{
    struct sockaddr_storage a;
    socklen_t len = sizeof a;
    char host[64] = "?", port[8] = "0";
    if (getsockname(fd, (struct sockaddr *)&a, &len) != 0)
        return;
    s->is_unix = a.ss_family == AF_UNIX;
    if (s->is_unix) {
        snprintf(s->address, sizeof s->address, "%s", s->settings->address);
        return;
    }
    getnameinfo(
        (struct sockaddr *)&a, len, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    const char *shown = strcmp(host, "0.0.0.0") == 0 ? "127.0.0.1" : host;
    snprintf(s->address, sizeof s->address, strchr(shown, ':') ? "[%s]:%s" : "%s:%s", shown, port);
}

static void set_rate(const char *variable, int64_t rate)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, rate);
    setenv(variable, text, 0);
}

static int start_capture(void)
{
    struct debug_rates rates;
    debug_http_rates(&rates);
    set_rate("CPROF_HEAP_RATE", rates.heap_bytes);
    set_rate("CPROF_MUTEX_FRACTION", rates.mutex_fraction);
    set_rate("CPROF_BLOCK_RATE", rates.block_ns);
    return cprof_start_capture(); /* it says itself what is wrong */
}

static struct MHD_Daemon *start_daemon(struct debug_server *s, int fd)
{
    return MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0,
        NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, keep_uri, s,
        MHD_OPTION_NOTIFY_COMPLETED, forget_uri, s, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_END);
}

struct debug_server *debug_server_start(const char *program, const struct debug_settings *settings)
{
    struct error error = {0};
    struct debug_server *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->settings = settings;
    int fd = debug_http_listen(settings, &error);
    if (fd < 0) {
        fprintf(stderr, "%s: no profiles: %s\n", program, error.text);
        free(s);
        return NULL;
    }
    describe(s, fd);
    if (start_capture() == 0)
        s->daemon = start_daemon(s, fd);
    if (s->daemon)
        return s;
    fprintf(stderr, "%s: no profiles: the debug port did not start\n", program);
    close(fd);
    free(s);
    return NULL;
}

const char *debug_server_address(const struct debug_server *s)
{
    return s->address;
}

void debug_server_stop(struct debug_server *s)
{
    if (!s)
        return;
    MHD_stop_daemon(s->daemon);
    if (s->is_unix)
        unlink(s->settings->address + strlen("unix:"));
    free(s);
}
