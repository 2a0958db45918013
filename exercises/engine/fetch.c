/*
 * fetch [-i] [-X METHOD] [-H HEADER] [-u PATH] URL…: the body of each answer to standard output, one after
 * the other.
 * It is what the project's scripts use instead of curl, which a fresh machine lacks. http:// and a status of
 * 200 only; anything else is one line on standard error, and exit 1. With -i any status will do, and the
 * answer is shown whole, from its status line on. With -u the server is at a unix socket.
 */
#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { TIMEOUT_S = 60 };

static bool whole;                 /* -i */
static const char *method = "GET"; /* -X */
static const char *header = NULL;  /* -H */
static const char *at_path = NULL; /* -u */

struct url {
    char host[256], port[16];
    const char *path;
};

static bool parse_url(const char *text, struct url *out)
{
    static const char scheme[] = "http://";
    if (strncmp(text, scheme, sizeof scheme - 1) != 0)
        return false;
    const char *authority = text + sizeof scheme - 1;
    size_t length = strcspn(authority, "/");
    char host[sizeof out->host];
    if (length == 0 || length >= sizeof host)
        return false;
    memcpy(host, authority, length);
    host[length] = '\0';
    char *colon = strrchr(host, ':');
    if (colon)
        *colon++ = '\0';
    snprintf(out->host, sizeof out->host, "%s", host);
    int n = snprintf(out->port, sizeof out->port, "%s", colon ? colon : "80");
    out->path = authority[length] ? authority + length : "/";
    return n < (int)sizeof out->port;
}

static int connect_to_path(const char *path, const char **why)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    *why = "the path is too long";
    if (snprintf(a.sun_path, sizeof a.sun_path, "%s", path) >= (int)sizeof a.sun_path)
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
        return fd;
    *why = strerror(errno);
    if (fd >= 0)
        close(fd);
    return -1;
}

/* A connected socket, or -1 with a reason in *why. */
static int connect_to(const struct url *url, const char **why)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
    int code = getaddrinfo(url->host, url->port, &hints, &list);
    if (code != 0) {
        *why = gai_strerror(code);
        return -1;
    }
    int fd = -1;
    for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
            *why = strerror(errno);
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    return fd;
}

/* Copies the body to standard output, until the server closes. Returns the reason if it fails. */
static const char *copy_answer(FILE *answer)
{
    static char line[4096];
    int status = 0;
    if (!fgets(line, sizeof line, answer) || sscanf(line, "HTTP/1.%*d %d", &status) != 1)
        return "the answer is not HTTP";
    do {
        if (whole)
            fputs(line, stdout);
    } while (strcmp(line, "\r\n") != 0 && strcmp(line, "\n") != 0 && fgets(line, sizeof line, answer));
    if (status != 200 && !whole) {
        static char why[64];
        snprintf(why, sizeof why, "status %d", status);
        return why;
    }
    for (size_t n; (n = fread(line, 1, sizeof line, answer)) > 0;)
        if (fwrite(line, 1, n, stdout) != n)
            return "cannot write";
    return ferror(answer) ? "the answer broke off" : NULL;
}

static const char *fetch(const char *text)
{
    struct url url;
    const char *why = "no address";
    if (!parse_url(text, &url))
        return "not a http://HOST[:PORT]/PATH";
    int fd = at_path ? connect_to_path(at_path, &why) : connect_to(&url, &why);
    if (fd < 0)
        return why;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = TIMEOUT_S}, sizeof(struct timeval));
    FILE *answer = fdopen(fd, "r+");
    if (!answer) {
        close(fd);
        return strerror(errno);
    }
    fprintf(answer, "%s %s HTTP/1.0\r\nHost: %s:%s\r\n%s%s\r\n", method, url.path, url.host, url.port,
        header ? header : "", header ? "\r\n" : "");
    fflush(answer);
    why = copy_answer(answer);
    fclose(answer);
    return why;
}

int main(int argc, char **argv)
{
    int option;
    while ((option = getopt(argc, argv, "iX:H:u:")) != -1) {
        if (option == '?')
            return 2;
        whole |= option == 'i';
        method = option == 'X' ? optarg : method;
        header = option == 'H' ? optarg : header;
        at_path = option == 'u' ? optarg : at_path;
    }
    if (optind == argc) {
        fprintf(stderr, "usage: fetch [-i] [-X METHOD] [-H HEADER] [-u PATH] URL...\n");
        return 2;
    }
    for (int i = optind; i < argc; i++) {
        const char *why = fetch(argv[i]);
        if (why) {
            fprintf(stderr, "fetch: %s: %s\n", argv[i], why);
            return 1;
        }
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
