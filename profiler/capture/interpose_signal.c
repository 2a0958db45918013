#include "capture/interpose.h"

#include <sys/signalfd.h>
#include <unistd.h>

const int interpose_signal_linked = 1;

/*
 * What threads do to the signals they let in. Ours stay open wherever the program would shut all: a thread
 * that blocks everything would be invisible. And who waits for signals, or reads them from a descriptor, is
 * never given one of ours. Only the mask's own calls are meant, not a mask restored by siglongjmp, nor raw
 * system calls: for those cpu_perf.c.
 */

/* ---- masks ----------------------------------------------------------------------------------------------
 */

/* A set without our signals. */
static const sigset_t *open_set(const sigset_t *set, sigset_t *storage)
{
    if (!set || !interpose_on())
        return set;
    *storage = *set;
    signals_keep_open(storage);
    return storage;
}

int pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
    sigset_t storage;
    interpose_resolve();
    return interpose_real.pthread_sigmask(how, how == SIG_UNBLOCK ? set : open_set(set, &storage), old);
}

int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
    sigset_t storage;
    interpose_resolve();
    return interpose_real.sigprocmask(how, how == SIG_UNBLOCK ? set : open_set(set, &storage), old);
}

/* ---- waiting --------------------------------------------------------------------------------------------
 */

int sigwait(const sigset_t *set, int *number)
{
    sigset_t storage;
    struct unwind_regs here;
    UNWIND_HERE(&here);
    interpose_resolve();
    if (!interpose_on())
        return interpose_real.sigwait(set, number);
    PARK(park, &here, THREAD_SIGNAL, 0);
    return interpose_real.sigwait(open_set(set, &storage), number);
}

/* For sigwaitinfo, too: timeout may be NULL. */
static int wait_parked(
    const sigset_t *set, siginfo_t *info, const struct timespec *timeout, const struct unwind_regs *here)
{
    sigset_t storage;
    struct timespec left = timeout ? *timeout : (struct timespec){0};
    PARK_IF(interpose_on(), park, here, THREAD_SIGNAL, 0);
    int number;
    while (
        (number = interpose_real.sigtimedwait(open_set(set, &storage), info, timeout ? &left : NULL)) == -1 &&
        errno == EINTR && park_resume())
        if (timeout)
            left = park_remaining(&park, timeout);
    return number;
}

int sigwaitinfo(const sigset_t *set, siginfo_t *info)
{
    struct unwind_regs here;
    UNWIND_HERE(&here);
    return wait_parked(set, info, NULL, &here);
}

int sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
    struct unwind_regs here;
    UNWIND_HERE(&here);
    return wait_parked(set, info, timeout, &here);
}

/* These two wait for a signal of the program's: ours are kept out meanwhile, for any would end them. */
int sigsuspend(const sigset_t *mask)
{
    sigset_t storage;
    struct unwind_regs here;
    UNWIND_HERE(&here);
    interpose_resolve();
    if (!interpose_on())
        return interpose_real.sigsuspend(mask);
    PARK(park, &here, THREAD_SIGNAL, 0);
    signals_own(&storage);
    sigorset(&storage, &storage, mask);
    return interpose_real.sigsuspend(&storage);
}

int pause(void)
{
    struct unwind_regs here;
    UNWIND_HERE(&here);
    interpose_resolve();
    if (!interpose_on())
        return interpose_real.pause();
    sigset_t mask, ours;
    PARK(park, &here, THREAD_SIGNAL, 0);
    interpose_real.pthread_sigmask(SIG_BLOCK, NULL, &mask);
    signals_own(&ours);
    sigorset(&mask, &mask, &ours);
    return interpose_real.sigsuspend(&mask);
}

int signalfd(int fd, const sigset_t *set, int flags)
{
    sigset_t storage;
    interpose_resolve();
    return interpose_real.signalfd(fd, open_set(set, &storage), flags);
}
