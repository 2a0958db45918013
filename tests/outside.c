#include <cprof.h>

#include <fcntl.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * A program outside the tree that has a server of its own on libmicrohttpd: /debug/pprof/ is mounted there.
 * It lives until standard input ends, and then leaves its heap profile in FILE.
 *
 *     cc outside.c $(pkg-config --cflags --libs cprof libmicrohttpd) && ./a.out suspending|waiting FILE
 */
static void *volatile kept[100];

static __attribute__((noinline)) void outside_keep(void)
{
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        kept[i] = calloc(1, 10000);
}

static enum MHD_Result answer(void *arg, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload, size_t *upload_len, void **context)
{
    (void)arg, (void)version, (void)context;
    static char hello[] = "hello\n";
    int result = cprof_mhd_handle(connection, url, method, upload, upload_len);
    if (result != CPROF_MHD_NOT_MINE)
        return (enum MHD_Result)result;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(sizeof hello - 1, hello, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result sent = MHD_queue_response(connection, 200, response);
    MHD_destroy_response(response);
    return sent;
}

int main(int argc, char **argv)
{
    char byte;
    if (argc != 3 || cprof_start_capture())
        return 1;
    outside_keep();
    struct MHD_Daemon *server = MHD_start_daemon(
        strcmp(argv[1], "suspending") == 0 ? MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME
                                           : MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_THREAD_PER_CONNECTION,
        0, NULL, NULL, answer, NULL, MHD_OPTION_END);
    if (!server)
        return 2;
    fprintf(stderr, "outside: serving http://127.0.0.1:%d/debug/pprof/\n",
        MHD_get_daemon_info(server, MHD_DAEMON_INFO_BIND_PORT)->port);
    while (read(0, &byte, 1) > 0)
        ;
    int fd = open(argv[2], O_CREAT | O_WRONLY | O_TRUNC, 0600), code = cprof_write("heap", fd);
    if (code || close(fd)) {
        fprintf(stderr, "outside: %s\n", cprof_strerror(code));
        return 3;
    }
    cprof_stop();
    MHD_stop_daemon(server);
    return 0;
}
