#include "model/profile.h"

#include <string.h>

struct profile *profile_new(struct intern *strings)
{
    struct profile *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->strings = strings ? intern_ref(strings) : intern_new();
    if (!p->strings) {
        free(p);
        return NULL;
    }
    p->default_sample_type = p->drop_frames = p->keep_frames = p->doc_url = intern_empty;
    p->period_type = (struct value_type){intern_empty, intern_empty};
    return p;
}

void profile_free(struct profile *p)
{
    if (!p)
        return;
    vec_fini(&p->sample_types);
    vec_fini(&p->samples);
    vec_fini(&p->locs);
    vec_fini(&p->values);
    vec_fini(&p->labels);
    vec_fini(&p->mappings);
    vec_fini(&p->locations);
    vec_fini(&p->lines);
    vec_fini(&p->functions);
    vec_fini(&p->comments);
    intern_unref(p->strings);
    free(p);
}

const char *profile_string(struct profile *p, const char *text)
{
    return text ? intern_string(p->strings, text) : intern_empty;
}

#define COPY(to, from)                                                                              \
    (vec_reserve((to), (from)->len) ? ((from)->len ? memcpy((to)->items + (to)->len, (from)->items, \
                                                         (from)->len * sizeof *(from)->items)       \
                                                   : NULL,                                          \
                                          (to)->len += (from)->len, true)                           \
                                    : false)

struct profile *profile_derive(const struct profile *p)
{
    struct profile *q = profile_new(p->strings);
    if (!q)
        return NULL;
    q->default_sample_type = p->default_sample_type;
    q->drop_frames = p->drop_frames;
    q->keep_frames = p->keep_frames;
    q->doc_url = p->doc_url;
    q->time_nanos = p->time_nanos;
    q->duration_nanos = p->duration_nanos;
    q->period_type = p->period_type;
    q->period = p->period;
    if (COPY(&q->sample_types, &p->sample_types) && COPY(&q->mappings, &p->mappings) &&
        COPY(&q->locations, &p->locations) && COPY(&q->lines, &p->lines) &&
        COPY(&q->functions, &p->functions) && COPY(&q->comments, &p->comments))
        return q;
    profile_free(q);
    return NULL;
}

struct profile *profile_copy(const struct profile *p)
{
    struct profile *q = profile_derive(p);
    if (!q)
        return NULL;
    if (COPY(&q->samples, &p->samples) && COPY(&q->locs, &p->locs) && COPY(&q->values, &p->values) &&
        COPY(&q->labels, &p->labels))
        return q;
    profile_free(q);
    return NULL;
}

static const char *canonical(const char *text)
{
    return text && *text ? text : intern_empty;
}

/* Where the item goes that vec_push is about to add. */
static int pushed(bool ok, size_t at, uint32_t *index)
{
    if (ok && index)
        *index = (uint32_t)at;
    return ok ? 0 : ERR_NOMEM;
}

int profile_add_sample_type(struct profile *p, const char *type, const char *unit)
{
    struct value_type t = {canonical(type), canonical(unit)};
    return vec_push(&p->sample_types, t) ? 0 : ERR_NOMEM;
}

int profile_add_comment(struct profile *p, const char *text)
{
    return vec_push(&p->comments, canonical(text)) ? 0 : ERR_NOMEM;
}

int profile_add_mapping(struct profile *p, const struct mapping *m, uint32_t *index)
{
    struct mapping copy = *m;
    copy.id = m->id ? m->id : p->mappings.len + 1;
    copy.file = canonical(m->file);
    copy.build_id = canonical(m->build_id);
    size_t at = p->mappings.len;
    return pushed(vec_push(&p->mappings, copy), at, index);
}

int profile_add_function(struct profile *p, const struct function *f, uint32_t *index)
{
    struct function copy = *f;
    copy.id = f->id ? f->id : p->functions.len + 1;
    copy.name = canonical(f->name);
    copy.system_name = canonical(f->system_name);
    copy.file = canonical(f->file);
    size_t at = p->functions.len;
    return pushed(vec_push(&p->functions, copy), at, index);
}

int profile_add_location(
    struct profile *p, const struct location *l, const struct line *lines, uint32_t nlines, uint32_t *index)
{
    if (!vec_reserve(&p->lines, nlines) || !vec_reserve(&p->locations, 1))
        return ERR_NOMEM;
    struct location copy = *l;
    copy.id = l->id ? l->id : p->locations.len + 1;
    copy.first_line = (uint32_t)p->lines.len;
    copy.nlines = nlines;
    for (uint32_t i = 0; i < nlines; i++)
        p->lines.items[p->lines.len++] = lines[i];
    p->locations.items[p->locations.len++] = copy;
    return pushed(true, p->locations.len - 1, index);
}

static bool label_after(const struct label *a, const struct label *b)
{
    if (a->is_num != b->is_num)
        return a->is_num;
    return a->key != b->key && strcmp(a->key, b->key) > 0;
}

/* Insertion sort: stable, and labels are few and nearly always in order. */
static void sort_labels(struct label *labels, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        struct label l = labels[i];
        uint32_t at = i;
        for (; at > 0 && label_after(&labels[at - 1], &l); at--)
            labels[at] = labels[at - 1];
        labels[at] = l;
    }
}

int profile_add_sample(struct profile *p, const uint32_t *locs, uint32_t nlocs, const int64_t *values,
    const struct label *labels, uint32_t nlabels)
{
    size_t nvalues = p->sample_types.len;
    if (!vec_reserve(&p->locs, nlocs) || !vec_reserve(&p->values, nvalues) ||
        !vec_reserve(&p->labels, nlabels) || !vec_reserve(&p->samples, 1))
        return ERR_NOMEM;
    struct sample s = {.first_loc = (uint32_t)p->locs.len,
        .nlocs = nlocs,
        .first_label = (uint32_t)p->labels.len,
        .nlabels = nlabels};
    if (nlocs)
        memcpy(p->locs.items + p->locs.len, locs, nlocs * sizeof *locs);
    if (nvalues)
        memcpy(p->values.items + p->values.len, values, nvalues * sizeof *values);
    for (uint32_t i = 0; i < nlabels; i++) {
        struct label *l = &p->labels.items[s.first_label + i];
        *l = labels[i];
        l->key = canonical(l->key);
        l->str = canonical(l->str);
        l->num_unit = canonical(l->num_unit);
    }
    if (nlabels > 1)
        sort_labels(p->labels.items + s.first_label, nlabels);
    p->locs.len += nlocs;
    p->values.len += nvalues;
    p->labels.len += nlabels;
    p->samples.items[p->samples.len++] = s;
    return 0;
}

void profile_pop_sample(struct profile *p)
{
    struct sample s = p->samples.items[--p->samples.len];
    p->locs.len = s.first_loc;
    p->labels.len = s.first_label;
    p->values.len -= p->sample_types.len;
}
