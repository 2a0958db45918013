#ifndef EXPORT_DEADLOCK_H
#define EXPORT_DEADLOCK_H

#include "capture/threads.h"

/*
 * Threads that wait for each other in a ring: each for a mutex, for a rwlock that is held for writing, or for
 * the end of the next, the last one for the first. A thread that waits for what it holds itself is a ring of
 * one. Locks held for reading name no holder and are not followed; a wait with a timeout counts like any.
 */
struct deadlock {
    uint32_t first, count; /* members.items[first..+count): numbers of threads, in the order of waiting */
    uint32_t behind;       /* how many others wait for one of those, or for one that does, and so on */
};

struct deadlocks {
    VEC(struct deadlock) rings;
    VEC(uint32_t) members;
};

/* The caller: deadlocks_fini. ERR_NOMEM or 0. */
int deadlocks_find(const struct threads_snapshot *threads, struct deadlocks *out);
void deadlocks_fini(struct deadlocks *d);

#endif
