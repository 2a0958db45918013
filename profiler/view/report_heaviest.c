#include "view/report.h"

#include <string.h>

/* A regular expression that matches just the heaviest functions: what a listing shows when nobody has said of
 * what. */

static void put_quoted(struct buf *out, const char *name)
{
    for (; *name; name++) {
        if (strchr("\\^$.[]|()?*+{}", *name))
            buf_putc(out, '\\');
        buf_putc(out, *name);
    }
}

static int put_heaviest(struct report *r, struct graph *g, const struct trimmed *trimmed, struct buf *out)
{
    (void)r;
    (void)trimmed;
    size_t n = 0;
    for (size_t i = 0; i < g->listed.len; i++) {
        const struct node *node = &g->nodes.items[g->listed.items[i]];
        if (node_flat(node) == 0 || !*node->frame.name)
            continue;
        buf_puts(out, n++ ? "|" : "^(?:");
        put_quoted(out, node->frame.name);
    }
    buf_puts(out, n ? ")$" : "");
    return 0;
}

int report_heaviest(struct report *r, struct buf *out)
{
    return report_with_graph(r, put_heaviest, out);
}
