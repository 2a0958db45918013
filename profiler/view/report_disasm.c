#include "view/report.h"

#include "view/assembly.h"
#include "view/binary.h"
#include "view/path.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/*
 * Annotated assembly: the instructions of each function that matches and has samples, with what they cost.
 * The names are those of the binaries, so that it works for profiles that have none.
 */
struct routine {
    struct binary_function function;
    struct binary *binary; /* of the listing */
    const char *file;
    VEC(uint32_t) nodes; /* by address */
};

struct listing {
    struct report *r;
    struct graph *g;
    struct buf *out;
    bool by_address;
    uint64_t address;
    VEC(struct binary *) binaries;
    VEC(struct routine) routines;
    size_t matched; /* functions, with samples or without */
};

/* ---- which functions ---- */

/* An expression that is a number means the functions at that address. */
static void parse_address(struct listing *l)
{
    const char *text = regex_pattern(l->r->symbol);
    char *end;
    errno = 0;
    l->address = strtoull(text, &end, 0);
    l->by_address = end != text && !*end && !errno && *text != '-' && *text != '+';
}

static bool is_mapped(const struct profile *p, uint64_t address)
{
    for (size_t i = 0; i < p->mappings.len; i++)
        if (p->mappings.items[i].start <= address && address < p->mappings.items[i].limit)
            return true;
    return false;
}

/* By its name as it is printed, address, file and all, as in Go; or by the function's alone, as binaries name
 * it. */
static bool matches(struct listing *l, uint32_t node)
{
    const char *printed = graph_name(l->g, node);
    return printed && (regex_match(l->r->symbol, printed) ||
                          regex_match(l->r->symbol, l->g->nodes.items[node].frame.name));
}

/* An address that is in no mapping is taken for a file's own, as listings show it. */
static bool mapping_matters(struct listing *l, const struct mapping *m)
{
    if (l->by_address &&
        ((m->start <= l->address && l->address < m->limit) || !is_mapped(l->r->p, l->address)))
        return true;
    for (size_t i = 0; i < l->g->listed.len; i++) {
        uint32_t node = l->g->listed.items[i];
        if (l->g->nodes.items[node].frame.objfile == m->file && matches(l, node))
            return true;
    }
    return false;
}

static int by_node_address(const void *a, const void *b, void *graph)
{
    const struct graph *g = graph;
    uint64_t x = g->nodes.items[*(const uint32_t *)a].frame.address;
    uint64_t y = g->nodes.items[*(const uint32_t *)b].frame.address;
    return x < y ? -1 : x > y;
}

/* The nodes in the function's bytes; it is listed if there are some. */
static int add_routine(struct listing *l, struct binary *b, const char *file, const struct binary_function *f)
{
    struct routine routine = {.function = *f, .binary = b, .file = file};
    for (size_t i = 0; i < l->g->listed.len; i++) {
        uint64_t vaddr;
        uint32_t node = l->g->listed.items[i];
        if (binary_vaddr(b, l->g->nodes.items[node].frame.address, &vaddr) && vaddr >= f->start &&
            vaddr < f->stop && !vec_push(&routine.nodes, node))
            goto nomem;
    }
    if (routine.nodes.len == 0)
        return 0;
    qsort_r(routine.nodes.items, routine.nodes.len, sizeof *routine.nodes.items, by_node_address, l->g);
    if (vec_push(&l->routines, routine))
        return 0;
nomem:
    vec_fini(&routine.nodes);
    return ERR_NOMEM;
}

static int search_binary(struct listing *l, struct binary *b, const struct mapping *m)
{
    binary_functions found = {0};
    uint64_t vaddr = l->address;
    if (l->by_address && m->start <= l->address && l->address < m->limit)
        binary_vaddr(b, l->address, &vaddr);
    int code = binary_find(b, l->r->symbol, l->by_address ? &vaddr : NULL, &found);
    l->matched += found.len;
    for (size_t i = 0; i < found.len && !code; i++)
        code = add_routine(l, b, m->file, &found.items[i]);
    vec_fini(&found);
    return code;
}

static int search_mapping(struct listing *l, const struct mapping *m)
{
    struct binary *b;
    struct error why;
    if (!*m->file || !mapping_matters(l, m))
        return 0;
    int code = binary_open(m, l->r->p->strings, &b, &why);
    if (code) {
        buf_printf(l->r->notes, "%s\n", why.text);
        return code == ERR_NOMEM ? code : 0;
    }
    if (!vec_push(&l->binaries, b)) {
        binary_close(b);
        return ERR_NOMEM;
    }
    return search_binary(l, b, m);
}

static int by_name(const void *a, const void *b)
{
    const struct routine *x = a, *y = b;
    int order = strcmp(x->function.name, y->function.name);
    return order ? order : x->function.start < y->function.start ? -1 : x->function.start > y->function.start;
}

static int nothing_found(struct listing *l)
{
    struct error *e = l->r->error;
    if (!l->by_address)
        return error_set(e, ERR_NOTFOUND, "no matches found for regexp: %s", regex_pattern(l->r->symbol));
    if (l->matched == 0)
        return error_set(e, ERR_NOTFOUND, "no matches found for address %#" PRIx64, l->address);
    return error_set(e, ERR_NOTFOUND,
        "address %#" PRIx64
        " found in binary, but the corresponding symbols do not have samples in the profile",
        l->address);
}

/* ---- their instructions ---- */

struct annotated {
    const char *function, *file;
    int64_t line, flat, flat_div, cum, cum_div;
};

/* Adds what was sampled before address `next` and was not counted yet; where the listing says nothing about
 * the source, the samples may. */
static void add_samples(
    struct listing *l, const struct routine *routine, size_t *at, uint64_t next, struct annotated *a)
{
    for (; *at < routine->nodes.len; ++*at) {
        const struct node *n = &l->g->nodes.items[routine->nodes.items[*at]];
        uint64_t vaddr;
        if (!binary_vaddr(routine->binary, n->frame.address, &vaddr) || vaddr >= next)
            break;
        a->flat = wrap_add(a->flat, n->flat);
        a->flat_div = wrap_add(a->flat_div, n->flat_div);
        a->cum = wrap_add(a->cum, n->cum);
        a->cum_div = wrap_add(a->cum_div, n->cum_div);
        a->file = *a->file ? a->file : n->frame.file;
        a->line = a->line ? a->line : n->frame.line;
        a->function = *a->function ? a->function : n->frame.name;
    }
}

/* Of a file without debug information a disassembler says the nearest public name, which is another
 * function's: a separate debug file may know better, and else it is the one that was asked for. */
static void correct_place(
    const struct listing *l, const struct routine *routine, const struct instruction *i, struct annotated *a)
{
    struct symbol_frame frame;
    uint64_t vaddr, sampled = l->g->nodes.items[routine->nodes.items[0]].frame.address;
    if (*i->file || !binary_vaddr(routine->binary, sampled, &vaddr))
        return;
    a->function = routine->function.name;
    if (binary_frames(routine->binary, i->address + (sampled - vaddr), &frame, 1) && frame.line) {
        a->function = frame.function;
        a->file = frame.file;
        a->line = frame.line;
    }
}

static const char *value_or_dot(struct report *r, int64_t value)
{
    return value ? report_value(r, value) : ".";
}

static void put_instruction(struct listing *l, const struct instruction *i, const struct annotated *a)
{
    report_put_right(l->out, 10, value_or_dot(l->r, ratio_value(a->flat, a->flat_div)));
    buf_putc(l->out, ' ');
    report_put_right(l->out, 10, value_or_dot(l->r, ratio_value(a->cum, a->cum_div)));
    buf_printf(l->out, " %10" PRIx64 ": %s", i->address, i->text);
}

/* "work a.c:5" */
static void put_place(const struct annotated *a, struct buf *out)
{
    if (*a->function)
        buf_printf(out, "%s ", a->function);
    if (*a->file)
        path_put_base(a->file, out);
    if (*a->file && a->line)
        buf_printf(out, ":%" PRId64, a->line);
}

static bool same_place(const struct annotated *a, const struct annotated *b)
{
    return a->line == b->line && strcmp(a->function, b->function) == 0 && strcmp(a->file, b->file) == 0;
}

/* Where the source changes, behind the instruction, or above it when that is long. */
static void put_instructions(
    struct listing *l, const struct routine *routine, const struct assembly *assembly)
{
    struct annotated before = {.function = "", .file = ""};
    size_t at = 0;
    for (size_t i = 0; i < assembly->instructions.len; i++) {
        const struct instruction *in = &assembly->instructions.items[i];
        struct annotated a = {.function = in->function, .file = in->file, .line = in->line};
        bool last = i + 1 == assembly->instructions.len;
        correct_place(l, routine, in, &a);
        add_samples(l, routine, &at, last ? UINT64_MAX : in[1].address, &a);
        bool changed = !same_place(&a, &before) && (*a.function || *a.file);
        if (changed && strlen(in->text) >= 40) {
            buf_printf(l->out, "%74s;", "");
            put_place(&a, l->out);
            buf_putc(l->out, '\n');
        }
        put_instruction(l, in, &a);
        if (changed && strlen(in->text) < 40) {
            buf_printf(l->out, "%*s;", (int)(40 - strlen(in->text)), "");
            put_place(&a, l->out);
        }
        buf_putc(l->out, '\n');
        before = a;
    }
}

static int put_routine(struct listing *l, const struct routine *routine)
{
    struct report *r = l->r;
    struct assembly assembly;
    int64_t flat = 0, cum = 0;
    int code = assembly_read(&assembly, r->disassembler, routine->file, routine->function.start,
        routine->function.stop, r->config.intel_syntax, r->error);
    if (code)
        return code;
    for (size_t i = 0; i < routine->nodes.len; i++) {
        flat = wrap_add(flat, l->g->nodes.items[routine->nodes.items[i]].flat);
        cum = wrap_add(cum, l->g->nodes.items[routine->nodes.items[i]].cum);
    }
    buf_printf(l->out, "ROUTINE ======================== %s\n", routine->function.name);
    for (size_t i = 0; i < 4 && routine->function.aliases[i]; i++)
        buf_printf(l->out, "    AKA ======================== %s\n", routine->function.aliases[i]);
    report_put_right(l->out, 10, report_value(r, flat));
    buf_putc(l->out, ' ');
    report_put_right(l->out, 10, report_value(r, cum));
    buf_printf(l->out, " (flat, cum) %s of Total\n", report_percent(r, cum, r->total));
    put_instructions(l, routine, &assembly);
    assembly_fini(&assembly);
    return report_cancelled(r) ? ERR_CANCELLED : 0;
}

static int list_routines(struct listing *l)
{
    int code = 0;
    parse_address(l);
    for (size_t i = 0; i < l->r->p->mappings.len && !code; i++)
        code = search_mapping(l, &l->r->p->mappings.items[i]);
    if (!code)
        code = regex_check(l->r->symbol, l->r->error);
    if (!code && l->routines.len == 0)
        code = nothing_found(l);
    if (code)
        return code;
    qsort(l->routines.items, l->routines.len, sizeof *l->routines.items, by_name);
    buf_printf(l->out, "Total: %s\n", report_value(l->r, l->r->total));
    for (size_t i = 0; i < l->routines.len && !code; i++)
        code = put_routine(l, &l->routines.items[i]);
    return code;
}

int report_disasm(struct report *r, struct buf *out)
{
    struct frames frames;
    struct graph g;
    int code = report_graph(r, &frames, &g);
    if (code)
        return code;
    struct listing l = {.r = r, .g = &g, .out = out};
    code = list_routines(&l);
    for (size_t i = 0; i < l.routines.len; i++)
        vec_fini(&l.routines.items[i].nodes);
    for (size_t i = 0; i < l.binaries.len; i++)
        binary_close(l.binaries.items[i]);
    vec_fini(&l.routines);
    vec_fini(&l.binaries);
    graph_fini(&g);
    frames_fini(&frames);
    return code;
}
