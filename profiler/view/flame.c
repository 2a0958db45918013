#include "view/flame.h"

#include "base/hash.h"

#include <math.h>
#include <string.h>

static uint32_t add_child(struct flame *f, uint32_t parent, const char *name)
{
    uint32_t i = (uint32_t)f->nodes.len;
    struct flame_node n = {.name = name, .parent = parent, .first_child = NO_INDEX};
    n.next_sibling = f->nodes.items[parent].first_child;
    n.depth = f->nodes.items[parent].depth + 1;
    if (!vec_push(&f->nodes, n))
        return NO_INDEX;
    f->nodes.items[parent].first_child = i;
    f->depth = n.depth > f->depth ? n.depth : f->depth;
    return i;
}

static uint32_t find_child(struct flame *f, uint32_t parent, const char *name)
{
    uint64_t hash = hash_mix((uintptr_t)name, parent);
    uint32_t i;
    for (size_t at = table_first(&f->table, hash); table_next(&f->table, hash, &at, &i);)
        if (f->nodes.items[i].parent == parent && f->nodes.items[i].name == name)
            return i;
    i = add_child(f, parent, name);
    return i != NO_INDEX && table_add(&f->table, hash, i) ? i : NO_INDEX;
}

/* Names are printed once a frame, not once a sample. */
static int number_frames(struct flame *f, const struct frames *frames)
{
    size_t n = frames->p->locations.len, total = 0;
    f->first_name = malloc((n + 1) * sizeof *f->first_name);
    for (size_t i = 0; f->first_name && i < n; i++) {
        f->first_name[i] = (uint32_t)total;
        total += frames_count(frames, (uint32_t)i);
    }
    f->frame_names = calloc(total + 1, sizeof *f->frame_names);
    return f->first_name && f->frame_names ? 0 : ERR_NOMEM;
}

static const char *frame_name(struct flame *f, const struct frames *frames, uint32_t loc, uint32_t k)
{
    uint32_t i = f->first_name[loc] + k;
    if (!f->frame_names[i]) {
        struct frame frame = frames_get(frames, loc, k);
        struct buf text = {0};
        frame_print(&frame, &text);
        f->frame_names[i] = text.failed ? NULL : intern_string(f->strings, text.data);
        buf_fini(&text);
    }
    return f->frame_names[i];
}

static void charge(struct flame_node *n, int64_t value)
{
    n->value = wrap_add(n->value, magnitude(value));
    n->delta = wrap_add(n->delta, value);
}

/* ---- growing ---- */

enum { NEAR = 8 };

/* A sample, and how much of its stack has not become nodes yet; with some of it, since stacks lie all over
 * memory. */
struct walker {
    const uint32_t *locs;
    uint32_t n, frames; /* of the stack, and of the location behind these */
    int64_t value;
    uint32_t near[NEAR]; /* locs from n on down to the next multiple of NEAR */
};

/*
 * The tree grows where it is heaviest: a node has the walkers that go through it, beside each other;
 * expanded, they are shared out among the nodes that it calls. Walkers are moved and not pointed at, or
 * memory would be waited for.
 */
struct growth {
    struct flame *f;
    struct report *r;
    struct frames frames;
    struct walker *walkers, *scratch;
    uint32_t *child;       /* whose each walker becomes */
    VEC(uint32_t) pending; /* nodes not expanded yet */
};

static void come_near(struct walker *w, uint32_t i)
{
    memcpy(w->near, w->locs + i - i % NEAR, (i % NEAR + 1) * sizeof *w->near);
}

/* Out of the stack: NULL when it ends. False when memory runs out. */
static bool next_name(struct growth *g, struct walker *w, const char **name)
{
    *name = NULL;
    while (w->frames == 0) {
        if (w->n == 0)
            return true;
        if (--w->n % NEAR == NEAR - 1)
            come_near(w, w->n);
        w->frames = frames_count(&g->frames, w->near[w->n % NEAR]);
    }
    *name = frame_name(g->f, &g->frames, w->near[w->n % NEAR], --w->frames);
    return *name != NULL;
}

/* Those that have a share in the tree, *n of them. */
static int take_samples(struct growth *g, enum flame_signs signs, uint32_t *n)
{
    const struct profile *p = g->r->p;
    for (size_t s = 0; s < p->samples.len; s++) {
        int64_t value = ratio_value(report_sample_value(g->r, s), report_sample_div(g->r, s));
        g->f->negative += value < 0;
        if (value == 0 || (value < 0 && signs == FLAME_POSITIVE))
            continue;
        const struct sample *sample = &p->samples.items[s];
        struct walker *w = &g->walkers[(*n)++];
        *w = (struct walker){p->locs.items + sample->first_loc, sample->nlocs, .value = value};
        if (w->n)
            come_near(w, w->n - 1);
        charge(&g->f->nodes.items[0], value);
        if (s % 1024 == 0 && report_cancelled(g->r))
            return ERR_CANCELLED;
    }
    return 0;
}

static int expand(struct growth *g, uint32_t node)
{
    struct flame *f = g->f;
    uint32_t first = f->nodes.items[node].first_sample, end = first + f->nodes.items[node].samples,
             at = first;
    size_t children = f->nodes.len;
    for (uint32_t i = first; i < end; i++) {
        const char *name;
        if (!next_name(g, &g->walkers[i], &name))
            return ERR_NOMEM;
        g->child[i] = NO_INDEX;
        if (!name)
            continue;
        g->child[i] = find_child(f, node, name);
        if (g->child[i] == NO_INDEX)
            return ERR_NOMEM;
        charge(&f->nodes.items[g->child[i]], g->walkers[i].value);
        f->nodes.items[g->child[i]].samples++;
    }
    for (size_t c = children; c < f->nodes.len; c++) {
        f->nodes.items[c].first_sample = at;
        at += f->nodes.items[c].samples;
        if (!vec_push(&g->pending, (uint32_t)c))
            return ERR_NOMEM;
    }
    for (uint32_t i = first; i < end; i++)
        if (g->child[i] != NO_INDEX)
            g->scratch[f->nodes.items[g->child[i]].first_sample++] = g->walkers[i];
    for (size_t c = children; c < f->nodes.len; c++)
        f->nodes.items[c].first_sample -= f->nodes.items[c].samples;
    memcpy(g->walkers + first, g->scratch + first, (at - first) * sizeof *g->walkers);
    return 0;
}

/* What one sample alone goes through, as far as there is room. */
static int add_chain(struct growth *g, uint32_t node, size_t most)
{
    struct flame *f = g->f;
    uint32_t at = f->nodes.items[node].first_sample;
    while (f->nodes.len < most) {
        const char *name;
        if (!next_name(g, &g->walkers[at], &name))
            return ERR_NOMEM;
        if (!name)
            return 0;
        node = add_child(f, node, name);
        if (node == NO_INDEX)
            return ERR_NOMEM;
        charge(&f->nodes.items[node], g->walkers[at].value);
        f->nodes.items[node].first_sample = at;
        f->nodes.items[node].samples = 1;
    }
    return vec_push(&g->pending, node) ? 0 : ERR_NOMEM;
}

/* Expands what is pending, and what becomes so by that, as long as it has that weight and there are less than
 * `most`. */
static int grow_heavy(struct growth *g, int64_t least, size_t most)
{
    size_t kept = 0;
    int code = 0;
    for (size_t i = 0; i < g->pending.len && !code; i++) {
        uint32_t node = g->pending.items[i];
        const struct flame_node *n = &g->f->nodes.items[node];
        if (g->f->nodes.len >= most || n->value < least)
            g->pending.items[kept++] = node;
        else if (i % 1024 == 0 && report_cancelled(g->r))
            code = ERR_CANCELLED;
        else
            code = n->samples == 1 ? add_chain(g, node, most) : expand(g, node);
    }
    g->pending.len = kept;
    return code;
}

/* The heaviest first, each time with half the weight; at last those whose sum has wrapped, too. */
static int grow(struct growth *g, size_t most)
{
    int64_t least = most == SIZE_MAX ? INT64_MIN : g->f->nodes.items[0].value;
    int code = vec_push(&g->pending, 0) ? 0 : ERR_NOMEM;
    while (!code && g->pending.len && g->f->nodes.len < most) {
        code = grow_heavy(g, least, most);
        if (least == INT64_MIN)
            break;
        least = least > 0 ? least / 2 : INT64_MIN;
    }
    return code;
}

/* What is below a node that was not expanded, as one. */
static int add_rest(struct growth *g, uint32_t node)
{
    struct flame *f = g->f;
    struct flame_node n = f->nodes.items[node];
    uint32_t rest = NO_INDEX;
    for (uint32_t i = n.first_sample; i < n.first_sample + n.samples; i++) {
        const char *name;
        if (!next_name(g, &g->walkers[i], &name))
            return ERR_NOMEM;
        if (!name)
            continue;
        rest = rest == NO_INDEX ? add_child(f, node, flame_rest) : rest;
        if (rest == NO_INDEX)
            return ERR_NOMEM;
        charge(&f->nodes.items[rest], g->walkers[i].value);
        f->cut = true;
    }
    return 0;
}

static int compare_siblings(const void *a, const void *b, void *context)
{
    const struct flame *f = context;
    const struct flame_node *x = &f->nodes.items[*(const uint32_t *)a],
                            *y = &f->nodes.items[*(const uint32_t *)b];
    return x->value != y->value ? (x->value > y->value ? -1 : 1) : strcmp(x->name, y->name);
}

typedef VEC(uint32_t) siblings;

static bool sort_children(struct flame *f, uint32_t parent, siblings *all)
{
    struct flame_node *nodes = f->nodes.items;
    uint32_t *link = &nodes[parent].first_child;
    all->len = 0;
    for (uint32_t i = *link; i != NO_INDEX; i = nodes[i].next_sibling)
        if (!vec_push(all, i))
            return false;
    if (all->len < 2)
        return true;
    qsort_r(all->items, all->len, sizeof *all->items, compare_siblings, f);
    for (size_t k = 0; k < all->len; k++) {
        *link = all->items[k];
        link = &nodes[all->items[k]].next_sibling;
    }
    *link = NO_INDEX;
    return true;
}

/* Siblings in order, and where each begins. A caller comes before those it calls in nodes. */
static int put_in_order(struct flame *f)
{
    siblings all = {0};
    bool sorted = true;
    for (uint32_t i = 0; i < f->nodes.len && sorted; i++) {
        sorted = sort_children(f, i, &all);
        double at = f->nodes.items[i].offset;
        for (uint32_t c = f->nodes.items[i].first_child; c != NO_INDEX; c = f->nodes.items[c].next_sibling) {
            f->nodes.items[c].offset = at;
            at += (double)f->nodes.items[c].value;
        }
    }
    vec_fini(&all);
    return sorted ? 0 : ERR_NOMEM;
}

static int growth_init(struct growth *g, struct flame *f, struct report *r)
{
    size_t n = r->p->samples.len + 1;
    *g = (struct growth){.f = f, .r = r};
    if (frames_init(&g->frames, r->p, frame_detail_of(&r->config), &r->config))
        return ERR_NOMEM;
    g->walkers = malloc(n * sizeof *g->walkers);
    g->scratch = malloc(n * sizeof *g->scratch);
    g->child = malloc(n * sizeof *g->child);
    return g->walkers && g->scratch && g->child ? number_frames(f, &g->frames) : ERR_NOMEM;
}

static void growth_fini(struct growth *g)
{
    frames_fini(&g->frames);
    free(g->walkers);
    free(g->scratch);
    free(g->child);
    vec_fini(&g->pending);
}

const char flame_rest[] = "(smaller calls)";

int flame_init(struct flame *f, struct report *r, enum flame_signs signs, size_t most)
{
    struct growth g;
    struct flame_node root = {
        .name = "all", .parent = NO_INDEX, .first_child = NO_INDEX, .next_sibling = NO_INDEX};
    *f = (struct flame){.strings = intern_new()};
    if (!f->strings || !vec_push(&f->nodes, root))
        return ERR_NOMEM;
    int code = growth_init(&g, f, r);
    if (!code)
        code = take_samples(&g, signs, &f->nodes.items[0].samples);
    if (!code)
        code = grow(&g, most);
    for (size_t i = 0; i < g.pending.len && !code; i++)
        code = add_rest(&g, g.pending.items[i]);
    growth_fini(&g);
    return code ? code : put_in_order(f);
}

void flame_fini(struct flame *f)
{
    vec_fini(&f->nodes);
    table_fini(&f->table);
    free(f->first_name);
    free(f->frame_names);
    f->first_name = NULL;
    f->frame_names = NULL;
    intern_unref(f->strings);
    f->strings = NULL;
}

int flame_next_row(const struct flame *f, const struct flame_box *above, size_t n, int width, int64_t least,
    flame_row *row, size_t *hidden)
{
    double total = (double)f->nodes.items[0].value;
    row->len = 0;
    for (size_t i = 0; i < n; i++) {
        for (uint32_t c = f->nodes.items[above[i].node].first_child; c != NO_INDEX;
             c = f->nodes.items[c].next_sibling) {
            const struct flame_node *node = &f->nodes.items[c];
            int x = (int)lround(node->offset / total * width);
            int end = (int)lround((node->offset + (double)node->value) / total * width);
            struct flame_box box = {c, x, end - x};
            if (box.width <= 0 || node->value < least)
                ++*hidden;
            else if (!vec_push(row, box))
                return ERR_NOMEM;
        }
    }
    return 0;
}
