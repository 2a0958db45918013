#include "base/table.h"

static void table_put(struct table *t, struct table_slot slot)
{
    size_t at = slot.hash & (t->size - 1);
    while (t->slots[at].index_plus_1)
        at = (at + 1) & (t->size - 1);
    t->slots[at] = slot;
}

static bool table_grow(struct table *t)
{
    struct table grown = {.size = t->size ? t->size * 2 : 64, .count = t->count};
    grown.slots = calloc(grown.size, sizeof *grown.slots);
    if (!grown.slots)
        return false;
    if (vec_grew)
        vec_grew(grown.slots, grown.size * sizeof *grown.slots);
    for (size_t i = 0; i < t->size; i++)
        if (t->slots[i].index_plus_1)
            table_put(&grown, t->slots[i]);
    free(t->slots);
    *t = grown;
    return true;
}

bool table_add(struct table *t, uint64_t hash, uint32_t index)
{
    if ((t->count + 1) * 4 > t->size * 3 && !table_grow(t))
        return false;
    table_put(t, (struct table_slot){.hash = (uint32_t)hash, .index_plus_1 = index + 1});
    t->count++;
    return true;
}

void table_fini(struct table *t)
{
    free(t->slots);
    *t = (struct table){0};
}
