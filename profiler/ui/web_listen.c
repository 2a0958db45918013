#include "ui/web_listen.h"

#include "base/hostname.h"

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

/* Whether address has both parts; which are put in *l, with what is meant by none. */
static bool split(const char *address, struct web_listener *l)
{
    const char *colon = strrchr(address, ':'), *digits = colon ? colon + 1 : "";
    size_t n = strspn(digits, "0123456789");
    if (!colon || digits[n] || n > 5 || atol(digits) > 65535 ||
        !hostname_of(address, l->host, sizeof l->host))
        return false;
    if (!*l->host)
        strcpy(l->host, "localhost");
    l->port = (unsigned)atol(digits);
    return true;
}

static bool is_loopback(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)a)->sin_addr.s_addr) >> 24 == 127;
    return a->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)a)->sin6_addr);
}

/* -1 with errno. */
static int open_one(const struct addrinfo *a)
{
    int yes = 1, fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static unsigned port_of(int fd)
{
    struct sockaddr_storage a;
    socklen_t len = sizeof a;
    if (getsockname(fd, (struct sockaddr *)&a, &len))
        return 0;
    return ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port
                                         : ((struct sockaddr_in *)&a)->sin_port);
}

static int code_of(int why)
{
    return why == EADDRINUSE ? ERR_BUSY : why == EACCES || why == EPERM ? ERR_DENIED : ERR_IO;
}

int web_listen(const char *address, struct web_listener *out, struct error *error)
{
    struct web_listener l = {.fd = -1};
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found;
    char port[8];
    if (!split(address, &l))
        return error_set(error, ERR_INVALID, "-http: \"%s\" is not [HOST]:[PORT]", address);
    snprintf(port, sizeof port, "%u", l.port);
    /* Whoever has an IPv4 address of localhost only, or both, is reached by this one. */
    hints.ai_family = strcasecmp(l.host, "localhost") == 0 ? AF_INET : AF_UNSPEC;
    int failed = getaddrinfo(l.host, port, &hints, &found), why = 0;
    if (failed)
        return error_set(error, ERR_INVALID, "-http: %s: %s", l.host, gai_strerror(failed));
    for (struct addrinfo *a = found; a && l.fd < 0; a = a->ai_next) {
        l.fd = open_one(a);
        why = errno;
        l.local = is_loopback(a->ai_addr);
    }
    freeaddrinfo(found);
    if (l.fd < 0)
        return error_set(error, code_of(why), "-http: cannot listen on %s: %s", address, strerror(why));
    l.port = port_of(l.fd);
    *out = l;
    return 0;
}

bool web_listener_knows(const struct web_listener *l, const char *host)
{
    char name[sizeof l->host];
    if (!host || !hostname_of(host, name, sizeof name))
        return false;
    return hostname_is_loopback(host) || strcasecmp(name, l->host) == 0 ||
           (!l->local && hostname_is_address(host));
}
