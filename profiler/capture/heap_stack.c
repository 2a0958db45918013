#include "capture/heap_stack.h"

#include "capture/heap_accum.h"
#include "capture/thread.h"
#include "capture/unwind.h"

#include <dlfcn.h>
#include <link.h>
#include <stdatomic.h>
#include <stdlib.h>

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

/* As a snapshot will have it: without the allocator's frames, which libgcc's stack begins with. */
static void count(void *const *pcs, unsigned n)
{
    struct unwind_stack stack = {.depth = 0};
    for (unsigned i = 0; i < n && stack.depth < UNWIND_MAX_DEPTH; i++) {
        uintptr_t pc = (uintptr_t)pcs[i];
        if (stack.depth > 0 || !is_trimmed(pc))
            stack.pcs[stack.depth++] = pc;
    }
    heap_accum_stack_sigsafe(&stack);
}

static __attribute__((noinline, section("cprof_heap_hook"))) void our_stack(
    void **pcs, unsigned *n, unsigned max)
{
    struct unwind_regs here;
    struct unwind_stack stack;
    UNWIND_HERE(&here);
    struct thread *t = thread_tls; /* to make one is for others: we are inside malloc */
    struct unwind_memory memory = thread_memory((uintptr_t)t > (uintptr_t)THREAD_GONE ? t : NULL, here.rsp);
    unwind_here_sigsafe(&here, &memory, &stack);
    uint16_t first = first_outside(&stack);
    if (stack.depth < UNWIND_MAX_DEPTH && (stack.truncated || first == 0)) {
        atomic_load_explicit(&before, memory_order_relaxed)(pcs, n, max);
    } else {
        *n = 0;
        for (uint16_t i = first; i < stack.depth && *n < max; i++)
            pcs[(*n)++] = (void *)stack.pcs[i];
    }
    count(pcs, *n);
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
