#include "view/report.h"

/* Each node between its callers and its callees: tree, and peek for the nodes that match. */

static const char separator[] = "----------------------------------------------------------+-------------\n";

static void put_edges(struct report *r, const struct graph *g, const uint32_t *edges, uint32_t n, int64_t cum,
    bool in, struct buf *out)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct edge *e = &g->edges.items[edges[i]];
        report_put_right(out, 50, report_value(r, e->weight));
        buf_putc(out, ' ');
        buf_puts(out, report_percent(r, e->weight, cum));
        buf_puts(out, " |   ");
        buf_puts(out, g->nodes.items[in ? e->src : e->dest].name);
        buf_puts(out, e->is_inline ? " (inline)\n" : "\n");
    }
}

static void put_node(struct report *r, const struct graph *g, uint32_t index, int64_t *sum, struct buf *out)
{
    const struct node *n = &g->nodes.items[index];
    int64_t cum = node_cum(n);
    buf_puts(out, separator);
    put_edges(r, g, g->in.items + n->first_in, n->n_in, cum, true, out);
    report_put_values(r, n, sum, out);
    buf_puts(out, "                | ");
    buf_puts(out, n->name);
    buf_putc(out, '\n');
    put_edges(r, g, g->out.items + n->first_out, n->n_out, cum, false, out);
}

static int put_tree(struct report *r, struct graph *g, const struct trimmed *trimmed, struct buf *out)
{
    report_labels(r, g, trimmed, false, out);
    buf_puts(out, separator);
    buf_puts(out, "      flat  flat%   sum%        cum   cum%   calls calls% + context \t \t \n");
    int64_t sum = 0;
    bool any = false;
    for (size_t i = 0; i < g->listed.len; i++) {
        if (r->symbol && !regex_match(r->symbol, g->nodes.items[g->listed.items[i]].name))
            continue;
        any = true;
        put_node(r, g, g->listed.items[i], &sum, out);
        int code = report_go_on(r, out);
        if (code)
            return code;
    }
    if (g->listed.len)
        buf_puts(out, separator);
    int code = regex_check(r->symbol, r->error);
    if (!code && r->symbol && !any)
        code = report_no_match(r);
    return code;
}

int report_tree(struct report *r, struct buf *out)
{
    return report_with_graph(r, put_tree, out);
}
