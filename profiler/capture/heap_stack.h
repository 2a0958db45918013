#ifndef CAPTURE_HEAP_STACK_H
#define CAPTURE_HEAP_STACK_H

#include "capture/heap_parse.h"

/*
 * Which stack a sampled allocation has. jemalloc asks libgcc, at 300 ns a frame and more; here it is made to
 * ask our unwinder, and gets stacks without the allocator's own frames. A stack that ours cannot follow to
 * its end (code that was loaded since the last refresh, or made at run time) is still libgcc's.
 */

/* From here on, for all threads. For what is called once allocations may be sampled; again is nothing. */
void heap_stack_take_over(void);

enum { HEAP_STACK_TRIMMED = 2 };

/* Where the code is that allocations begin in: the allocator's, and what asks for the stack. Takes no lock.
 */
void heap_stack_trimmed(struct heap_range out[HEAP_STACK_TRIMMED]);

#endif
