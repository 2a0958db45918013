#include "capture/interpose.h"

#include <sys/resource.h>
#include <threads.h>
#include <unistd.h>

const int interpose_io_linked = 1;

/*
 * System calls that may block. Calls that cannot (a zero timeout, MSG_DONTWAIT, WNOHANG) go straight through.
 * What fortified code calls instead (__read_chk, __poll_chk, …) is in interpose_fortified.c.
 */

/* ---- readiness ------------------------------------------------------------------------------------------
 */

/* What is left of a timeout in milliseconds. */
static int remaining_ms(const struct park *park, int timeout_ms)
{
    if (timeout_ms < 0)
        return timeout_ms;
    int64_t left = timeout_ms - park_elapsed_ns(park) / 1000000;
    return left > 0 ? (int)left : 0;
}

/* Calls that set a signal mask wait for a signal of the program's; ours stay out of it, so that EINTR always
 * means one of theirs. */
static const sigset_t *without_ours(const sigset_t *mask, sigset_t *storage)
{
    if (!mask)
        return NULL;
    signals_own(storage);
    sigorset(storage, storage, mask);
    return storage;
}

int poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
    bool on = interpose_on();
    if (timeout_ms == 0)
        return interpose_real.poll(fds, n, timeout_ms);
    int left = timeout_ms;
    PARKED_AGAIN(
        on, int, THREAD_POLL, interpose_real.poll(fds, n, left), left = remaining_ms(&park, timeout_ms));
}

int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask)
{
    sigset_t storage;
    const sigset_t *ours_too = without_ours(mask, &storage);
    struct timespec left = timeout ? *timeout : (struct timespec){0};
    PARKED_ALWAYS(int, THREAD_POLL, interpose_real.ppoll(fds, n, timeout ? &left : NULL, ours_too),
        left = timeout ? park_remaining(&park, timeout) : left);
}

/* The kernel leaves what remains in *timeout, and the sets alone, when it fails. */
int select(int n, fd_set *in, fd_set *out, fd_set *error, struct timeval *timeout)
{
    PARKED_ALWAYS(int, THREAD_POLL, interpose_real.select(n, in, out, error, timeout), (void)0);
}

int pselect(
    int n, fd_set *in, fd_set *out, fd_set *error, const struct timespec *timeout, const sigset_t *mask)
{
    sigset_t storage;
    const sigset_t *ours_too = without_ours(mask, &storage);
    struct timespec left = timeout ? *timeout : (struct timespec){0};
    PARKED_ALWAYS(int, THREAD_POLL,
        interpose_real.pselect(n, in, out, error, timeout ? &left : NULL, ours_too),
        left = timeout ? park_remaining(&park, timeout) : left);
}

int epoll_wait(int fd, struct epoll_event *events, int max, int timeout_ms)
{
    bool on = interpose_on();
    if (timeout_ms == 0)
        return interpose_real.epoll_wait(fd, events, max, timeout_ms);
    int left = timeout_ms;
    PARKED_AGAIN(on, int, THREAD_POLL, interpose_real.epoll_wait(fd, events, max, left),
        left = remaining_ms(&park, timeout_ms));
}

int epoll_pwait(int fd, struct epoll_event *events, int max, int timeout_ms, const sigset_t *mask)
{
    bool on = interpose_on();
    if (timeout_ms == 0)
        return interpose_real.epoll_pwait(fd, events, max, timeout_ms, mask);
    sigset_t storage;
    const sigset_t *ours_too = without_ours(mask, &storage);
    int left = timeout_ms;
    PARKED_AGAIN(on, int, THREAD_POLL, interpose_real.epoll_pwait(fd, events, max, left, ours_too),
        left = remaining_ms(&park, timeout_ms));
}

int epoll_pwait2(
    int fd, struct epoll_event *events, int max, const struct timespec *timeout, const sigset_t *mask)
{
    sigset_t storage;
    const sigset_t *ours_too = without_ours(mask, &storage);
    struct timespec left = timeout ? *timeout : (struct timespec){0};
    PARKED_ALWAYS(int, THREAD_POLL,
        interpose_real.epoll_pwait2(fd, events, max, timeout ? &left : NULL, ours_too),
        left = timeout ? park_remaining(&park, timeout) : left);
}

/* ---- sleep ----------------------------------------------------------------------------------------------
 */

/* As clock_nanosleep: 0 or an error number, what remains in *rem when a signal of the program's ended it. */
static int sleep_parked(clockid_t clock, int flags, const struct timespec *time, struct timespec *rem,
    const struct unwind_regs *here)
{
    bool on = interpose_on();
    if (!time)
        return interpose_real.clock_nanosleep(clock, flags, time, rem);
    struct timespec next = *time, left;
    PARK_IF(on, park, here, THREAD_SLEEP, 0);
    int r;
    while ((r = interpose_real.clock_nanosleep(clock, flags, &next, &left)) == EINTR && park_resume())
        if (!(flags & TIMER_ABSTIME))
            next = left;
    if (r == EINTR && rem && !(flags & TIMER_ABSTIME))
        *rem = left;
    return r;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *rem)
{
    struct unwind_regs here;
    UNWIND_HERE(&here);
    return sleep_parked(clock, flags, time, rem, &here);
}

/* The next four are clock_nanosleep in other words, in libc as well. */
static int sleep_errno(const struct timespec *time, struct timespec *rem, const struct unwind_regs *here)
{
    int r = sleep_parked(CLOCK_REALTIME, 0, time, rem, here);
    if (r == 0)
        return 0;
    errno = r;
    return -1;
}

int nanosleep(const struct timespec *time, struct timespec *rem)
{
    struct unwind_regs here;
    UNWIND_HERE(&here);
    return sleep_errno(time, rem, &here);
}

/* C11's, with results of its own. */
int thrd_sleep(const struct timespec *time, struct timespec *rem)
{
    struct unwind_regs here;
    UNWIND_HERE(&here);
    int r = sleep_parked(CLOCK_REALTIME, 0, time, rem, &here);
    return r == 0 ? 0 : r == EINTR ? -1 : -2;
}

int usleep(useconds_t us)
{
    struct unwind_regs here;
    UNWIND_HERE(&here);
    struct timespec time = {us / 1000000, (long)(us % 1000000) * 1000};
    return sleep_errno(&time, NULL, &here);
}

unsigned sleep(unsigned seconds)
{
    struct unwind_regs here;
    UNWIND_HERE(&here);
    int saved = errno;
    struct timespec time = {seconds, 0};
    if (sleep_errno(&time, &time, &here) != 0)
        return (unsigned)time.tv_sec;
    errno = saved;
    return 0;
}

/* ---- input and output -----------------------------------------------------------------------------------
 */

ssize_t read(int fd, void *to, size_t len)
{
    if (!interpose_on())
        return interpose_real.read(fd, to, len);
    PARKED(ssize_t, THREAD_READ, interpose_real.read(fd, to, len));
}

ssize_t readv(int fd, const struct iovec *to, int n)
{
    if (!interpose_on())
        return interpose_real.readv(fd, to, n);
    PARKED(ssize_t, THREAD_READ, interpose_real.readv(fd, to, n));
}

ssize_t recv(int fd, void *to, size_t len, int flags)
{
    if (!interpose_on() || flags & MSG_DONTWAIT)
        return interpose_real.recv(fd, to, len, flags);
    PARKED(ssize_t, THREAD_READ, interpose_real.recv(fd, to, len, flags));
}

ssize_t recvfrom(int fd, void *to, size_t len, int flags, __SOCKADDR_ARG from, socklen_t *from_len)
{
    if (!interpose_on() || flags & MSG_DONTWAIT)
        return interpose_real.recvfrom(fd, to, len, flags, from.__sockaddr__, from_len);
    PARKED(ssize_t, THREAD_READ, interpose_real.recvfrom(fd, to, len, flags, from.__sockaddr__, from_len));
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    if (!interpose_on() || flags & MSG_DONTWAIT)
        return interpose_real.recvmsg(fd, message, flags);
    PARKED(ssize_t, THREAD_READ, interpose_real.recvmsg(fd, message, flags));
}

ssize_t write(int fd, const void *from, size_t len)
{
    if (!interpose_on())
        return interpose_real.write(fd, from, len);
    PARKED(ssize_t, THREAD_WRITE, interpose_real.write(fd, from, len));
}

ssize_t writev(int fd, const struct iovec *from, int n)
{
    if (!interpose_on())
        return interpose_real.writev(fd, from, n);
    PARKED(ssize_t, THREAD_WRITE, interpose_real.writev(fd, from, n));
}

ssize_t send(int fd, const void *from, size_t len, int flags)
{
    if (!interpose_on() || flags & MSG_DONTWAIT)
        return interpose_real.send(fd, from, len, flags);
    PARKED(ssize_t, THREAD_WRITE, interpose_real.send(fd, from, len, flags));
}

ssize_t sendto(int fd, const void *from, size_t len, int flags, __CONST_SOCKADDR_ARG to, socklen_t to_len)
{
    if (!interpose_on() || flags & MSG_DONTWAIT)
        return interpose_real.sendto(fd, from, len, flags, to.__sockaddr__, to_len);
    PARKED(ssize_t, THREAD_WRITE, interpose_real.sendto(fd, from, len, flags, to.__sockaddr__, to_len));
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    if (!interpose_on() || flags & MSG_DONTWAIT)
        return interpose_real.sendmsg(fd, message, flags);
    PARKED(ssize_t, THREAD_WRITE, interpose_real.sendmsg(fd, message, flags));
}

int accept(int fd, __SOCKADDR_ARG peer, socklen_t *peer_len)
{
    if (!interpose_on())
        return interpose_real.accept(fd, peer.__sockaddr__, peer_len);
    PARKED(int, THREAD_ACCEPT, interpose_real.accept(fd, peer.__sockaddr__, peer_len));
}

int accept4(int fd, __SOCKADDR_ARG peer, socklen_t *peer_len, int flags)
{
    if (!interpose_on())
        return interpose_real.accept4(fd, peer.__sockaddr__, peer_len, flags);
    PARKED(int, THREAD_ACCEPT, interpose_real.accept4(fd, peer.__sockaddr__, peer_len, flags));
}

/* Made again it goes on where it was, as the kernel does itself when there is no SO_SNDTIMEO. */
int connect(int fd, __CONST_SOCKADDR_ARG peer, socklen_t peer_len)
{
    if (!interpose_on())
        return interpose_real.connect(fd, peer.__sockaddr__, peer_len);
    PARKED(int, THREAD_CONNECT, interpose_real.connect(fd, peer.__sockaddr__, peer_len));
}

/* ---- children -------------------------------------------------------------------------------------------
 */

pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
    if (!interpose_on() || options & WNOHANG)
        return interpose_real.wait4(pid, status, options, usage);
    PARKED(pid_t, THREAD_WAITPID, interpose_real.wait4(pid, status, options, usage));
}

pid_t waitpid(pid_t pid, int *status, int options)
{
    if (!interpose_on() || options & WNOHANG)
        return interpose_real.waitpid(pid, status, options);
    PARKED(pid_t, THREAD_WAITPID, interpose_real.waitpid(pid, status, options));
}

pid_t wait(int *status)
{
    if (!interpose_on())
        return interpose_real.waitpid(-1, status, 0);
    PARKED(pid_t, THREAD_WAITPID, interpose_real.waitpid(-1, status, 0));
}

int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
    if (!interpose_on() || options & WNOHANG)
        return interpose_real.waitid(type, id, info, options);
    PARKED(int, THREAD_WAITPID, interpose_real.waitid(type, id, info, options));
}
