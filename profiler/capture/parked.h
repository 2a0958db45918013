#ifndef CAPTURE_PARKED_H
#define CAPTURE_PARKED_H

#include "capture/thread.h"

#include <sys/uio.h>

/*
 * Reading threads that are parked, without disturbing them.
 *
 *     record ─► copied ─► top of its stack copied, many threads a system call ─► unwound from the copy
 *                      ─► sequence number still the same? then it was all of one moment
 *
 * A parked thread does not move, and everything above its stack pointer stands still with it; once it moves
 * its sequence number has changed and what we read is thrown away. Reads go through the kernel, which finds
 * out about stacks that have been unmapped. Nothing here is for handlers; nothing allocates but where it
 * says so.
 */

/* A thread to look at, and what it had left behind. */
struct parked_look {
    struct thread *t;
    pid_t tid;
    uint32_t sequence; /* this and the rest: valid after parked_look */
    uint32_t reason;   /* enum thread_state */
    struct unwind_regs regs;
    uintptr_t scope, object;
    int64_t since_ticks;
    const struct label_set *labels;
};

/* Copies the record of look->t. False when that is not parked now. */
bool parked_look(struct parked_look *look);

/* Whether the thread has not moved since parked_look. */
bool parked_is_still(const struct parked_look *look);

enum { PARKED_BATCH = 128, PARKED_SLICE_BYTES = 2048 };

/* Where parked_unwind keeps copies of stacks; 256 KB, so not on a stack. */
struct parked_slices {
    char bytes[PARKED_BATCH * PARKED_SLICE_BYTES]; /* one after another */
};

/* Unwinds the stacks of n threads, at most PARKED_BATCH, that parked_look was true for, and calls
 * found(arg, i, stack) for each that is still parked as it was. How many were not. */
size_t parked_unwind(const struct parked_look *const looks[], size_t n, struct parked_slices *slices,
    void (*found)(void *arg, size_t i, const struct unwind_stack *stack), void *arg);

/* Copies from[0..n), n at most PARKED_BATCH, to `to`, one after another, wherever they may point by now.
 * Sets from[i].iov_len to 0 for those that could not be read in full, and leaves their room as it is. */
void parked_copy(char *to, struct iovec *from, size_t n);

#endif
