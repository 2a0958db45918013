#include "view/trim.h"

#include "view/measure.h"

#include <string.h>

enum { MAX_TAGS = 4 }; /* drawn at a node */

/* ---- call trees: the graph is changed in place, for walking again would make the same nodes ---- */

/* The live edge into each node, or NO_INDEX. */
static uint32_t *tree_edges(const struct graph *g)
{
    uint32_t *into = malloc((g->nodes.len + 1) * sizeof *into);
    if (!into)
        return NULL;
    memset(into, 0xff, (g->nodes.len + 1) * sizeof *into);
    for (uint32_t i = 0; i < g->edges.len; i++)
        if (!g->edges.items[i].dropped)
            into[g->edges.items[i].dest] = i;
    return into;
}

static bool is_removed(const struct graph *g, uint32_t node)
{
    return g->nodes.items[node].listed && !g->nodes.items[node].kept;
}

/* Moves the edge's source up to the nearest node that stays; drops it when there is none. */
static void lift_edge(struct graph *g, struct edge *e, const uint32_t *into)
{
    while (is_removed(g, e->src)) {
        uint32_t above = into[e->src];
        if (above == NO_INDEX) {
            e->dropped = true;
            return;
        }
        e->src = g->edges.items[above].src;
        e->residual = true;
        e->is_inline &= g->edges.items[above].is_inline;
    }
}

int graph_trim_tree(struct graph *g)
{
    uint32_t *into = tree_edges(g);
    if (!into)
        return ERR_NOMEM;
    /* Children come after their parents, so walking back never meets an edge that was already lifted. */
    for (size_t i = g->edges.len; i-- > 0;)
        if (!g->edges.items[i].dropped && !is_removed(g, g->edges.items[i].dest))
            lift_edge(g, &g->edges.items[i], into);
    for (size_t i = 0; i < g->edges.len; i++)
        if (is_removed(g, g->edges.items[i].dest))
            g->edges.items[i].dropped = true;
    free(into);
    graph_list_kept(g);
    g->linked = false;
    return 0;
}

/* ---- redundant edges ---- */

struct search {
    uint32_t *queue, *seen; /* seen: the number of the search */
    uint32_t number;
};

/* Whether another way leads from the edge's source to its destination. */
static bool is_redundant(const struct graph *g, uint32_t edge, struct search *s)
{
    const struct edge *e = &g->edges.items[edge];
    size_t head = 0, tail = 0;
    s->number++;
    s->queue[tail++] = e->dest;
    s->seen[e->dest] = s->number;
    while (head < tail) {
        const struct node *n = &g->nodes.items[s->queue[head++]];
        for (uint32_t i = 0; i < n->n_in; i++) {
            uint32_t in = g->in.items[n->first_in + i], src = g->edges.items[in].src;
            if (in == edge || g->edges.items[in].dropped || s->seen[src] == s->number)
                continue;
            if (src == e->src)
                return true;
            s->seen[src] = s->number;
            s->queue[tail++] = src;
        }
    }
    return false;
}

static void drop_redundant_into(struct graph *g, const struct node *n, struct search *s)
{
    for (uint32_t i = n->n_in; i-- > 0;) {
        struct edge *e = &g->edges.items[g->in.items[n->first_in + i]];
        if (!e->residual)
            break; /* nothing heavier than a real edge goes: that would confuse */
        if (is_redundant(g, g->in.items[n->first_in + i], s))
            e->dropped = true;
    }
}

int graph_drop_redundant_edges(struct graph *g)
{
    int code = graph_link(g);
    struct search s = {.queue = malloc((g->nodes.len + 1) * sizeof *s.queue),
        .seen = calloc(g->nodes.len + 1, sizeof *s.seen)};
    if (!s.queue || !s.seen)
        code = ERR_NOMEM;
    for (size_t i = g->listed.len; i-- > 0 && !code;)
        drop_redundant_into(g, &g->nodes.items[g->listed.items[i]], &s);
    g->linked = false;
    free(s.queue);
    free(s.seen);
    return code;
}

/* ---- which nodes stay ---- */

static int64_t cutoff(int64_t total, double fraction)
{
    return magnitude(measure_int((double)total * fraction));
}

/* Takes the nodes that are not kept out of the graph. */
static int apply_kept(struct graph *g)
{
    return g->options.call_tree ? graph_trim_tree(g) : graph_keep(g);
}

static int drop_small_nodes(struct graph *g, int64_t least, size_t *dropped)
{
    *dropped = 0;
    if (least <= 0)
        return 0;
    for (size_t i = 0; i < g->listed.len; i++) {
        struct node *n = &g->nodes.items[g->listed.items[i]];
        n->kept = magnitude(n->cum) >= least;
        *dropped += !n->kept;
    }
    return *dropped ? apply_kept(g) : 0;
}

static uint32_t *count_tags(const struct graph *g)
{
    uint32_t *counts = calloc(g->nodes.len + 1, sizeof *counts);
    for (size_t i = 0; i < g->tags.len && counts; i++)
        if (!g->tags.items[i].dropped && g->tags.items[i].flat)
            counts[g->tags.items[i].node]++;
    return counts;
}

/* Counts the tags of the first n listed nodes. */
static int tag_listed(struct graph *g, size_t n, int64_t least)
{
    if (!g->options.tags)
        return 0;
    int code = graph_count_tags(g, g->listed.items, n < g->listed.len ? n : g->listed.len);
    if (!code)
        graph_drop_tags(g, least);
    return code;
}

/* In a drawing the tags of a node take room too: how many of the first nodes fit into count boxes. */
static int fit_boxes(struct graph *g, int64_t least, size_t *count)
{
    int code = tag_listed(g, *count, least); /* each node is a box at least: no more of them can fit */
    uint32_t *tags = code ? NULL : count_tags(g);
    if (!tags)
        return code ? code : ERR_NOMEM;
    size_t boxes = 0;
    for (size_t i = 0; i < g->listed.len; i++) {
        uint32_t n = tags[g->listed.items[i]];
        boxes += 1 + (n > MAX_TAGS ? MAX_TAGS : n);
        if (boxes >= *count) {
            *count = i + 1;
            break;
        }
    }
    free(tags);
    return 0;
}

static int keep_top(
    struct graph *g, const struct trim *t, int64_t least, enum graph_order order, bool *changed)
{
    size_t count = (size_t)t->nodecount;
    int code = t->visual ? fit_boxes(g, least, &count) : 0;
    *changed = false;
    if (code || count >= g->listed.len)
        return code;
    for (size_t i = 0; i < g->listed.len; i++)
        g->nodes.items[g->listed.items[i]].kept = i < count;
    *changed = true;
    code = apply_kept(g);
    return code ? code : graph_sort(g, order);
}

int trim_graph(struct graph *g, const struct trim *t, struct trimmed *result)
{
    enum graph_order order = t->visual ? ORDER_ENTROPY : t->cum ? ORDER_CUM : ORDER_FLAT;
    int64_t total = 0;
    for (size_t i = 0; i < g->listed.len; i++)
        total = wrap_add(total, g->nodes.items[g->listed.items[i]].flat);
    int64_t least_node = cutoff(total, t->nodefraction), least_edge = cutoff(total, t->edgefraction);

    size_t dropped;
    bool changed = true;
    int code = drop_small_nodes(g, least_node, &result->dropped_nodes);
    result->nodes_before_top = g->listed.len;
    if (!code)
        code = graph_sort(g, order);
    if (!code && t->nodecount > 0) {
        if (t->visual) /* elsewhere no edge decides which nodes stay */
            code = graph_drop_edges(g, least_edge, &dropped);
        if (!code)
            code = keep_top(g, t, least_node, order, &changed);
    }
    if (!code && !(t->visual && t->nodecount > 0)) /* else those of more nodes have been counted: fit_boxes */
        code = tag_listed(g, g->listed.len, least_node);
    if (!code)
        code = graph_drop_edges(g, least_edge, &dropped);
    if (code)
        return code;
    result->dropped_edges = changed ? dropped : 0; /* the source counts those of the last graph's last cut */
    return t->visual ? graph_drop_redundant_edges(g) : 0;
}
