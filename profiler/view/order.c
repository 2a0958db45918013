#include "view/graph.h"

#include "view/measure.h"

#include <math.h>
#include <string.h>

/*
 * The orders of nodes and edges. All are total, so that a report is the same each time: whatever is left
 * equal is told apart by name, then by the remaining fields.
 */

struct scored {
    uint32_t node;
    size_t position; /* before: what is equal in all else stays as it was */
    int64_t score;   /* magnitude */
    const char *name;
};

struct sorting {
    struct graph *g;
    enum graph_order order;
};

static int larger_first(int64_t a, int64_t b)
{
    return a > b ? -1 : a < b;
}

static int compare_nodes(const void *a, const void *b, void *context)
{
    const struct scored *x = a, *y = b;
    const struct sorting *s = context;
    const struct node *nx = &s->g->nodes.items[x->node], *ny = &s->g->nodes.items[y->node];
    int order = larger_first(x->score, y->score);
    if (!order && x->name != y->name)
        order = strcmp(x->name, y->name);
    if (!order && s->order == ORDER_FLAT)
        order = larger_first(magnitude(nx->cum), magnitude(ny->cum));
    else if (!order)
        order = larger_first(magnitude(nx->flat), magnitude(ny->flat));
    if (!order)
        order = frame_compare_fields(&nx->frame, &ny->frame);
    return order ? order : x->position < y->position ? -1 : 1;
}

/* The entropy of a node's edges: how evenly what flows through is spread over them. */
static double edges_entropy(const struct graph *g, const uint32_t *edges, uint32_t n, int64_t self)
{
    double score = 0;
    int64_t total = self;
    for (uint32_t i = 0; i < n; i++) {
        int64_t w = g->edges.items[edges[i]].weight;
        if (w > 0)
            total = wrap_add(total, w);
    }
    if (!total)
        return 0;
    for (uint32_t i = 0; i < n; i++) {
        double part = (double)magnitude(g->edges.items[edges[i]].weight) / (double)total;
        score += -part * log2(part);
    }
    if (self > 0) {
        double part = (double)self / (double)total;
        score += -part * log2(part);
    }
    return score;
}

static int64_t entropy_score(const struct graph *g, const struct node *n)
{
    double score = n->n_in ? edges_entropy(g, g->in.items + n->first_in, n->n_in, 0) : 1;
    score += n->n_out ? edges_entropy(g, g->out.items + n->first_out, n->n_out, n->flat) : 1;
    return wrap_add(measure_int(score * (double)n->cum), n->flat);
}

static int64_t score_of(const struct graph *g, const struct node *n, enum graph_order order)
{
    return order == ORDER_FLAT ? n->flat : order == ORDER_CUM ? n->cum : entropy_score(g, n);
}

int graph_sort(struct graph *g, enum graph_order order)
{
    struct sorting sorting = {g, order};
    struct scored *all = malloc((g->listed.len + 1) * sizeof *all);
    int code = all ? order == ORDER_ENTROPY ? graph_link(g) : 0 : ERR_NOMEM;
    for (size_t i = 0; i < g->listed.len && !code; i++) {
        uint32_t node = g->listed.items[i];
        all[i] = (struct scored){
            node, i, magnitude(score_of(g, &g->nodes.items[node], order)), graph_name(g, node)};
        code = all[i].name ? 0 : ERR_NOMEM;
    }
    if (!code) {
        qsort_r(all, g->listed.len, sizeof *all, compare_nodes, &sorting);
        for (size_t i = 0; i < g->listed.len; i++)
            g->listed.items[i] = all[i].node;
    }
    free(all);
    return code;
}

static int compare_edges(const struct graph *g, const struct edge *a, const struct edge *b)
{
    int order = larger_first(magnitude(a->weight), magnitude(b->weight));
    if (!order)
        order = strcmp(g->nodes.items[a->src].name, g->nodes.items[b->src].name);
    if (!order)
        order = strcmp(g->nodes.items[a->dest].name, g->nodes.items[b->dest].name);
    return order;
}

static int compare_edge_indexes(const void *a, const void *b, void *context)
{
    const struct graph *g = context;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    int order = compare_edges(g, &g->edges.items[x], &g->edges.items[y]);
    return order ? order : x < y ? -1 : x > y;
}

void graph_sort_edges(struct graph *g, uint32_t *edges, size_t n)
{
    if (n)
        qsort_r(edges, n, sizeof *edges, compare_edge_indexes, g);
}

/* Counts, then places: each node's edges become a run. */
static void place_edges(struct graph *g, const uint32_t *sorted, size_t n)
{
    uint32_t in = 0, out = 0;
    for (size_t i = 0; i < g->nodes.len; i++)
        g->nodes.items[i].n_in = g->nodes.items[i].n_out = 0;
    for (size_t i = 0; i < n; i++) {
        g->nodes.items[g->edges.items[sorted[i]].dest].n_in++;
        g->nodes.items[g->edges.items[sorted[i]].src].n_out++;
    }
    for (size_t i = 0; i < g->nodes.len; i++) {
        struct node *node = &g->nodes.items[i];
        node->first_in = in;
        node->first_out = out;
        in += node->n_in;
        out += node->n_out;
        node->n_in = node->n_out = 0;
    }
    for (size_t i = 0; i < n; i++) {
        struct node *dest = &g->nodes.items[g->edges.items[sorted[i]].dest];
        struct node *src = &g->nodes.items[g->edges.items[sorted[i]].src];
        g->in.items[dest->first_in + dest->n_in++] = sorted[i];
        g->out.items[src->first_out + src->n_out++] = sorted[i];
    }
}

int graph_link(struct graph *g)
{
    if (g->linked)
        return 0;
    int code = graph_connect(g);
    if (code)
        return code;
    VEC(uint32_t) live = {0};
    g->in.len = g->out.len = 0;
    bool ok = vec_reserve(&live, g->edges.len) && vec_reserve(&g->in, g->edges.len) &&
              vec_reserve(&g->out, g->edges.len);
    for (uint32_t i = 0; i < g->edges.len && ok; i++) {
        if (g->edges.items[i].dropped)
            continue;
        live.items[live.len++] = i;
        ok = graph_name(g, g->edges.items[i].src) && graph_name(g, g->edges.items[i].dest);
    }
    if (ok) {
        graph_sort_edges(g, live.items, live.len);
        place_edges(g, live.items, live.len);
        g->linked = true;
    }
    vec_fini(&live);
    return ok ? 0 : ERR_NOMEM;
}
