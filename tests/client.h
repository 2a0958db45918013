#ifndef TESTS_CLIENT_H
#define TESTS_CLIENT_H

#include "base/buf.h"
#include "harness.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* An HTTP client that hides nothing of what it receives. */

struct answer {
    int status;
    struct buf all; /* head and body as received */
    const char *body;
    size_t body_len;
};

/* "127.0.0.1:PORT", of which only the port counts, or "unix:/PATH". */
static inline int connect_to(const char *address)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    bool is_unix = strncmp(address, "unix:", 5) == 0;
    if (is_unix)
        snprintf(un.sun_path, sizeof un.sun_path, "%s", address + 5);
    else
        in.sin_port = htons((uint16_t)atoi(strchr(address, ':') + 1));
    int fd = socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    const struct sockaddr *to = is_unix ? (const struct sockaddr *)&un : (const struct sockaddr *)&in;
    ck_assert_int_eq(connect(fd, to, is_unix ? sizeof un : sizeof in), 0);
    return fd;
}

static inline void send_all(int fd, const char *bytes, size_t len)
{
    while (len) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        ck_assert_int_gt(n, 0);
        bytes += n;
        len -= (size_t)n;
    }
}

static inline struct answer receive(int fd)
{
    struct answer a = {0};
    char chunk[4096];
    ssize_t n;
    while ((n = recv(fd, chunk, sizeof chunk, 0)) > 0)
        buf_append(&a.all, chunk, (size_t)n);
    close(fd);
    const char *end = a.all.data ? strstr(a.all.data, "\r\n\r\n") : NULL;
    if (!end)
        return a;
    a.body = end + 4;
    a.body_len = a.all.len - (size_t)(a.body - a.all.data);
    ck_assert_int_eq(sscanf(a.all.data, "HTTP/1.1 %d", &a.status), 1);
    return a;
}

static inline int ask_at(
    const char *address, const char *method, const char *path, const char *headers, const char *body)
{
    struct buf text = {0};
    int fd = connect_to(address);
    buf_printf(&text, "%s %s HTTP/1.1\r\nConnection: close\r\n%s%s", method, path,
        headers ? headers : "Host: 127.0.0.1\r\n", body ? "" : "\r\n");
    if (body)
        buf_printf(&text, "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
    send_all(fd, text.data, text.len);
    buf_fini(&text);
    return fd;
}

static inline bool has_header(const struct answer *a, const char *line)
{
    char wanted[256];
    snprintf(wanted, sizeof wanted, "\r\n%s\r\n", line);
    const char *found = a->all.data ? strcasestr(a->all.data, wanted) : NULL;
    return found && found < a->body;
}

static inline bool names_header(const struct answer *a, const char *name)
{
    char wanted[64];
    snprintf(wanted, sizeof wanted, "\r\n%s:", name);
    const char *found = strcasestr(a->all.data, wanted);
    return found && found < a->body;
}

static inline void expect(struct answer a, const char *what, int status, const char *type, const char *body)
{
    ck_assert_msg(a.status == status, "%s: status %d, wanted %d", what, a.status, status);
    ck_assert_msg(has_header(&a, "X-Content-Type-Options: nosniff"), "%s: no nosniff", what);
    char line[100];
    snprintf(line, sizeof line, "Content-Type: %s", type);
    ck_assert_msg(has_header(&a, line), "%s: not %s:\n%s", what, type, a.all.data);
    if (body)
        ck_assert_msg(
            a.body_len == strlen(body) && memcmp(a.body, body, a.body_len) == 0, "%s: %s", what, a.body);
    buf_fini(&a.all);
}

#define TEXT "text/plain; charset=utf-8"

#endif
