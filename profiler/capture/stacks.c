#include "capture/stacks.h"

#include "base/hash.h"
#include "capture/region.h"

#include <string.h>

enum { MAX_PROBES = 64, FIRST_BYTES = 64 << 10 };
static const uint32_t TAKEN = UINT32_MAX; /* in the index; others are a slot's number and 1 */

struct slot {
    uint32_t hash; /* this and the next four: written before the slot is in the index */
    uint32_t first_pc;
    uint16_t depth;
    bool truncated;
    const struct label_set *labels;
    _Atomic int64_t values[SNAPSHOT_MAX_VALUES];
};

struct stacks {
    uint32_t nslots, npcs;
    size_t region_bytes;
    _Atomic uint32_t next_pc, next_slot;
    _Atomic uint64_t lost;
    _Atomic uint32_t *index; /* nslots of them, too */
    struct slot *slots;
    uintptr_t *pcs;
};

static void touch_beginning(void *p, size_t bytes)
{
    region_touch(p, bytes < FIRST_BYTES ? bytes : FIRST_BYTES);
}

struct stacks *stacks_new(uint32_t slots, uint32_t pcs)
{
    size_t bytes =
        sizeof(struct stacks) + slots * (sizeof(struct slot) + sizeof(uint32_t)) + pcs * sizeof(uintptr_t);
    struct stacks *t = region_map(bytes);
    if (!t)
        return NULL;
    t->nslots = slots;
    t->npcs = pcs;
    t->region_bytes = bytes;
    t->slots = (struct slot *)(t + 1);
    t->pcs = (uintptr_t *)(t->slots + slots);
    t->index = (_Atomic uint32_t *)(t->pcs + pcs);
    touch_beginning(t->slots, slots * sizeof *t->slots);
    touch_beginning(t->pcs, pcs * sizeof *t->pcs);
    touch_beginning(t->index, slots * sizeof *t->index);
    return t;
}

void stacks_free(struct stacks *t)
{
    if (t)
        region_unmap(t, t->region_bytes);
}

static uint32_t stack_hash(const struct unwind_stack *s, const struct label_set *labels)
{
    uint64_t h = (s->depth * 2u + s->truncated) ^ (uintptr_t)labels;
    for (int i = 0; i < s->depth; i++)
        h = (h ^ s->pcs[i]) * UINT64_C(0x9e3779b97f4a7c15) + (h >> 29);
    return (uint32_t)hash_u64(h);
}

static bool slot_holds(const struct stacks *t, const struct slot *s, uint32_t hash,
    const struct unwind_stack *stack, const struct label_set *labels)
{
    return s->hash == hash && s->labels == labels && s->depth == stack->depth &&
           s->truncated == stack->truncated &&
           memcmp(t->pcs + s->first_pc, stack->pcs, stack->depth * sizeof *stack->pcs) == 0;
}

/* Room for n pcs. A failed attempt takes nothing, so that shorter stacks still find room. */
static bool take_pcs(struct stacks *t, uint32_t n, uint32_t *first)
{
    uint32_t at = atomic_load_explicit(&t->next_pc, memory_order_relaxed);
    do {
        if (t->npcs - at < n)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(
        &t->next_pc, &at, at + n, memory_order_relaxed, memory_order_relaxed));
    *first = at;
    return true;
}

/* A slot with this stack; STACKS_NONE when there is no room. */
static uint32_t slot_new(
    struct stacks *t, uint32_t hash, const struct unwind_stack *stack, const struct label_set *labels)
{
    uint32_t first;
    if (!take_pcs(t, stack->depth, &first))
        return STACKS_NONE;
    /* Never more than there are: each has an entry of the index to itself. */
    uint32_t at = atomic_fetch_add_explicit(&t->next_slot, 1, memory_order_relaxed);
    struct slot *s = &t->slots[at];
    memcpy(t->pcs + first, stack->pcs, stack->depth * sizeof *stack->pcs);
    s->hash = hash;
    s->first_pc = first;
    s->depth = stack->depth;
    s->truncated = stack->truncated;
    s->labels = labels;
    return at;
}

static uint32_t find_or_claim(
    struct stacks *t, const struct unwind_stack *stack, const struct label_set *labels)
{
    uint32_t hash = stack_hash(stack, labels);
    for (uint32_t probe = 0; probe < MAX_PROBES; probe++) {
        _Atomic uint32_t *entry = &t->index[(hash + probe) & (t->nslots - 1)];
        uint32_t has = atomic_load_explicit(entry, memory_order_acquire);
        if (has == 0 && atomic_compare_exchange_strong_explicit(
                            entry, &has, TAKEN, memory_order_acquire, memory_order_acquire)) {
            uint32_t at = slot_new(t, hash, stack, labels);
            atomic_store_explicit(entry, at == STACKS_NONE ? 0 : at + 1, memory_order_release);
            return at;
        }
        if (has != 0 && has != TAKEN && slot_holds(t, &t->slots[has - 1], hash, stack, labels))
            return has - 1;
    }
    return STACKS_NONE;
}

uint32_t stacks_add_sigsafe(struct stacks *t, const struct unwind_stack *stack, const int64_t *values)
{
    return stacks_add_labelled_sigsafe(t, stack, NULL, values);
}

uint32_t stacks_add_labelled_sigsafe(
    struct stacks *t, const struct unwind_stack *stack, const struct label_set *labels, const int64_t *values)
{
    uint32_t at = find_or_claim(t, stack, labels);
    if (at == STACKS_NONE) {
        stacks_lose_sigsafe(t, 1);
        return STACKS_NONE;
    }
    for (int i = 0; i < SNAPSHOT_MAX_VALUES; i++)
        if (values[i])
            stacks_bump_sigsafe(t, at, i, values[i]);
    return at;
}

void stacks_bump_sigsafe(struct stacks *t, uint32_t slot, int value, int64_t by)
{
    atomic_fetch_add_explicit(&t->slots[slot].values[value], by, memory_order_relaxed);
}

void stacks_lose_sigsafe(struct stacks *t, uint64_t events)
{
    atomic_fetch_add_explicit(&t->lost, events, memory_order_relaxed);
}

void stacks_stack_sigsafe(const struct stacks *t, uint32_t slot, struct unwind_stack *out)
{
    const struct slot *s = &t->slots[slot];
    memcpy(out->pcs, t->pcs + s->first_pc, s->depth * sizeof *out->pcs);
    out->depth = s->depth;
    out->truncated = s->truncated;
}

int stacks_snapshot(const struct stacks *t, bool all, struct snapshot *out)
{
    for (uint32_t i = 0; i < t->nslots; i++) {
        uint32_t has = atomic_load_explicit(&t->index[i], memory_order_acquire);
        if (has == 0 || has == TAKEN)
            continue;
        const struct slot *s = &t->slots[has - 1];
        struct snapshot_record r = {.depth = s->depth, .truncated = s->truncated, .labels = s->labels};
        bool any = all;
        for (int k = 0; k < SNAPSHOT_MAX_VALUES; k++) {
            r.values[k] = atomic_load_explicit(&s->values[k], memory_order_relaxed);
            any |= r.values[k] != 0;
        }
        int e = any ? snapshot_add(out, &r, t->pcs + s->first_pc) : 0;
        if (e)
            return e;
    }
    out->lost += atomic_load_explicit(&t->lost, memory_order_relaxed);
    return 0;
}
