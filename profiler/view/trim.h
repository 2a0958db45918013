#ifndef VIEW_TRIM_H
#define VIEW_TRIM_H

#include "view/graph.h"

/* Which nodes and edges are worth showing, as google/pprof decides it. */

struct trim {
    int nodecount; /* 0: all */
    double nodefraction, edgefraction;
    bool cum;    /* order by cum, not flat */
    bool visual; /* for a drawing: order by entropy, count tags, drop redundant edges */
};

struct trimmed {
    size_t nodes_before_top; /* that passed nodefraction */
    size_t dropped_nodes, dropped_edges;
};

/* Leaves g->listed trimmed and sorted. ERR_NOMEM, ERR_CANCELLED. */
int trim_graph(struct graph *g, const struct trim *t, struct trimmed *result);

#endif
