#include "ui/subprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* What Ctrl-C and a closed pipe do to us is no rule for others. */
static int spawn(
    char *const argv[], int in, int out, bool silent, bool own_group, pid_t *pid, struct error *e)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGINT);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | (own_group ? POSIX_SPAWN_SETPGROUP : 0));
    if (in >= 0)
        posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    else
        posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (out >= 0)
        posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    if (silent)
        posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    int why = posix_spawnp(pid, argv[0], &files, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (!why)
        return 0;
    return error_set(
        e, why == ENOENT || why == EACCES ? ERR_NOTFOUND : ERR_IO, "%s: %s", argv[0], strerror(why));
}

/* ---- with both ends in hand ---- */

struct streams {
    int in, out; /* -1 when closed */
    const struct buf *input;
    size_t sent;
    struct buf *output;
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* A program that closes its input early has read what it wanted. */
static void feed(struct streams *s)
{
    ssize_t n = send(s->in, s->input->data + s->sent, s->input->len - s->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0)
        s->sent += (size_t)n;
    if (s->sent == s->input->len || (n < 0 && errno != EAGAIN && errno != EINTR))
        close_fd(&s->in);
}

static void drain(struct streams *s)
{
    char chunk[64 * 1024];
    ssize_t n = read(s->out, chunk, sizeof chunk);
    if (n > 0)
        buf_append(s->output, chunk, (size_t)n);
    else if (n == 0 || errno != EINTR)
        close_fd(&s->out);
}

static int pump(struct streams *s, const volatile sig_atomic_t *cancel)
{
    while (s->out >= 0) {
        struct pollfd fds[] = {{.fd = s->out, .events = POLLIN}, {.fd = s->in, .events = POLLOUT}};
        if (cancel && *cancel)
            return ERR_CANCELLED;
        if (poll(fds, 2, 200) < 0 && errno != EINTR)
            return ERR_IO;
        if (fds[0].revents)
            drain(s);
        if (s->in >= 0 && fds[1].revents)
            feed(s);
    }
    return 0;
}

static int reap(pid_t pid, const char *name, struct error *error)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return error_set(error, ERR_IO, "%s: %s", name, strerror(errno));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    return WIFEXITED(status) ? error_set(error, ERR_IO, "%s: exit status %d", name, WEXITSTATUS(status))
                             : error_set(error, ERR_IO, "%s: %s", name, strsignal(WTERMSIG(status)));
}

static int run_between(char *const argv[], struct streams *s, int child_in, int child_out, bool silent,
    const volatile sig_atomic_t *cancel, struct error *error)
{
    pid_t pid;
    int code = spawn(argv, child_in, child_out, silent, false, &pid, error);
    close_fd(&child_in);
    close_fd(&child_out);
    if (code)
        return code;
    if (s->input && s->input->len == 0)
        close_fd(&s->in);
    code = pump(s, cancel);
    if (code)
        kill(pid, SIGTERM);
    close_fd(&s->in);
    close_fd(&s->out);
    int ended = reap(pid, argv[0], error);
    if (code)
        return error_set(error, code, "%s: %s", argv[0], error_text(code));
    return ended;
}

int subprocess_run(char *const argv[], const struct buf *input, struct buf *output, bool silent,
    const volatile sig_atomic_t *cancel, struct error *error)
{
    int in[2] = {-1, -1}, out[2];
    if (pipe2(out, O_CLOEXEC))
        return error_set(error, ERR_IO, "%s: %s", argv[0], strerror(errno));
    if (input && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in)) { /* not a pipe: MSG_NOSIGNAL */
        int why = errno;
        close(out[0]);
        close(out[1]);
        return error_set(error, ERR_IO, "%s: %s", argv[0], strerror(why));
    }
    struct streams s = {.in = in[0], .out = out[0], .input = input, .output = output};
    int code = run_between(argv, &s, in[1], out[1], silent, cancel, error);
    close_fd(&s.in);
    close_fd(&s.out);
    return code || !output->failed ? code : error_set(error, ERR_NOMEM, "out of memory");
}

/* ---- in the background ---- */

int subprocess_start(char *const argv[], pid_t *pid, struct error *error)
{
    return spawn(argv, -1, -1, false, true, pid, error);
}

int subprocess_wait(pid_t pid, const volatile sig_atomic_t *cancel)
{
    while (!*cancel) {
        pid_t ended = waitpid(pid, NULL, 0);
        if (ended == pid || (ended < 0 && errno != EINTR))
            return 0;
    }
    return ERR_CANCELLED;
}
