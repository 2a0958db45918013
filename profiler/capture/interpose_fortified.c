#include "capture/interpose.h"

#include <unistd.h>

const int interpose_fortified_linked = 1;

/*
 * What code compiled with _FORTIFY_SOURCE, as distributions compile theirs, calls in the place of read and
 * the like when the compiler knows how large the buffer is: the same, once that is seen to be large enough.
 * Tail calls, so that the wrapper of the plain one finds who called these.
 */

void __chk_fail(void) __attribute__((noreturn));
ssize_t __read_chk(int fd, void *to, size_t len, size_t room);
ssize_t __recv_chk(int fd, void *to, size_t len, size_t room, int flags);
ssize_t __recvfrom_chk(
    int fd, void *to, size_t len, size_t room, int flags, __SOCKADDR_ARG from, socklen_t *n);
int __poll_chk(struct pollfd *fds, nfds_t n, int timeout_ms, size_t room);
int __ppoll_chk(
    struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask, size_t room);

ssize_t __read_chk(int fd, void *to, size_t len, size_t room)
{
    if (len > room)
        __chk_fail();
    return read(fd, to, len);
}

ssize_t __recv_chk(int fd, void *to, size_t len, size_t room, int flags)
{
    if (len > room)
        __chk_fail();
    return recv(fd, to, len, flags);
}

ssize_t __recvfrom_chk(
    int fd, void *to, size_t len, size_t room, int flags, __SOCKADDR_ARG from, socklen_t *from_len)
{
    if (len > room)
        __chk_fail();
    return recvfrom(fd, to, len, flags, from, from_len);
}

int __poll_chk(struct pollfd *fds, nfds_t n, int timeout_ms, size_t room)
{
    if (n > room / sizeof *fds)
        __chk_fail();
    return poll(fds, n, timeout_ms);
}

int __ppoll_chk(
    struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask, size_t room)
{
    if (n > room / sizeof *fds)
        __chk_fail();
    return ppoll(fds, n, timeout, mask);
}
