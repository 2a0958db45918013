#include "export/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 64 };

static const char unix_prefix[] = "unix:";

/* "HOST:PORT" or "[HOST]:PORT" in its parts. */
static bool split(const char *address, char *host, size_t size, const char **port)
{
    const char *from = address, *end;
    if (*address == '[') {
        from++;
        end = strchr(from, ']');
        if (!end || end[1] != ':')
            return false;
        *port = end + 2;
    } else {
        end = strrchr(address, ':');
        if (!end || memchr(address, ':', (size_t)(end - address)))
            return false;
        *port = end + 1;
    }
    if (end == from || (size_t)(end - from) >= size)
        return false;
    memcpy(host, from, (size_t)(end - from));
    host[end - from] = '\0';
    char *rest;
    size_t digits = strspn(*port, "0123456789");
    return digits > 0 && digits <= 5 && !(*port)[digits] && strtol(*port, &rest, 10) <= 65535;
}

static bool is_loopback4(struct in_addr a)
{
    return ntohl(a.s_addr) >> 24 == 127;
}

static bool is_loopback(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET)
        return is_loopback4(((const struct sockaddr_in *)a)->sin_addr);
    return a->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)a)->sin6_addr);
}

/* -1 with errno when it cannot be had. */
static int open_one(const struct sockaddr *address, socklen_t length)
{
    int yes = 1, fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (address->sa_family == AF_UNIX)
        fchmod(fd, S_IRUSR | S_IWUSR); /* on Linux, what bind then makes */
    else
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, address, length) || listen(fd, BACKLOG)) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

static void describe(int fd, char name[LISTENER_NAME_BYTES])
{
    struct sockaddr_storage a;
    socklen_t len = sizeof a;
    char host[64] = "?", port[8] = "0";
    if (getsockname(fd, (struct sockaddr *)&a, &len) == 0)
        getnameinfo((struct sockaddr *)&a, len, host, sizeof host, port, sizeof port,
            NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(name, LISTENER_NAME_BYTES, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

static int code_of(int why)
{
    return why == EADDRINUSE ? ERR_BUSY : why == EACCES || why == EPERM ? ERR_DENIED : ERR_IO;
}

/* ---- unix sockets ---------------------------------------------------------------------------------------
 */

/* The path with %p replaced; false when it is no absolute one that fits. */
static bool expand(const char *path, char *out, size_t size)
{
    size_t len = 0;
    for (const char *p = path; *p; p++) {
        bool is_id = p[0] == '%' && p[1] == 'p';
        int n = is_id ? snprintf(out + len, size - len, "%d", (int)getpid())
                      : snprintf(out + len, size - len, "%c", *p);
        len += (size_t)n;
        if (len >= size)
            return false;
        p += is_id;
    }
    return *path == '/' && len > 1;
}

/* A socket whose process was killed: its file is there, and nobody answers. */
static bool is_left_behind(const struct sockaddr_un *a)
{
    struct stat s;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    bool refused = stat(a->sun_path, &s) == 0 && S_ISSOCK(s.st_mode) &&
                   connect(fd, (const struct sockaddr *)a, sizeof *a) != 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

static int open_unix(const char *address, int *fd, char name[LISTENER_NAME_BYTES], struct error *error)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (!expand(address + strlen(unix_prefix), a.sun_path, sizeof a.sun_path))
        return error_set(error, ERR_INVALID,
            "bad address \"%s\": unix:/PATH is wanted, with at most %zu characters in PATH", address,
            sizeof a.sun_path - 1);
    int opened = open_one((struct sockaddr *)&a, sizeof a), why = errno;
    if (opened < 0 && why == EADDRINUSE && is_left_behind(&a) && unlink(a.sun_path) == 0) {
        opened = open_one((struct sockaddr *)&a, sizeof a);
        why = errno;
    }
    if (opened < 0)
        return error_set(error, code_of(why), "cannot listen on %s: %s", address, strerror(why));
    snprintf(name, LISTENER_NAME_BYTES, "%s%s", unix_prefix, a.sun_path);
    *fd = opened;
    return 0;
}

bool listener_is_unix(const char *name)
{
    return strncmp(name, unix_prefix, strlen(unix_prefix)) == 0;
}

void listener_remove(const char *name)
{
    if (listener_is_unix(name))
        unlink(name + strlen(unix_prefix));
}

/* ---- all ------------------------------------------------------------------------------------------------
 */

int listener_open(
    const char *address, bool allow_remote, int *fd, char name[LISTENER_NAME_BYTES], struct error *error)
{
    char host[256];
    const char *port;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_NUMERICHOST}, *found;
    if (listener_is_unix(address))
        return open_unix(address, fd, name, error);
    if (!split(address, host, sizeof host, &port))
        return error_set(error, ERR_INVALID, "bad address \"%s\": HOST:PORT is wanted", address);
    /* A number needs no resolver, which reads files, and locks what another thread may hold in a fork. */
    int failed = getaddrinfo(host, port, &hints, &found);
    hints.ai_flags = AI_NUMERICSERV;
    if (failed)
        failed = getaddrinfo(host, port, &hints, &found);
    if (failed)
        return error_set(error, ERR_INVALID, "bad address \"%s\": %s", address, gai_strerror(failed));
    int code = ERR_IO, socket_fd = -1;
    for (struct addrinfo *a = found; a && socket_fd < 0; a = a->ai_next) {
        if (!allow_remote && !is_loopback(a->ai_addr)) {
            code = error_set(error, ERR_DENIED,
                "%s is not a loopback address: CPROF_ALLOW_REMOTE=1 and CPROF_TOKEN are needed", address);
            break;
        }
        socket_fd = open_one(a->ai_addr, a->ai_addrlen);
        if (socket_fd < 0)
            code = error_set(error, code_of(errno), "cannot listen on %s: %s", address, strerror(errno));
    }
    freeaddrinfo(found);
    if (socket_fd < 0)
        return code;
    describe(socket_fd, name);
    *fd = socket_fd;
    return 0;
}
