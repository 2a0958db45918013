#include "view/graph.h"

#include "view/measure.h"

#include <math.h>
#include <string.h>

/*
 * The orders of nodes and edges. All are total, so that a report is the same each time: whatever is left
 * equal is told apart by name, then by the remaining fields.
 */

/* ---- names: a graph has far fewer of them than comparisons, so they are compared once ---- */

struct named {
    const char *name;
    uint32_t node;
};

static int compare_names(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    return x->name == y->name ? 0 : strcmp(x->name, y->name);
}

/* Gives each node that has a name its place among them; equal names have the same. */
static int rank_names(struct graph *g)
{
    if (g->ranked)
        return 0;
    VEC(struct named) all = {0};
    if (!vec_reserve(&all, g->nodes.len))
        return ERR_NOMEM;
    for (uint32_t i = 0; i < g->nodes.len; i++)
        if (g->nodes.items[i].name)
            all.items[all.len++] = (struct named){g->nodes.items[i].name, i};
    if (all.len)
        qsort(all.items, all.len, sizeof *all.items, compare_names);
    for (size_t i = 0, rank = 0; i < all.len; i++) {
        rank += i && all.items[i].name != all.items[i - 1].name;
        g->nodes.items[all.items[i].node].name_rank = (uint32_t)rank;
    }
    vec_fini(&all);
    g->ranked = true;
    return 0;
}

/* ---- nodes ---- */

struct scored {
    uint32_t node, name_rank;
    size_t position; /* before: what is equal in all else stays as it was */
    int64_t score;   /* magnitude */
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
    if (!order)
        order = x->name_rank < y->name_rank ? -1 : x->name_rank > y->name_rank;
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
    for (size_t i = 0; i < g->listed.len && !code; i++)
        code = graph_name(g, g->listed.items[i]) ? 0 : ERR_NOMEM;
    if (!code)
        code = rank_names(g);
    for (size_t i = 0; i < g->listed.len && !code; i++) {
        const struct node *n = &g->nodes.items[g->listed.items[i]];
        all[i] = (struct scored){g->listed.items[i], n->name_rank, i, magnitude(score_of(g, n, order))};
    }
    if (!code) {
        qsort_r(all, g->listed.len, sizeof *all, compare_nodes, &sorting);
        for (size_t i = 0; i < g->listed.len; i++)
            g->listed.items[i] = all[i].node;
    }
    free(all);
    return code;
}

/* ---- edges ---- */

struct edge_key {
    int64_t weight; /* magnitude */
    uint64_t names; /* the source's rank, then the destination's */
    uint32_t edge;
};

static int compare_edges(const void *a, const void *b)
{
    const struct edge_key *x = a, *y = b;
    int order = larger_first(x->weight, y->weight);
    if (!order)
        order = x->names < y->names ? -1 : x->names > y->names;
    return order ? order : x->edge < y->edge ? -1 : x->edge > y->edge;
}

int graph_sort_edges(struct graph *g, uint32_t *edges, size_t n)
{
    struct edge_key *keys = malloc((n + 1) * sizeof *keys);
    int code = keys ? rank_names(g) : ERR_NOMEM;
    for (size_t i = 0; i < n && !code; i++) {
        const struct edge *e = &g->edges.items[edges[i]];
        uint64_t src = g->nodes.items[e->src].name_rank, dest = g->nodes.items[e->dest].name_rank;
        keys[i] = (struct edge_key){magnitude(e->weight), src << 32 | dest, edges[i]};
    }
    if (!code)
        qsort(keys, n, sizeof *keys, compare_edges);
    for (size_t i = 0; i < n && !code; i++)
        edges[i] = keys[i].edge;
    free(keys);
    return code;
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
    if (ok && graph_sort_edges(g, live.items, live.len))
        ok = false;
    if (ok) {
        place_edges(g, live.items, live.len);
        g->linked = true;
    }
    vec_fini(&live);
    return ok ? 0 : ERR_NOMEM;
}
