#ifndef CAPTURE_HEAP_STACK_H
#define CAPTURE_HEAP_STACK_H

#include "capture/heap_parse.h"
#include "capture/unwind.h"

/*
 * Which stack a sampled allocation has. jemalloc asks libgcc, at 300 ns a frame and more; here our unwinder
 * is asked, and gives stacks without the allocator's own frames. A stack that ours cannot follow to its end
 * (code that was loaded since the last refresh, or made at run time) is still libgcc's.
 */

/* jemalloc asks us from here on, for all threads. For what is called once allocations may be sampled; again
 * is nothing. */
void heap_stack_take_over(void);

/* For functions that the allocator's frames end in: they are trimmed off, too. */
#define HEAP_STACK_OWN __attribute__((noinline, section("cprof_heap_hook")))

/* The stack of the allocation that jemalloc is in, whose thread is its tsd. Takes no lock of jemalloc's. */
void heap_stack_take(void *tsd, struct unwind_stack *out);

enum { HEAP_STACK_TRIMMED = 2 };

/* Where the code is that allocations begin in: the allocator's, and what asks for the stack. Takes no lock.
 */
void heap_stack_trimmed(struct heap_range out[HEAP_STACK_TRIMMED]);

#endif
