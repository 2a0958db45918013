#ifndef CAPTURE_ASLEEP_H
#define CAPTURE_ASLEEP_H

#include "capture/thread.h"
#include "capture/threads.h"
#include "capture/unwind.h"

/*
 * Threads that sleep in a system call which a signal would end: they have no record, since the call has no
 * wrapper or began before capture did, and asking them would make it fail with EINTR.
 *
 *     /proc/self/task/TID/syscall ─► runs, or is in a call that is made again: may be asked
 *                                 ─► has parked meanwhile: unwound from its record
 *                                 ─► a wrapper's note on its stack (interpose.h): from that
 *                                 ─► else from its stack pointer
 *
 * The kernel tells the stack pointer and the program counter alone, so the last walk ends at the first
 * function that keeps its frame by another register, and then says so (truncated). Three system calls and a
 * file a thread, about 10 us. Not for handlers; under ask_lock.
 */
struct asleep {
    enum thread_state state;
    int64_t since_ticks; /* this and the next: of a record or note; 0 without */
    uintptr_t object;
    struct unwind_stack stack; /* of depth 0 when it sleeps and the kernel does not say where */
};

/* Whether the thread must not be asked. Then *out says what can be known of it. */
bool asleep_look(struct thread *t, pid_t tid, struct asleep *out);

#endif
