#ifndef CAPTURE_SEEN_H
#define CAPTURE_SEEN_H

#include "capture/parked.h"

/*
 * What the last dump read of each parked thread. A thread whose sequence number is the same has not moved, so
 * that dump's stack is its stack, and what it cost to read it is saved; not for ever, since a record may be
 * stranded: an entry stands for a second.
 *
 * Under ask_lock. Not for handlers.
 */

/* The slot of look->t's stack in the table of stacks, if one stands. */
bool seen_find(const struct parked_look *look, int64_t now_ns, uint32_t *slot);

/* Notes the stack of look->t, if there is room. */
void seen_note(const struct parked_look *look, const struct unwind_stack *stack, int64_t now_ns);

/* The stack behind a slot, which is below SEEN_SLOTS. */
void seen_stack(uint32_t slot, struct unwind_stack *out);

enum { SEEN_SLOTS = 4096 };

/* Before a dump: slots stay what they are until the next call, which starts over when they run out. */
void seen_begin(void);

#endif
