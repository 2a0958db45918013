#ifndef EXPORT_OWNFD_H
#define EXPORT_OWNFD_H

#include <stdbool.h>

/*
 * The library's descriptors inside somebody's program: out of the way. A program may count on the lowest free
 * numbers (`exec 3<file` in a shell replaces whatever 3 is), and we may not read from what it put there.
 */
enum { OWNFD_LOWEST = 128 };

/* Moves fd to OWNFD_LOWEST or above, where the limits allow it; else it stays. A failed call's -1, too.
 * Returns where it is, close-on-exec. */
int ownfd_raise(int fd);

/* Whether fd still is an eventfd, as far as can be told: a program that becomes a daemon closes all
 * descriptors there are, and then the number may be a file of its own. */
bool ownfd_is_event(int fd);

/* Makes an eventfd readable. */
void ownfd_raise_event(int fd);

/* For descriptors that others make: while it lasts, the low numbers are taken. */
struct ownfd_hold {
    int count, fds[OWNFD_LOWEST];
};
void ownfd_hold_low(struct ownfd_hold *hold);
void ownfd_release(const struct ownfd_hold *hold);

#endif
