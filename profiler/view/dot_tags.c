#include "view/dot.h"

#include "view/measure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_TAGS = 4 };

/* A tag, or several numbers put together ("1kB..4kB"). */
struct box {
    const struct tag *tag; /* NULL for a bucket */
    char *name;            /* malloc'd, of a bucket or a number */
    int64_t flat, flat_div, cum, cum_div;
};

typedef VEC(struct box) boxes;

static const char *box_name(const struct box *b)
{
    return b->name ? b->name : b->tag->name;
}

static int larger_first(int64_t a, int64_t b)
{
    return magnitude(a) > magnitude(b) ? -1 : magnitude(a) < magnitude(b);
}

static int compare_boxes(const void *a, const void *b, void *context)
{
    const struct box *x = a, *y = b;
    bool flat = *(const bool *)context;
    int order = flat ? 0 : larger_first(x->cum, y->cum);
    if (!order)
        order = larger_first(x->flat, y->flat);
    return order ? order : strcmp(box_name(x), box_name(y));
}

static void sort_boxes(boxes *b, bool flat)
{
    if (b->len)
        qsort_r(b->items, b->len, sizeof *b->items, compare_boxes, &flat);
}

static void boxes_fini(boxes *b)
{
    for (size_t i = 0; i < b->len; i++)
        free(b->items[i].name);
    vec_fini(b);
}

/* The live tags of a node: its text tags, or the numbers beside one of them. */
static int collect(const struct graph *g, uint32_t node, const char *group, boxes *out)
{
    const struct node *n = &g->nodes.items[node];
    for (uint32_t i = 0; i < n->n_tags; i++) {
        const struct tag *t = &g->tags.items[n->first_tag + i];
        if (t->dropped || t->is_num != (group != NULL) || (group && strcmp(t->group, group) != 0))
            continue;
        struct box b = {
            .tag = t, .flat = t->flat, .flat_div = t->flat_div, .cum = t->cum, .cum_div = t->cum_div};
        if (!vec_push(out, b))
            return ERR_NOMEM;
    }
    return 0;
}

/* ---- buckets: the heaviest numbers, each with those closest to it ---- */

static double distance(const struct tag *a, const struct tag *b)
{
    return fabs(measure_scale(b->value, b->unit, a->unit).value - (double)a->value);
}

static size_t closest(const boxes *b, const struct tag *t)
{
    size_t best = 0;
    for (size_t i = 1; i < MAX_TAGS; i++)
        if (distance(t, b->items[i].tag) < distance(t, b->items[best].tag))
            best = i;
    return best;
}

struct bucket {
    const struct tag *least, *most;
    struct box sum;
    size_t n;
};

static void bucket_add(struct bucket *k, const struct box *b)
{
    const struct tag *t = b->tag;
    if (k->n++ == 0) {
        k->least = k->most = t;
        k->sum = (struct box){.flat = b->flat, .flat_div = b->flat_div, .cum = b->cum, .cum_div = b->cum_div};
        return;
    }
    if (measure_int(measure_scale(t->value, t->unit, k->least->unit).value) < k->least->value)
        k->least = t;
    if (measure_int(measure_scale(t->value, t->unit, k->most->unit).value) > k->most->value)
        k->most = t;
    k->sum.flat = wrap_add(k->sum.flat, b->flat);
    k->sum.flat_div = wrap_add(k->sum.flat_div, b->flat_div);
    k->sum.cum = wrap_add(k->sum.cum, b->cum);
    k->sum.cum_div = wrap_add(k->sum.cum_div, b->cum_div);
}

static bool bucket_name(struct bucket *k)
{
    struct buf name = {0};
    measure_put(&name, k->least->value, k->least->unit, "auto");
    if (k->n > 1) {
        buf_puts(&name, "..");
        measure_put(&name, k->most->value, k->most->unit, "auto");
    }
    k->sum.name = buf_take(&name);
    k->sum.flat = ratio_value(k->sum.flat, k->sum.flat_div);
    k->sum.cum = ratio_value(k->sum.cum, k->sum.cum_div);
    k->sum.flat_div = k->sum.cum_div = 0;
    return k->sum.name != NULL;
}

static int collapse(boxes *b, bool flat)
{
    struct bucket buckets[MAX_TAGS] = {0};
    sort_boxes(b, flat);
    if (b->len <= MAX_TAGS)
        return 0;
    for (size_t i = 0; i < b->len; i++)
        bucket_add(&buckets[i < MAX_TAGS ? i : closest(b, b->items[i].tag)], &b->items[i]);
    for (size_t i = 0; i < MAX_TAGS; i++) {
        if (!bucket_name(&buckets[i]))
            return ERR_NOMEM;
        b->items[i] = buckets[i].sum;
    }
    b->len = MAX_TAGS;
    sort_boxes(b, flat);
    return 0;
}

/* ---- drawing ---- */

static void put_box(struct report *r, const char *source, const char *prefix, size_t i, const char *name,
    int64_t weight, const char *style, struct buf *out)
{
    const char *w = report_value(r, weight);
    buf_printf(out, "%s_%zu [label = \"", prefix, i);
    dot_put_tag(name, out);
    buf_printf(out, "\" id=\"%s_%zu\" fontsize=8 shape=box3d tooltip=\"%s\"]\n", prefix, i, w);
    buf_printf(out, "%s -> %s_%zu [label=\" %s\" weight=100 tooltip=\"%s\" labeltooltip=\"%s\"%s]\n", source,
        prefix, i, w, w, w, style);
}

/* The numbers of one group, below `source`; their boxes are named NSOURCE_i. */
static int put_numbers(struct report *r, struct graph *g, uint32_t node, const char *group,
    const char *source, bool flat, struct buf *out)
{
    boxes b = {0};
    char prefix[64];
    snprintf(prefix, sizeof prefix, "N%s", source);
    int code = collect(g, node, group, &b);
    if (!code)
        code = collapse(&b, flat);
    for (size_t i = 0; i < b.len && !code; i++) {
        int64_t flat_weight = ratio_value(b.items[i].flat, b.items[i].flat_div);
        int64_t cum_weight = ratio_value(b.items[i].cum, b.items[i].cum_div);
        bool own = flat || flat_weight == cum_weight;
        int64_t weight = own ? flat_weight : cum_weight;
        if (weight)
            put_box(r, source, prefix, i, box_name(&b.items[i]), weight, own ? "" : " style=\"dotted\"", out);
    }
    boxes_fini(&b);
    return code;
}

int dot_put_tags(struct report *r, struct graph *g, uint32_t node, unsigned id, bool *any, struct buf *out)
{
    boxes b = {0};
    char source[32], box[56];
    bool flat = g->nodes.items[node].n_out > 0; /* a leaf also stands for callees that were dropped */
    size_t before = out->len;
    int code = collect(g, node, NULL, &b);
    snprintf(source, sizeof source, "N%u", id);
    sort_boxes(&b, flat);
    for (size_t i = 0; i < b.len && i < MAX_TAGS && !code; i++) {
        const struct box *t = &b.items[i];
        int64_t weight = flat ? ratio_value(t->flat, t->flat_div) : ratio_value(t->cum, t->cum_div);
        if (!weight)
            continue;
        put_box(r, source, source, i, box_name(t), weight, "", out);
        snprintf(box, sizeof box, "%s_%zu", source, i);
        code = put_numbers(r, g, node, t->tag->name, box, flat, out);
    }
    if (!code)
        code = put_numbers(r, g, node, "", source, flat, out);
    boxes_fini(&b);
    *any = out->len > before;
    return code;
}
