#ifndef SYMBOL_LOADER_H
#define SYMBOL_LOADER_H

#include <link.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The loader's list of the objects in this process, and what may be read of them while other threads load and
 * unload. glibc keeps a lock while it walks the list, and unmaps an object with that lock held. So what a
 * visit reads is there; the same address is not a moment later. A child that is forked in the middle of a
 * walk would have that lock for ever, and hang in its first dlopen, so a fork waits for the walks of ours.
 *
 * Any thread; not from signal handlers, and not from within a visit. Keeps nothing.
 */

/* Whether dlopen() and dlsym() may be called. In a forked child they hang, or end the program, when another
 * thread was in there at the fork: the child does without the names that take them. */
bool loader_may_open(void);

enum { LOADER_LOCKED = -1 };

/* dl_iterate_phdr(visit, arg); LOADER_LOCKED, and no visit, in a child that would wait for it for ever
 * (base/objects.h). */
int loader_walk(int (*visit)(struct dl_phdr_info *, size_t, void *), void *arg);

/* Where the function at address begins, as the unwind tables of its object have it; 0 when no loaded object
 * is there, its tables do not cover the address, or the objects cannot be walked. */
uintptr_t loader_function_start(uintptr_t address);

/* Around fork, in the thread that forks: no walk from the first to one of the others. */
void loader_before_fork(void);
void loader_after_fork_in_parent(void);
void loader_after_fork_in_child(void);

#endif
