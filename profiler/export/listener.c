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
#include <unistd.h>

enum { BACKLOG = 64 };

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

static int open_one(const struct addrinfo *a)
{
    int yes = 1, fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, a->ai_addr, a->ai_addrlen) || listen(fd, BACKLOG)) {
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

int listener_open(
    const char *address, bool allow_remote, int *fd, char name[LISTENER_NAME_BYTES], struct error *error)
{
    char host[256];
    const char *port;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found;
    if (!split(address, host, sizeof host, &port))
        return error_set(error, ERR_INVALID, "bad address \"%s\": HOST:PORT is wanted", address);
    int failed = getaddrinfo(host, port, &hints, &found);
    if (failed)
        return error_set(error, ERR_INVALID, "bad address \"%s\": %s", address, gai_strerror(failed));
    int code = ERR_IO, socket_fd = -1;
    for (struct addrinfo *a = found; a && socket_fd < 0; a = a->ai_next) {
        if (!allow_remote && !is_loopback(a->ai_addr)) {
            code = error_set(error, ERR_DENIED,
                "%s is not a loopback address: CPROF_ALLOW_REMOTE=1 and CPROF_TOKEN are needed", address);
            break;
        }
        socket_fd = open_one(a);
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

bool listener_host_is_loopback(const char *host)
{
    char name[256];
    const char *from = host, *end;
    struct in_addr v4;
    struct in6_addr v6;
    if (!host)
        return true;
    if (*host == '[') {
        from++;
        end = strchr(host, ']');
    } else
        end = host + strcspn(host, ":");
    if (!end || (size_t)(end - from) >= sizeof name)
        return false;
    const char *port = end + (*host == '[');
    if (*port && (*port != ':' || port[1 + strspn(port + 1, "0123456789")]))
        return false;
    memcpy(name, from, (size_t)(end - from));
    name[end - from] = '\0';
    if (*host == '[')
        return inet_pton(AF_INET6, name, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
    return strcasecmp(name, "localhost") == 0 || (inet_pton(AF_INET, name, &v4) == 1 && is_loopback4(v4));
}

bool listener_token_matches(const char *authorization, const char *token)
{
    if (!authorization || strncasecmp(authorization, "Bearer ", 7) != 0)
        return false;
    const char *given = authorization + 7;
    size_t len = strlen(token), given_len = strlen(given);
    unsigned char differs = len != given_len;
    for (size_t i = 0; i < len; i++)
        differs |= (unsigned char)(token[i] ^ (given_len ? given[i % given_len] : 0));
    return !differs;
}
