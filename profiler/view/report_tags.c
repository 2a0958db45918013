#include "view/report.h"

#include "base/hash.h"
#include "view/measure.h"

#include <stdio.h>
#include <string.h>

/* Every label with what it adds up to, a table for each key. */

struct tag_sum {
    const char *key, *value;
    int64_t sum;
    struct buf text; /* "12.50MB (63.37%):" */
};

struct tag_sums {
    struct intern *strings;
    VEC(struct tag_sum) items;
    struct table table;
};

static int add_tag(struct tag_sums *t, const char *key, const char *value, int64_t v)
{
    if (!key || !value)
        return ERR_NOMEM;
    uint64_t hash = hash_mix((uintptr_t)key, (uintptr_t)value);
    uint32_t i;
    for (size_t at = table_first(&t->table, hash); table_next(&t->table, hash, &at, &i);) {
        struct tag_sum *s = &t->items.items[i];
        if (s->key == key && s->value == value) {
            s->sum = wrap_add(s->sum, v);
            return 0;
        }
    }
    struct tag_sum s = {.key = key, .value = value, .sum = v};
    i = (uint32_t)t->items.len;
    return vec_push(&t->items, s) && table_add(&t->table, hash, i) ? 0 : ERR_NOMEM;
}

static int add_label(struct report *r, struct tag_sums *t, const struct label *l, int64_t v)
{
    const char *key = intern_string(t->strings, l->key);
    if (!l->is_num)
        return add_tag(t, key, intern_string(t->strings, l->str), v);
    struct buf text = {0};
    measure_put(&text, l->num, label_units_get(&r->units, l->key), r->output_unit);
    int code = text.failed ? ERR_NOMEM : add_tag(t, key, intern_bytes(t->strings, text.data, text.len), v);
    buf_fini(&text);
    return code;
}

static int compare_tags(const void *a, const void *b)
{
    const struct tag_sum *x = a, *y = b;
    if (x->key != y->key)
        return strcmp(x->key, y->key);
    int64_t vx = magnitude(x->sum), vy = magnitude(y->sum);
    return vx != vy ? (vx > vy ? -1 : 1) : strcmp(x->value, y->value);
}

static int width_of(const char *text)
{
    int chars = 0;
    for (; *text; text++)
        chars += (*text & 0xc0) != 0x80;
    return chars;
}

static void put_amount(struct report *r, int64_t v, struct buf *out)
{
    buf_printf(out, "%s (%s)", report_value(r, v), report_percent(r, v, r->total));
}

/* The table of one key: two right-aligned columns, a space apart. */
static void put_key(struct report *r, struct tag_sum *tags, size_t n, struct buf *out)
{
    uint64_t total = 0;
    int key_width = width_of(tags[0].key) + 2, width = 0;
    for (size_t i = 0; i < n; i++) {
        total += (uint64_t)tags[i].sum;
        put_amount(r, tags[i].sum, &tags[i].text);
        buf_putc(&tags[i].text, ':');
        int w = tags[i].text.data ? width_of(tags[i].text.data) + 1 : 0;
        width = w > width ? w : width;
    }
    const char *percent = report_percent(r, (int64_t)total, r->total);
    buf_printf(out, " %s: Total %s of ", tags[0].key, report_value(r, (int64_t)total));
    buf_printf(out, "%s (%s)\n", report_value(r, r->total), percent);
    for (size_t i = 0; i < n; i++) {
        report_put_right(out, key_width, "");
        report_put_right(out, width, tags[i].text.data ? tags[i].text.data : "");
        buf_printf(out, " %s\n", tags[i].value);
    }
    buf_putc(out, '\n');
}

static int sum_tags(struct report *r, struct tag_sums *t)
{
    int code = 0;
    for (size_t i = 0; i < r->p->samples.len && !code; i++) {
        const struct sample *s = &r->p->samples.items[i];
        for (uint32_t k = 0; k < s->nlabels && !code; k++)
            code = add_label(r, t, &r->p->labels.items[s->first_label + k], report_sample_value(r, i));
        if (report_cancelled(r))
            code = ERR_CANCELLED;
    }
    return code;
}

int report_tags(struct report *r, struct buf *out)
{
    struct tag_sums t = {.strings = intern_new()};
    int code = t.strings ? sum_tags(r, &t) : ERR_NOMEM;
    if (!code && t.items.len)
        qsort(t.items.items, t.items.len, sizeof *t.items.items, compare_tags);
    for (size_t i = 0, next; i < t.items.len && !code; i = next) {
        for (next = i; next < t.items.len && t.items.items[next].key == t.items.items[i].key; next++)
            ;
        put_key(r, &t.items.items[i], next - i, out);
    }
    for (size_t i = 0; i < t.items.len; i++)
        buf_fini(&t.items.items[i].text);
    vec_fini(&t.items);
    table_fini(&t.table);
    intern_unref(t.strings);
    return code;
}

int report_comments(struct report *r, struct buf *out)
{
    for (size_t i = 0; i < r->p->comments.len; i++)
        buf_printf(out, "%s\n", r->p->comments.items[i]);
    return 0;
}
