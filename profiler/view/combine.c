#include "view/combine.h"

#include "model/merge.h"
#include "model/sample_types.h"
#include "view/measure.h"

#include <string.h>

static int nomem(struct error *error)
{
    return error_set(error, ERR_NOMEM, "out of memory");
}

/* Working copies of the profiles, replaced step by step. */
struct batch {
    struct profile **items;
    size_t n;
};

static void batch_fini(struct batch *b)
{
    for (size_t i = 0; b->items && i < b->n; i++)
        profile_free(b->items[i]);
    free(b->items);
}

static void replace(struct batch *b, size_t i, struct profile *with)
{
    profile_free(b->items[i]);
    b->items[i] = with;
}

static int batch_init(struct batch *b, const struct profile *const srcs[], size_t n, struct error *error)
{
    const char **types;
    size_t ntypes;
    int code = profile_common_types(srcs, n, &types, &ntypes, error);
    if (code)
        return code;
    *b = (struct batch){.items = calloc(n, sizeof *b->items), .n = n};
    if (!b->items)
        code = nomem(error);
    for (size_t i = 0; i < n && !code; i++)
        code = profile_select_types(srcs[i], types, ntypes, &b->items[i], error);
    free(types);
    return code;
}

static int common_unit(
    struct batch *b, size_t type, struct value_type *scratch, const char **unit, struct error *error)
{
    for (size_t i = 0; i < b->n; i++)
        scratch[i] = b->items[i]->sample_types.items[type];
    return measure_common_unit(scratch, b->n, unit, error);
}

static int scale_period(struct batch *b, struct value_type *scratch, struct error *error)
{
    const char *unit;
    for (size_t i = 0; i < b->n; i++)
        scratch[i] = b->items[i]->period_type;
    int code = measure_common_unit(scratch, b->n, &unit, error);
    if (code)
        return error_prefix(error, "period type");
    for (size_t i = 0; i < b->n && unit; i++) {
        struct profile *p = b->items[i];
        p->period = measure_int(measure_scale(p->period, p->period_type.unit, unit).value);
        p->period_type.unit = profile_string(p, unit);
        if (!p->period_type.unit)
            return nomem(error);
    }
    return 0;
}

/* Scales profile i so that each type has the unit given. */
static int scale_to(struct batch *b, size_t i, const char *const *units, double *ratios, struct error *error)
{
    struct profile *p = b->items[i], *scaled;
    for (size_t t = 0; t < p->sample_types.len; t++) {
        struct value_type *type = &p->sample_types.items[t];
        ratios[t] = 1;
        if (!units[t])
            continue;
        ratios[t] = measure_scale(1, type->unit, units[t]).value;
        type->unit = profile_string(p, units[t]);
        if (!type->unit)
            return nomem(error);
    }
    int code = profile_scale(p, ratios, &scaled, error);
    if (!code)
        replace(b, i, scaled);
    return code;
}

static int equalize_units(struct batch *b, struct error *error)
{
    size_t ntypes = b->items[0]->sample_types.len;
    struct value_type *scratch = calloc(b->n, sizeof *scratch);
    const char **units = calloc(ntypes + 1, sizeof *units);
    double *ratios = calloc(ntypes + 1, sizeof *ratios);
    int code = scratch && units && ratios ? scale_period(b, scratch, error) : nomem(error);
    for (size_t t = 0; t < ntypes && !code; t++)
        code = common_unit(b, t, scratch, &units[t], error);
    for (size_t i = 0; i < b->n && !code; i++)
        code = scale_to(b, i, units, ratios, error);
    free(scratch);
    free(units);
    free(ratios);
    return code;
}

static int combine_unlike(
    const struct profile *const srcs[], size_t n, struct profile **out, struct error *error)
{
    struct batch b = {0};
    int code = batch_init(&b, srcs, n, error);
    if (!code && n == 1) {
        *out = b.items[0];
        b.items[0] = NULL;
    } else if (!code) {
        code = equalize_units(&b, error);
        if (!code)
            code = profile_merge((const struct profile *const *)b.items, n, out, error);
    }
    batch_fini(&b);
    return code;
}

/* ---- profiles alike, which need no preparation ---- */

/* Two sample types of one name, of which the reference takes neither. */
static bool has_twin_types(const struct profile *p)
{
    for (size_t i = 1; i < p->sample_types.len; i++)
        for (size_t k = 0; k < i; k++)
            if (p->sample_types.items[i].type == p->sample_types.items[k].type)
                return true;
    return false;
}

/* Whether it would come out of all of the above as it is, among others with its types and units. */
static bool is_plain(const struct profile *p)
{
    const int64_t exact = (int64_t)1 << 53; /* in a double, through which units are changed */
    for (size_t i = 0; i < p->sample_types.len; i++)
        if (measure_scale(1, p->sample_types.items[i].unit, p->sample_types.items[i].unit).value != 1)
            return false;
    const char *unit = p->period_type.unit;
    return p->sample_types.len && !has_twin_types(p) && measure_scale(1, unit, unit).value == 1 &&
           p->period <= exact && p->period >= -exact;
}

static bool are_alike(const struct profile *const srcs[], size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!is_plain(srcs[i]) || profile_compatible(srcs[0], srcs[i], NULL))
            return false;
    return true;
}

int combine_profiles(const struct profile *const srcs[], size_t n, struct profile **out, struct error *error)
{
    return n > 1 && are_alike(srcs, n) ? profile_merge(srcs, n, out, error)
                                       : combine_unlike(srcs, n, out, error);
}

static int begin_merging(struct combiner *c, struct error *error)
{
    int code = merger_new(c->first, &c->merger, error);
    if (!code)
        code = merger_add(c->merger, c->first, error);
    return code;
}

int combiner_add(struct combiner *c, struct profile *p, struct error *error)
{
    const struct profile *both[] = {c->first, p};
    if (c->first ? !are_alike(both, 2) : has_twin_types(p))
        return error_set(error, ERR_UNSUPPORTED, "profiles with different types or units");
    if (!c->first) {
        c->first = p;
        return 0;
    }
    int code = c->merger ? 0 : begin_merging(c, error);
    if (!code)
        code = merger_add(c->merger, p, error);
    if (!code)
        profile_free(p);
    return code;
}

int combiner_finish(struct combiner *c, struct profile **out, struct error *error)
{
    int code = 0;
    if (c->merger) {
        code = merger_finish(c->merger, out, error);
        c->merger = NULL;
    } else {
        *out = c->first;
        c->first = NULL;
    }
    combiner_fini(c);
    return code;
}

void combiner_fini(struct combiner *c)
{
    merger_free(c->merger);
    profile_free(c->first);
    *c = (struct combiner){0};
}

/* ---- less a base ---- */

static int label_base(const struct profile *base, struct profile **out, struct error *error)
{
    struct profile *q = profile_derive(base);
    VEC(struct label) labels = {0};
    bool ok = q != NULL;
    struct label mark = {0};
    if (ok) {
        mark.key = profile_string(q, "pprof::base");
        mark.str = profile_string(q, "true");
        ok = mark.key && mark.str;
    }
    for (size_t i = 0; i < base->samples.len && ok; i++) {
        const struct sample *s = &base->samples.items[i];
        labels.len = 0;
        ok = vec_reserve(&labels, s->nlabels + 1);
        for (uint32_t k = 0; k < s->nlabels && ok; k++)
            if (base->labels.items[s->first_label + k].key != mark.key)
                labels.items[labels.len++] = base->labels.items[s->first_label + k];
        ok = ok && vec_push(&labels, mark) &&
             profile_add_sample(q, base->locs.items + s->first_loc, s->nlocs, profile_values(base, i),
                 labels.items, (uint32_t)labels.len) == 0;
    }
    vec_fini(&labels);
    if (!ok) {
        profile_free(q);
        return nomem(error);
    }
    *out = q;
    return 0;
}

static int negate(const struct profile *base, struct profile **out, struct error *error)
{
    double *ratios = calloc(base->sample_types.len + 1, sizeof *ratios);
    if (!ratios)
        return nomem(error);
    for (size_t t = 0; t < base->sample_types.len; t++)
        ratios[t] = -1;
    int code = profile_scale(base, ratios, out, error);
    free(ratios);
    return code;
}

static int normalized(
    const struct profile *p, const struct profile *base, struct profile **out, struct error *error)
{
    double *ratios;
    int code = profile_normal_ratios(p, base, &ratios, error);
    if (code)
        return code;
    code = profile_scale(p, ratios, out, error);
    free(ratios);
    return code;
}

int combine_with_base(const struct profile *p, const struct profile *base, bool diff, bool normalize,
    struct profile **out, struct error *error)
{
    struct profile *labelled = NULL, *scaled = NULL, *negative = NULL;
    int code = diff ? label_base(base, &labelled, error) : 0;
    const struct profile *b = labelled ? labelled : base;
    if (!code && normalize)
        code = normalized(p, b, &scaled, error);
    if (!code)
        code = negate(b, &negative, error);
    if (!code)
        code =
            combine_profiles((const struct profile *const[]){scaled ? scaled : p, negative}, 2, out, error);
    profile_free(labelled);
    profile_free(scaled);
    profile_free(negative);
    return code;
}
