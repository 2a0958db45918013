#ifndef VIEW_GRAPH_H
#define VIEW_GRAPH_H

#include "base/table.h"
#include "view/frames.h"

#include <signal.h>

/*
 * Who calls whom, and what it costs: nodes are frames, edges are calls, both weighted by the samples through
 * them. Built as google/pprof's graph package builds it: a node is counted once a sample however often it
 * recurs, so is an edge; the leaf's node gets the flat value.
 *
 *     frames ─► nodes (all of them, once) ─► walk the samples: flat and cum ─► those with a value ─► listed
 *                  │                                                                                  │
 *                  ▼                                              graph_keep(some) ◄──────────────────┘
 *               edges, when asked for ◄─ walk the samples ◄─ the nodes that are kept
 *
 * A frame that is not kept leaves a residual edge over it. With call_tree a node is a frame on one path, the
 * graph is a forest, and its edges come with its nodes.
 *
 * Flat arrays and integer keys throughout: no allocation a sample.
 */

struct node {
    int64_t flat, flat_div, cum, cum_div;
    uint32_t seen;    /* the last sample counted, plus 1 */
    uint32_t edge_in; /* in a call tree; NO_INDEX for roots */
    bool kept, listed;
    bool inlined; /* somewhere: a frame of it is in another's function */
    struct frame frame;
    const char *name;        /* as printed; NULL until graph_name() was asked */
    uint32_t name_rank;      /* among all names, as they sort; set when needed (order.c) */
    uint32_t parent;         /* in a call tree: the caller, as it was numbered at first; NO_INDEX for roots */
    uint32_t above;          /* in a call tree: the nearest caller that is left */
    uint32_t first_in, n_in; /* into graph.in: live edges, heaviest first, after graph_link() */
    uint32_t first_out, n_out; /* into graph.out */
    uint32_t first_tag, n_tags;
};

struct edge {
    uint32_t src, dest;
    int64_t weight, weight_div;
    uint32_t seen;
    bool residual, is_inline, dropped;
};

/* Samples of a node that carry a label, for the small boxes of dot. */
struct tag {
    uint32_t node;
    const char *group; /* text labels of the sample, joined; "" for none */
    const char *name;  /* == group for a text tag, else the number as printed */
    const char *unit;
    int64_t value;
    bool is_num, dropped;
    int64_t flat, flat_div, cum, cum_div;
};

/* The innermost node that is left of a sample's path in a call tree: its own leaf, or a caller of that. */
struct leaf {
    uint32_t node; /* NO_INDEX where nothing is left */
    bool is_own;
};

/* The edges a report reads; those into nodes alone that were inlined somewhere tell which always were. */
enum graph_edges { EDGES_ALL, EDGES_INTO_INLINED, EDGES_NONE };

struct graph_options {
    size_t value_index; /* of the sample type */
    bool mean;          /* divide by the first sample type */
    bool call_tree, drop_negative, tags;
    enum graph_edges edges;             /* of a call tree: all */
    const char *tag_unit, *output_unit; /* of the numeric label "bytes", and what to print it in */
    const volatile sig_atomic_t *cancel;
};

struct graph {
    const struct profile *p;
    struct frames *frames;
    struct graph_options options;
    VEC(struct node) nodes;
    VEC(struct edge) edges;
    VEC(struct tag) tags;
    VEC(uint32_t) listed; /* the nodes of the report, in order */
    VEC(uint32_t) in, out;
    struct table node_table, edge_table;
    uint32_t *first_frame;  /* of each location, into frame_nodes */
    uint32_t *frame_nodes;  /* node of each frame, NO_INDEX when it is not kept; not for call trees */
    struct leaf *leaves;    /* of each sample, in a call tree with tags */
    bool connected, linked; /* the edges are there; each node's are sorted */
    bool ranked;            /* no node got a name since they were sorted */
};

/* ERR_NOMEM, ERR_CANCELLED. frames must outlive the graph. */
int graph_init(struct graph *g, struct frames *frames, const struct graph_options *options);
void graph_fini(struct graph *g);

/* Leaves the listed nodes that are `kept` alone in the graph, and forgets all edges. Not for call trees.
 * ERR_NOMEM. */
int graph_keep(struct graph *g);

/* Walks the samples for the edges between the nodes that are kept. Called when needed. ERR_NOMEM,
 * ERR_CANCELLED. */
int graph_connect(struct graph *g);

/* Walks the samples for the tags of these nodes alone: all nodes' together can be far more than the graph.
 * Takes the place of the tags counted before. Each node's are a run of graph.tags. (graph_tags.c) */
int graph_count_tags(struct graph *g, const uint32_t *nodes, size_t n);

/* Removes the listed nodes of a call tree that are not `kept`, joining what they held apart. Nodes and edges
 * get new numbers. ERR_NOMEM. */
int graph_trim_tree(struct graph *g);

/* Sorts each node's live edges. Called when needed; edges that change unlink. ERR_NOMEM, ERR_CANCELLED. */
int graph_link(struct graph *g);

/* Drops edges into listed nodes that weigh less, and says how many. ERR_NOMEM, ERR_CANCELLED. */
int graph_drop_edges(struct graph *g, int64_t cutoff, size_t *dropped);
void graph_drop_tags(struct graph *g, int64_t cutoff);

/* Drops residual edges that another path makes superfluous (for drawings). ERR_NOMEM, ERR_CANCELLED. */
int graph_drop_redundant_edges(struct graph *g);

enum graph_order { ORDER_FLAT, ORDER_CUM, ORDER_ENTROPY };
int graph_sort(struct graph *g, enum graph_order order);

/* Sorts edges, given by index, heaviest first. After graph_link(). ERR_NOMEM. */
int graph_sort_edges(struct graph *g, uint32_t *edges, size_t n);

const char *graph_name(struct graph *g, uint32_t node); /* NULL when memory runs out */

static inline int64_t ratio_value(int64_t value, int64_t div)
{
    if (div == -1)
        return (int64_t)(-(uint64_t)value); /* the smallest integer would trap */
    return div ? value / div : value;
}

static inline int64_t wrap_add(int64_t a, int64_t b) /* as Go's: a damaged profile's sums may overflow */
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static inline int64_t magnitude(int64_t v) /* |v|; the smallest integer stays, as in Go */
{
    return v < 0 ? (int64_t)(-(uint64_t)v) : v;
}

#define node_flat(n) ratio_value((n)->flat, (n)->flat_div)
#define node_cum(n) ratio_value((n)->cum, (n)->cum_div)

#endif
