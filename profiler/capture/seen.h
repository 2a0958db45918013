#ifndef CAPTURE_SEEN_H
#define CAPTURE_SEEN_H

#include "capture/parked.h"

/*
 * What the last dump read of each parked thread. A thread whose sequence number is the same has not moved, so
 * that dump's stack is its stack, and what it cost to read it is saved; not for ever, since a record may be
 * stranded and a thread may use a little CPU time without leaving its wait: an entry stands for a second.
 *
 * Under ask_lock. Not for handlers.
 */
struct seen {
    uint32_t sequence; /* odd; 0: nothing */
    uint32_t slot;     /* of the table of stacks */
    int64_t at_ns;     /* when it was read, on the monotonic clock */
    int64_t cpu_ns;    /* the thread's CPU time then, -1: not known */
};

/* What stands of look->t; NULL for nothing. */
struct seen *seen_find(const struct parked_look *look, int64_t now_ns);

/* Notes the stack of look->t, the CPU time as not known. NULL when there is no room. */
struct seen *seen_note(const struct parked_look *look, const struct unwind_stack *stack, int64_t now_ns);

/* The stack behind a slot, which is below SEEN_SLOTS. */
void seen_stack(uint32_t slot, struct unwind_stack *out);

enum { SEEN_SLOTS = 4096 };

/* Before a dump: slots stay what they are until the next call, which starts over when they run out. */
void seen_begin(void);

#endif
