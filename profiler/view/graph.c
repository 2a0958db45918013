#include "view/graph.h"

#include "base/hash.h"

#include <string.h>

static void add(int64_t *sum, int64_t v)
{
    *sum = wrap_add(*sum, v);
}

/* ---- nodes ---- */

static uint64_t node_hash(const struct frame *f, uint32_t parent)
{
    return hash_mix(frame_hash(f), parent);
}

/* The node of frame f below parent (NO_INDEX, except in call trees), which is made when there is none.
 * NO_INDEX when memory runs out. */
static uint32_t find_node(struct graph *g, const struct frame *f, uint32_t parent)
{
    uint64_t hash = node_hash(f, parent);
    uint32_t i;
    for (size_t at = table_first(&g->node_table, hash); table_next(&g->node_table, hash, &at, &i);)
        if (g->nodes.items[i].parent == parent && frame_equal(&g->nodes.items[i].frame, f))
            return i;
    i = (uint32_t)g->nodes.len;
    struct node n = {.frame = *f, .parent = parent, .above = parent, .edge_in = NO_INDEX, .kept = true};
    if (!vec_push(&g->nodes, n) || !table_add(&g->node_table, hash, i))
        return NO_INDEX;
    return i;
}

static int make_nodes(struct graph *g)
{
    size_t nlocs = g->p->locations.len, total = 0;
    g->first_frame = malloc((nlocs + 1) * sizeof *g->first_frame);
    if (!g->first_frame)
        return ERR_NOMEM;
    for (size_t l = 0; l < nlocs; l++) {
        g->first_frame[l] = (uint32_t)total;
        total += frames_count(g->frames, (uint32_t)l);
    }
    g->first_frame[nlocs] = (uint32_t)total;
    if (g->options.call_tree)
        return 0;
    g->frame_nodes = malloc((total + 1) * sizeof *g->frame_nodes);
    if (!g->frame_nodes)
        return ERR_NOMEM;
    for (size_t l = 0; l < nlocs; l++) {
        for (uint32_t i = 0, n = g->first_frame[l + 1] - g->first_frame[l]; i < n; i++) {
            struct frame f = frames_get(g->frames, (uint32_t)l, i);
            uint32_t node = find_node(g, &f, NO_INDEX);
            if (node == NO_INDEX)
                return ERR_NOMEM;
            g->frame_nodes[g->first_frame[l] + i] = node;
            g->nodes.items[node].inlined |= i + 1 < n;
        }
    }
    return 0;
}

/* ---- edges ---- */

static uint64_t edge_hash(uint32_t src, uint32_t dest)
{
    return hash_u64((uint64_t)src << 32 | dest);
}

static uint32_t add_edge(struct graph *g, const struct edge *e)
{
    return vec_push(&g->edges, *e) ? (uint32_t)g->edges.len - 1 : NO_INDEX;
}

static uint32_t find_edge(struct graph *g, const struct edge *e)
{
    uint64_t hash = edge_hash(e->src, e->dest);
    uint32_t i;
    for (size_t at = table_first(&g->edge_table, hash); table_next(&g->edge_table, hash, &at, &i);)
        if (g->edges.items[i].src == e->src && g->edges.items[i].dest == e->dest)
            return i;
    i = add_edge(g, e);
    return i != NO_INDEX && table_add(&g->edge_table, hash, i) ? i : NO_INDEX;
}

/* ---- walking the samples ---- */

/*
 * Nodes first, edges when somebody asks: what a node costs does not depend on which others are kept, and most
 * reports trim away most nodes before they look at a single edge.
 */

/* What counting touches of a node for each frame, close together. */
struct tally {
    int64_t cum;
    uint32_t seen; /* the last sample counted, plus 1 */
};

static bool is_cancelled(const struct graph *g)
{
    return g->options.cancel && *g->options.cancel;
}

/* Adds the sample's value to each node on its stack, once. */
static void count_stack(
    const struct graph *g, const struct sample *s, int64_t value, uint32_t number, struct tally *tallies)
{
    const uint32_t *locs = g->p->locs.items + s->first_loc;
    for (uint32_t k = 0; k < s->nlocs; k++) {
        for (uint32_t i = g->first_frame[locs[k]], end = g->first_frame[locs[k] + 1]; i < end; i++) {
            struct tally *t = &tallies[g->frame_nodes[i]];
            if (t->seen != number) {
                t->seen = number;
                add(&t->cum, value);
            }
        }
    }
}

/* Counts one of the values, into flat and cum or, if divs, into what these are divided by. */
static int count_values(struct graph *g, size_t value_index, bool divs)
{
    struct tally *tallies = calloc(g->nodes.len + 1, sizeof *tallies);
    if (!tallies)
        return ERR_NOMEM;
    for (size_t i = 0; i < g->p->samples.len && !is_cancelled(g); i++) {
        const struct sample *s = &g->p->samples.items[i];
        int64_t value = profile_values(g->p, i)[value_index];
        if (!value || !s->nlocs)
            continue;
        count_stack(g, s, value, (uint32_t)i + 1, tallies);
        struct node *leaf = &g->nodes.items[g->frame_nodes[g->first_frame[g->p->locs.items[s->first_loc]]]];
        add(divs ? &leaf->flat_div : &leaf->flat, value);
    }
    for (size_t i = 0; i < g->nodes.len; i++)
        *(divs ? &g->nodes.items[i].cum_div : &g->nodes.items[i].cum) = tallies[i].cum;
    free(tallies);
    return is_cancelled(g) ? ERR_CANCELLED : 0;
}

/* What a stack crosses, each an edge without its weights. */
typedef VEC(struct edge) edge_list;

struct walk {
    uint32_t sample; /* plus 1 */
    int64_t value, div;
    const bool *into;     /* of each node, whether edges into it are wanted */
    edge_list *crossings; /* of the sample */
};

static void cross_edge(const struct walk *w, const struct edge *crossing, struct edge *e)
{
    if (e->seen == w->sample)
        return;
    e->seen = w->sample;
    add(&e->weight, w->value);
    add(&e->weight_div, w->div);
    e->residual |= crossing->residual;
    e->is_inline &= crossing->is_inline;
}

/* The edges between the frames that are kept. */
static int find_crossings(struct graph *g, const struct sample *s, const struct walk *w)
{
    const uint32_t *locs = g->p->locs.items + s->first_loc;
    uint32_t parent = NO_INDEX;
    bool residual = false; /* over frames that are not kept */
    w->crossings->len = 0;
    for (uint32_t k = s->nlocs; k-- > 0;) {
        uint32_t first = g->first_frame[locs[k]], end = g->first_frame[locs[k] + 1];
        for (uint32_t i = end; i-- > first;) {
            uint32_t node = g->frame_nodes[i];
            if (node == NO_INDEX) {
                residual = true;
                continue;
            }
            if (parent != NO_INDEX && parent != node && w->into[node]) {
                struct edge e = {
                    .src = parent, .dest = node, .residual = residual, .is_inline = i != end - 1};
                if (!vec_push(w->crossings, e))
                    return ERR_NOMEM;
            }
            parent = node;
            residual = false;
        }
    }
    return 0;
}

/*
 * There are far more edges than the cache holds, and each crossing is of any of them. So all of a stack are
 * asked for at first: where their entries in the table are, then the edges that these name; memory answers
 * meanwhile.
 */
static void prefetch_edges(const struct graph *g, const edge_list *c)
{
    for (size_t i = 0; i < c->len; i++)
        table_prefetch(&g->edge_table, edge_hash(c->items[i].src, c->items[i].dest));
    for (size_t i = 0; i < c->len; i++) {
        uint64_t hash = edge_hash(c->items[i].src, c->items[i].dest);
        uint32_t found;
        size_t at = table_first(&g->edge_table, hash);
        if (table_next(&g->edge_table, hash, &at, &found))
            __builtin_prefetch(&g->edges.items[found], 1);
    }
}

static int walk_stack(struct graph *g, const struct sample *s, const struct walk *w)
{
    if (find_crossings(g, s, w))
        return ERR_NOMEM;
    prefetch_edges(g, w->crossings);
    for (size_t i = 0; i < w->crossings->len; i++) {
        const struct edge *crossing = &w->crossings->items[i];
        uint32_t edge = find_edge(g, crossing);
        if (edge == NO_INDEX)
            return ERR_NOMEM;
        cross_edge(w, crossing, &g->edges.items[edge]);
    }
    return 0;
}

static void count_cum(const struct walk *w, struct node *n)
{
    if (n->seen == w->sample)
        return;
    n->seen = w->sample;
    add(&n->cum, w->value);
    add(&n->cum_div, w->div);
}

/* Makes the nodes of a call tree, and counts them and their edges. */
static int walk_tree(struct graph *g, const struct sample *s, const struct walk *w)
{
    uint32_t parent = NO_INDEX;
    for (uint32_t k = s->nlocs; k-- > 0;) {
        uint32_t loc = g->p->locs.items[s->first_loc + k], n = frames_count(g->frames, loc);
        for (uint32_t i = n; i-- > 0;) {
            struct frame f = frames_get(g->frames, loc, i);
            uint32_t node = find_node(g, &f, parent);
            if (node == NO_INDEX)
                return ERR_NOMEM;
            count_cum(w, &g->nodes.items[node]);
            struct edge e = {.src = parent, .dest = node, .is_inline = i != n - 1};
            uint32_t *in = &g->nodes.items[node].edge_in;
            if (parent != NO_INDEX && *in == NO_INDEX && (*in = add_edge(g, &e)) == NO_INDEX)
                return ERR_NOMEM;
            if (parent != NO_INDEX)
                cross_edge(w, &e, &g->edges.items[*in]);
            parent = node;
        }
    }
    if (parent != NO_INDEX) {
        add(&g->nodes.items[parent].flat, w->value);
        add(&g->nodes.items[parent].flat_div, w->div);
    }
    if (g->leaves)
        g->leaves[w->sample - 1] = (struct leaf){parent, true};
    return 0;
}

typedef int (*walk_fn)(struct graph *g, const struct sample *s, const struct walk *w);

static int walk_samples(struct graph *g, walk_fn fn, const bool *into)
{
    edge_list crossings = {0};
    int code = 0;
    for (size_t i = 0; i < g->p->samples.len && !code; i++) {
        const int64_t *values = profile_values(g->p, i);
        struct walk w = {.sample = (uint32_t)i + 1,
            .value = values[g->options.value_index],
            .div = g->options.mean ? values[0] : 0,
            .into = into,
            .crossings = &crossings};
        if (w.value || w.div)
            code = fn(g, &g->p->samples.items[i], &w);
        if (is_cancelled(g))
            code = ERR_CANCELLED;
    }
    vec_fini(&crossings);
    return code;
}

static int make_leaves(struct graph *g)
{
    size_t n = g->p->samples.len;
    g->leaves = malloc((n + 1) * sizeof *g->leaves);
    for (size_t i = 0; i < n && g->leaves; i++)
        g->leaves[i] = (struct leaf){NO_INDEX, false};
    return g->leaves ? 0 : ERR_NOMEM;
}

static int count_tree(struct graph *g)
{
    int code = g->options.tags ? make_leaves(g) : 0;
    return code ? code : walk_samples(g, walk_tree, NULL);
}

static int count_nodes(struct graph *g)
{
    g->connected = g->options.edges == EDGES_NONE || g->options.call_tree;
    if (g->options.call_tree)
        return count_tree(g);
    int code = count_values(g, g->options.value_index, false);
    return code || !g->options.mean ? code : count_values(g, 0, true);
}

/* Into which nodes edges are wanted; whether into any. */
static bool choose_edges(const struct graph *g, bool *into)
{
    bool any = false;
    for (size_t i = 0; i < g->nodes.len; i++)
        any |= into[i] = g->options.edges == EDGES_ALL || g->nodes.items[i].inlined;
    return any;
}

int graph_connect(struct graph *g)
{
    if (g->connected)
        return 0;
    bool *into = malloc(g->nodes.len + 1);
    int code = into ? 0 : ERR_NOMEM;
    if (!code && choose_edges(g, into))
        code = walk_samples(g, walk_stack, into);
    free(into);
    g->connected = !code;
    return code;
}

static int list_nodes(struct graph *g)
{
    g->listed.len = 0;
    if (!vec_reserve(&g->listed, g->nodes.len))
        return ERR_NOMEM;
    for (size_t i = 0; i < g->nodes.len; i++) {
        struct node *n = &g->nodes.items[i];
        bool negative = n->flat < 0 || (n->flat == 0 && n->cum < 0);
        n->listed = n->kept && (n->cum || n->flat) && !(g->options.drop_negative && negative);
        if (n->listed)
            g->listed.items[g->listed.len++] = (uint32_t)i;
    }
    return 0;
}

int graph_init(struct graph *g, struct frames *frames, const struct graph_options *options)
{
    *g = (struct graph){.p = frames->p, .frames = frames, .options = *options};
    int code = make_nodes(g);
    if (!code)
        code = count_nodes(g);
    if (!code)
        code = list_nodes(g);
    if (code)
        graph_fini(g);
    return code;
}

void graph_fini(struct graph *g)
{
    vec_fini(&g->nodes);
    vec_fini(&g->edges);
    vec_fini(&g->tags);
    vec_fini(&g->listed);
    vec_fini(&g->in);
    vec_fini(&g->out);
    table_fini(&g->node_table);
    table_fini(&g->edge_table);
    free(g->first_frame);
    free(g->frame_nodes);
    free(g->leaves);
    *g = (struct graph){0};
}

/* Frames whose node is not kept lose it, so that a walk sees no more of them than that. */
static void forget_frames(struct graph *g)
{
    for (size_t i = 0; g->frame_nodes && i < g->first_frame[g->p->locations.len]; i++)
        if (g->frame_nodes[i] != NO_INDEX && !g->nodes.items[g->frame_nodes[i]].kept)
            g->frame_nodes[i] = NO_INDEX;
}

int graph_keep(struct graph *g)
{
    for (size_t i = 0; i < g->nodes.len; i++)
        g->nodes.items[i].kept &= g->nodes.items[i].listed;
    forget_frames(g);
    g->edges.len = 0;
    table_fini(&g->edge_table);
    g->connected = g->options.edges == EDGES_NONE;
    g->linked = false;
    return list_nodes(g);
}

const char *graph_name(struct graph *g, uint32_t node)
{
    struct node *n = &g->nodes.items[node];
    if (!n->name) {
        struct buf text = {0};
        frame_print(&n->frame, &text);
        n->name = text.failed ? NULL : intern_bytes(g->frames->strings, text.data, text.len);
        buf_fini(&text);
        g->ranked = false;
    }
    return n->name;
}

int graph_drop_edges(struct graph *g, int64_t cutoff, size_t *dropped)
{
    int code = graph_connect(g);
    *dropped = 0;
    for (size_t i = 0; i < g->edges.len && !code; i++) {
        struct edge *e = &g->edges.items[i];
        if (e->dropped || !g->nodes.items[e->dest].listed || magnitude(e->weight) >= cutoff)
            continue;
        e->dropped = true;
        g->linked = false;
        ++*dropped;
    }
    return code;
}
