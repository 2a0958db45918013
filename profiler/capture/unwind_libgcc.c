#include "capture/unwind.h"

#if !defined(__x86_64__)

#include <unwind.h>

/*
 * Other architectures: libgcc's unwinder, which finds objects without a lock (_dl_find_object) and can
 * therefore be used in a handler. It only walks the thread it runs in.
 */

struct walk {
    uintptr_t above; /* frames up to this stack address are the profiler's own */
    struct unwind_stack *out;
};

static _Unwind_Reason_Code visit(struct _Unwind_Context *context, void *data)
{
    struct walk *w = data;
    if (_Unwind_GetCFA(context) <= w->above)
        return _URC_NO_REASON;
    if (w->out->depth == UNWIND_MAX_DEPTH) {
        w->out->truncated = true;
        return _URC_END_OF_STACK;
    }
    uintptr_t pc = _Unwind_GetIP(context);
    if (pc)
        w->out->pcs[w->out->depth++] = pc;
    return _URC_NO_REASON;
}

static void walk_above(uintptr_t above, struct unwind_stack *out)
{
    out->depth = 0;
    out->truncated = false;
    struct walk w = {above, out};
    _Unwind_Backtrace(visit, &w);
}

int unwind_refresh(void)
{
    return 0;
}

void unwind_context_sigsafe(const void *context, const struct unwind_memory *memory, struct unwind_stack *out)
{
    (void)memory;
    walk_above((uintptr_t)context, out); /* the interrupted frames are above what the kernel pushed */
}

void unwind_here_sigsafe(
    const struct unwind_regs *here, const struct unwind_memory *memory, struct unwind_stack *out)
{
    (void)memory;
    walk_above(here->rsp, out);
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
