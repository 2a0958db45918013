#include "export/ownfd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int ownfd_raise(int fd)
{
    int raised = fd < 0 || fd >= OWNFD_LOWEST ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, OWNFD_LOWEST);
    if (raised < 0)
        return fd;
    close(fd);
    return raised;
}

bool ownfd_is_event(int fd)
{
    static const char wanted[] = "anon_inode:[eventfd]";
    char path[32], is[sizeof wanted];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return readlink(path, is, sizeof is) == sizeof wanted - 1 && memcmp(is, wanted, sizeof wanted - 1) == 0;
}

void ownfd_raise_event(int fd)
{
    uint64_t one = 1;
    while (write(fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

void ownfd_hold_low(struct ownfd_hold *hold)
{
    hold->count = 0;
    int fd = open("/", O_PATH | O_CLOEXEC);
    while (fd >= 0 && fd < OWNFD_LOWEST) {
        hold->fds[hold->count++] = fd;
        fd = fcntl(fd, F_DUPFD_CLOEXEC, fd);
    }
    if (fd >= 0) {
        close(fd);
        return;
    }
    ownfd_release(hold); /* no room: rather a low number than none */
    hold->count = 0;
}

void ownfd_release(const struct ownfd_hold *hold)
{
    for (int i = 0; i < hold->count; i++)
        close(hold->fds[i]);
}
