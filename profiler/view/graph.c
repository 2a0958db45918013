#include "view/graph.h"

#include "base/hash.h"
#include "view/measure.h"

#include <stdio.h>
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

/* The node of frame f below parent (NO_INDEX, except in call trees). NO_INDEX when memory runs out. */
static uint32_t find_node(struct graph *g, const struct frame *f, uint32_t parent)
{
    uint64_t hash = node_hash(f, parent);
    uint32_t i;
    for (size_t at = table_first(&g->node_table, hash); table_next(&g->node_table, hash, &at, &i);)
        if (g->nodes.items[i].parent == parent && frame_equal(&g->nodes.items[i].frame, f))
            return i;
    i = (uint32_t)g->nodes.len;
    struct node n = {.frame = *f, .parent = parent, .kept = true};
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
        }
    }
    return 0;
}

/* ---- edges ---- */

static uint64_t edge_hash(uint32_t src, uint32_t dest)
{
    return hash_u64((uint64_t)src << 32 | dest);
}

static uint32_t find_edge(struct graph *g, uint32_t src, uint32_t dest, bool residual, bool is_inline)
{
    uint64_t hash = edge_hash(src, dest);
    uint32_t i;
    for (size_t at = table_first(&g->edge_table, hash); table_next(&g->edge_table, hash, &at, &i);)
        if (g->edges.items[i].src == src && g->edges.items[i].dest == dest)
            return i;
    i = (uint32_t)g->edges.len;
    struct edge e = {.src = src, .dest = dest, .residual = residual, .is_inline = is_inline};
    if (!vec_push(&g->edges, e) || !table_add(&g->edge_table, hash, i))
        return NO_INDEX;
    return i;
}

/* ---- walking the samples ---- */

struct walk {
    uint32_t sample; /* plus 1 */
    int64_t value, div;
    const char *group; /* its text labels, joined */
    const struct label *labels;
    uint32_t nlabels;
};

static int cross_edge(
    struct graph *g, const struct walk *w, uint32_t src, uint32_t dest, bool residual, bool is_inline)
{
    uint32_t i = find_edge(g, src, dest, residual, is_inline);
    if (i == NO_INDEX)
        return ERR_NOMEM;
    struct edge *e = &g->edges.items[i];
    if (e->seen == w->sample)
        return 0;
    e->seen = w->sample;
    add(&e->weight, w->value);
    add(&e->weight_div, w->div);
    e->residual |= residual;
    e->is_inline &= is_inline;
    return 0;
}

static uint32_t find_tag(struct graph *g, const struct tag *key)
{
    uint64_t hash = hash_mix(hash_mix(key->node, (uintptr_t)key->group), (uintptr_t)key->name + key->is_num);
    uint32_t i;
    for (size_t at = table_first(&g->tag_table, hash); table_next(&g->tag_table, hash, &at, &i);) {
        const struct tag *t = &g->tags.items[i];
        if (t->node == key->node && t->group == key->group && t->name == key->name &&
            t->is_num == key->is_num)
            return i;
    }
    i = (uint32_t)g->tags.len;
    if (!vec_push(&g->tags, *key) || !table_add(&g->tag_table, hash, i))
        return NO_INDEX;
    return i;
}

static int count_tag(struct graph *g, const struct walk *w, const struct tag *key, bool flat)
{
    uint32_t i = find_tag(g, key);
    if (i == NO_INDEX)
        return ERR_NOMEM;
    struct tag *t = &g->tags.items[i];
    add(flat ? &t->flat : &t->cum, w->value);
    add(flat ? &t->flat_div : &t->cum_div, w->div);
    return 0;
}

/* Of the numeric labels only "bytes" is drawn. */
static int count_tags(struct graph *g, const struct walk *w, uint32_t node, bool flat)
{
    if (!g->options.tags)
        return 0;
    struct tag text = {.node = node, .group = w->group, .name = w->group, .unit = ""};
    int code = *w->group ? count_tag(g, w, &text, flat) : 0;
    for (uint32_t i = 0; i < w->nlabels && !code; i++) {
        const struct label *l = &w->labels[i];
        if (!l->is_num || strcmp(l->key, "bytes") != 0)
            continue;
        struct buf name = {0};
        measure_put(&name, l->num, g->options.tag_unit, g->options.output_unit);
        struct tag number = {
            .node = node, .group = w->group, .unit = g->options.tag_unit, .value = l->num, .is_num = true};
        number.name = name.failed ? NULL : intern_bytes(g->frames->strings, name.data, name.len);
        code = number.name ? count_tag(g, w, &number, flat) : ERR_NOMEM;
        buf_fini(&name);
    }
    return code;
}

static int count_cum(struct graph *g, const struct walk *w, uint32_t node)
{
    struct node *n = &g->nodes.items[node];
    if (n->seen == w->sample)
        return 0;
    n->seen = w->sample;
    add(&n->cum, w->value);
    add(&n->cum_div, w->div);
    return count_tags(g, w, node, false);
}

static int count_flat(struct graph *g, const struct walk *w, uint32_t node)
{
    struct node *n = &g->nodes.items[node];
    add(&n->flat, w->value);
    add(&n->flat_div, w->div);
    return count_tags(g, w, node, true);
}

static int walk_stack(struct graph *g, const struct sample *s, const struct walk *w)
{
    uint32_t parent = NO_INDEX;
    bool residual = false; /* over frames that are not kept */
    for (uint32_t k = s->nlocs; k-- > 0;) {
        uint32_t loc = g->p->locs.items[s->first_loc + k];
        uint32_t first = g->first_frame[loc], n = g->first_frame[loc + 1] - first;
        for (uint32_t i = n; i-- > 0;) {
            uint32_t node = g->frame_nodes[first + i];
            if (!g->nodes.items[node].kept) {
                residual = true;
                continue;
            }
            int code = count_cum(g, w, node);
            if (!code && parent != NO_INDEX && parent != node)
                code = cross_edge(g, w, parent, node, residual, i != n - 1);
            if (code)
                return code;
            parent = node;
            residual = false;
        }
    }
    return parent != NO_INDEX && !residual ? count_flat(g, w, parent) : 0;
}

static int walk_tree(struct graph *g, const struct sample *s, const struct walk *w)
{
    uint32_t parent = NO_INDEX;
    for (uint32_t k = s->nlocs; k-- > 0;) {
        uint32_t loc = g->p->locs.items[s->first_loc + k], n = frames_count(g->frames, loc);
        for (uint32_t i = n; i-- > 0;) {
            struct frame f = frames_get(g->frames, loc, i);
            uint32_t node = find_node(g, &f, parent);
            int code = node == NO_INDEX ? ERR_NOMEM : count_cum(g, w, node);
            if (!code && parent != NO_INDEX)
                code = cross_edge(g, w, parent, node, false, i != n - 1);
            if (code)
                return code;
            parent = node;
        }
    }
    return parent != NO_INDEX ? count_flat(g, w, parent) : 0;
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "key:value" of each text label, sorted, joined by a backslash and an n: how dot breaks a line. */
static const char *join_labels(struct graph *g, const struct label *labels, uint32_t n)
{
    struct buf joined = {0};
    VEC(char *) parts = {0};
    bool ok = true;
    for (uint32_t i = 0; i < n && ok; i++) {
        if (labels[i].is_num || strcmp(labels[i].key, "pprof::base") == 0)
            continue;
        char *part;
        ok = asprintf(&part, "%s:%s", labels[i].key, labels[i].str) >= 0 && vec_push(&parts, part);
    }
    if (parts.len)
        qsort(parts.items, parts.len, sizeof *parts.items, compare_text);
    for (size_t i = 0; i < parts.len; i++) {
        buf_printf(&joined, "%s%s", i ? "\\n" : "", parts.items[i]);
        free(parts.items[i]);
    }
    const char *text =
        ok && !joined.failed ? intern_bytes(g->frames->strings, joined.data, joined.len) : NULL;
    vec_fini(&parts);
    buf_fini(&joined);
    return text;
}

static int walk_sample(struct graph *g, size_t index)
{
    const struct profile *p = g->p;
    const struct sample *s = &p->samples.items[index];
    const int64_t *values = profile_values(p, index);
    struct walk w = {.sample = (uint32_t)index + 1,
        .value = values[g->options.value_index],
        .div = g->options.mean ? values[0] : 0,
        .group = intern_empty,
        .labels = p->labels.items + s->first_label,
        .nlabels = s->nlabels};
    if (w.value == 0 && w.div == 0)
        return 0;
    if (g->options.tags && s->nlabels)
        w.group = join_labels(g, w.labels, w.nlabels);
    if (!w.group)
        return ERR_NOMEM;
    return g->options.call_tree ? walk_tree(g, s, &w) : walk_stack(g, s, &w);
}

static int list_nodes(struct graph *g)
{
    g->listed.len = 0;
    if (!vec_reserve(&g->listed, g->nodes.len))
        return ERR_NOMEM;
    for (size_t i = 0; i < g->nodes.len; i++) {
        struct node *n = &g->nodes.items[i];
        bool negative = n->flat < 0 || (n->flat == 0 && n->cum < 0);
        n->listed = (n->cum || n->flat) && !(g->options.drop_negative && negative);
        if (n->listed)
            g->listed.items[g->listed.len++] = (uint32_t)i;
    }
    return 0;
}

static int walk_samples(struct graph *g)
{
    int code = 0;
    for (size_t i = 0; i < g->p->samples.len && !code; i++) {
        code = walk_sample(g, i);
        if (g->options.cancel && *g->options.cancel)
            code = ERR_CANCELLED;
    }
    g->linked = false;
    return code ? code : list_nodes(g);
}

int graph_init(struct graph *g, struct frames *frames, const struct graph_options *options)
{
    *g = (struct graph){.p = frames->p, .frames = frames, .options = *options};
    int code = make_nodes(g);
    if (!code)
        code = walk_samples(g);
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
    table_fini(&g->tag_table);
    free(g->first_frame);
    free(g->frame_nodes);
    *g = (struct graph){0};
}

int graph_rebuild(struct graph *g)
{
    for (size_t i = 0; i < g->nodes.len; i++) {
        struct node *n = &g->nodes.items[i];
        n->kept = n->listed && n->kept;
        n->flat = n->flat_div = n->cum = n->cum_div = 0;
        n->seen = 0;
    }
    g->edges.len = g->tags.len = 0;
    table_fini(&g->edge_table);
    table_fini(&g->tag_table);
    return walk_samples(g);
}

const char *graph_name(struct graph *g, uint32_t node)
{
    struct node *n = &g->nodes.items[node];
    if (!n->name) {
        struct buf text = {0};
        frame_print(&n->frame, &text);
        n->name = text.failed ? NULL : intern_bytes(g->frames->strings, text.data, text.len);
        buf_fini(&text);
    }
    return n->name;
}

size_t graph_drop_edges(struct graph *g, int64_t cutoff)
{
    size_t dropped = 0;
    for (size_t i = 0; i < g->edges.len; i++) {
        struct edge *e = &g->edges.items[i];
        if (e->dropped || !g->nodes.items[e->dest].listed || magnitude(e->weight) >= cutoff)
            continue;
        e->dropped = true;
        g->linked = false;
        dropped++;
    }
    return dropped;
}

void graph_drop_tags(struct graph *g, int64_t cutoff)
{
    for (size_t i = 0; i < g->tags.len; i++) {
        struct tag *t = &g->tags.items[i];
        if (g->nodes.items[t->node].listed && magnitude(t->flat) < cutoff && magnitude(t->cum) < cutoff)
            t->dropped = true;
    }
}
