#include "capture/peek.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

bool peek_is_refused(int error)
{
    return error == EPERM || error == EACCES || error == ENOSYS;
}

/* Takes it out again; also what is left of a piece that could not be read in full. */
static size_t drain(int fd, char *to, size_t len)
{
    size_t all = 0;
    long n;
    while (all < len && (n = syscall(SYS_read, fd, to + all, len - all)) > 0)
        all += (size_t)n;
    return all;
}

static bool through(const int pipe[2], char *to, const struct iovec *piece)
{
    char rest[PEEK_MAX_BYTES];
    long n =
        piece->iov_len <= PEEK_MAX_BYTES ? syscall(SYS_write, pipe[1], piece->iov_base, piece->iov_len) : -1;
    if (n == (long)piece->iov_len)
        return drain(pipe[0], to, piece->iov_len) == piece->iov_len;
    drain(pipe[0], rest, sizeof rest);
    return false;
}

void peek_by_pipe_sigsafe(char *to, struct iovec *from, size_t n)
{
    int saved = errno, pipe[2];
    bool has_pipe = syscall(SYS_pipe2, pipe, O_CLOEXEC | O_NONBLOCK) == 0;
    for (size_t i = 0; i < n; i++) {
        char *piece = to;
        to += from[i].iov_len;
        if (!has_pipe || !through(pipe, piece, &from[i]))
            from[i].iov_len = 0;
    }
    if (has_pipe) {
        syscall(SYS_close, pipe[0]);
        syscall(SYS_close, pipe[1]);
    }
    errno = saved;
}
