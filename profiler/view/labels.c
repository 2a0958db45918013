#include "view/labels.h"

#include "view/measure.h"

#include <string.h>

/* ---- units ---- */

static struct label_unit *find_key(struct label_units *u, const char *key)
{
    for (size_t i = 0; i < u->keys.len; i++)
        if (u->keys.items[i].key == key)
            return &u->keys.items[i];
    return NULL;
}

struct ignored {
    const char *key, *unit;
};

typedef VEC(struct ignored) ignored_list;

static bool note_ignored(ignored_list *list, const char *key, const char *unit)
{
    for (size_t i = 0; i < list->len; i++)
        if (list->items[i].key == key && list->items[i].unit == unit)
            return true;
    return vec_push(list, ((struct ignored){key, unit}));
}

static bool see_label(struct label_units *u, ignored_list *list, const struct label *l)
{
    struct label_unit *known = find_key(u, l->key);
    if (!known)
        return vec_push(&u->keys, ((struct label_unit){l->key, l->num_unit}));
    if (!*l->num_unit || known->unit == l->num_unit)
        return true;
    if (*known->unit)
        return note_ignored(list, l->key, l->num_unit);
    known->unit = l->num_unit;
    return true;
}

static int compare_units(const void *a, const void *b)
{
    return strcmp(((const struct ignored *)a)->unit, ((const struct ignored *)b)->unit);
}

static void print_ignored(struct label_units *u, ignored_list *list, struct buf *notes)
{
    if (list->len)
        qsort(list->items, list->len, sizeof *list->items, compare_units);
    for (size_t k = 0; k < u->keys.len; k++) {
        const struct label_unit *key = &u->keys.items[k];
        bool any = false;
        for (size_t i = 0; i < list->len; i++) {
            if (list->items[i].key != key->key)
                continue;
            if (!any)
                buf_printf(notes, "For tag %s used unit %s, also encountered unit(s) ", key->key, key->unit);
            buf_printf(notes, "%s%s", any ? ", " : "", list->items[i].unit);
            any = true;
        }
        if (any)
            buf_putc(notes, '\n');
    }
}

int label_units_init(struct label_units *u, const struct profile *p, struct buf *notes)
{
    *u = (struct label_units){0};
    ignored_list list = {0};
    bool ok = true;
    for (size_t i = 0; i < p->labels.len && ok; i++)
        if (p->labels.items[i].is_num)
            ok = see_label(u, &list, &p->labels.items[i]);
    if (ok)
        print_ignored(u, &list, notes);
    for (size_t i = 0; i < u->keys.len; i++) {
        struct label_unit *k = &u->keys.items[i];
        bool is_size = strcmp(k->key, "alignment") == 0 || strcmp(k->key, "request") == 0;
        if (!*k->unit)
            k->unit = is_size ? "bytes" : k->key;
    }
    vec_fini(&list);
    if (!ok)
        label_units_fini(u);
    return ok ? 0 : ERR_NOMEM;
}

void label_units_fini(struct label_units *u)
{
    vec_fini(&u->keys);
}

const char *label_units_get(const struct label_units *u, const char *key)
{
    for (size_t i = 0; i < u->keys.len; i++)
        if (strcmp(u->keys.items[i].key, key) == 0)
            return u->keys.items[i].unit;
    return "";
}

/* ---- pseudo frames ---- */

struct key_list {
    VEC(const char *) keys; /* of the profile's pool */
    bool matched;
};

struct pseudo {
    struct profile *p;
    const char *unit;
    size_t first_location; /* those made here come after it */
    uint64_t next_location_id, next_function_id;
    struct key_list roots, leaves;
    VEC(uint32_t) locs;
};

static int split_keys(struct profile *p, const char *text, struct key_list *list)
{
    while (*text) {
        const char *end = strchrnul(text, ',');
        if (end > text) {
            const char *key = intern_bytes(p->strings, text, (size_t)(end - text));
            if (!key || !vec_push(&list->keys, key))
                return ERR_NOMEM;
        }
        text = *end ? end + 1 : end;
    }
    return 0;
}

/* The values of one key, joined by commas; numbers as printed. */
static const char *join_values(
    struct pseudo *s, const struct profile *from, const struct sample *sample, const char *key, bool *any)
{
    struct buf joined = {0};
    const struct label *labels = from->labels.items + sample->first_label;
    bool units = false; /* of numbers: when one has a unit, all count as having one */
    for (uint32_t i = 0; i < sample->nlabels; i++)
        units |= labels[i].key == key && labels[i].is_num && *labels[i].num_unit;
    *any = false;
    for (uint32_t i = 0; i < sample->nlabels; i++) {
        if (labels[i].key != key)
            continue;
        if (*any)
            buf_putc(&joined, ',');
        *any = true;
        if (!labels[i].is_num)
            buf_puts(&joined, labels[i].str);
        else
            measure_put(&joined, labels[i].num, units ? labels[i].num_unit : "", units ? s->unit : "");
    }
    const char *text = joined.failed ? NULL : intern_bytes(s->p->strings, joined.data, joined.len);
    buf_fini(&joined);
    return text;
}

static int pseudo_location(struct pseudo *s, const char *name, const char *key, uint32_t *loc)
{
    struct profile *p = s->p;
    for (size_t i = s->first_location; i < p->locations.len; i++) {
        const struct function *f =
            &p->functions.items[p->lines.items[p->locations.items[i].first_line].function];
        if (f->name == name && f->file == key) {
            *loc = (uint32_t)i;
            return 0;
        }
    }
    struct function f = {.id = s->next_function_id++, .name = name, .file = key};
    struct location l = {.id = s->next_location_id++, .mapping = NO_INDEX};
    struct line line = {0};
    return profile_add_function(p, &f, &line.function) || profile_add_location(p, &l, &line, 1, loc)
               ? ERR_NOMEM
               : 0;
}

/* Adds frames for the keys, the last key first: leaves come first in a stack. */
static int push_frames(
    struct pseudo *s, const struct profile *from, const struct sample *sample, struct key_list *list)
{
    for (size_t k = list->keys.len; k-- > 0;) {
        bool any;
        const char *name = join_values(s, from, sample, list->keys.items[k], &any);
        uint32_t loc;
        if (!name || pseudo_location(s, name, list->keys.items[k], &loc) || !vec_push(&s->locs, loc))
            return ERR_NOMEM;
        list->matched |= any;
    }
    return 0;
}

static int rewrite_sample(struct pseudo *s, const struct profile *from, size_t index)
{
    const struct sample *sample = &from->samples.items[index];
    s->locs.len = 0;
    if (push_frames(s, from, sample, &s->leaves))
        return ERR_NOMEM;
    for (uint32_t i = 0; i < sample->nlocs; i++)
        if (!vec_push(&s->locs, from->locs.items[sample->first_loc + i]))
            return ERR_NOMEM;
    if (push_frames(s, from, sample, &s->roots))
        return ERR_NOMEM;
    return profile_add_sample(s->p, s->locs.items, (uint32_t)s->locs.len, profile_values(from, index),
        from->labels.items + sample->first_label, sample->nlabels);
}

static void next_ids(struct pseudo *s)
{
    s->first_location = s->p->locations.len;
    for (size_t i = 0; i < s->p->locations.len; i++)
        if (s->p->locations.items[i].id >= s->next_location_id)
            s->next_location_id = s->p->locations.items[i].id + 1;
    for (size_t i = 0; i < s->p->functions.len; i++)
        if (s->p->functions.items[i].id >= s->next_function_id)
            s->next_function_id = s->p->functions.items[i].id + 1;
}

int labels_to_frames(const struct profile *p, const char *root_keys, const char *leaf_keys, const char *unit,
    struct profile **out, struct buf *notes, struct error *error)
{
    struct pseudo s = {.p = profile_derive(p), .unit = unit, .next_location_id = 1, .next_function_id = 1};
    int code = s.p ? 0 : ERR_NOMEM;
    if (!code)
        code = split_keys(s.p, root_keys, &s.roots);
    if (!code)
        code = split_keys(s.p, leaf_keys, &s.leaves);
    if (!code)
        next_ids(&s);
    for (size_t i = 0; i < p->samples.len && !code; i++)
        code = rewrite_sample(&s, p, i);
    if (!code && *root_keys && !s.roots.matched)
        buf_puts(notes, "TagRoot expression matched no samples\n");
    if (!code && *leaf_keys && !s.leaves.matched)
        buf_puts(notes, "TagLeaf expression matched no samples\n");
    vec_fini(&s.roots.keys);
    vec_fini(&s.leaves.keys);
    vec_fini(&s.locs);
    if (code) {
        profile_free(s.p);
        return error_set(error, code, "out of memory");
    }
    *out = s.p;
    return 0;
}
