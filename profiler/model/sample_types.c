#include "model/sample_types.h"

#include "base/buf.h"
#include "base/number.h"

#include <math.h>
#include <string.h>

static void print_types(struct buf *b, const struct profile *p)
{
    for (size_t i = 0; i < p->sample_types.len; i++)
        buf_printf(b, "%s%s/%s", i ? " " : "", p->sample_types.items[i].type, p->sample_types.items[i].unit);
}

static int incompatible_types(const struct profile *a, const struct profile *b, struct error *error)
{
    struct buf left = {0}, right = {0};
    print_types(&left, a);
    print_types(&right, b);
    int code = error_set(error, ERR_INVALID, "incompatible sample types [%s] and [%s]",
        left.data ? left.data : "", right.data ? right.data : "");
    buf_fini(&left);
    buf_fini(&right);
    return code;
}

static bool same_type(struct value_type a, struct value_type b)
{
    return strcmp(a.type, b.type) == 0 && strcmp(a.unit, b.unit) == 0;
}

int profile_compatible(const struct profile *a, const struct profile *b, struct error *error)
{
    if (!same_type(a->period_type, b->period_type))
        return error_set(error, ERR_INVALID, "incompatible period types %s/%s and %s/%s", a->period_type.type,
            a->period_type.unit, b->period_type.type, b->period_type.unit);
    bool same = a->sample_types.len == b->sample_types.len;
    for (size_t i = 0; same && i < a->sample_types.len; i++)
        same = same_type(a->sample_types.items[i], b->sample_types.items[i]);
    return same ? 0 : incompatible_types(a, b, error);
}

/* ---- choosing ---- */

static size_t find_type(const struct profile *p, const char *type)
{
    for (size_t i = 0; i < p->sample_types.len; i++)
        if (strcmp(p->sample_types.items[i].type, type) == 0)
            return i;
    return SIZE_MAX;
}

static size_t count_type(const struct profile *p, const char *type)
{
    size_t count = 0;
    for (size_t i = 0; i < p->sample_types.len; i++)
        count += strcmp(p->sample_types.items[i].type, type) == 0;
    return count;
}

int profile_common_types(
    const struct profile *const srcs[], size_t n, const char ***types, size_t *ntypes, struct error *error)
{
    const char **common = calloc(srcs[0]->sample_types.len + 1, sizeof *common);
    if (!common)
        return error_set(error, ERR_NOMEM, "out of memory");
    size_t found = 0;
    for (size_t t = 0; t < srcs[0]->sample_types.len; t++) {
        const char *type = srcs[0]->sample_types.items[t].type;
        size_t count = 0;
        for (size_t i = 0; i < n; i++)
            count += count_type(srcs[i], type);
        if (count == n)
            common[found++] = type;
    }
    if (found == 0) {
        free(common);
        return error_set(error, ERR_INVALID, "the profiles have no sample type in common");
    }
    *types = common;
    *ntypes = found;
    return 0;
}

static int select_values(struct profile *q, const struct profile *p, const size_t *from, size_t n)
{
    if (!vec_reserve(&q->values, p->samples.len * n))
        return ERR_NOMEM;
    for (size_t i = 0; i < p->samples.len; i++)
        for (size_t t = 0; t < n; t++)
            q->values.items[q->values.len++] = profile_values(p, i)[from[t]];
    return 0;
}

int profile_select_types(const struct profile *p, const char *const types[], size_t ntypes,
    struct profile **out, struct error *error)
{
    size_t *from = calloc(ntypes + 1, sizeof *from);
    struct profile *q = profile_copy(p);
    int code = from && q ? 0 : error_set(error, ERR_NOMEM, "out of memory");
    bool keeps_default = false, changes = ntypes != p->sample_types.len;
    for (size_t t = 0; t < ntypes && !code; t++) {
        from[t] = find_type(p, types[t]);
        if (from[t] == SIZE_MAX)
            code = error_set(error, ERR_INVALID, "sample type \"%s\" is not in the profile", types[t]);
        keeps_default |= strcmp(types[t], p->default_sample_type) == 0;
        changes |= from[t] != t;
    }
    if (!code && changes) {
        q->sample_types.len = q->values.len = 0;
        for (size_t t = 0; t < ntypes; t++) /* there is room: no more types than before */
            q->sample_types.items[q->sample_types.len++] = p->sample_types.items[from[t]];
        if (!keeps_default)
            q->default_sample_type = q->sample_types.items[0].type;
        if (select_values(q, p, from, ntypes))
            code = error_set(error, ERR_NOMEM, "out of memory");
    }
    free(from);
    if (code)
        profile_free(q);
    else
        *out = q;
    return code;
}

/* ---- scaling ---- */

static bool scale_values(int64_t *values, const double *ratios, size_t n)
{
    bool keep = false;
    for (size_t i = 0; i < n; i++) {
        if (ratios[i] != 1) {
            values[i] = number_truncate(round((double)values[i] * ratios[i]));
            keep |= values[i] != 0;
        }
    }
    return keep;
}

int profile_scale(const struct profile *p, const double *ratios, struct profile **out, struct error *error)
{
    struct profile *q = profile_copy(p);
    if (!q)
        return error_set(error, ERR_NOMEM, "out of memory");
    size_t n = p->sample_types.len, kept = 0;
    bool all_ones = true;
    for (size_t t = 0; t < n; t++)
        all_ones &= ratios[t] == 1;
    for (size_t i = 0; i < q->samples.len && !all_ones; i++) {
        if (!scale_values(profile_values(q, i), ratios, n))
            continue;
        q->samples.items[kept] = q->samples.items[i];
        memmove(profile_values(q, kept), profile_values(q, i), n * sizeof(int64_t));
        kept++;
    }
    if (!all_ones) {
        q->samples.len = kept;
        q->values.len = kept * n;
    }
    *out = q;
    return 0;
}

static uint64_t sum_type(const struct profile *p, size_t type)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < p->samples.len; i++)
        sum += (uint64_t)profile_values(p, i)[type];
    return sum;
}

int profile_normal_ratios(
    const struct profile *p, const struct profile *base, double **ratios, struct error *error)
{
    int code = profile_compatible(p, base, error);
    if (code)
        return code;
    double *r = calloc(p->sample_types.len + 1, sizeof *r);
    if (!r)
        return error_set(error, ERR_NOMEM, "out of memory");
    for (size_t t = 0; t < p->sample_types.len; t++) {
        int64_t ours = (int64_t)sum_type(p, t), theirs = (int64_t)sum_type(base, t);
        r[t] = ours ? (double)theirs / (double)ours : 0;
    }
    *ratios = r;
    return 0;
}
