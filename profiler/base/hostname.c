#include "base/hostname.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

enum { NAME_BYTES = 256 };

bool hostname_of(const char *host, char *name, size_t size)
{
    bool bracketed = *host == '[';
    const char *from = host + bracketed, *end = bracketed ? strchr(host, ']') : host + strcspn(host, ":");
    if (!end || (size_t)(end - from) >= size)
        return false;
    const char *port = end + bracketed;
    if (*port && (*port != ':' || port[1 + strspn(port + 1, "0123456789")]))
        return false;
    memcpy(name, from, (size_t)(end - from));
    name[end - from] = '\0';
    return true;
}

bool hostname_is_address(const char *host)
{
    char name[NAME_BYTES];
    struct in6_addr address;
    return hostname_of(host, name, sizeof name) &&
           inet_pton(*host == '[' ? AF_INET6 : AF_INET, name, &address) == 1;
}

bool hostname_is_loopback(const char *host)
{
    char name[NAME_BYTES];
    struct in_addr v4;
    struct in6_addr v6;
    if (!host)
        return true;
    if (!hostname_of(host, name, sizeof name))
        return false;
    if (*host == '[')
        return inet_pton(AF_INET6, name, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
    return strcasecmp(name, "localhost") == 0 ||
           (inet_pton(AF_INET, name, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127);
}
