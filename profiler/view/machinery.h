#ifndef VIEW_MACHINERY_H
#define VIEW_MACHINERY_H

#include "model/profile.h"

/*
 * Which frames are a program's own, and which stand between it and the kernel: libc, allocators, the wrappers
 * of locks and waits, language runtimes. What such a frame costs is the doing of the function that called it:
 *
 *     pthread_mutex_lock ◄─ item_lock ◄─ cache_evict ◄─ cache_put ◄─ main
 *     machinery, lock       named after   the owner
 *                           the lock
 *
 * Told by the file a frame is mapped from where that is a system's library, else by its name, so that static
 * linking, interposition and inlining change nothing. A function called directly before a lock and named
 * after it (item_lock, Spin::acquire) is machinery, too: it is nobody's cause. Pure.
 */
enum machinery {
    MACHINERY_NONE, /* the program's own */
    MACHINERY_PLAIN,
    MACHINERY_LOCK, /* takes a lock, and waits while another has it */
};

/* Of a function called name, defined in the source file given ("" for unknown), in a mapping of that file. */
enum machinery machinery_of(const char *name, const char *source, const char *mapping);

/* Whether name ends as wrappers of locks do: lock, unlock, acquire, release, in any case. */
bool machinery_is_lock_wrapper(const char *name);

#endif
