#include "capture/seen.h"

#include "capture/region.h"

enum { STANDS_NS = 1000000000, PCS = SEEN_SLOTS * 16 };

struct seen {
    uint32_t sequence; /* odd; 0: nothing */
    uint32_t slot;     /* of the table of stacks */
    int64_t at_ns;     /* when it was read, on the monotonic clock */
};

static struct seen *all; /* by number of record; this and the next: NULL before the first dump */
static struct stacks *stacks;
static bool is_full;

void seen_begin(void)
{
    if (!all)
        all = region_map(THREAD_MAX * sizeof *all);
    if (!is_full && stacks)
        return;
    stacks_free(stacks);
    stacks = stacks_new(SEEN_SLOTS, PCS);
    for (uint32_t i = 0, n = thread_count(); all && i < n; i++)
        all[i].sequence = 0;
    is_full = false;
}

static struct seen *entry_of(const struct thread *t)
{
    return all && stacks ? &all[t - thread_at(0)] : NULL;
}

bool seen_find(const struct parked_look *look, int64_t now_ns, uint32_t *slot)
{
    struct seen *s = entry_of(look->t);
    if (!s || s->sequence != look->sequence || now_ns - s->at_ns >= STANDS_NS)
        return false;
    *slot = s->slot;
    return true;
}

void seen_note(const struct parked_look *look, const struct unwind_stack *stack, int64_t now_ns)
{
    static const int64_t nothing[SNAPSHOT_MAX_VALUES];
    struct seen *s = entry_of(look->t);
    uint32_t slot = s ? stacks_add_labelled_sigsafe(stacks, stack, look->labels, nothing) : STACKS_NONE;
    if (slot == STACKS_NONE) {
        is_full = true;
        return;
    }
    *s = (struct seen){look->sequence, slot, now_ns};
}

void seen_stack(uint32_t slot, struct unwind_stack *out)
{
    stacks_stack_sigsafe(stacks, slot, out);
}
