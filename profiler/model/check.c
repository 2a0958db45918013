#include "model/check.h"

#include "base/hash.h"
#include "base/table.h"

#include <inttypes.h>

/* Each larger than the one before, as they nearly always are: then all differ, and none is 0. */
static bool ids_ascend(const void *items, size_t len, size_t item_bytes)
{
    uint64_t last = 0;
    for (size_t i = 0; i < len; i++) {
        uint64_t id = *(const uint64_t *)((const char *)items + i * item_bytes);
        if (id <= last)
            return false;
        last = id;
    }
    return true;
}

/* Ids of one table: items are item_bytes apart and each begins with its id. */
static int check_ids(const void *items, size_t len, size_t item_bytes, const char *what, struct error *error)
{
    struct table seen = {0};
    int code = 0;
    if (ids_ascend(items, len, item_bytes))
        return 0;
    for (size_t i = 0; i < len && !code; i++) {
        uint64_t id = *(const uint64_t *)((const char *)items + i * item_bytes);
        uint64_t hash = hash_u64(id);
        uint32_t other;
        if (id == 0)
            code = error_set(error, ERR_FORMAT, "%s %zu has the reserved id 0", what, i);
        for (size_t at = table_first(&seen, hash); !code && table_next(&seen, hash, &at, &other);)
            if (*(const uint64_t *)((const char *)items + other * item_bytes) == id)
                code = error_set(error, ERR_FORMAT, "multiple %ss with the id %" PRIu64, what, id);
        if (!code && !table_add(&seen, hash, (uint32_t)i))
            code = error_set(error, ERR_NOMEM, "out of memory");
    }
    table_fini(&seen);
    return code;
}

static int check_samples(const struct profile *p, struct error *error)
{
    size_t ntypes = p->sample_types.len;
    if (ntypes == 0 && p->samples.len)
        return error_set(error, ERR_FORMAT, "missing sample type information");
    if (p->values.len != p->samples.len * ntypes)
        return error_set(error, ERR_FORMAT, "%zu values for %zu samples of %zu types", p->values.len,
            p->samples.len, ntypes);
    for (size_t i = 0; i < p->samples.len; i++) {
        const struct sample *s = &p->samples.items[i];
        if ((uint64_t)s->first_loc + s->nlocs > p->locs.len ||
            (uint64_t)s->first_label + s->nlabels > p->labels.len)
            return error_set(error, ERR_FORMAT, "sample %zu points outside its tables", i);
        for (uint32_t k = 0; k < s->nlocs; k++)
            if (p->locs.items[s->first_loc + k] >= p->locations.len)
                return error_set(error, ERR_FORMAT, "sample %zu has an unknown location", i);
    }
    return 0;
}

static int check_location(const struct profile *p, const struct location *l, struct error *error)
{
    if (l->mapping != NO_INDEX && l->mapping >= p->mappings.len)
        return error_set(error, ERR_FORMAT, "location %" PRIu64 " has an unknown mapping", l->id);
    if ((uint64_t)l->first_line + l->nlines > p->lines.len)
        return error_set(error, ERR_FORMAT, "location %" PRIu64 " points outside the lines", l->id);
    for (uint32_t k = 0; k < l->nlines; k++)
        if (p->lines.items[l->first_line + k].function >= p->functions.len)
            return error_set(
                error, ERR_FORMAT, "location %" PRIu64 " has a line without a known function", l->id);
    return 0;
}

int profile_check(const struct profile *p, struct error *error)
{
    _Static_assert(offsetof(struct mapping, id) == 0 && offsetof(struct function, id) == 0 &&
                       offsetof(struct location, id) == 0,
        "check_ids reads the id at the start");
    int code = check_samples(p, error);
    if (!code)
        code = check_ids(p->mappings.items, p->mappings.len, sizeof *p->mappings.items, "mapping", error);
    if (!code)
        code = check_ids(p->functions.items, p->functions.len, sizeof *p->functions.items, "function", error);
    if (!code)
        code = check_ids(p->locations.items, p->locations.len, sizeof *p->locations.items, "location", error);
    for (size_t i = 0; i < p->locations.len && !code; i++)
        code = check_location(p, &p->locations.items[i], error);
    return code;
}
