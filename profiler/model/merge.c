#include "model/merge.h"

#include "base/hash.h"
#include "base/table.h"
#include "model/sample_types.h"

#include <string.h>

struct merger {
    struct profile *p;
    const struct profile *src;
    bool same_pool;
    struct table samples, locations, functions, mappings;
    uint32_t *location_of, *function_of, *mapping_of; /* of src, or NO_INDEX */
    VEC(uint32_t) locs;
    VEC(struct label) labels;
    VEC(struct line) lines;
};

static const char *keep(struct merger *m, const char *text)
{
    return m->same_pool ? text : intern_string(m->p->strings, text);
}

/* ---- mappings ---- */

struct mapping_key {
    uint64_t size, offset;
    const char *name;
};

static struct mapping_key mapping_key(const struct mapping *m)
{
    const uint64_t page = 0x1000; /* sizes differ by less between runs */
    uint64_t size = m->limit - m->start + page - 1;
    return (struct mapping_key){size - size % page, m->offset, *m->build_id ? m->build_id : m->file};
}

static int map_mapping(struct merger *m, uint32_t from, uint32_t *to)
{
    if (m->mapping_of[from] != NO_INDEX) {
        *to = m->mapping_of[from];
        return 0;
    }
    struct mapping copy = m->src->mappings.items[from];
    copy.file = keep(m, copy.file);
    copy.build_id = keep(m, copy.build_id);
    if (!copy.file || !copy.build_id)
        return ERR_NOMEM;
    struct mapping_key key = mapping_key(&copy);
    uint64_t hash = hash_mix(hash_mix(hash_u64(key.size), key.offset), (uintptr_t)key.name);
    for (size_t at = table_first(&m->mappings, hash); table_next(&m->mappings, hash, &at, to);) {
        struct mapping_key other = mapping_key(&m->p->mappings.items[*to]);
        if (other.size == key.size && other.offset == key.offset && other.name == key.name) {
            m->mapping_of[from] = *to;
            return 0;
        }
    }
    copy.id = 0;
    if (profile_add_mapping(m->p, &copy, to) || !table_add(&m->mappings, hash, *to))
        return ERR_NOMEM;
    m->mapping_of[from] = *to;
    return 0;
}

/* ---- functions ---- */

static bool same_function(const struct function *a, const struct function *b)
{
    return a->name == b->name && a->system_name == b->system_name && a->file == b->file &&
           a->start_line == b->start_line;
}

static int map_function(struct merger *m, uint32_t from, uint32_t *to)
{
    if (m->function_of[from] != NO_INDEX) {
        *to = m->function_of[from];
        return 0;
    }
    struct function copy = m->src->functions.items[from];
    copy.name = keep(m, copy.name);
    copy.system_name = keep(m, copy.system_name);
    copy.file = keep(m, copy.file);
    if (!copy.name || !copy.system_name || !copy.file)
        return ERR_NOMEM;
    uint64_t hash =
        hash_mix(hash_mix((uintptr_t)copy.name, (uintptr_t)copy.system_name), (uintptr_t)copy.file);
    hash = hash_mix(hash, (uint64_t)copy.start_line);
    for (size_t at = table_first(&m->functions, hash); table_next(&m->functions, hash, &at, to);) {
        if (same_function(&m->p->functions.items[*to], &copy)) {
            m->function_of[from] = *to;
            return 0;
        }
    }
    copy.id = 0;
    if (profile_add_function(m->p, &copy, to) || !table_add(&m->functions, hash, *to))
        return ERR_NOMEM;
    m->function_of[from] = *to;
    return 0;
}

/* ---- locations ---- */

static bool same_location(
    const struct profile *p, const struct location *a, const struct location *b, const struct line *b_lines)
{
    if (a->address != b->address || a->mapping != b->mapping || a->folded != b->folded ||
        a->nlines != b->nlines)
        return false;
    for (uint32_t i = 0; i < a->nlines; i++) {
        const struct line *x = &p->lines.items[a->first_line + i], *y = &b_lines[i];
        if (x->function != y->function || x->line != y->line || x->column != y->column)
            return false;
    }
    return true;
}

static int map_lines(struct merger *m, const struct location *from, uint64_t *hash)
{
    m->lines.len = 0;
    for (uint32_t i = 0; i < from->nlines; i++) {
        struct line line = m->src->lines.items[from->first_line + i];
        if (line.function != NO_INDEX && map_function(m, line.function, &line.function))
            return ERR_NOMEM;
        if (!vec_push(&m->lines, line))
            return ERR_NOMEM;
        *hash =
            hash_mix(hash_mix(hash_mix(*hash, line.function), (uint64_t)line.line), (uint64_t)line.column);
    }
    return 0;
}

static int map_location(struct merger *m, uint32_t from, uint32_t *to)
{
    if (m->location_of[from] != NO_INDEX) {
        *to = m->location_of[from];
        return 0;
    }
    struct location copy = m->src->locations.items[from];
    if (copy.mapping != NO_INDEX) {
        uint64_t old_start = m->src->mappings.items[copy.mapping].start;
        if (map_mapping(m, copy.mapping, &copy.mapping))
            return ERR_NOMEM;
        copy.address += m->p->mappings.items[copy.mapping].start - old_start;
    }
    uint64_t hash = hash_mix(copy.address, copy.mapping + (uint64_t)copy.folded);
    if (map_lines(m, &m->src->locations.items[from], &hash))
        return ERR_NOMEM;
    for (size_t at = table_first(&m->locations, hash); table_next(&m->locations, hash, &at, to);) {
        if (same_location(m->p, &m->p->locations.items[*to], &copy, m->lines.items)) {
            m->location_of[from] = *to;
            return 0;
        }
    }
    copy.id = 0;
    if (profile_add_location(m->p, &copy, m->lines.items, (uint32_t)m->lines.len, to) ||
        !table_add(&m->locations, hash, *to))
        return ERR_NOMEM;
    m->location_of[from] = *to;
    return 0;
}

/* ---- samples ---- */

static bool all_zero(const int64_t *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (values[i])
            return false;
    return true;
}

static bool same_sample(const struct profile *p, const struct sample *a, const struct sample *b)
{
    if (a->nlocs != b->nlocs || a->nlabels != b->nlabels)
        return false;
    if (a->nlocs &&
        memcmp(p->locs.items + a->first_loc, p->locs.items + b->first_loc, a->nlocs * sizeof(uint32_t)) != 0)
        return false;
    for (uint32_t i = 0; i < a->nlabels; i++) {
        const struct label *x = &p->labels.items[a->first_label + i],
                           *y = &p->labels.items[b->first_label + i];
        if (x->key != y->key || x->str != y->str || x->num != y->num || x->num_unit != y->num_unit ||
            x->is_num != y->is_num)
            return false;
    }
    return true;
}

static uint64_t sample_hash(const struct merger *m)
{
    uint64_t hash = m->locs.len;
    for (size_t i = 0; i < m->locs.len; i++)
        hash = hash_mix(hash, m->locs.items[i]);
    for (size_t i = 0; i < m->labels.len; i++) {
        const struct label *l = &m->labels.items[i];
        hash = hash_mix(hash_mix(hash, (uintptr_t)l->key), (uintptr_t)l->str + (uint64_t)l->num);
    }
    return hash;
}

static int map_sample_parts(struct merger *m, const struct sample *s)
{
    m->locs.len = m->labels.len = 0;
    if (!vec_reserve(&m->locs, s->nlocs) || !vec_reserve(&m->labels, s->nlabels))
        return ERR_NOMEM;
    for (uint32_t i = 0; i < s->nlocs; i++)
        if (map_location(m, m->src->locs.items[s->first_loc + i], &m->locs.items[m->locs.len++]))
            return ERR_NOMEM;
    for (uint32_t i = 0; i < s->nlabels; i++) {
        struct label l = m->src->labels.items[s->first_label + i];
        l.key = keep(m, l.key);
        l.str = keep(m, l.str);
        l.num_unit = keep(m, l.num_unit);
        if (!l.key || !l.str || !l.num_unit)
            return ERR_NOMEM;
        m->labels.items[m->labels.len++] = l;
    }
    return 0;
}

static int map_sample(struct merger *m, size_t index)
{
    struct profile *p = m->p;
    const int64_t *values = profile_values(m->src, index);
    if (all_zero(values, p->sample_types.len))
        return 0;
    if (map_sample_parts(m, &m->src->samples.items[index]))
        return ERR_NOMEM;
    if (profile_add_sample(
            p, m->locs.items, (uint32_t)m->locs.len, values, m->labels.items, (uint32_t)m->labels.len))
        return ERR_NOMEM;
    uint64_t hash = sample_hash(m);
    uint32_t added = (uint32_t)p->samples.len - 1, other;
    for (size_t at = table_first(&m->samples, hash); table_next(&m->samples, hash, &at, &other);) {
        if (!same_sample(p, &p->samples.items[other], &p->samples.items[added]))
            continue;
        for (size_t i = 0; i < p->sample_types.len; i++)
            profile_values(p, other)[i] =
                (int64_t)((uint64_t)profile_values(p, other)[i] + (uint64_t)values[i]);
        profile_pop_sample(p);
        return 0;
    }
    return table_add(&m->samples, hash, added) ? 0 : ERR_NOMEM;
}

/* ---- whole profiles ---- */

static uint32_t *unmapped(size_t n)
{
    uint32_t *map = malloc((n + 1) * sizeof *map);
    if (map)
        memset(map, 0xff, (n + 1) * sizeof *map); /* NO_INDEX */
    return map;
}

static void drop_source(struct merger *m)
{
    free(m->location_of);
    free(m->function_of);
    free(m->mapping_of);
    m->location_of = m->function_of = m->mapping_of = NULL;
}

static int add_source(struct merger *m, const struct profile *src)
{
    m->src = src;
    m->same_pool = src->strings == m->p->strings;
    m->location_of = unmapped(src->locations.len);
    m->function_of = unmapped(src->functions.len);
    m->mapping_of = unmapped(src->mappings.len);
    int code = m->location_of && m->function_of && m->mapping_of ? 0 : ERR_NOMEM;
    uint32_t first; /* the first mapping is the main binary and stays first */
    if (!code && m->p->mappings.len == 0 && src->mappings.len)
        code = map_mapping(m, 0, &first);
    for (size_t i = 0; i < src->samples.len && !code; i++)
        code = map_sample(m, i);
    drop_source(m);
    return code;
}

static int merge_comments(struct profile *p, const struct profile *src)
{
    for (size_t i = 0; i < src->comments.len; i++) {
        const char *text = profile_string(p, src->comments.items[i]);
        bool seen = false;
        for (size_t k = 0; k < p->comments.len && !seen; k++)
            seen = p->comments.items[k] == text;
        if (!text || (!seen && profile_add_comment(p, text)))
            return ERR_NOMEM;
    }
    return 0;
}

static int merge_header(struct profile *p, const struct profile *src)
{
    if (p->time_nanos == 0 || src->time_nanos < p->time_nanos)
        p->time_nanos = src->time_nanos;
    p->duration_nanos = (int64_t)((uint64_t)p->duration_nanos + (uint64_t)src->duration_nanos);
    if (p->period == 0 || p->period < src->period)
        p->period = src->period;
    if (!*p->default_sample_type)
        p->default_sample_type = profile_string(p, src->default_sample_type);
    if (!*p->doc_url)
        p->doc_url = profile_string(p, src->doc_url);
    return p->default_sample_type && p->doc_url ? merge_comments(p, src) : ERR_NOMEM;
}

/* What the first decides for all. */
static int begin_header(struct profile *p, const struct profile *first)
{
    p->drop_frames = first->drop_frames;
    p->keep_frames = first->keep_frames;
    p->period_type = first->period_type;
    int code = 0;
    for (size_t i = 0; i < first->sample_types.len && !code; i++)
        code =
            profile_add_sample_type(p, first->sample_types.items[i].type, first->sample_types.items[i].unit);
    return code;
}

static bool has_zero_sample(const struct profile *p)
{
    for (size_t i = 0; i < p->samples.len; i++)
        if (all_zero(profile_values(p, i), p->sample_types.len))
            return true;
    return false;
}

void merger_free(struct merger *m)
{
    if (!m)
        return;
    profile_free(m->p);
    table_fini(&m->samples);
    table_fini(&m->locations);
    table_fini(&m->functions);
    table_fini(&m->mappings);
    vec_fini(&m->locs);
    vec_fini(&m->labels);
    vec_fini(&m->lines);
    free(m);
}

static int nomem(struct error *error)
{
    return error_set(error, ERR_NOMEM, "out of memory");
}

int merger_new(const struct profile *first, struct merger **out, struct error *error)
{
    struct merger *m = calloc(1, sizeof *m);
    if (m)
        m->p = profile_new(first->strings);
    if (!m || !m->p || begin_header(m->p, first)) {
        merger_free(m);
        return nomem(error);
    }
    *out = m;
    return 0;
}

int merger_add(struct merger *m, const struct profile *src, struct error *error)
{
    int code = profile_compatible(m->p, src, error);
    if (code)
        return code;
    return merge_header(m->p, src) || add_source(m, src) ? nomem(error) : 0;
}

int merger_finish(struct merger *m, struct profile **out, struct error *error)
{
    struct profile *p = m->p;
    m->p = NULL;
    merger_free(m);
    if (!has_zero_sample(p)) {
        *out = p;
        return 0;
    }
    /* Samples that cancelled out leave locations nobody uses: once more, over the result. */
    const struct profile *again = p;
    int code = profile_merge(&again, 1, out, error);
    profile_free(p);
    return code;
}

int profile_merge(const struct profile *const srcs[], size_t n, struct profile **out, struct error *error)
{
    struct merger *m;
    if (n == 0)
        return error_set(error, ERR_INVALID, "no profiles to merge");
    int code = merger_new(srcs[0], &m, error);
    if (code)
        return code;
    for (size_t i = 0; i < n && !code; i++)
        code = merger_add(m, srcs[i], error);
    if (!code)
        return merger_finish(m, out, error);
    merger_free(m);
    return code;
}
