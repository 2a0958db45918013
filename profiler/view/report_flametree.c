#include "view/flame.h"

#include "base/hash.h"
#include "view/jsontext.h"

#include <inttypes.h>

/*
 * The flame graph's tree for the browser, which draws, turns and searches it: JSON, each name once, and the
 * nodes as one text of packed numbers, callers before callees, the heaviest of siblings first:
 *
 *     {"names": ["all", "main", ...], "signed": false, "total": 1050000000, "step": 10000000, "count": 7,
 *      "nodes": "^^C_^_..."}
 *
 * A node is three numbers: its name; how many levels it is above what the node before would call; 0 when its
 * value is its caller's, else the value, as pack_signed() has it, plus 1. A number's last digit is one of 32,
 * '^' to '}', those before of 26, 'A' to 'Z': nothing that JSON or HTML would need to escape.
 *
 * Of a tree of very many nodes the heaviest are sent, since nobody can see more than a browser can hold;
 * "cut": true and a note say so. See flame_init().
 *
 * total is what percentages are of. Values are multiples of step, which a CPU profile's period makes large,
 * and so their text short. With "signed", when something is below zero, the value is the sum of magnitudes,
 * which is a node's width, and a fourth number is the sum, which is its change. Rejected: nested arrays,
 * which are longer, and which a browser reads into as many objects; one array of numbers, which is twice as
 * long, and half of the time until the first graph was painted went into reading it.
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

static void put_packed(struct buf *out, uint64_t n)
{
    char digits[16];
    size_t at = sizeof digits;
    digits[--at] = (char)('^' + n % 32);
    for (n /= 32; n; n /= 26)
        digits[--at] = (char)('A' + n % 26);
    buf_append(out, digits + at, sizeof digits - at);
}

/* 0, -1, 1, -2, 2 as 0 to 4. */
static uint64_t pack_signed(int64_t v)
{
    return v < 0 ? ~(uint64_t)v * 2 + 1 : (uint64_t)v * 2;
}

static void put_value(const struct flame *f, const struct flame_node *n, int64_t value, struct buf *out)
{
    if (n->parent != NO_INDEX && f->nodes.items[n->parent].value == n->value) {
        put_packed(out, 0);
        return;
    }
    uint64_t packed = pack_signed(value);
    put_packed(out, packed < UINT64_MAX ? packed + 1 : packed); /* the same to a browser, which has 53 bits */
}

static int put_nodes(
    struct report *r, const struct flame *f, int64_t step, struct names *names, struct buf *out)
{
    uint32_t next_depth = 0;
    for (uint32_t at = 0; at != NO_INDEX; at = next_node(f, at)) {
        const struct flame_node *n = &f->nodes.items[at];
        uint32_t name = number_of(names, n->name);
        if (name == NO_INDEX)
            return ERR_NOMEM;
        put_packed(out, name);
        put_packed(out, next_depth - n->depth);
        put_value(f, n, report_exact(r, n->value) / step, out);
        if (f->negative)
            put_packed(out, pack_signed(report_exact(r, n->delta) / step));
        next_depth = n->depth + 1;
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
        buf_printf(out,
            "{\"signed\": %s, %s\"total\": %" PRId64 ", \"step\": %" PRId64 ", \"count\": %zu, \"nodes\": \"",
            f.negative ? "true" : "false", f.cut ? "\"cut\": true, " : "", report_exact(r, r->total), step,
            f.nodes.len);
        code = put_nodes(r, &f, step, &names, out);
        buf_puts(out, "\", \"names\": [");
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
