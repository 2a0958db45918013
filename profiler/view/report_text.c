#include "view/report.h"

/* "(inline)" when every call to it was inlined, "(partial-inline)" when some were. */
static const char *inline_note(const struct graph *g, const struct node *n)
{
    bool inlined = false, called = false;
    for (uint32_t i = 0; i < n->n_in; i++) {
        if (g->edges.items[g->in.items[n->first_in + i]].is_inline)
            inlined = true;
        else
            called = true;
    }
    return !inlined ? "" : called ? " (partial-inline)" : " (inline)";
}

static void put_row(struct report *r, struct graph *g, uint32_t index, int64_t *sum, struct buf *out)
{
    const struct node *n = &g->nodes.items[index];
    int64_t flat = node_flat(n), cum = node_cum(n);
    *sum = wrap_add(*sum, flat);
    report_put_right(out, 10, report_value(r, flat));
    buf_printf(out, " %s", report_percent(r, flat, r->total));
    buf_printf(out, " %s ", report_percent(r, *sum, r->total));
    report_put_right(out, 10, report_value(r, cum));
    buf_printf(out, " %s  %s%s\n", report_percent(r, cum, r->total), n->name, inline_note(g, n));
}

int report_text(struct report *r, struct buf *out)
{
    struct frames frames;
    struct graph g;
    struct trimmed trimmed;
    int code = report_trimmed_graph(r, &frames, &g, &trimmed);
    if (code)
        return code;
    report_labels(r, &g, &trimmed, false, out);
    buf_puts(out, "      flat  flat%   sum%        cum   cum%\n");
    int64_t sum = 0;
    for (size_t i = 0; i < g.listed.len; i++)
        put_row(r, &g, g.listed.items[i], &sum, out);
    graph_fini(&g);
    frames_fini(&frames);
    return 0;
}
