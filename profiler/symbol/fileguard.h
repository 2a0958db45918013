#ifndef SYMBOL_FILEGUARD_H
#define SYMBOL_FILEGUARD_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Files mapped so that reading them cannot end the process. `cp new.so old.so` truncates a file that is being
 * read, and a page that is no longer there is a SIGBUS, in somebody's server. While at least one file is open
 * here, SIGBUS is handled: a fault inside a guarded mapping puts zeroes from there to its end, and reading
 * goes on with those; whoever reads asks fileguard_torn before believing anything. The same for a disk that
 * fails. Not guarded against: bytes that change without the file being cut off, between two reads by libdw.
 *
 * Every other SIGBUS goes to the handler that was there before, with the mask, the stack and the arguments
 * that it would have had; it is put back with the last file, unless the program has set another meanwhile.
 *
 * Rejected: pread into memory of ours, since libdw wants each section whole and in one place; and a helper
 * process, which needs clone and execve where the host may be forbidden both on pain of death (seccomp).
 */
struct fileguard {
    _Atomic uintptr_t start, limit; /* 0: free */
    atomic_bool torn;
};

/*
 * Maps len bytes (> 0) of fd, private and writable, and at least one zero byte behind them. ERR_NOMEM,
 * ERR_IO, or ERR_LIMIT with FILEGUARD_MAX of them open. fd is the caller's and may be closed.
 */
enum { FILEGUARD_MAX = 256 };
int fileguard_map(int fd, size_t len, struct fileguard **out);
void fileguard_unmap(struct fileguard *g); /* NULL is allowed */

/* Gives back the memory of [from, to), offsets in the file; what was written there is lost. */
void fileguard_drop(struct fileguard *g, size_t from, size_t to);

static inline void *fileguard_image(const struct fileguard *g)
{
    return (void *)g->start;
}

static inline bool fileguard_torn(const struct fileguard *g)
{
    return g->torn;
}

/* A thread that reads is one that takes SIGBUS: around any reading where the mask is not ours. */
void fileguard_enter(sigset_t *old);
void fileguard_leave(const sigset_t *old);

/* In the child of a fork: whoever had files open is not there. The mappings stay, and are guarded no more. */
void fileguard_after_fork(void);

#endif
