#ifndef CAPTURE_STACKS_H
#define CAPTURE_STACKS_H

#include "capture/snapshot.h"
#include "capture/unwind.h"

#include <stdatomic.h>

/*
 * A bounded table (stack, labels) → values, filled from signal handlers and wrappers on any thread without a
 * lock.
 *
 *     index[hash % n ...] ─► slots[0 .. taken): hash, labels, values[4] ─► pcs[first .. +depth)
 *
 * An entry of the index goes 0 → TAKEN (one thread writes the stack) → the slot's number and stays so until
 * the table goes. Who meets one that is taken does not wait, for the taker may be the very thread it
 * interrupted: it goes on to the next entry, and a stack may be there twice. Its figures add up; readers
 * merge. When slots or pcs run out the event counts as lost.
 *
 * Slots and pcs are filled from the beginning on, and the index and their first pages are there from the
 * start: a new stack in a handler costs no page fault, which is several microseconds. Slots that lay where
 * their hash says had one for each new stack.
 */
struct stacks;

/* slots: a power of two. Takes slots * 60 bytes and 8 bytes a pc of address space; memory as it fills, and
 * some 200 kB for a beginning. */
struct stacks *stacks_new(uint32_t slots, uint32_t pcs);
void stacks_free(struct stacks *t); /* nobody may be adding any more; NULL is allowed */

enum { STACKS_NONE = UINT32_MAX };

/* Adds values[0..SNAPSHOT_MAX_VALUES) to what the stack has. The slot's number, or STACKS_NONE when it was
 * lost. Signal-safe. */
uint32_t stacks_add_sigsafe(struct stacks *t, const struct unwind_stack *stack, const int64_t *values);

/* The same for a thread that has labels (NULL: none). Signal-safe. */
uint32_t stacks_add_labelled_sigsafe(struct stacks *t, const struct unwind_stack *stack,
    const struct label_set *labels, const int64_t *values);

/* Adds to a slot got from stacks_add_sigsafe. Signal-safe. */
void stacks_bump_sigsafe(struct stacks *t, uint32_t slot, int value, int64_t by);

/* One more event that could not be kept. Signal-safe. */
void stacks_lose_sigsafe(struct stacks *t, uint64_t events);

/* The stack of a slot, into *out. Signal-safe. */
void stacks_stack_sigsafe(const struct stacks *t, uint32_t slot, struct unwind_stack *out);

/* Appends everything with a value that is not 0 to out->records and adds to out->lost; those with only
 * zeros, too, when all is true. Other threads may add meanwhile. 0 or ERR_NOMEM. */
int stacks_snapshot(const struct stacks *t, bool all, struct snapshot *out);

#endif
