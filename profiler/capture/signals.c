#include "capture/signals.h"

#include <errno.h>
#include <string.h>
#include <ucontext.h>

static _Atomic uint64_t in_use; /* bit n-1: signal n */

void signals_set_in_use(int number)
{
    atomic_fetch_or(&in_use, UINT64_C(1) << (number - 1));
}

void signals_keep_open(sigset_t *set)
{
    uint64_t ours = atomic_load_explicit(&in_use, memory_order_relaxed);
    for (; ours; ours &= ours - 1)
        sigdelset(set, __builtin_ctzll(ours) + 1);
}

void signals_own(sigset_t *out)
{
    sigemptyset(out);
    for (uint64_t ours = atomic_load(&in_use); ours; ours &= ours - 1)
        sigaddset(out, __builtin_ctzll(ours) + 1);
}

#if defined(__x86_64__)

static bool is_syscall_at(uintptr_t at)
{
    static const unsigned char instruction[2] = {0x0f, 0x05};
    return unwind_is_code_sigsafe(at) && unwind_is_code_sigsafe(at + 1) &&
           memcmp((const void *)at, instruction, sizeof instruction) == 0;
}

void signals_note_sigsafe(struct thread *t, const void *context)
{
    const greg_t *g = ((const ucontext_t *)context)->uc_mcontext.gregs;
    if (g[REG_RAX] == -EINTR && is_syscall_at((uintptr_t)g[REG_RIP] - 2))
        t->cut_short = true;
}

bool signals_in_syscall_sigsafe(const void *context)
{
    const greg_t *g = ((const ucontext_t *)context)->uc_mcontext.gregs;
    uintptr_t rip = (uintptr_t)g[REG_RIP];
    return is_syscall_at(rip) || (is_syscall_at(rip - 2) && g[REG_RAX] == -EINTR);
}

#else

void signals_note_sigsafe(struct thread *t, const void *context)
{
    (void)t;
    (void)context;
}

bool signals_in_syscall_sigsafe(const void *context)
{
    (void)context;
    return false;
}

#endif
