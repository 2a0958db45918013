#include "ui/collector.h"

#include "base/clock.h"
#include "ui/collection.h"
#include "ui/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RESULT_FD = 3 };

/* ---- in the process ---- */

static void say(char how, const char *what)
{
    struct buf text = {0};
    buf_printf(&text, "%c%s", how, what);
    for (size_t at = 0; at < text.len;) {
        ssize_t n = write(RESULT_FD, text.data + at, text.len - at);
        if (n <= 0)
            break;
        at += (size_t)n;
    }
    buf_fini(&text);
}

/* "+FOLDER" or "-WHY"; the browsers' connections are none of its. */
static _Noreturn void collect(
    const struct options *o, const char *source, int seconds, const char *stats, int fd, pid_t parent)
{
    struct options own = *o;
    struct error error = {0};
    char *folder = NULL;
    signal(SIGTERM, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent || (fd != RESULT_FD && dup2(fd, RESULT_FD) < 0))
        _exit(1);
    close_range(RESULT_FD + 1, ~0U, 0);
    interrupt_clear();
    own.seconds = seconds;
    own.stats = stats ? stats : o->stats;
    int code = collection_take(&own, source, &interrupted, &folder, &error);
    if (folder && (!code || code == ERR_CANCELLED))
        say('+', folder);
    else
        say('-', *error.text ? error.text : error_text(code));
    _exit(0);
}

/* ---- here ---- */

bool collector_runs(const struct collector *c)
{
    return c->pid > 0;
}

int collector_start(struct collector *c, const struct options *o, const char *source, int seconds,
    const char *stats, struct error *error)
{
    int fds[2];
    pid_t self = getpid();
    if (collector_runs(c))
        return error_set(error, ERR_BUSY, "profiles are being collected already");
    if (pipe2(fds, O_CLOEXEC))
        return error_set(error, ERR_IO, "cannot collect: %s", strerror(errno));
    pid_t pid = fork();
    if (pid == 0)
        collect(o, source, seconds, stats, fds[1], self);
    close(fds[1]);
    if (pid < 0) {
        close(fds[0]);
        return error_set(error, ERR_IO, "cannot collect: %s", strerror(errno));
    }
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    buf_fini(&c->said);
    *c = (struct collector){.pid = pid, .fd = fds[0], .began_ns = clock_monotonic_ns(), .seconds = seconds};
    return 0;
}

static void reap(struct collector *c)
{
    while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    close(c->fd);
    c->fd = -1;
    c->pid = 0;
}

bool collector_ended(struct collector *c, char **folder, struct error *error)
{
    char chunk[512];
    ssize_t n = -1;
    if (!collector_runs(c))
        return false;
    while ((n = read(c->fd, chunk, sizeof chunk)) > 0)
        buf_append(&c->said, chunk, (size_t)n);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    reap(c);
    const char *said = c->said.data ? c->said.data : "";
    *folder = *said == '+' ? strdup(said + 1) : NULL;
    if (!*folder)
        error_set(error, ERR_IO, "%s", *said == '-' ? said + 1 : "collecting ended before it was done");
    buf_fini(&c->said);
    return true;
}

void collector_fini(struct collector *c)
{
    if (collector_runs(c)) {
        kill(c->pid, SIGTERM);
        reap(c);
    }
    buf_fini(&c->said);
}
