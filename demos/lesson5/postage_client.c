#include "lesson5/postage_client.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool postage_client_connect(struct postage_client *client, long port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    *client = (struct postage_client){.fd = -1, .port = port};
    if (fd < 0)
        return false;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return false;
    }
    client->fd = fd;
    return true;
}

void postage_client_close(struct postage_client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
}

/* How long the whole answer is, as soon as its head is there; 0 before that. */
static size_t answer_bytes(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n"), *length = strcasestr(answer, "\r\nContent-Length:");
    if (!end || !length || length > end)
        return 0;
    return (size_t)(end + 4 - answer) + strtoul(length + strlen("\r\nContent-Length:"), NULL, 10);
}

/* True when a whole answer of status 200 has come. */
static bool read_answer(int fd)
{
    char answer[2048];
    size_t have = 0, whole = 0;
    while (have < sizeof answer - 1 && (whole == 0 || have < whole)) {
        ssize_t n = recv(fd, answer + have, sizeof answer - 1 - have, 0);
        if (n <= 0)
            return false;
        have += (size_t)n;
        answer[have] = '\0';
        whole = answer_bytes(answer);
    }
    return have == whole && strncmp(answer, "HTTP/1.1 200 ", 13) == 0;
}

void postage_client_ask(struct postage_client *client, uint64_t n)
{
    char request[128];
    int len = snprintf(request, sizeof request,
        "GET /v1/price/parcel-%" PRIu64 " HTTP/1.1\r\nHost: 127.0.0.1:%ld\r\n\r\n", n, client->port);
    if (client->fd < 0)
        return;
    if (send(client->fd, request, (size_t)len, MSG_NOSIGNAL) != len || !read_answer(client->fd))
        postage_client_close(client);
}
