#include "view/report.h"

#include "base/hash.h"
#include "view/measure.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The call graph in callgrind's format, whose names and addresses are compressed. */

struct numbering { /* of names: the number of each, from 1 */
    VEC(const char *) names;
    struct table table;
};

struct callgrind {
    struct report *r;
    struct graph *g;
    struct buf *out;
    struct numbering objfiles, files, functions;
    const char **callees; /* of each node: its name, made unique */
    bool nomem;
};

/* "(3)", or "(3) name" the first time. Names are of one pool. */
static void put_name(struct callgrind *c, const char *key, struct numbering *n, const char *name)
{
    buf_puts(c->out, key);
    name = intern_string(c->g->frames->strings, name);
    uint64_t hash = hash_u64((uintptr_t)name);
    uint32_t i = 0;
    bool known = false;
    for (size_t at = table_first(&n->table, hash); !known && table_next(&n->table, hash, &at, &i);)
        known = n->names.items[i] == name;
    if (!name)
        c->nomem = true;
    else if (known)
        buf_printf(c->out, "(%" PRIu32 ")", i + 1);
    else if (*name) {
        i = (uint32_t)n->names.len;
        if (!vec_push(&n->names, name) || !table_add(&n->table, hash, i))
            c->nomem = true;
        buf_printf(c->out, "(%" PRIu32 ") %s", i + 1, name);
    }
    buf_putc(c->out, '\n');
}

/* As the last node's address with a difference, where that is shorter. */
static void put_address(struct callgrind *c, const struct frame *last, uint64_t address)
{
    char whole[24], relative[24];
    snprintf(whole, sizeof whole, "0x%" PRIx64, address);
    snprintf(relative, sizeof relative, "%+" PRId64, (int64_t)(address - (last ? last->address : 0)));
    if (last && last->address == address)
        buf_putc(c->out, '*');
    else
        buf_puts(c->out, last && strlen(relative) < strlen(whole) ? relative : whole);
}

static int64_t scaled(const struct report *r, int64_t value)
{
    return measure_int(measure_scale(value, r->unit, r->output_unit).value);
}

static void put_calls(struct callgrind *c, const struct node *n, const struct frame *last)
{
    for (uint32_t i = 0; i < n->n_out; i++) {
        const struct edge *e = &c->g->edges.items[c->g->out.items[n->first_out + i]];
        const struct frame *callee = &c->g->nodes.items[e->dest].frame;
        put_name(c, "cfl=", &c->files, callee->file);
        put_name(c, "cfn=", &c->functions, c->callees[e->dest]);
        buf_puts(c->out, "calls=0 ");
        put_address(c, last, callee->address);
        buf_printf(c->out, " %" PRId64 "\n* * %" PRId64 "\n", callee->line, scaled(c->r, e->weight));
    }
}

static void put_node(struct callgrind *c, const struct node *n, const struct frame *last)
{
    const struct frame *f = &n->frame;
    if (!last || f->objfile != last->objfile || f->file != last->file || f->name != last->name) {
        buf_putc(c->out, '\n');
        put_name(c, "ob=", &c->objfiles, f->objfile);
        put_name(c, "fl=", &c->files, f->file);
        put_name(c, "fn=", &c->functions, f->name);
    }
    put_address(c, last, f->address);
    buf_printf(c->out, " %" PRId64 " %" PRId64 "\n", f->line, scaled(c->r, node_flat(n)));
    put_calls(c, n, last);
}

/* ---- functions of one name ---- */

static bool same_name(const struct node *a, const struct node *b)
{
    return a->frame.name == b->frame.name && a->frame.file == b->frame.file;
}

static bool same_function(const struct node *a, const struct node *b)
{
    return same_name(a, b) && a->parent == b->parent && a->frame.objfile == b->frame.objfile &&
           a->frame.start_line == b->frame.start_line;
}

/* Of the listed nodes of one name: which function each is, in the order they are met, and how many. */
struct namesakes {
    uint32_t first;     /* node */
    uint32_t functions; /* so far */
};

struct distinct {
    uint32_t node, number; /* the first node of a function, and its number from 0 */
};

struct disambiguation {
    VEC(struct namesakes) names;
    VEC(struct distinct) functions;
    struct table name_table, function_table;
    uint32_t *name_of, *number_of; /* of each node */
};

static uint32_t find_namesakes(struct disambiguation *d, const struct graph *g, uint32_t node)
{
    const struct node *n = &g->nodes.items[node];
    uint64_t hash = hash_mix((uintptr_t)n->frame.name, (uintptr_t)n->frame.file);
    uint32_t i;
    for (size_t at = table_first(&d->name_table, hash); table_next(&d->name_table, hash, &at, &i);)
        if (same_name(&g->nodes.items[d->names.items[i].first], n))
            return i;
    i = (uint32_t)d->names.len;
    return vec_push(&d->names, ((struct namesakes){node, 0})) && table_add(&d->name_table, hash, i)
               ? i
               : NO_INDEX;
}

static int number_node(struct disambiguation *d, const struct graph *g, uint32_t node)
{
    const struct node *n = &g->nodes.items[node];
    uint32_t name = find_namesakes(d, g, node), i;
    uint64_t hash = hash_mix(hash_mix((uintptr_t)n->frame.name, (uintptr_t)n->frame.file), n->parent);
    if (name == NO_INDEX)
        return ERR_NOMEM;
    d->name_of[node] = name;
    for (size_t at = table_first(&d->function_table, hash); table_next(&d->function_table, hash, &at, &i);) {
        if (same_function(&g->nodes.items[d->functions.items[i].node], n)) {
            d->number_of[node] = d->functions.items[i].number;
            return 0;
        }
    }
    i = (uint32_t)d->functions.len;
    struct distinct f = {node, d->names.items[name].functions++};
    d->number_of[node] = f.number;
    return vec_push(&d->functions, f) && table_add(&d->function_table, hash, i) ? 0 : ERR_NOMEM;
}

static const char *unique_name(const struct disambiguation *d, struct graph *g, uint32_t node)
{
    const char *name = g->nodes.items[node].frame.name;
    uint32_t n = d->names.items[d->name_of[node]].functions;
    if (n < 2)
        return name;
    struct buf text = {0};
    buf_printf(&text, "%s [%" PRIu32 "/%" PRIu32 "]", name, d->number_of[node] + 1, n);
    const char *unique = text.failed ? NULL : intern_bytes(g->frames->strings, text.data, text.len);
    buf_fini(&text);
    return unique;
}

static int name_callees(struct callgrind *c)
{
    struct graph *g = c->g;
    struct disambiguation d = {.name_of = calloc(g->nodes.len + 1, sizeof(uint32_t)),
        .number_of = calloc(g->nodes.len + 1, sizeof(uint32_t))};
    int code = d.name_of && d.number_of ? 0 : ERR_NOMEM;
    for (size_t i = 0; i < g->nodes.len; i++)
        c->callees[i] = intern_empty; /* of those that are not listed */
    for (size_t i = 0; i < g->listed.len && !code; i++)
        code = number_node(&d, g, g->listed.items[i]);
    for (size_t i = 0; i < g->listed.len && !code; i++) {
        c->callees[g->listed.items[i]] = unique_name(&d, g, g->listed.items[i]);
        code = c->callees[g->listed.items[i]] ? 0 : ERR_NOMEM;
    }
    vec_fini(&d.names);
    vec_fini(&d.functions);
    table_fini(&d.name_table);
    table_fini(&d.function_table);
    free(d.name_of);
    free(d.number_of);
    return code;
}

static int put_all(struct callgrind *c)
{
    const struct frame *last = NULL;
    int code = name_callees(c);
    if (code)
        return code;
    buf_printf(c->out, "positions: instr line\nevents: %s(%s)\n", c->r->type.data, c->r->output_unit);
    for (size_t i = 0; i < c->g->listed.len; i++) {
        const struct node *n = &c->g->nodes.items[c->g->listed.items[i]];
        put_node(c, n, last);
        last = &n->frame;
    }
    return c->nomem ? ERR_NOMEM : 0;
}

static void numbering_fini(struct numbering *n)
{
    vec_fini(&n->names);
    table_fini(&n->table);
}

static int put_callgrind(struct report *r, struct graph *g, const struct trimmed *trimmed, struct buf *out)
{
    struct callgrind c = {.r = r, .g = g, .out = out, .callees = calloc(g->nodes.len + 1, sizeof *c.callees)};
    (void)trimmed;
    int code = c.callees ? put_all(&c) : ERR_NOMEM;
    numbering_fini(&c.objfiles);
    numbering_fini(&c.files);
    numbering_fini(&c.functions);
    free(c.callees);
    return code;
}

int report_callgrind(struct report *r, struct buf *out)
{
    return report_with_graph(r, put_callgrind, out);
}
