#include "view/report.h"

const char *report_inline_word(const struct graph *g, const struct node *n)
{
    bool inlined = false, called = false;
    for (uint32_t i = 0; i < n->n_in; i++) {
        if (g->edges.items[g->in.items[n->first_in + i]].is_inline)
            inlined = true;
        else
            called = true;
    }
    return !inlined ? "" : called ? "partial-inline" : "inline";
}

static void put_row(struct report *r, struct graph *g, uint32_t index, int64_t *sum, struct buf *out)
{
    const struct node *n = &g->nodes.items[index];
    report_put_values(r, n, sum, out);
    const char *word = report_inline_word(g, n);
    buf_printf(out, *word ? "  %s (%s)\n" : "  %s%s\n", n->name, word);
}

static int put_rows(struct report *r, struct graph *g, const struct trimmed *trimmed, struct buf *out)
{
    report_labels(r, g, trimmed, false, out);
    buf_puts(out, "      flat  flat%   sum%        cum   cum%\n");
    int64_t sum = 0;
    for (size_t i = 0; i < g->listed.len; i++)
        put_row(r, g, g->listed.items[i], &sum, out);
    return 0;
}

int report_text(struct report *r, struct buf *out)
{
    return report_with_graph(r, put_rows, out);
}
