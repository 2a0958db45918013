#include "view/tagfilter.h"

#include "view/measure.h"
#include "view/regex.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

struct tagfilter {
    char *text; /* backs the strings */
    const char *key;
    const struct label_units *units;
    bool is_range, has_lo, has_hi;
    double lo, hi;
    char *unit; /* of both */
    VEC(struct regex *) patterns;
};

/* ---- ranges ---- */

struct quantity {
    int64_t number;
    char unit[16];
    size_t len; /* of its text */
};

/* "[+-]digits[letters]" at the start of text. */
static bool parse_quantity(const char *text, struct quantity *q)
{
    const char *at = text + (*text == '+' || *text == '-');
    if (!isdigit((unsigned char)*at))
        return false;
    char *end;
    errno = 0;
    q->number = strtoll(text, &end, 10);
    size_t n = 0;
    while (isalpha((unsigned char)end[n]))
        n++;
    if (errno || n >= sizeof q->unit)
        return false;
    memcpy(q->unit, end, n);
    q->unit[n] = '\0';
    q->len = (size_t)(end - text) + n;
    return true;
}

static int set_unit(struct tagfilter *f, const char *unit)
{
    f->unit = strdup(unit);
    return f->unit ? 1 : ERR_NOMEM;
}

/* 1 when the value is a range, 0 when it is not, ERR_NOMEM. */
static int parse_range(struct tagfilter *f, const char *value)
{
    struct quantity a, b;
    bool open = *value == ':';
    if (!parse_quantity(value + open, &a))
        return 0;
    const char *rest = value + open + a.len;
    struct measure first = measure_scale(a.number, a.unit, a.unit);
    if (*rest == '\0' || strcmp(rest, ":") == 0) {
        f->has_lo = !open;
        f->has_hi = open || *rest == '\0';
        if (open && *rest)
            return 0;
        f->lo = f->hi = first.value;
        return set_unit(f, first.unit);
    }
    if (open || *rest != ':' || !parse_quantity(rest + 1, &b) || rest[1 + b.len])
        return 0;
    struct measure second = measure_scale(b.number, b.unit, first.unit);
    if (strcmp(first.unit, second.unit) != 0)
        return 0;
    f->has_lo = f->has_hi = true;
    f->lo = first.value;
    f->hi = second.value;
    return set_unit(f, first.unit);
}

static bool in_range(const struct tagfilter *f, const struct label *l)
{
    struct measure m = measure_scale(l->num, label_units_get(f->units, l->key), f->unit);
    return strcmp(m.unit, f->unit) == 0 && (!f->has_lo || m.value >= f->lo) &&
           (!f->has_hi || m.value <= f->hi);
}

/* ---- patterns ---- */

static int add_patterns(struct tagfilter *f, const char *option, char *value, struct error *error)
{
    for (char *next; value; value = next) {
        next = strchr(value, ',');
        if (next)
            *next++ = '\0';
        struct regex *re;
        int code = regex_new(value, &re, error);
        if (code) {
            error_prefix(error, "parsing %s regexp", option);
            return code;
        }
        if (!vec_push(&f->patterns, re)) {
            regex_free(re);
            return error_set(error, ERR_NOMEM, "out of memory");
        }
    }
    return 0;
}

static bool match_pair(struct regex *re, const struct label *l)
{
    struct buf pair = {0};
    buf_printf(&pair, "%s:%s", l->key, l->str);
    bool matched = pair.data && regex_match(re, pair.data);
    buf_fini(&pair);
    return matched;
}

static bool match_any_label(
    const struct tagfilter *f, struct regex *re, const struct label *labels, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (labels[i].is_num)
            continue;
        if (!f->key ? match_pair(re, &labels[i])
                    : strcmp(labels[i].key, f->key) == 0 && regex_match(re, labels[i].str))
            return true;
    }
    return false;
}

int tagfilter_new(const char *option, const char *text, const struct label_units *units,
    struct tagfilter **out, struct buf *notes, struct error *error)
{
    struct tagfilter *f = calloc(1, sizeof *f);
    if (f)
        f->text = strdup(text);
    if (!f || !f->text) {
        free(f);
        return error_set(error, ERR_NOMEM, "out of memory");
    }
    f->units = units;
    char *value = f->text, *equals = strchr(value, '=');
    if (equals) {
        *equals = '\0';
        f->key = *value ? value : NULL;
        value = equals + 1;
    }
    int range = parse_range(f, value), code = 0;
    if (range > 0) {
        f->is_range = true;
        buf_printf(notes, "%s:Interpreted '%s' as range, not regexp\n", option, value);
    } else {
        code = range < 0 ? error_set(error, range, "out of memory") : add_patterns(f, option, value, error);
    }
    if (code)
        tagfilter_free(f);
    else
        *out = f;
    return code;
}

void tagfilter_free(struct tagfilter *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->patterns.len; i++)
        regex_free(f->patterns.items[i]);
    vec_fini(&f->patterns);
    free(f->unit);
    free(f->text);
    free(f);
}

int tagfilter_check(const struct tagfilter *f, struct error *error)
{
    int code = 0;
    for (size_t i = 0; f && i < f->patterns.len && !code; i++)
        code = regex_check(f->patterns.items[i], error);
    return code;
}

bool tagfilter_match(const struct tagfilter *f, const struct label *labels, uint32_t n)
{
    if (f->is_range) {
        for (uint32_t i = 0; i < n; i++)
            if (labels[i].is_num && (!f->key || strcmp(labels[i].key, f->key) == 0) &&
                in_range(f, &labels[i]))
                return true;
        return false;
    }
    for (size_t i = 0; i < f->patterns.len; i++) {
        bool matched = match_any_label(f, f->patterns.items[i], labels, n);
        if (matched == (f->key != NULL)) /* with a key the first match decides, without one the first miss */
            return matched;
    }
    return f->key == NULL;
}
