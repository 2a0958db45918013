#include "view/measure.h"

#include "base/decimal.h"
#include "base/number.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

struct unit {
    const char *name;
    const char *aliases[3]; /* lower case, singular */
    double factor;
};

struct unit_family {
    const struct unit *units;
    size_t n;
    const char *default_name; /* for what fits no unit, and for zero */
    double default_factor;
};

static const struct unit bytes_units[] = {
    {"B", {"b", "byte"}, 1},
    {"kB", {"kb", "kbyte", "kilobyte"}, 0x1p10},
    {"MB", {"mb", "mbyte", "megabyte"}, 0x1p20},
    {"GB", {"gb", "gbyte", "gigabyte"}, 0x1p30},
    {"TB", {"tb", "tbyte", "terabyte"}, 0x1p40},
    {"PB", {"pb", "pbyte", "petabyte"}, 0x1p50},
};

static const struct unit time_units[] = {
    {"ns", {"ns", "nanosecond"}, 1},
    {"us", {"μs", "us", "microsecond"}, 1e3},
    {"ms", {"ms", "millisecond"}, 1e6},
    {"s", {"s", "sec", "second"}, 1e9},
    {"hrs", {"hour", "hr"}, 3600e9},
};

static const struct unit gcu_units[] = {
    {"n*GCU", {"nanogcu"}, 1e-9},
    {"u*GCU", {"microgcu"}, 1e-6},
    {"m*GCU", {"milligcu"}, 1e-3},
    {"GCU", {"gcu"}, 1},
    {"k*GCU", {"kilogcu"}, 1e3},
    {"M*GCU", {"megagcu"}, 1e6},
    {"G*GCU", {"gigagcu"}, 1e9},
    {"T*GCU", {"teragcu"}, 1e12},
    {"P*GCU", {"petagcu"}, 1e15},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct unit_family families[] = {
    {bytes_units, COUNT(bytes_units), "B", 1},
    {time_units, COUNT(time_units), "s", 1e9},
    {gcu_units, COUNT(gcu_units), "GCU", 1},
};

static const struct unit *find_unit(const struct unit_family *f, const char *name)
{
    char lower[16];
    size_t len = strlen(name);
    if (len >= sizeof lower)
        return NULL;
    for (size_t i = 0; i <= len; i++)
        lower[i] = (char)tolower((unsigned char)name[i]);
    if (len > 2 && lower[len - 1] == 's')
        lower[len - 1] = '\0';
    for (size_t i = 0; i < f->n; i++)
        for (size_t k = 0; k < COUNT(f->units[i].aliases) && f->units[i].aliases[k]; k++)
            if (strcmp(f->units[i].aliases[k], lower) == 0)
                return &f->units[i];
    return NULL;
}

static bool is_auto(const char *unit)
{
    return strcmp(unit, "minimum") == 0 || strcmp(unit, "auto") == 0;
}

static struct measure auto_scale(const struct unit_family *f, double v)
{
    const struct unit *best = NULL;
    for (size_t i = 0; i < f->n; i++)
        if ((!best || f->units[i].factor >= best->factor) && v / f->units[i].factor >= 1.0)
            best = &f->units[i];
    if (best)
        return (struct measure){v / best->factor, best->name};
    return (struct measure){v / f->default_factor, f->default_name};
}

struct measure_scaler measure_scaler(const char *from, const char *to)
{
    struct measure_scaler s = {.from = from, .to = to, .is_auto = is_auto(to)};
    for (size_t i = 0; i < COUNT(families) && !s.unit; i++) {
        s.family = &families[i];
        s.unit = find_unit(s.family, from);
    }
    if (!s.unit)
        s.family = NULL;
    else if (!s.is_auto)
        s.to_unit = find_unit(s.family, to);
    return s;
}

static struct measure unscaled(const struct measure_scaler *s, int64_t value)
{
    bool silent = s->is_auto || strcmp(s->to, "count") == 0 || strcmp(s->to, "sample") == 0 ||
                  strcmp(s->to, "unit") == 0;
    return (struct measure){(double)value, silent ? "" : s->to};
}

struct measure measure_scaled(const struct measure_scaler *s, int64_t value)
{
    if (value < 0 && value != INT64_MIN) {
        struct measure m = measure_scaled(s, -value);
        m.value = -m.value;
        return m;
    }
    if (!s->family)
        return unscaled(s, value);
    double v = (double)value * s->unit->factor;
    if (s->is_auto)
        return auto_scale(s->family, v);
    if (s->to_unit)
        return (struct measure){v / s->to_unit->factor, s->to_unit->name};
    return (struct measure){v / s->family->default_factor, s->family->default_name};
}

struct measure measure_scale(int64_t value, const char *from, const char *to)
{
    struct measure_scaler s = measure_scaler(from, to);
    return measure_scaled(&s, value);
}

void measure_put_scaled(struct buf *out, int64_t value, const struct measure_scaler *s)
{
    struct measure m = measure_scaled(s, value);
    char text[DECIMAL_TEXT];
    size_t len = decimal_format(text, m.value, 2);
    if (len > 3 && memcmp(text + len - 3, ".00", 3) == 0)
        len -= 3;
    bool zero = text[len - 1] == '0' && (len == 1 || (len == 2 && *text == '-'));
    if (zero) {
        buf_putc(out, '0');
        return;
    }
    buf_append(out, text, len);
    buf_puts(out, m.unit);
}

void measure_put(struct buf *out, int64_t value, const char *from, const char *to)
{
    struct measure_scaler s = measure_scaler(from, to);
    measure_put_scaled(out, value, &s);
}

void measure_put_percent(struct buf *out, int64_t value, int64_t total)
{
    double ratio = total ? fabs((double)value / (double)total) * 100 : 0;
    char text[DECIMAL_TEXT];
    if (ratio >= 99.95 && ratio <= 100.05) {
        buf_puts(out, "  100%");
        return;
    }
    size_t len = ratio >= 1 ? decimal_format(text, ratio, 2) : decimal_format_short(text, ratio);
    text[len++] = '%';
    if (len < 6)
        buf_append(out, "      ", 6 - len); /* 5 and the sign */
    buf_append(out, text, len);
}

int64_t measure_int(double x)
{
    return number_truncate(x);
}

/* Names may differ in a plural s. */
static bool same_type_name(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b);
    la -= la && a[la - 1] == 's';
    lb -= lb && b[lb - 1] == 's';
    return la == lb && memcmp(a, b, la) == 0;
}

static bool same_family(const char *a, const char *b)
{
    if (strcmp(a, b) == 0)
        return true;
    for (size_t i = 0; i < COUNT(families); i++)
        if (find_unit(&families[i], a) && find_unit(&families[i], b))
            return true;
    return false;
}

int measure_common_unit(const struct value_type *types, size_t n, const char **unit, struct error *error)
{
    if (n < 2) {
        *unit = NULL;
        return 0;
    }
    const struct value_type *least = &types[0];
    for (size_t i = 1; i < n; i++) {
        const struct value_type *t = &types[i];
        if (!same_type_name(least->type, t->type) || !same_family(least->unit, t->unit))
            return error_set(error, ERR_INVALID, "incompatible types: %s/%s and %s/%s", least->type,
                least->unit, t->type, t->unit);
        if (measure_scale(1, t->unit, least->unit).value < 1)
            least = t;
    }
    *unit = least->unit;
    return 0;
}
