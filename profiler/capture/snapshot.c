#include "capture/snapshot.h"

#include "base/hash.h"

#include <string.h>

void snapshot_fini(struct snapshot *s)
{
    vec_fini(&s->records);
    vec_fini(&s->pcs);
}

int snapshot_add(struct snapshot *s, const struct snapshot_record *r, const uintptr_t *pcs)
{
    if (s->pcs.len + r->depth > UINT32_MAX)
        return ERR_NOMEM;
    if (!vec_reserve(&s->pcs, r->depth) || !vec_reserve(&s->records, 1))
        return ERR_NOMEM;
    struct snapshot_record added = *r;
    added.first_pc = (uint32_t)s->pcs.len;
    if (r->depth)
        memcpy(s->pcs.items + s->pcs.len, pcs, r->depth * sizeof *pcs);
    s->pcs.len += r->depth;
    s->records.items[s->records.len++] = added;
    return 0;
}

static const uintptr_t *record_pcs(const struct snapshot *s, const struct snapshot_record *r)
{
    return s->pcs.items + r->first_pc;
}

static uint64_t record_hash(const struct snapshot *s, const struct snapshot_record *r)
{
    uint64_t h = hash_mix(r->depth ^ (uintptr_t)r->labels, (uint64_t)r->block_bytes);
    for (int i = 0; i < r->depth; i++)
        h = hash_mix(h, record_pcs(s, r)[i]);
    return h;
}

static bool record_same(const struct snapshot *a, const struct snapshot_record *ra, const struct snapshot *b,
    const struct snapshot_record *rb)
{
    return ra->depth == rb->depth && ra->block_bytes == rb->block_bytes &&
           ra->leaf_is_return == rb->leaf_is_return && ra->truncated == rb->truncated &&
           ra->labels == rb->labels &&
           (ra->depth == 0 ||
               memcmp(record_pcs(a, ra), record_pcs(b, rb), ra->depth * sizeof(uintptr_t)) == 0);
}

/*
 * An index over one snapshot's records: open addressing, slots hold record number + 1. `sums` has the
 * values of all records with the same stack added up, at the number of the first of them, since a table may
 * hold a stack twice and which of the two an event went to is chance.
 */
struct index {
    const struct snapshot *of;
    uint32_t *slots;
    size_t mask;
    int64_t (*sums)[SNAPSHOT_MAX_VALUES];
};

static void index_fini(struct index *x)
{
    free(x->slots);
    free(x->sums);
}

/* The slot where a record equal to r is, or where it would go. */
static uint32_t *index_find(const struct index *x, const struct snapshot *s, const struct snapshot_record *r)
{
    size_t at = record_hash(s, r) & x->mask;
    while (x->slots[at] && !record_same(x->of, &x->of->records.items[x->slots[at] - 1], s, r))
        at = (at + 1) & x->mask;
    return &x->slots[at];
}

static int index_init(struct index *x, const struct snapshot *of)
{
    size_t size = 16;
    while (size < of->records.len * 2)
        size *= 2;
    *x = (struct index){.of = of, .mask = size - 1};
    x->slots = calloc(size, sizeof *x->slots);
    x->sums = calloc(of->records.len + 1, sizeof *x->sums);
    if (!x->slots || !x->sums) {
        index_fini(x);
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < of->records.len; i++) {
        const struct snapshot_record *r = &of->records.items[i];
        uint32_t *slot = index_find(x, of, r);
        if (!*slot)
            *slot = (uint32_t)i + 1;
        for (int v = 0; v < SNAPSHOT_MAX_VALUES; v++)
            x->sums[*slot - 1][v] += r->values[v];
    }
    return 0;
}

/* Adds to out what record number i of `later` has more than the earlier one; nothing if it has nothing. */
static int add_difference(
    const struct index *later, const struct index *earlier, size_t i, struct snapshot *out)
{
    struct snapshot_record r = later->of->records.items[i];
    uint32_t before = *index_find(earlier, later->of, &r);
    bool any = false;
    for (int v = 0; v < SNAPSHOT_MAX_VALUES; v++) {
        r.values[v] = later->sums[i][v] - (before ? earlier->sums[before - 1][v] : 0);
        if (r.values[v] < 0)
            r.values[v] = 0;
        any |= r.values[v] != 0;
    }
    return any ? snapshot_add(out, &r, record_pcs(later->of, &r)) : 0;
}

int snapshot_subtract(const struct snapshot *later, const struct snapshot *earlier, struct snapshot *out)
{
    struct index a, b;
    if (index_init(&a, later))
        return ERR_NOMEM;
    if (index_init(&b, earlier)) {
        index_fini(&a);
        return ERR_NOMEM;
    }
    struct snapshot difference = {
        .nvalues = later->nvalues,
        .time_ns = later->time_ns,
        .period = later->period,
        .lost_labels = later->lost_labels,
        .lost = later->lost > earlier->lost ? later->lost - earlier->lost : 0,
    };
    memcpy(difference.source, later->source, sizeof difference.source);
    int r = 0;
    for (size_t i = 0; i < later->records.len && !r; i++)
        if (*index_find(&a, later, &later->records.items[i]) == i + 1)
            r = add_difference(&a, &b, i, &difference);
    index_fini(&a);
    index_fini(&b);
    if (r)
        snapshot_fini(&difference);
    else
        *out = difference;
    return r;
}
