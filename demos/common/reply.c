#include "common/reply.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static enum MHD_Result queue(
    struct MHD_Connection *connection, unsigned status, const char *type, struct MHD_Response *response)
{
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

enum MHD_Result reply_static(
    struct MHD_Connection *connection, unsigned status, const char *type, const char *body, size_t len)
{
    /* MHD does not write to what is PERSISTENT; its parameter just lacks the const. */
    return queue(connection, status, type,
        MHD_create_response_from_buffer(len, (void *)(uintptr_t)body, MHD_RESPMEM_PERSISTENT));
}

enum MHD_Result reply_text(struct MHD_Connection *connection, unsigned status, const char *text)
{
    return reply_static(connection, status, "text/plain; charset=utf-8", text, strlen(text));
}

enum MHD_Result reply_take(
    struct MHD_Connection *connection, unsigned status, const char *type, char *body, size_t len)
{
    if (!body)
        return reply_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
    struct MHD_Response *response = MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE);
    if (!response)
        free(body);
    return queue(connection, status, type, response);
}

int reply_listen(const char *program, long *port, int backlog)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)*port)};
    socklen_t len = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, backlog) != 0) {
        fprintf(stderr, "%s: cannot listen on 127.0.0.1:%ld: %s%s\n", program, *port, strerror(errno),
            errno == EADDRINUSE ? " (choose another with --port)" : "");
        if (fd >= 0)
            close(fd);
        return -1;
    }
    if (getsockname(fd, (struct sockaddr *)&address, &len) == 0)
        *port = ntohs(address.sin_port);
    return fd;
}
