#include "view/flame.h"

#include "base/hash.h"
#include "view/jsontext.h"

#include <inttypes.h>

/*
 * The flame graph's tree for the browser, which draws, turns and searches it: JSON, each name once, and the
 * nodes as one array of numbers, callers before callees, the heaviest of siblings first:
 *
 *     {"names": ["all", "main", ...], "signed": false, "total": 1050000000, "step": 10000000,
 *      "nodes": [name, depth, value, name, depth, value, ...]}
 *
 * Of a tree of very many nodes the heaviest are sent, since nobody can see more than a browser can hold;
 * "cut": true and a note say so. See flame_init().
 *
 * total is what percentages are of. Values are multiples of step, which a CPU profile's period makes large,
 * and so their text short. With "signed", when something is below zero, a node is four numbers: the sum of
 * magnitudes, which is its width, and the sum, which is its change. Rejected: nested arrays, which are
 * longer, and which a browser reads into as many objects.
 */
enum { MOST_NODES = 500000 };

struct names {
    struct table table;
    VEC(const char *) items;
};

static uint32_t number_of(struct names *names, const char *name)
{
    uint32_t i;
    uint64_t hash = hash_u64((uintptr_t)name);
    for (size_t at = table_first(&names->table, hash); table_next(&names->table, hash, &at, &i);)
        if (names->items.items[i] == name)
            return i;
    i = (uint32_t)names->items.len;
    return vec_push(&names->items, name) && table_add(&names->table, hash, i) ? i : NO_INDEX;
}

static uint64_t common_divisor(uint64_t a, int64_t value)
{
    uint64_t b = (uint64_t)magnitude(value);
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* What divides all values. At least 1. */
static int64_t common_step(struct report *r, const struct flame *f)
{
    uint64_t step = 0;
    for (size_t i = 0; i < f->nodes.len && step != 1; i++) {
        step = common_divisor(step, report_exact(r, f->nodes.items[i].value));
        step = common_divisor(step, report_exact(r, f->nodes.items[i].delta));
    }
    return step && step <= INT64_MAX ? (int64_t)step : 1;
}

static uint32_t next_node(const struct flame *f, uint32_t at)
{
    const struct flame_node *nodes = f->nodes.items;
    if (nodes[at].first_child != NO_INDEX)
        return nodes[at].first_child;
    while (at != NO_INDEX && nodes[at].next_sibling == NO_INDEX)
        at = nodes[at].parent;
    return at == NO_INDEX ? at : nodes[at].next_sibling;
}

static int put_nodes(
    struct report *r, const struct flame *f, int64_t step, struct names *names, struct buf *out)
{
    for (uint32_t at = 0; at != NO_INDEX; at = next_node(f, at)) {
        const struct flame_node *n = &f->nodes.items[at];
        uint32_t name = number_of(names, n->name);
        if (name == NO_INDEX)
            return ERR_NOMEM;
        if (at)
            buf_putc(out, ',');
        buf_uint(out, name);
        buf_putc(out, ',');
        buf_uint(out, n->depth);
        buf_putc(out, ',');
        buf_int(out, report_exact(r, n->value) / step);
        if (f->negative) {
            buf_putc(out, ',');
            buf_int(out, report_exact(r, n->delta) / step);
        }
    }
    return 0;
}

int report_flametree(struct report *r, struct buf *out)
{
    struct flame f;
    struct names names = {0};
    int code = flame_init(&f, r, FLAME_BOTH_SIGNS, MOST_NODES);
    if (!code) {
        int64_t step = common_step(r, &f);
        buf_printf(out, "{\"signed\": %s, %s\"total\": %" PRId64 ", \"step\": %" PRId64 ", \"nodes\": [",
            f.negative ? "true" : "false", f.cut ? "\"cut\": true, " : "", report_exact(r, r->total), step);
        code = put_nodes(r, &f, step, &names, out);
        buf_puts(out, "], \"names\": [");
        for (size_t i = 0; i < names.items.len; i++) {
            buf_puts(out, i ? "," : "");
            jsontext_put(out, names.items.items[i]);
        }
        buf_puts(out, "]}");
        if (f.cut)
            buf_printf(r->notes,
                "There are more calls than are shown and searched here, which are the %zu heaviest: what "
                "they call is "
                "\"%s\". A part that is focused on shows more of it.\n",
                f.nodes.len, flame_rest);
    }
    table_fini(&names.table);
    vec_fini(&names.items);
    flame_fini(&f);
    return code;
}
