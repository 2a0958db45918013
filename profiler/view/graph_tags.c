#include "view/graph.h"

#include "base/hash.h"
#include "view/measure.h"

#include <stdio.h>
#include <string.h>

/*
 * The tags of some nodes. A profile with a label for each of ten thousand requests has as many tags at every
 * node; a drawing has eighty nodes. So tags are counted apart from the graph, in a walk of their own.
 */

/* Text labels of samples, joined: many samples have the same. */
struct group {
    const struct label *labels;
    uint32_t n;
    const char *text;
};

struct tagging {
    struct graph *g;
    VEC(struct group) groups;
    struct table group_table, tag_table;
    VEC(struct tag) keys; /* of the sample being walked: what its nodes are tagged with */
    VEC(uint32_t) nodes;  /* on its stack, that are to be tagged, each once */
    int64_t value, div;
};

/* ---- the keys of a sample ---- */

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
        if (strcmp(labels[i].key, "pprof::base") == 0)
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

static bool same_texts(const struct label *a, const struct label *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (a[i].key != b[i].key || a[i].str != b[i].str)
            return false;
    return true;
}

/* labels: those with text, which come first. NULL when memory runs out. */
static const char *find_group(struct tagging *t, const struct label *labels, uint32_t n)
{
    uint64_t hash = n;
    uint32_t found;
    if (n == 0)
        return intern_empty;
    for (uint32_t i = 0; i < n; i++)
        hash = hash_mix(hash_mix(hash, (uintptr_t)labels[i].key), (uintptr_t)labels[i].str);
    for (size_t at = table_first(&t->group_table, hash); table_next(&t->group_table, hash, &at, &found);)
        if (t->groups.items[found].n == n && same_texts(t->groups.items[found].labels, labels, n))
            return t->groups.items[found].text;
    struct group group = {labels, n, join_labels(t->g, labels, n)};
    bool ok = group.text && table_add(&t->group_table, hash, (uint32_t)t->groups.len) &&
              vec_push(&t->groups, group);
    return ok ? group.text : NULL;
}

/* Of the numeric labels only "bytes" is drawn. */
static int find_keys(struct tagging *t, const struct label *labels, uint32_t n)
{
    const struct graph_options *o = &t->g->options;
    uint32_t ntexts = 0;
    while (ntexts < n && !labels[ntexts].is_num)
        ntexts++;
    const char *group = find_group(t, labels, ntexts);
    t->keys.len = 0;
    if (!group || !vec_reserve(&t->keys, n + 1))
        return ERR_NOMEM;
    if (*group)
        t->keys.items[t->keys.len++] = (struct tag){.group = group, .name = group, .unit = ""};
    for (uint32_t i = ntexts; i < n; i++) {
        if (strcmp(labels[i].key, "bytes") != 0)
            continue;
        struct buf name = {0};
        measure_put(&name, labels[i].num, o->tag_unit, o->output_unit);
        struct tag number = {.group = group, .unit = o->tag_unit, .value = labels[i].num, .is_num = true};
        number.name = name.failed ? NULL : intern_bytes(t->g->frames->strings, name.data, name.len);
        buf_fini(&name);
        if (!number.name)
            return ERR_NOMEM;
        t->keys.items[t->keys.len++] = number;
    }
    return 0;
}

/* ---- counting ---- */

static uint32_t find_tag(struct tagging *t, uint32_t node, const struct tag *key)
{
    struct graph *g = t->g;
    uint64_t hash = hash_mix(hash_mix(node, (uintptr_t)key->group), (uintptr_t)key->name + key->is_num);
    uint32_t i;
    for (size_t at = table_first(&t->tag_table, hash); table_next(&t->tag_table, hash, &at, &i);) {
        const struct tag *tag = &g->tags.items[i];
        if (tag->node == node && tag->group == key->group && tag->name == key->name &&
            tag->is_num == key->is_num)
            return i;
    }
    i = (uint32_t)g->tags.len;
    struct tag tag = *key;
    tag.node = node;
    return vec_push(&g->tags, tag) && table_add(&t->tag_table, hash, i) ? i : NO_INDEX;
}

static int count_keys(struct tagging *t, uint32_t node, bool flat)
{
    for (size_t k = 0; k < t->keys.len; k++) {
        uint32_t i = find_tag(t, node, &t->keys.items[k]);
        if (i == NO_INDEX)
            return ERR_NOMEM;
        struct tag *tag = &t->g->tags.items[i];
        int64_t *sum = flat ? &tag->flat : &tag->cum, *sum_div = flat ? &tag->flat_div : &tag->cum_div;
        *sum = wrap_add(*sum, t->value);
        *sum_div = wrap_add(*sum_div, t->div);
    }
    return 0;
}

/* The nodes of the stack that are to be tagged, and, through *leaf, the one that has the flat value. */
static int find_nodes(struct tagging *t, const struct sample *s, uint32_t number, uint32_t *leaf)
{
    struct graph *g = t->g;
    uint32_t parent = NO_INDEX;
    t->nodes.len = 0;
    *leaf = NO_INDEX;
    for (uint32_t k = s->nlocs; k-- > 0;) {
        uint32_t loc = g->p->locs.items[s->first_loc + k];
        for (uint32_t first = g->first_frame[loc], i = g->first_frame[loc + 1]; i-- > first;) {
            uint32_t node;
            if (g->options.call_tree) {
                struct frame f = frames_get(g->frames, loc, i - first);
                parent = node = graph_find_node(g, &f, parent);
            } else {
                node = g->frame_nodes[i];
            }
            *leaf = node;
            if (node == NO_INDEX || !g->nodes.items[node].tagged || g->nodes.items[node].seen == number)
                continue;
            g->nodes.items[node].seen = number;
            if (!vec_push(&t->nodes, node))
                return ERR_NOMEM;
        }
    }
    if (*leaf != NO_INDEX && !g->nodes.items[*leaf].tagged)
        *leaf = NO_INDEX;
    return 0;
}

static int tag_sample(struct tagging *t, size_t index)
{
    const struct profile *p = t->g->p;
    const struct sample *s = &p->samples.items[index];
    const int64_t *values = profile_values(p, index);
    uint32_t leaf;
    t->value = values[t->g->options.value_index];
    t->div = t->g->options.mean ? values[0] : 0;
    if (s->nlabels == 0 || (t->value == 0 && t->div == 0))
        return 0;
    int code = find_nodes(t, s, (uint32_t)index + 1, &leaf);
    if (!code && t->nodes.len)
        code = find_keys(t, p->labels.items + s->first_label, s->nlabels);
    for (size_t i = 0; i < t->nodes.len && !code; i++)
        code = count_keys(t, t->nodes.items[i], false);
    if (!code && leaf != NO_INDEX)
        code = count_keys(t, leaf, true);
    return code;
}

/* Each node's tags become a run, in the order they were met. */
static int group_by_node(struct graph *g)
{
    struct tag *sorted = malloc((g->tags.len + 1) * sizeof *sorted);
    uint32_t first = 0;
    if (!sorted)
        return ERR_NOMEM;
    for (size_t i = 0; i < g->tags.len; i++)
        g->nodes.items[g->tags.items[i].node].n_tags++;
    for (size_t i = 0; i < g->nodes.len; i++) {
        struct node *n = &g->nodes.items[i];
        n->first_tag = first;
        first += n->n_tags;
        n->n_tags = 0;
    }
    for (size_t i = 0; i < g->tags.len; i++) {
        struct node *n = &g->nodes.items[g->tags.items[i].node];
        sorted[n->first_tag + n->n_tags++] = g->tags.items[i];
    }
    free(g->tags.items);
    g->tags.items = sorted;
    g->tags.cap = g->tags.len + 1;
    return 0;
}

int graph_count_tags(struct graph *g, const uint32_t *nodes, size_t n)
{
    struct tagging t = {.g = g};
    int code = 0;
    g->tags.len = 0;
    for (size_t i = 0; i < g->nodes.len; i++) {
        g->nodes.items[i].tagged = false;
        g->nodes.items[i].seen = g->nodes.items[i].n_tags = 0;
    }
    for (size_t i = 0; i < n; i++)
        g->nodes.items[nodes[i]].tagged = true;
    for (size_t i = 0; i < g->p->samples.len && g->p->labels.len && !code; i++) {
        code = tag_sample(&t, i);
        if (g->options.cancel && *g->options.cancel)
            code = ERR_CANCELLED;
    }
    if (!code)
        code = group_by_node(g);
    vec_fini(&t.groups);
    vec_fini(&t.keys);
    vec_fini(&t.nodes);
    table_fini(&t.group_table);
    table_fini(&t.tag_table);
    return code;
}

void graph_drop_tags(struct graph *g, int64_t cutoff)
{
    for (size_t i = 0; i < g->tags.len; i++) {
        struct tag *t = &g->tags.items[i];
        if (g->nodes.items[t->node].listed && magnitude(t->flat) < cutoff && magnitude(t->cum) < cutoff)
            t->dropped = true;
    }
}
