#include "capture/rawlock.h"

#include <errno.h>

long rawlock_futex(_Atomic uint32_t *word, int op, uint32_t value, const struct timespec *timeout)
{
    int saved = errno;
    long r = syscall(SYS_futex, word, op, value, timeout, NULL, 0);
    if (r < 0)
        r = -errno;
    errno = saved;
    return r;
}
