/* The rig around the module under test; see debug_rig.h. */
#include "debug_rig.h"

#include "module.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

bool debug_module_load(struct debug_module *out, const char *stem, const char *ending)
{
    static const char *const NAMES[] = {
        "debug_http_listen", "debug_http_answer", "debug_http_label", "debug_http_rates", NULL};
    return module_load(out, NAMES, stem, ending);
}

/* ---- answers ---- */

void rig_ask(const struct debug_module *m, const struct debug_settings *s, const struct debug_request *r,
    struct debug_answer *out)
{
    memset(out, 0, sizeof *out);
    module_enter("debug_http_answer");
    m->answer(s, r, out);
    module_leave();
    if (out->status == 200 && strncmp(out->profile, "cmdline", 7) == 0)
        for (const char *const *a = s->argv; *a; a++)
            buf_append(&out->text, *a, strlen(*a) + 1);
}

bool rig_shows(const struct debug_answer *a, const char *secret)
{
    size_t len = strlen(secret);
    return (a->text.len && memmem(a->text.data, a->text.len, secret, len)) || strstr(a->profile, secret);
}

/* ---- what the profiler reads ---- */

static void decode(const char *from, size_t len, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < len && n + 1 < size; i++) {
        unsigned c;
        if (from[i] == '%' && i + 2 < len && sscanf(from + i + 1, "%2x", &c) == 1) {
            out[n++] = (char)c;
            i += 2;
        } else {
            out[n++] = from[i] == '+' ? ' ' : from[i];
        }
    }
    out[n] = '\0';
}

static bool read_parameter(const char *text, size_t len, struct rig_profile *out)
{
    char name[64], value[64], *end;
    const char *equals = memchr(text, '=', len);
    size_t name_len = equals ? (size_t)(equals - text) : len;
    decode(text, name_len, name, sizeof name);
    decode(equals ? equals + 1 : "", equals ? len - name_len - 1 : 0, value, sizeof value);
    int64_t *to = strcmp(name, "seconds") == 0 ? &out->seconds : strcmp(name, "hz") == 0 ? &out->hz : NULL;
    if (!to || !*value)
        return true;
    long long n = strtoll(value, &end, 10);
    *to = n > *to ? n : *to;
    return *end == '\0';
}

bool rig_profile_read(const char *profile, struct rig_profile *out)
{
    size_t len = strcspn(profile, "?");
    memset(out, 0, sizeof *out);
    snprintf(out->name, sizeof out->name, "%.*s", (int)len, profile);
    bool right = true;
    for (const char *at = profile + len; *at;) {
        size_t part = strcspn(++at, "&");
        right = read_parameter(at, part, out) && right;
        at += part;
    }
    bool is_cpu = strcmp(out->name, "profile") == 0, is_wall = strcmp(out->name, "wall") == 0;
    if ((is_cpu || is_wall) && out->seconds == 0)
        out->seconds = 30;
    if (is_cpu && out->hz == 0)
        out->hz = 100;
    return right;
}

/* ---- sockets ---- */

/* Whether it is this connection that waits at the socket, and not one that another program has got. */
static bool arrived(int listen_fd, int fd)
{
    struct pollfd waiting = {.fd = listen_fd, .events = POLLIN};
    struct sockaddr_storage ours, peer;
    socklen_t ours_len = sizeof ours, peer_len = sizeof peer;
    memset(&ours, 0, sizeof ours);
    memset(&peer, 0, sizeof peer);
    if (poll(&waiting, 1, 1000) != 1)
        return false;
    int accepted = accept4(listen_fd, (struct sockaddr *)&peer, &peer_len, SOCK_CLOEXEC);
    if (accepted < 0)
        return false;
    close(accepted);
    getsockname(fd, (struct sockaddr *)&ours, &ours_len);
    return ours.ss_family == AF_UNIX || (ours_len == peer_len && memcmp(&ours, &peer, ours_len) == 0);
}

bool rig_connects(int listen_fd, const char *host)
{
    struct sockaddr_storage a;
    socklen_t len = sizeof a;
    if (getsockname(listen_fd, (struct sockaddr *)&a, &len) != 0)
        return false;
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)&a;
    if (host) {
        in_port_t port =
            a.ss_family == AF_INET ? v4->sin_port : ((struct sockaddr_in6 *)(void *)&a)->sin6_port;
        memset(&a, 0, sizeof a);
        v4->sin_family = AF_INET;
        v4->sin_port = port;
        inet_pton(AF_INET, host, &v4->sin_addr);
        len = sizeof *v4;
    }
    int fd = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool through = fd >= 0 && connect(fd, (struct sockaddr *)&a, len) == 0 && arrived(listen_fd, fd);
    if (fd >= 0)
        close(fd);
    return through;
}

static bool is_local(const struct sockaddr *a)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)a;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)a;
    if (a->sa_family == AF_INET)
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    return a->sa_family == AF_UNIX || (a->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr));
}

bool rig_is_local(int listen_fd)
{
    struct sockaddr_storage a;
    socklen_t len = sizeof a;
    return getsockname(listen_fd, (struct sockaddr *)&a, &len) == 0 && is_local((struct sockaddr *)&a);
}

bool rig_has_ipv6(void)
{
    const struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool bound = fd >= 0 && bind(fd, (const struct sockaddr *)&a, sizeof a) == 0;
    if (fd >= 0)
        close(fd);
    return bound;
}

int rig_open_descriptors(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

bool rig_outside_address(char *address, size_t size)
{
    struct ifaddrs *all;
    char host[64];
    bool found = false;
    if (getifaddrs(&all) != 0)
        return false;
    for (const struct ifaddrs *i = all; i && !found; i = i->ifa_next)
        if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET && !is_local(i->ifa_addr) &&
            getnameinfo(
                i->ifa_addr, sizeof(struct sockaddr_in), host, sizeof host, NULL, 0, NI_NUMERICHOST) == 0) {
            snprintf(address, size, "%s:0", host);
            found = true;
        }
    freeifaddrs(all);
    return found;
}
