#ifndef CAPTURE_UNWIND_H
#define CAPTURE_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

/*
 * Walking stacks: of the caller, of what a signal interrupted, and of another thread from its saved registers
 * and a copy of its stack. On x86-64 from our own tables (see cfi.h), so that a walk takes no lock, allocates
 * nothing, calls nobody and costs tens of nanoseconds a frame; elsewhere libgcc's unwinder.
 *
 *     unwind_refresh ─► table of objects sorted by address ─► rows of each ─► published by one pointer
 *     walks: count themselves in ─► read the pointer ─► … ─► count themselves out
 *
 * A table that was replaced is freed once every counter was seen at zero, and kept until then. What was
 * rejected: libgcc (740 ns a frame, crashes at unmapped addresses), libunwind (takes the loader's lock),
 * frame pointers (libc, jemalloc and libmicrohttpd have none).
 */

enum { UNWIND_MAX_DEPTH = 128 };

struct unwind_regs {
    uintptr_t rip, rsp, rbp, rbx;
};

/* The registers here, in this very function, which has to stay active for as long as they are used. A macro,
 * so that no function of ours is the leaf. A few nanoseconds. */
#if defined(__x86_64__)
#define UNWIND_HERE(regs)                       \
    __asm__ volatile("leaq 0(%%rip), %%rax\n\t" \
                     "movq %%rax, %0\n\t"       \
                     "movq %%rsp, %1\n\t"       \
                     "movq %%rbp, %2\n\t"       \
                     "movq %%rbx, %3"           \
                     : "=m"((regs)->rip), "=m"((regs)->rsp), "=m"((regs)->rbp), "=m"((regs)->rbx)::"rax")
#else
#define UNWIND_HERE(regs)            \
    (*(regs) = (struct unwind_regs){ \
         .rsp = (uintptr_t)__builtin_frame_address(0), .rbp = (uintptr_t)__builtin_frame_address(0)})
#endif

/* Where a stack may be read: [lo, hi) is at copy (the same address for one's own). Reads outside go through
 * the kernel, which refuses what is not mapped. {0} is allowed: everything goes through the kernel. */
struct unwind_memory {
    uintptr_t lo, hi;
    const char *copy;
};

/* What a walk found: pcs[0..depth), leaf first. Addresses above the leaf, and above a signal frame's
 * interrupted function, are return addresses. */
struct unwind_stack {
    uintptr_t pcs[UNWIND_MAX_DEPTH];
    uint16_t depth;
    bool truncated; /* deeper, or not followed to the end */
};

/* Brings the tables up to date with the loaded objects: cheap when nothing came or went. Takes the loader's
 * lock on its list: never in a handler. That lock is not held while constructors run, so one may call this
 * inside dlopen while another thread is at it. 0 or ERR_NOMEM (the old tables stay). In a forked child
 * that cannot list its objects (base/objects.h) they stay, too; ERR_UNSUPPORTED where there are none. */
int unwind_refresh(void);

/* The stack pointer of what a signal interrupted. */
static inline uintptr_t unwind_context_sp(const void *context)
{
#if defined(__x86_64__)
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RSP];
#else
    return (uintptr_t)context;
#endif
}

/* What a signal interrupted; context is the handler's third argument. Signal-safe. */
void unwind_context_sigsafe(
    const void *context, const struct unwind_memory *memory, struct unwind_stack *out);

/* The caller, from UNWIND_HERE in a function that is still active. Signal-safe. */
void unwind_here_sigsafe(
    const struct unwind_regs *here, const struct unwind_memory *memory, struct unwind_stack *out);

/* Another thread from its saved registers. Elsewhere than on x86-64 this gives nothing but the pc.
 * Signal-safe. */
void unwind_saved_sigsafe(
    const struct unwind_regs *saved, const struct unwind_memory *memory, struct unwind_stack *out);

/* Whether pc is in a loaded object's code, as of the last refresh. Signal-safe. */
bool unwind_is_code_sigsafe(uintptr_t pc);

/* The same for a start of capture, which may happen inside fork: nothing in a child that has its parent's
 * tables, since another thread may have had the loader's lock when it was forked. */
int unwind_prepare(void);

void unwind_before_fork(void); /* no rebuilding from here on, until one of the next */
void unwind_after_fork_in_parent(void);
void unwind_after_fork(void); /* in the child, where nobody but the caller walks */

#endif
