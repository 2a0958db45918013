#include "view/flame.h"

#include "base/hash.h"

#include <math.h>
#include <string.h>

static uint32_t find_child(struct flame *f, uint32_t parent, const char *name)
{
    uint64_t hash = hash_mix((uintptr_t)name, parent);
    uint32_t i;
    for (size_t at = table_first(&f->table, hash); table_next(&f->table, hash, &at, &i);)
        if (f->nodes.items[i].parent == parent && f->nodes.items[i].name == name)
            return i;
    i = (uint32_t)f->nodes.len;
    struct flame_node n = {.name = name, .parent = parent, .first_child = NO_INDEX};
    n.next_sibling = f->nodes.items[parent].first_child;
    n.depth = f->nodes.items[parent].depth + 1;
    if (!vec_push(&f->nodes, n) || !table_add(&f->table, hash, i))
        return NO_INDEX;
    f->nodes.items[parent].first_child = i;
    f->depth = n.depth > f->depth ? n.depth : f->depth;
    return i;
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

static int add_sample(
    struct flame *f, struct report *r, const struct frames *frames, size_t sample, enum flame_signs signs)
{
    const struct sample *s = &r->p->samples.items[sample];
    const uint32_t *locs = r->p->locs.items + s->first_loc;
    int64_t value = ratio_value(report_sample_value(r, sample), report_sample_div(r, sample));
    uint32_t at = 0;
    f->negative += value < 0;
    if (value == 0 || (value < 0 && signs == FLAME_POSITIVE))
        return 0;
    charge(&f->nodes.items[0], value);
    for (uint32_t i = s->nlocs; i-- > 0;) {
        for (uint32_t k = frames_count(frames, locs[i]); k-- > 0;) {
            const char *name = frame_name(f, frames, locs[i], k);
            at = name ? find_child(f, at, name) : NO_INDEX;
            if (at == NO_INDEX)
                return ERR_NOMEM;
            charge(&f->nodes.items[at], value);
        }
    }
    return 0;
}

static int compare_siblings(const void *a, const void *b, void *context)
{
    const struct flame *f = context;
    const struct flame_node *x = &f->nodes.items[*(const uint32_t *)a],
                            *y = &f->nodes.items[*(const uint32_t *)b];
    if (x->parent != y->parent)
        return x->parent < y->parent ? -1 : 1;
    return x->value != y->value ? (x->value > y->value ? -1 : 1) : strcmp(x->name, y->name);
}

static void link_siblings(struct flame *f, const uint32_t *order)
{
    uint32_t last = NO_INDEX;
    for (size_t i = 0; i < f->nodes.len; i++)
        f->nodes.items[i].next_sibling = f->nodes.items[i].first_child = NO_INDEX;
    for (size_t i = 0; i < f->nodes.len; i++) {
        uint32_t parent = f->nodes.items[order[i]].parent;
        if (parent == NO_INDEX)
            continue;
        if (f->nodes.items[parent].first_child == NO_INDEX)
            f->nodes.items[parent].first_child = order[i];
        else
            f->nodes.items[last].next_sibling = order[i];
        last = order[i];
    }
}

/* Siblings in order, and where each begins. A caller comes before those it calls in nodes. */
static int put_in_order(struct flame *f)
{
    size_t n = f->nodes.len;
    uint32_t *order = malloc(n * sizeof *order);
    if (!order)
        return ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    qsort_r(order, n, sizeof *order, compare_siblings, f);
    link_siblings(f, order);
    free(order);
    for (size_t i = 0; i < n; i++) {
        double at = f->nodes.items[i].offset;
        for (uint32_t c = f->nodes.items[i].first_child; c != NO_INDEX; c = f->nodes.items[c].next_sibling) {
            f->nodes.items[c].offset = at;
            at += (double)f->nodes.items[c].value;
        }
    }
    return 0;
}

int flame_init(struct flame *f, struct report *r, enum flame_signs signs)
{
    struct frames frames;
    struct flame_node root = {
        .name = "all", .parent = NO_INDEX, .first_child = NO_INDEX, .next_sibling = NO_INDEX};
    *f = (struct flame){.strings = intern_new()};
    if (!f->strings || !vec_push(&f->nodes, root) ||
        frames_init(&frames, r->p, frame_detail_of(&r->config), &r->config))
        return ERR_NOMEM;
    int code = number_frames(f, &frames);
    for (size_t s = 0; s < r->p->samples.len && !code; s++) {
        code = s % 1024 == 0 && report_cancelled(r) ? ERR_CANCELLED : 0;
        if (!code)
            code = add_sample(f, r, &frames, s, signs);
    }
    frames_fini(&frames);
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
