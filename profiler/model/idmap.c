#include "model/idmap.h"

#include "base/hash.h"

bool idmap_init(struct idmap *m, size_t n)
{
    *m = (struct idmap){0};
    m->dense = calloc(n + 1, sizeof *m->dense);
    m->ndense = m->dense ? n + 1 : 0;
    return m->dense != NULL;
}

void idmap_fini(struct idmap *m)
{
    free(m->dense);
    vec_fini(&m->others);
    table_fini(&m->table);
    *m = (struct idmap){0};
}

static uint32_t find_other(const struct idmap *m, uint64_t id)
{
    uint64_t hash = hash_u64(id);
    uint32_t i;
    for (size_t at = table_first(&m->table, hash); table_next(&m->table, hash, &at, &i);)
        if (m->others.items[i].id == id)
            return i;
    return UINT32_MAX;
}

bool idmap_put(struct idmap *m, uint64_t id, uint32_t index)
{
    if (id - 1 == m->nstraight && id - 1 == index)
        m->nstraight++;
    else if (id - 1 < m->nstraight && id - 1 != index)
        m->nstraight = (size_t)(id - 1);
    if (id < m->ndense) {
        m->dense[id] = index + 1;
        return true;
    }
    uint32_t i = find_other(m, id);
    if (i != UINT32_MAX) {
        m->others.items[i].index = index;
        return true;
    }
    if (!vec_reserve(&m->others, 1) || !table_add(&m->table, hash_u64(id), (uint32_t)m->others.len))
        return false;
    m->others.items[m->others.len].id = id;
    m->others.items[m->others.len++].index = index;
    return true;
}

uint32_t idmap_get_other(const struct idmap *m, uint64_t id)
{
    uint32_t i = find_other(m, id);
    return i == UINT32_MAX ? UINT32_MAX : m->others.items[i].index;
}
