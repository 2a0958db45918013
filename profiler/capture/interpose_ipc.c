#include "capture/interpose.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/msg.h>
#include <sys/sem.h>

const int interpose_ipc_linked = 1;

/*
 * Waits between processes: System V's queues and semaphores, whose calls fail with EINTR after any signal
 * that has a handler, and locks on files, which do not.
 */

ssize_t msgrcv(int queue, void *to, size_t len, long type, int flags)
{
    PARKED_ALWAYS(ssize_t, THREAD_READ, interpose_real.msgrcv(queue, to, len, type, flags), (void)0);
}

int msgsnd(int queue, const void *from, size_t len, int flags)
{
    PARKED_ALWAYS(int, THREAD_WRITE, interpose_real.msgsnd(queue, from, len, flags), (void)0);
}

int semop(int set, struct sembuf *operations, size_t n)
{
    PARKED_ALWAYS(int, THREAD_SEMAPHORE, interpose_real.semop(set, operations, n), (void)0);
}

int semtimedop(int set, struct sembuf *operations, size_t n, const struct timespec *timeout)
{
    struct timespec left = timeout ? *timeout : (struct timespec){0};
    PARKED_ALWAYS(int, THREAD_SEMAPHORE,
        interpose_real.semtimedop(set, operations, n, timeout ? &left : NULL),
        left = timeout ? park_remaining(&park, timeout) : left);
}

int flock(int fd, int operation)
{
    if (!interpose_on() || operation & (LOCK_NB | LOCK_UN))
        return interpose_real.flock(fd, operation);
    PARKED(int, THREAD_FILE_LOCK, interpose_real.flock(fd, operation));
}

static int lock_parked(int fd, int command, void *lock, const struct unwind_regs *here)
{
    PARK(park, here, THREAD_FILE_LOCK, 0);
    return interpose_real.fcntl(fd, command, lock);
}

/* Under both names; what other commands take as their argument fits a pointer. */
int fcntl(int fd, int command, ...)
{
    va_list args;
    va_start(args, command);
    void *argument = va_arg(args, void *);
    va_end(args);
    if (!interpose_on() || (command != F_SETLKW && command != F_OFD_SETLKW))
        return interpose_real.fcntl(fd, command, argument);
    struct unwind_regs here;
    UNWIND_HERE(&here);
    return lock_parked(fd, command, argument, &here);
}

int fcntl64(int fd, int command, ...) __attribute__((alias("fcntl")));
