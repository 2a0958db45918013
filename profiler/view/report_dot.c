#include "view/dot.h"

#include "view/measure.h"
#include "view/path.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* The call graph for Graphviz: larger boxes are costlier by themselves, redder ones with all they call. */

struct drawing {
    struct report *r;
    struct graph *g;
    struct buf *out;
    uint32_t *ids; /* of each node: its number, from 1; 0 when it is not listed */
    bool *has_tags;
    double max_flat;
};

/* From green (-1) over grey to red (1). */
static void put_color(double score, bool background, struct buf *out)
{
    const double shift = 0.7; /* away from grey, so that small differences show */
    double saturation = background ? 0.1 : 1.0, value = background ? 0.93 : 0.7;
    if (score > 1)
        score = 1;
    if (score < -1)
        score = -1;
    if (fabs(score) < 0.2)
        saturation *= fabs(score) / 0.2;
    if (score > 0)
        score = pow(score, 1.0 - shift);
    else if (score < 0)
        score = -pow(-score, 1.0 - shift);
    double red = score < 0 ? value * (1 + saturation * score) : value;
    double green = score < 0 ? value : value * (1 - saturation * score);
    double blue = value * (1 - saturation);
    buf_printf(out, "#%02x%02x%02x", (uint8_t)measure_int(red * 255.0), (uint8_t)measure_int(green * 255.0),
        (uint8_t)measure_int(blue * 255.0));
}

static void replace_all(struct buf *b, const char *what, const char *with)
{
    struct buf replaced = {0};
    const char *at = b->data ? b->data : "";
    for (const char *next; (next = strstr(at, what)); at = next + strlen(what)) {
        buf_append(&replaced, at, (size_t)(next - at));
        buf_puts(&replaced, with);
    }
    buf_puts(&replaced, at);
    buf_fini(b);
    *b = replaced;
}

/* The name over several lines. */
static void put_node_name(const struct frame *frame, struct buf *out)
{
    struct frame f = *frame;
    struct buf shortened = {0}, name = {0}, file = {0};
    dot_put_short_name(f.name, &shortened);
    dot_put_escaped(shortened.data ? shortened.data : "", &name);
    replace_all(&name, "::", "\\n");
    replace_all(&name, "[...]", "[…]"); /* Go's type parameters: not to be broken up */
    replace_all(&name, ".", "\\n");
    if (*f.file)
        path_put_base(f.file, &file);
    f.name = name.data ? name.data : "";
    f.file = file.data ? file.data : "";
    frame_print_parts(&f, "\\n", out);
    buf_puts(out, "\\n");
    buf_fini(&shortened);
    buf_fini(&name);
    buf_fini(&file);
}

static const char *bare_percent(struct report *r, int64_t value)
{
    const char *text = report_percent(r, value, r->total);
    return text + strspn(text, " ");
}

static void put_node_label(struct drawing *d, const struct node *n, struct buf *out)
{
    int64_t flat = node_flat(n), cum = node_cum(n);
    put_node_name(&n->frame, out);
    if (flat)
        buf_printf(out, "%s (%s)", report_value(d->r, flat), bare_percent(d->r, flat));
    else
        buf_putc(out, '0');
    if (cum != flat) {
        buf_puts(out, flat ? "\\n" : " ");
        buf_printf(out, "of %s (%s)", report_value(d->r, cum), bare_percent(d->r, cum));
    }
}

static double score(const struct report *r, int64_t value)
{
    return (double)value / (double)magnitude(r->total);
}

static void put_node(struct drawing *d, uint32_t index)
{
    const struct node *n = &d->g->nodes.items[index];
    int64_t flat = node_flat(n), cum = node_cum(n);
    int font = 8;
    if (d->max_flat != 0 && flat)
        font += (int)ceil(16.0 * sqrt(fabs((double)flat) / d->max_flat));
    buf_printf(d->out, "N%" PRIu32 " [label=\"", d->ids[index]);
    put_node_label(d, n, d->out);
    buf_printf(d->out, "\" id=\"node%" PRIu32 "\" fontsize=%d shape=box tooltip=\"", d->ids[index], font);
    dot_put_escaped(n->name, d->out);
    buf_printf(d->out, " (%s)\" color=\"", report_value(d->r, cum));
    put_color(score(d->r, cum), false, d->out);
    buf_puts(d->out, "\" fillcolor=\"");
    put_color(score(d->r, cum), true, d->out);
    buf_puts(d->out, "\"]\n");
}

/* 1 and what part of the total the edge is, in `parts` parts. */
static int64_t edge_parts(const struct report *r, int64_t weight, int64_t parts)
{
    int64_t part = magnitude(ratio_value((int64_t)((uint64_t)weight * (uint64_t)parts), r->total));
    return 1 + (part < parts ? part : parts);
}

static void put_tooltip(struct drawing *d, const struct edge *e, struct buf *out)
{
    buf_putc(out, '"');
    dot_put_escaped(d->g->nodes.items[e->src].name, out);
    buf_puts(out, e->residual ? " ... " : " -> ");
    dot_put_escaped(d->g->nodes.items[e->dest].name, out);
    buf_printf(out, " (%s)\"", report_value(d->r, ratio_value(e->weight, e->weight_div)));
}

static void put_edge(struct drawing *d, const struct edge *e)
{
    int64_t weight = ratio_value(e->weight, e->weight_div);
    buf_printf(d->out, "N%" PRIu32 " -> N%" PRIu32 " [label=\" %s%s\"", d->ids[e->src], d->ids[e->dest],
        report_value(d->r, weight), e->is_inline ? "\\n (inline)" : "");
    if (d->r->total) {
        int64_t thickness = edge_parts(d->r, weight, 5), pull = edge_parts(d->r, weight, 100);
        if (pull > 1)
            buf_printf(d->out, " weight=%" PRId64, pull);
        if (thickness > 1)
            buf_printf(d->out, " penwidth=%" PRId64, thickness);
        buf_puts(d->out, " color=\"");
        put_color(score(d->r, weight), false, d->out);
        buf_putc(d->out, '"');
    }
    buf_puts(d->out, " tooltip=");
    put_tooltip(d, e, d->out);
    buf_puts(d->out, " labeltooltip=");
    put_tooltip(d, e, d->out);
    if (e->residual)
        buf_puts(d->out, " style=\"dotted\"");
    if (d->has_tags[e->src])
        buf_puts(d->out, " minlen=2");
    buf_puts(d->out, "]\n");
}

/* All edges out of listed nodes, heaviest first: Graphviz takes the order as a hint. */
static int put_edges(struct drawing *d)
{
    uint32_t *all = malloc((d->g->edges.len + 1) * sizeof *all);
    size_t n = 0;
    if (!all)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < d->g->edges.len; i++)
        if (!d->g->edges.items[i].dropped && d->g->nodes.items[d->g->edges.items[i].src].listed)
            all[n++] = i;
    int code = graph_sort_edges(d->g, all, n);
    for (size_t i = 0; i < n && !code; i++)
        put_edge(d, &d->g->edges.items[all[i]]);
    free(all);
    return code;
}

static int put_nodes(struct drawing *d)
{
    int code = 0;
    for (size_t i = 0; i < d->g->listed.len; i++) {
        uint32_t node = d->g->listed.items[i];
        double flat = fabs((double)node_flat(&d->g->nodes.items[node]));
        d->ids[node] = (uint32_t)i + 1;
        d->max_flat = flat > d->max_flat ? flat : d->max_flat;
    }
    for (size_t i = 0; i < d->g->listed.len && !code; i++) {
        uint32_t node = d->g->listed.items[i];
        put_node(d, node);
        code = dot_put_tags(d->r, d->g, node, d->ids[node], &d->has_tags[node], d->out);
    }
    return code;
}

static void put_legend(struct drawing *d, const struct trimmed *t, const char *title)
{
    struct buf labels = {0};
    report_labels(d->r, d->g, t, true, &labels);
    buf_puts(&labels, "\nSee https://git.io/JfYMW for how to read the graph");
    char *text = buf_take(&labels), *first = text ? strndup(text, strcspn(text, "\n")) : NULL;
    if (first) {
        buf_puts(d->out, "subgraph cluster_L { \"");
        dot_put_escaped(first, d->out);
        buf_puts(d->out, "\" [shape=box fontsize=16 label=\"");
        dot_put_escaped(text, d->out);
        buf_puts(d->out, "\\l\"");
        if (*title) {
            buf_puts(d->out, " tooltip=\"");
            dot_put_escaped(title, d->out);
            buf_putc(d->out, '"');
        }
        buf_puts(d->out, "] }\n");
    } else {
        d->out->failed = true;
    }
    free(text);
    free(first);
}

static int draw(struct drawing *d, const struct trimmed *t)
{
    const struct profile *p = d->r->p;
    struct buf title = {0};
    if (p->mappings.len && *p->mappings.items[0].file)
        path_put_base(p->mappings.items[0].file, &title);
    buf_puts(d->out, "digraph \"");
    dot_put_escaped(title.len ? title.data : "unnamed", d->out);
    buf_puts(d->out, "\" {\nnode [style=filled fillcolor=\"#f8f8f8\"]\n");
    put_legend(d, t, title.len ? title.data : "");
    buf_fini(&title);
    int code = put_nodes(d);
    if (!code)
        code = put_edges(d);
    buf_puts(d->out, "}\n");
    return code;
}

static int put_dot(struct report *r, struct graph *g, const struct trimmed *trimmed, struct buf *out)
{
    struct drawing d = {.r = r, .g = g, .out = out};
    d.ids = calloc(g->nodes.len + 1, sizeof *d.ids);
    d.has_tags = calloc(g->nodes.len + 1, sizeof *d.has_tags);
    int code = d.ids && d.has_tags ? draw(&d, trimmed) : ERR_NOMEM;
    free(d.ids);
    free(d.has_tags);
    return code;
}

int report_dot(struct report *r, struct buf *out)
{
    return report_with_graph(r, put_dot, out);
}
