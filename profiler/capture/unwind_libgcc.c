#include "capture/unwind.h"

#if !defined(__x86_64__)

#include <ucontext.h>
#include <unwind.h>

/*
 * Other architectures: libgcc's unwinder, which finds objects without a lock (_dl_find_object) and can
 * therefore be used in a handler. It only walks the thread it runs in.
 */

struct walk {
    uintptr_t above; /* frames up to this stack address are the profiler's own; or, when there is one, */
    uintptr_t from;  /* those before the one that is at this instruction */
    struct unwind_stack *out;
};

static _Unwind_Reason_Code visit(struct _Unwind_Context *context, void *data)
{
    struct walk *w = data;
    if (w->from ? _Unwind_GetIP(context) != w->from : _Unwind_GetCFA(context) <= w->above)
        return _URC_NO_REASON;
    w->from = w->above = 0;
    if (w->out->depth == UNWIND_MAX_DEPTH) {
        w->out->truncated = true;
        return _URC_END_OF_STACK;
    }
    uintptr_t pc = _Unwind_GetIP(context);
    if (pc)
        w->out->pcs[w->out->depth++] = pc;
    return _URC_NO_REASON;
}

static void walk(struct walk w)
{
    w.out->depth = 0;
    w.out->truncated = false;
    _Unwind_Backtrace(visit, &w);
}

/* What a signal interrupted, or 0 where we do not know how to tell. */
static uintptr_t interrupted_pc(const void *context)
{
#if defined(__aarch64__)
    return ((const ucontext_t *)context)->uc_mcontext.pc;
#else
    (void)context;
    return 0;
#endif
}

int unwind_refresh(void)
{
    return 0;
}

void unwind_context_sigsafe(const void *context, const struct unwind_memory *memory, struct unwind_stack *out)
{
    (void)memory;
    uintptr_t pc = interrupted_pc(context);
    walk(
        (struct walk){(uintptr_t)context, pc, out}); /* on one stack, they are above what the kernel pushed */
    if (out->depth == 0)
        *out = (struct unwind_stack){.pcs = {pc}, .depth = pc != 0, .truncated = true};
}

void unwind_here_sigsafe(
    const struct unwind_regs *here, const struct unwind_memory *memory, struct unwind_stack *out)
{
    (void)memory;
    walk((struct walk){here->rsp, 0, out});
}

void unwind_saved_sigsafe(
    const struct unwind_regs *saved, const struct unwind_memory *memory, struct unwind_stack *out)
{
    (void)memory;
    out->pcs[0] = saved->rip;
    out->depth = saved->rip != 0;
    out->truncated = true;
}

bool unwind_is_code_sigsafe(uintptr_t pc)
{
    return pc != 0;
}

int unwind_prepare(void)
{
    return 0;
}

void unwind_before_fork(void)
{
}

void unwind_after_fork_in_parent(void)
{
}

void unwind_after_fork(void)
{
}

#endif
