#include "view/trim.h"

#include "view/measure.h"

#include <string.h>

enum { MAX_TAGS = 4 }; /* drawn at a node */

/* ---- call trees: the graph is changed in place, for walking again would make the same nodes ---- */

static bool is_removed(const struct graph *g, uint32_t node)
{
    return g->nodes.items[node].listed && !g->nodes.items[node].kept;
}

/* Moves the edge's source up to the nearest node that stays; drops it when there is none. */
static void lift_edge(const struct graph *g, struct edge *e)
{
    while (is_removed(g, e->src)) {
        uint32_t in = g->nodes.items[e->src].edge_in;
        if (in == NO_INDEX || g->edges.items[in].dropped) {
            e->dropped = true;
            return;
        }
        e->src = g->edges.items[in].src;
        e->residual = true;
        e->is_inline &= g->edges.items[in].is_inline;
    }
}

static void lift_edges(struct graph *g)
{
    /* Children come after their parents, so walking back never meets an edge that was already lifted. */
    for (size_t i = g->edges.len; i-- > 0;)
        if (!g->edges.items[i].dropped && !is_removed(g, g->edges.items[i].dest))
            lift_edge(g, &g->edges.items[i]);
    for (size_t i = 0; i < g->edges.len; i++)
        if (is_removed(g, g->edges.items[i].dest))
            g->edges.items[i].dropped = true;
}

/* Numbers the nodes that stay from 0: of each node the new number of the nearest one, itself or a caller. */
static uint32_t *number_left(const struct graph *g)
{
    uint32_t *left = malloc((g->nodes.len + 1) * sizeof *left), n = 0;
    for (uint32_t i = 0; i < g->nodes.len && left; i++) {
        uint32_t above = g->nodes.items[i].above;
        left[i] = !is_removed(g, i) ? n++ : above == NO_INDEX ? NO_INDEX : left[above];
    }
    return left;
}

static void renumber_leaves(struct graph *g, const uint32_t *left)
{
    for (size_t i = 0; i < g->p->samples.len && g->leaves; i++) {
        struct leaf *l = &g->leaves[i];
        if (l->node == NO_INDEX)
            continue;
        l->is_own &= !is_removed(g, l->node);
        l->node = left[l->node];
    }
}

static void move_nodes(struct graph *g, const uint32_t *left)
{
    size_t listed = 0, n = 0;
    for (size_t i = 0; i < g->listed.len; i++)
        if (!is_removed(g, g->listed.items[i]))
            g->listed.items[listed++] = left[g->listed.items[i]];
    g->listed.len = listed;
    for (uint32_t i = 0; i < g->nodes.len; i++) {
        if (is_removed(g, i))
            continue;
        struct node *to = &g->nodes.items[n++];
        *to = g->nodes.items[i];
        to->above = to->above == NO_INDEX ? NO_INDEX : left[to->above];
        to->edge_in = NO_INDEX;
    }
    g->nodes.len = n;
}

static void move_edges(struct graph *g, const uint32_t *left)
{
    uint32_t n = 0;
    for (size_t i = 0; i < g->edges.len; i++) {
        struct edge e = g->edges.items[i];
        if (e.dropped)
            continue;
        e.src = left[e.src];
        e.dest = left[e.dest];
        g->nodes.items[e.dest].edge_in = n;
        g->edges.items[n++] = e;
    }
    g->edges.len = n;
}

/* What is removed is taken out: of a million nodes a drawing keeps eighty, and all that follows looks at
 * those alone. */
int graph_trim_tree(struct graph *g)
{
    uint32_t *left = number_left(g);
    if (!left)
        return ERR_NOMEM;
    lift_edges(g);
    renumber_leaves(g, left);
    move_nodes(g, left);
    move_edges(g, left);
    free(left);
    table_fini(&g->node_table);
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
