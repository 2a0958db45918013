#include "view/graph.h"

#include "base/hash.h"
#include "view/measure.h"

#include <stdio.h>
#include <string.h>

/*
 * The tags of some nodes. A profile with a label for each of ten thousand requests has as many tags at every
 * node; a drawing has eighty nodes. So tags are counted apart from the graph, tag by tag: first which samples
 * carry which, then, of each tag's samples, their sums at the nodes, which are few and stay in the cache.
 */

/* Text labels of samples, joined: many samples have the same. */
struct group {
    const struct label *labels;
    uint32_t n;
    const char *text;
    uint32_t key; /* of the text tag; NO_INDEX where there is no text */
};

/* A sample carries a tag. */
struct carried {
    uint32_t key, sample;
};

/* Of one tag, at one of the nodes. */
struct sum {
    uint32_t node;
    uint32_t key, seen; /* the last tag, and its last sample, that were counted here, plus 1 */
    int64_t flat, flat_div, cum, cum_div;
};

struct tagging {
    struct graph *g;
    VEC(struct group) groups;
    VEC(struct tag) keys; /* all tags, of no node */
    struct table group_table, key_table;
    VEC(struct carried) carried; /* in the order of samples, then of keys */
    struct sum *sums;            /* of the nodes to be tagged */
    uint32_t *sum_of_node;       /* into sums; NO_INDEX where a node is not to be tagged */
    VEC(uint32_t) touched;       /* sums, by the tag that is being counted */
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

static uint32_t find_key(struct tagging *t, const struct tag *key)
{
    uint64_t hash = hash_mix((uintptr_t)key->group, (uintptr_t)key->name + key->is_num);
    uint32_t i;
    for (size_t at = table_first(&t->key_table, hash); table_next(&t->key_table, hash, &at, &i);) {
        const struct tag *k = &t->keys.items[i];
        if (k->group == key->group && k->name == key->name && k->is_num == key->is_num)
            return i;
    }
    i = (uint32_t)t->keys.len;
    return vec_push(&t->keys, *key) && table_add(&t->key_table, hash, i) ? i : NO_INDEX;
}

/* labels: those with text, which come first. NULL when memory runs out. */
static const struct group *find_group(struct tagging *t, const struct label *labels, uint32_t n)
{
    uint64_t hash = n;
    uint32_t found;
    for (uint32_t i = 0; i < n; i++)
        hash = hash_mix(hash_mix(hash, (uintptr_t)labels[i].key), (uintptr_t)labels[i].str);
    for (size_t at = table_first(&t->group_table, hash); table_next(&t->group_table, hash, &at, &found);)
        if (t->groups.items[found].n == n && same_texts(t->groups.items[found].labels, labels, n))
            return &t->groups.items[found];
    struct group group = {labels, n, join_labels(t->g, labels, n), NO_INDEX};
    if (!group.text)
        return NULL;
    if (*group.text)
        group.key = find_key(t, &(struct tag){.group = group.text, .name = group.text, .unit = ""});
    if ((*group.text && group.key == NO_INDEX) ||
        !table_add(&t->group_table, hash, (uint32_t)t->groups.len) || !vec_push(&t->groups, group))
        return NULL;
    return &t->groups.items[t->groups.len - 1];
}

static int carry(struct tagging *t, uint32_t key, uint32_t sample)
{
    return key != NO_INDEX && vec_push(&t->carried, ((struct carried){key, sample})) ? 0 : ERR_NOMEM;
}

/* Of the numeric labels only "bytes" is drawn. */
static int carry_number(struct tagging *t, const char *group, int64_t value, uint32_t sample)
{
    const struct graph_options *o = &t->g->options;
    struct buf name = {0};
    measure_put(&name, value, o->tag_unit, o->output_unit);
    struct tag number = {.group = group, .unit = o->tag_unit, .value = value, .is_num = true};
    number.name = name.failed ? NULL : intern_bytes(t->g->frames->strings, name.data, name.len);
    buf_fini(&name);
    return number.name ? carry(t, find_key(t, &number), sample) : ERR_NOMEM;
}

static int find_keys(struct tagging *t, uint32_t sample)
{
    const struct profile *p = t->g->p;
    const struct sample *s = &p->samples.items[sample];
    const struct label *labels = p->labels.items + s->first_label;
    uint32_t ntexts = 0;
    while (ntexts < s->nlabels && !labels[ntexts].is_num)
        ntexts++;
    const struct group *found = find_group(t, labels, ntexts);
    if (!found)
        return ERR_NOMEM;
    const char *group = found->text;
    int code = found->key == NO_INDEX ? 0 : carry(t, found->key, sample);
    for (uint32_t i = ntexts; i < s->nlabels && !code; i++)
        if (strcmp(labels[i].key, "bytes") == 0)
            code = carry_number(t, group, labels[i].num, sample);
    return code;
}

static bool is_cancelled(const struct tagging *t)
{
    return t->g->options.cancel && *t->g->options.cancel;
}

static int64_t value_of(const struct tagging *t, uint32_t sample)
{
    return profile_values(t->g->p, sample)[t->g->options.value_index];
}

static int64_t div_of(const struct tagging *t, uint32_t sample)
{
    return t->g->options.mean ? profile_values(t->g->p, sample)[0] : 0;
}

static int find_carried(struct tagging *t)
{
    const struct profile *p = t->g->p;
    int code = 0;
    for (uint32_t i = 0; i < p->samples.len && p->labels.len && !code; i++) {
        if (p->samples.items[i].nlabels && (value_of(t, i) || div_of(t, i)))
            code = find_keys(t, i);
        if (is_cancelled(t))
            code = ERR_CANCELLED;
    }
    return code;
}

/* ---- counting ---- */

/* NULL where the node is not to be tagged. */
static struct sum *sum_at(struct tagging *t, uint32_t node)
{
    return node == NO_INDEX || t->sum_of_node[node] == NO_INDEX ? NULL : &t->sums[t->sum_of_node[node]];
}

/* A sample, as it is counted. */
struct counting {
    uint32_t key, number; /* number: among those that were counted, plus 1 */
    int64_t value, div;
};

/* Adds the value at a node of the sample's, once. */
static int count_cum(struct tagging *t, const struct counting *c, struct sum *at)
{
    if (!at || at->seen == c->number)
        return 0;
    if (at->key != c->key + 1) {
        *at = (struct sum){.node = at->node, .key = c->key + 1};
        if (!vec_push(&t->touched, (uint32_t)(at - t->sums)))
            return ERR_NOMEM;
    }
    at->seen = c->number;
    at->cum = wrap_add(at->cum, c->value);
    at->cum_div = wrap_add(at->cum_div, c->div);
    return 0;
}

static void count_flat(const struct counting *c, struct sum *at)
{
    if (!at)
        return;
    at->flat = wrap_add(at->flat, c->value);
    at->flat_div = wrap_add(at->flat_div, c->div);
}

static int count_path(struct tagging *t, const struct counting *c, const struct leaf *leaf)
{
    int code = 0;
    for (uint32_t node = leaf->node; node != NO_INDEX && !code; node = t->g->nodes.items[node].above)
        code = count_cum(t, c, sum_at(t, node));
    if (leaf->is_own && !code)
        count_flat(c, sum_at(t, leaf->node));
    return code;
}

static int count_stack(struct tagging *t, const struct counting *c, const struct sample *s)
{
    const struct graph *g = t->g;
    struct sum *at = NULL;
    int code = 0;
    for (uint32_t k = s->nlocs; k-- > 0;) {
        uint32_t loc = g->p->locs.items[s->first_loc + k];
        for (uint32_t first = g->first_frame[loc], i = g->first_frame[loc + 1]; i-- > first && !code;) {
            at = sum_at(t, g->frame_nodes[i]);
            code = count_cum(t, c, at);
        }
    }
    if (!code)
        count_flat(c, at);
    return code;
}

/* Adds the sample's value at the nodes of its stack, and at the leaf's as its own. */
static int count_sample(struct tagging *t, uint32_t key, uint32_t sample, uint32_t number)
{
    const struct counting c = {key, number, value_of(t, sample), div_of(t, sample)};
    return t->g->leaves ? count_path(t, &c, &t->g->leaves[sample])
                        : count_stack(t, &c, &t->g->p->samples.items[sample]);
}

/* What was counted of a tag becomes the nodes' tags. */
static int take_tags(struct tagging *t, uint32_t key)
{
    for (size_t i = 0; i < t->touched.len; i++) {
        const struct sum *sum = &t->sums[t->touched.items[i]];
        struct tag tag = t->keys.items[key];
        tag.node = sum->node;
        tag.flat = sum->flat;
        tag.flat_div = sum->flat_div;
        tag.cum = sum->cum;
        tag.cum_div = sum->cum_div;
        if (!vec_push(&t->g->tags, tag))
            return ERR_NOMEM;
    }
    t->touched.len = 0;
    return 0;
}

/* samples: of the tags, those of the first one first; ends: where each tag's end. */
static int count_tags(struct tagging *t, const uint32_t *samples, const uint32_t *ends)
{
    int code = 0;
    for (uint32_t key = 0, i = 0; key < t->keys.len && !code; key++) {
        for (; i < ends[key] && !code; i++)
            code = is_cancelled(t) ? ERR_CANCELLED : count_sample(t, key, samples[i], i + 1);
        if (!code)
            code = take_tags(t, key);
    }
    return code;
}

static int count_carried(struct tagging *t)
{
    uint32_t *samples = malloc((t->carried.len + 1) * sizeof *samples);
    uint32_t *ends = calloc(t->keys.len + 1, sizeof *ends);
    int code = samples && ends && t->carried.len < UINT32_MAX ? 0 : ERR_NOMEM;
    for (size_t i = 0; i < t->carried.len && !code; i++)
        ends[t->carried.items[i].key + 1]++;
    for (size_t key = 1; key <= t->keys.len && !code; key++)
        ends[key] += ends[key - 1];
    for (size_t i = 0; i < t->carried.len && !code; i++) /* each tag's start moves to its end */
        samples[ends[t->carried.items[i].key]++] = t->carried.items[i].sample;
    if (!code)
        code = count_tags(t, samples, ends);
    free(samples);
    free(ends);
    return code;
}

/* Each node's tags become a run. */
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
    struct tagging t = {.g = g,
        .sums = calloc(n + 1, sizeof *t.sums),
        .sum_of_node = malloc((g->nodes.len + 1) * sizeof *t.sum_of_node)};
    int code = t.sums && t.sum_of_node ? 0 : ERR_NOMEM;
    g->tags.len = 0;
    for (size_t i = 0; i < g->nodes.len && !code; i++) {
        g->nodes.items[i].n_tags = 0;
        t.sum_of_node[i] = NO_INDEX;
    }
    for (size_t i = 0; i < n && !code; i++) {
        t.sums[i].node = nodes[i];
        t.sum_of_node[nodes[i]] = (uint32_t)i;
    }
    if (!code)
        code = find_carried(&t);
    if (!code)
        code = count_carried(&t);
    if (!code)
        code = group_by_node(g);
    free(t.sums);
    free(t.sum_of_node);
    vec_fini(&t.groups);
    vec_fini(&t.keys);
    vec_fini(&t.carried);
    vec_fini(&t.touched);
    table_fini(&t.group_table);
    table_fini(&t.key_table);
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
