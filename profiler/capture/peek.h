#ifndef CAPTURE_PEEK_H
#define CAPTURE_PEEK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

/*
 * Reading memory that may be gone by now: the kernel copies, and says so when it is. process_vm_readv and its
 * sister are made for it, and forbidden in many a sandbox; where they are, a pipe does: what is written into
 * one is copied as fault-safely.
 */

enum { PEEK_MAX_BYTES = 4096 }; /* of one piece: what any pipe takes */

/* Copies from[0..n) to `to`, one after another; sets iov_len to 0 for those that could not be read in full,
 * and leaves their room as it is. By a pipe. Signal-safe, keeps errno. */
void peek_by_pipe_sigsafe(char *to, struct iovec *from, size_t n);

/* Whether the last process_vm_… call failed because it is not allowed, rather than for the memory. */
bool peek_is_refused(int error);

#endif
