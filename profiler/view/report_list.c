#include "view/report.h"

#include "view/source_file.h"

#include <inttypes.h>
#include <string.h>

/* Annotated source: the lines of each function that matches, with what they cost. */

enum { MARGIN_LINES = 5 }; /* around the lines with samples */

struct listing {
    struct report *r;
    struct graph *g;
    struct buf *out;
    VEC(uint32_t) nodes; /* that match, by function, file and line */
    bool hinted;         /* at where sources might be */
};

static int compare_listed(const void *a, const void *b, void *context)
{
    const struct graph *g = context;
    const struct frame *x = &g->nodes.items[*(const uint32_t *)a].frame;
    const struct frame *y = &g->nodes.items[*(const uint32_t *)b].frame;
    int order = x->name != y->name ? strcmp(x->name, y->name) : 0;
    if (!order && x->file != y->file)
        order = strcmp(x->file, y->file);
    if (!order)
        order = x->line < y->line ? -1 : x->line > y->line;
    return order ? order : frame_compare_fields(x, y);
}

static int find_nodes(struct listing *l)
{
    for (size_t i = 0; i < l->g->listed.len; i++) {
        uint32_t node = l->g->listed.items[i];
        if (regex_match(l->r->symbol, l->g->nodes.items[node].frame.name) && !vec_push(&l->nodes, node))
            return ERR_NOMEM;
    }
    if (l->nodes.len)
        qsort_r(l->nodes.items, l->nodes.len, sizeof *l->nodes.items, compare_listed, l->g);
    return regex_check(l->r->symbol, l->r->error);
}

static const char *value_or_dot(struct report *r, int64_t value)
{
    return value ? report_value(r, value) : ".";
}

/* From the functions' first lines, or a margin above the samples, to a margin below them. */
static void find_range(
    const struct listing *l, const uint32_t *nodes, size_t n, int64_t *first, int64_t *last)
{
    *first = INT64_MAX;
    *last = 0;
    for (size_t i = 0; i < n; i++) {
        const struct frame *f = &l->g->nodes.items[nodes[i]].frame;
        int64_t start = f->start_line ? f->start_line : f->line - MARGIN_LINES;
        *first = start < *first ? start : *first;
        *last = f->line + MARGIN_LINES > *last ? f->line + MARGIN_LINES : *last;
    }
    if (*first < 1)
        *first = 1;
}

static void put_lines(struct listing *l, const struct source_file *s, const uint32_t *nodes, size_t n)
{
    int64_t first, last;
    find_range(l, nodes, n, &first, &last);
    size_t at = 0; /* nodes are in the order of lines */
    for (int64_t line = first; line <= last && line <= (int64_t)s->lines.len; line++) {
        int64_t flat = 0, cum = 0;
        while (at < n && l->g->nodes.items[nodes[at]].frame.line < line)
            at++;
        for (; at < n && l->g->nodes.items[nodes[at]].frame.line == line; at++) {
            flat = wrap_add(flat, l->g->nodes.items[nodes[at]].flat);
            cum = wrap_add(cum, l->g->nodes.items[nodes[at]].cum);
        }
        report_put_right(l->out, 10, value_or_dot(l->r, flat));
        buf_putc(l->out, ' ');
        report_put_right(l->out, 10, value_or_dot(l->r, cum));
        buf_printf(l->out, " %6" PRId64 ":%s\n", line, s->lines.items[line - 1]);
    }
}

/* One function in one file. */
static int put_routine(struct listing *l, const uint32_t *nodes, size_t n)
{
    const struct frame *f = &l->g->nodes.items[nodes[0]].frame;
    int64_t flat = 0, cum = 0;
    for (size_t i = 0; i < n; i++) {
        flat = wrap_add(flat, l->g->nodes.items[nodes[i]].flat);
        cum = wrap_add(cum, l->g->nodes.items[nodes[i]].cum);
    }
    buf_printf(l->out, "ROUTINE ======================== %s in %s\n", f->name, f->file);
    report_put_right(l->out, 10, report_value(l->r, flat));
    buf_putc(l->out, ' ');
    report_put_right(l->out, 10, report_value(l->r, cum));
    buf_printf(l->out, " (flat, cum) %s of Total\n", report_percent(l->r, cum, l->r->total));

    struct source_file source;
    struct error why;
    const struct config *c = &l->r->config;
    int code = source_file_read(f->file, c->source_path, c->trim_path, &source, &why);
    if (code == ERR_NOTFOUND) {
        buf_printf(l->out, " Error: %s\n", why.text);
        if (!l->hinted)
            buf_puts(l->r->notes,
                "For sources that are elsewhere: -source_path=DIR says where, -trim_path=PREFIX "
                "what to take off their names.\n");
        l->hinted = true;
        return 0;
    }
    if (code)
        return code;
    put_lines(l, &source, nodes, n);
    source_file_fini(&source);
    return 0;
}

/* One function: nodes are sorted, and those without a file come first. */
static int put_function(struct listing *l, const uint32_t *nodes, size_t n)
{
    int code = 0;
    if (!*l->g->nodes.items[nodes[n - 1]].frame.file)
        buf_printf(l->out, "No source information for %s\n", l->g->nodes.items[nodes[0]].frame.name);
    for (size_t i = 0, next; i < n && !code; i = next) {
        const char *file = l->g->nodes.items[nodes[i]].frame.file;
        for (next = i; next < n && l->g->nodes.items[nodes[next]].frame.file == file; next++)
            ;
        if (*file)
            code = put_routine(l, nodes + i, next - i);
    }
    return code;
}

static int put_functions(struct listing *l)
{
    int code = 0;
    buf_printf(l->out, "Total: %s\n", report_value(l->r, l->r->total));
    for (size_t i = 0, next; i < l->nodes.len && !code; i = next) {
        const char *name = l->g->nodes.items[l->nodes.items[i]].frame.name;
        for (next = i; next < l->nodes.len && l->g->nodes.items[l->nodes.items[next]].frame.name == name;
             next++)
            ;
        code = put_function(l, l->nodes.items + i, next - i);
    }
    return code;
}

int report_list(struct report *r, struct buf *out)
{
    struct frames frames;
    struct graph g;
    int code = report_graph(r, &frames, &g);
    if (code)
        return code;
    struct listing l = {.r = r, .g = &g, .out = out};
    code = find_nodes(&l);
    if (!code && l.nodes.len == 0)
        code = report_no_match(r);
    if (!code)
        code = put_functions(&l);
    vec_fini(&l.nodes);
    graph_fini(&g);
    frames_fini(&frames);
    return code;
}
