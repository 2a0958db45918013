#include "view/flame.h"

#include "base/hash.h"
#include "view/columns.h"
#include "view/dot.h"

#include <string.h>

/*
 * A flame graph for the terminal. The root is on top and callees are below, since a terminal is read from the
 * top and a report's heading stands there. Boxes are [in brackets], or, in colour, blocks.
 */

enum { LEAST_WIDTH = 20, PLAIN_WIDTH = 80 };

static void put_spaces(struct buf *out, int n)
{
    for (; n > 0; n--)
        buf_putc(out, ' ');
}

/* "json_write 41.0%", as much of it as there is room for; the name shortened as dot does. */
static void put_label(struct report *r, const struct flame_node *n, int width, struct buf *out)
{
    struct buf label = {0};
    const char *percent = report_percent(r, n->value, r->total);
    percent += strspn(percent, " ");
    dot_put_short_name(n->name, &label);
    int name_width = columns_of(label.data ? label.data : "");
    if (name_width + 1 + columns_of(percent) <= width)
        buf_printf(&label, " %s", percent);
    columns_put_left(out, label.data ? label.data : "", width);
    buf_fini(&label);
}

/* Warm colours with black letters, by name, so that a function has the same one everywhere. */
static int colour_of(const char *name, int left)
{
    static const int colours[] = {202, 208, 214, 220, 178, 172, 209, 215};
    enum { N = sizeof colours / sizeof *colours };
    size_t i = hash_bytes(name, strlen(name)) % N;
    return colours[i] != left ? colours[i] : colours[(i + 1) % N];
}

static void put_block(struct report *r, const struct flame_node *n, int width, int *left, struct buf *out)
{
    *left = colour_of(n->name, *left);
    buf_printf(out, "\033[30;48;5;%dm", *left);
    put_label(r, n, width, out);
    buf_puts(out, "\033[0m");
}

static void put_bracketed(struct report *r, const struct flame_node *n, int width, struct buf *out)
{
    if (width == 1) {
        buf_putc(out, '|');
        return;
    }
    buf_putc(out, '[');
    put_label(r, n, width - 2, out);
    buf_putc(out, ']');
}

static void put_row(struct report *r, const struct flame *f, const flame_row *row, struct buf *out)
{
    int at = 0, left = 0;
    for (size_t i = 0; i < row->len; i++) {
        const struct flame_box *box = &row->items[i];
        const struct flame_node *n = &f->nodes.items[box->node];
        put_spaces(out, box->x - at);
        left = box->x > at ? 0 : left;
        at = box->x + box->width;
        if (r->screen.colour)
            put_block(r, n, box->width, &left, out);
        else
            put_bracketed(r, n, box->width, out);
    }
    buf_putc(out, '\n');
}

/* How many nodes lie below those of a row. */
static size_t count_below(const struct flame *f, uint32_t depth)
{
    size_t n = 0;
    for (size_t i = 0; i < f->nodes.len; i++)
        n += f->nodes.items[i].depth > depth;
    return n;
}

static void put_more(struct report *r, const struct flame *f, size_t narrow, size_t deep, struct buf *out)
{
    if (narrow)
        buf_printf(out,
            "+%zu more too narrow to draw, with all below them; -focus=FUNCTION -relative_percentages, "
            "or a wider terminal\n",
            narrow);
    if (deep)
        buf_printf(out,
            "+%zu more below row %d; -nodecount=N for more rows, -show_from=FUNCTION to begin lower\n", deep,
            r->config.nodecount);
    if (f->negative)
        buf_printf(out, "%zu samples below zero are left out\n", f->negative);
}

static int draw(struct report *r, const struct flame *f, int width, struct buf *out)
{
    flame_row row = {0}, next = {0};
    struct flame_box root = {0, 0, width};
    size_t narrow = 0;
    uint32_t depth = 0;
    int64_t least = (int64_t)(r->config.nodefraction * (double)magnitude(r->total));
    int code = vec_push(&row, root) ? 0 : ERR_NOMEM;
    while (!code && row.len) {
        put_row(r, f, &row, out);
        if (r->config.nodecount > 0 && depth + 1 >= (uint32_t)r->config.nodecount)
            break;
        depth++;
        code = flame_next_row(f, row.items, row.len, width, least, &next, &narrow);
        flame_row other = row;
        row = next;
        next = other;
    }
    bool cut = row.len > 0;
    if (!code)
        put_more(r, f, narrow, cut ? count_below(f, depth) : 0, out);
    vec_fini(&row);
    vec_fini(&next);
    return code;
}

int report_flame(struct report *r, struct buf *out)
{
    struct flame f;
    int width = r->screen.width ? r->screen.width : PLAIN_WIDTH;
    int code = flame_init(&f, r, FLAME_POSITIVE, SIZE_MAX);
    r->output_unit = strcmp(r->output_unit, "minimum") == 0 ? "auto" : r->output_unit;
    if (!code) {
        report_profile_labels(r, out);
        buf_printf(out, "Drawn: %s of %s total, root on top\n", report_value(r, f.nodes.items[0].value),
            report_value(r, r->total));
        if (f.nodes.items[0].value > 0)
            code = draw(r, &f, width < LEAST_WIDTH ? LEAST_WIDTH : width, out);
        else
            put_more(r, &f, 0, 0, out);
    }
    flame_fini(&f);
    return code;
}
