#ifndef TESTS_WEB_RIG_H
#define TESTS_WEB_RIG_H

#include "client.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

/* A pprof -http that runs as a child of the test, and what is asked of it. */

struct served {
    pid_t pid;
    char address[64]; /* for client.h */
    unsigned port;
};

/* Ctrl-C, and how it ended. */
static inline int end(const struct served *s)
{
    int status = -1;
    kill(s->pid, SIGINT);
    while (waitpid(s->pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline struct answer get(const struct served *s, const char *path)
{
    return receive(ask_at(s->address, "GET", path, NULL, NULL));
}

/* The status, and that the body holds each of the texts. */
static inline void shows(const struct served *s, const char *path, int status, const char *const texts[])
{
    struct answer a = get(s, path);
    ck_assert_msg(a.status == status, "%s: status %d, wanted %d", path, a.status, status);
    for (size_t i = 0; texts && texts[i]; i++)
        ck_assert_msg(strstr(a.body, texts[i]), "%s lacks %s:\n%.3000s", path, texts[i], a.body);
    buf_fini(&a.all);
}

#define SHOWS(s, path, status, ...) shows(s, path, status, (const char *const[]){__VA_ARGS__, NULL})

#endif
