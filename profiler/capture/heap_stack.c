#include "capture/heap_stack.h"

#include "capture/thread.h"
#include "capture/unwind.h"

#include <dlfcn.h>
#include <link.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

extern int mallctl(const char *name, void *old, size_t *old_bytes, void *value, size_t value_bytes)
    __attribute__((weak));

/* jemalloc's: fills pcs[0..max) from the leaf, *n says how many. Called by the thread that allocates, outside
 * all of jemalloc's locks; what it allocated would not be sampled. */
typedef void stack_hook(void **pcs, unsigned *n, unsigned max);

static _Atomic(stack_hook *) before;                  /* jemalloc's own; set once */
static struct heap_range trimmed[HEAP_STACK_TRIMMED]; /* set before the hook is */

/* The sections of jemalloc's code where it is linked in (packaging/jemalloc.sh), and of our_stack. */
#define BOUND __attribute__((weak, visibility("hidden")))
extern const char __start_jemalloc_text[] BOUND, __stop_jemalloc_text[] BOUND;
extern const char __start_cprof_heap_hook[] BOUND, __stop_cprof_heap_hook[] BOUND;

static struct heap_range find_allocator(void)
{
    struct heap_range own = {(uintptr_t)__start_jemalloc_text, (uintptr_t)__stop_jemalloc_text};
    struct dl_find_object found;
    uintptr_t at = (uintptr_t)mallctl;
    if (own.start <= at && at < own.end)
        return own;
    if (!mallctl || _dl_find_object((void *)mallctl, &found) != 0)
        return (struct heap_range){0};
    const char *name = found.dlfo_link_map->l_name;
    if (!name || !*name) /* in the program, by other means: it cannot be told apart */
        return (struct heap_range){0};
    return (struct heap_range){(uintptr_t)found.dlfo_map_start, (uintptr_t)found.dlfo_map_end};
}

void heap_stack_trimmed(struct heap_range out[HEAP_STACK_TRIMMED])
{
    out[0] = find_allocator();
    out[1] = (struct heap_range){(uintptr_t)__start_cprof_heap_hook, (uintptr_t)__stop_cprof_heap_hook};
}

static bool is_trimmed(uintptr_t pc)
{
    for (int i = 0; i < HEAP_STACK_TRIMMED; i++)
        if (pc >= trimmed[i].start && pc < trimmed[i].end)
            return true;
    return false;
}

/* The first frame that is neither this function's nor the allocator's. */
static uint16_t first_outside(const struct unwind_stack *stack)
{
    uint16_t i = 0;
    while (i < stack->depth && is_trimmed(stack->pcs[i]))
        i++;
    return i < stack->depth ? i : 0;
}

/* Whether it could be followed to its end, and out of the allocator. Not inlined: it is in the stack itself.
 */
static HEAP_STACK_OWN bool walk(struct unwind_stack *stack)
{
    struct unwind_regs here;
    UNWIND_HERE(&here);
    struct thread *t = thread_tls; /* to make one is for others: we are inside malloc */
    struct unwind_memory memory = thread_memory((uintptr_t)t > (uintptr_t)THREAD_GONE ? t : NULL, here.rsp);
    unwind_here_sigsafe(&here, &memory, stack);
    uint16_t first = first_outside(stack);
    if (stack->depth < UNWIND_MAX_DEPTH && (stack->truncated || first == 0))
        return false;
    stack->depth -= first;
    memmove(stack->pcs, stack->pcs + first, stack->depth * sizeof *stack->pcs);
    return true;
}

static HEAP_STACK_OWN void our_stack(void **pcs, unsigned *n, unsigned max)
{
    struct unwind_stack stack;
    if (!walk(&stack)) {
        atomic_load_explicit(&before, memory_order_relaxed)(pcs, n, max);
        return;
    }
    *n = stack.depth < max ? stack.depth : max;
    memcpy(pcs, stack.pcs, *n * sizeof *pcs);
}

/* jemalloc's, which calls the hook, and takes care of allocations that libgcc makes meanwhile. */
struct backtrace {
    void **pcs;
    unsigned n;
};
extern void je_prof_backtrace(void *tsd, struct backtrace *into) __attribute__((weak));

static HEAP_STACK_OWN void ask_libgcc(void *tsd, struct unwind_stack *out)
{
    void *pcs[UNWIND_MAX_DEPTH]; /* as many as jemalloc has (PROF_BT_MAX) */
    struct backtrace found = {pcs, 0};
    je_prof_backtrace(tsd, &found);
    out->truncated = false;
    out->depth = 0;
    for (unsigned i = 0; i < found.n; i++)
        if (out->depth > 0 || !is_trimmed((uintptr_t)pcs[i]))
            out->pcs[out->depth++] = (uintptr_t)pcs[i];
}

HEAP_STACK_OWN void heap_stack_take(void *tsd, struct unwind_stack *out)
{
    if (!walk(out))
        ask_libgcc(tsd, out);
}

void heap_stack_take_over(void)
{
    static const char name[] = "experimental.hooks.prof_backtrace";
    stack_hook *theirs = NULL, *ours = our_stack;
    size_t size = sizeof theirs;
    if (atomic_load(&before) || unwind_prepare() != 0)
        return;
    if (mallctl(name, &theirs, &size, NULL, 0) != 0 || !theirs)
        return;
    heap_stack_trimmed(trimmed);
    atomic_store(&before, theirs);
    mallctl(name, NULL, NULL, &ours, sizeof ours);
}
