#include "view/weblist.h"

#include "base/hash.h"
#include "view/binary.h"
#include "view/path.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    NEIGHBOURHOOD = 500, /* bytes shown around an address */
    MAX_RANGES = 25,     /* disassembled, the costliest ones */
    GUESS_BYTES = 32,    /* that far an instruction without a line is taken for a part of what precedes it */
};

/* One sampled address; several locations may be at one. */
struct cost {
    uint64_t address;
    int64_t flat, cum;
    uint32_t location;
    bool matches, shown;
};

struct range {
    uint32_t first, n; /* costs, all of one mapping */
    uint64_t begin, end;
    int64_t score;
};

struct collector {
    struct weblist *w;
    struct report *r;
    const struct profile *p;
    VEC(struct cost) costs; /* by address after sum_costs */
    VEC(struct range) ranges;
    struct table interest; /* functions of p, by name */
    struct table file_table;
    struct binary **binaries; /* of each mapping; NULL where it could not be opened */
    bool *tried;
    bool by_address, said_no_disassembly;
    uint64_t address;
};

static int nomem(struct collector *c)
{
    return error_set(c->r->error, ERR_NOMEM, "out of memory");
}

/* ---- what was sampled ---- */

/* Profiles of interpreters have no addresses: each location gets one above all others. */
static uint64_t address_of(const struct collector *c, uint32_t location)
{
    uint64_t address = c->p->locations.items[location].address;
    if (address)
        return address;
    for (size_t i = 0; i < c->p->mappings.len; i++)
        if (c->p->mappings.items[i].limit > address)
            address = c->p->mappings.items[i].limit;
    return address + 1 + location;
}

static bool is_interesting(const struct collector *c, const char *name)
{
    uint32_t index;
    uint64_t hash = hash_u64((uintptr_t)name);
    for (size_t at = table_first(&c->interest, hash); table_next(&c->interest, hash, &at, &index);)
        if (c->p->functions.items[index].name == name || c->p->functions.items[index].system_name == name)
            return true;
    return false;
}

static int add_interest(struct collector *c, uint32_t function)
{
    const struct function *f = &c->p->functions.items[function];
    const char *const names[] = {f->name, f->system_name};
    for (int i = 0; i < 2; i++)
        if (*names[i] && !is_interesting(c, names[i]) &&
            !table_add(&c->interest, hash_u64((uintptr_t)names[i]), function))
            return nomem(c);
    return 0;
}

/* Whether a function at the location is meant, which then is of interest wherever it is. */
static int match_location(struct collector *c, uint32_t location, bool *matches)
{
    const struct location *l = &c->p->locations.items[location];
    struct regex *re = c->r->symbol;
    int code = 0;
    if (c->by_address && l->address == c->address && l->nlines) {
        *matches = true;
        return add_interest(c, c->p->lines.items[l->first_line + l->nlines - 1].function);
    }
    bool binary = l->mapping != NO_INDEX && regex_match(re, c->p->mappings.items[l->mapping].file);
    for (uint32_t i = 0; i < l->nlines && !code; i++) {
        uint32_t function = c->p->lines.items[l->first_line + i].function;
        const struct function *f = &c->p->functions.items[function];
        if ((i == 0 && binary) || regex_match(re, f->name) || regex_match(re, f->system_name) ||
            regex_match(re, f->file)) {
            *matches = true;
            code = add_interest(c, function);
        }
    }
    return code;
}

/* Each location is charged once a sample, however often it recurs. */
static int sum_samples(struct collector *c, struct cost *by_location)
{
    size_t *seen = calloc(c->p->locations.len + 1, sizeof *seen);
    int code = seen ? 0 : nomem(c);
    for (size_t i = 0; i < c->p->samples.len && !code; i++) {
        const struct sample *s = &c->p->samples.items[i];
        int64_t value = ratio_value(report_sample_value(c->r, i), report_sample_div(c->r, i));
        for (uint32_t k = 0; k < s->nlocs && !code; k++) {
            uint32_t location = c->p->locs.items[s->first_loc + k];
            struct cost *cost = &by_location[location];
            if (!cost->shown)
                code = match_location(c, location, &cost->matches);
            cost->shown = true; /* here: it was sampled */
            cost->flat = wrap_add(cost->flat, k == 0 ? value : 0);
            cost->cum = wrap_add(cost->cum, seen[location] == i + 1 ? 0 : value);
            seen[location] = i + 1;
        }
        if (report_cancelled(c->r))
            code = ERR_CANCELLED;
    }
    free(seen);
    return code;
}

static int by_address(const void *a, const void *b)
{
    const struct cost *x = a, *y = b;
    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    return x->location < y->location ? -1 : x->location > y->location;
}

static int sum_costs(struct collector *c)
{
    struct cost *by_location = calloc(c->p->locations.len + 1, sizeof *by_location);
    int code = by_location ? sum_samples(c, by_location) : nomem(c);
    for (uint32_t i = 0; i < c->p->locations.len && !code; i++) {
        struct cost cost = by_location[i];
        cost.location = i;
        cost.address = address_of(c, i);
        if (cost.shown && !vec_push(&c->costs, cost))
            code = nomem(c);
    }
    free(by_location);
    if (code || !c->costs.len)
        return code;
    qsort(c->costs.items, c->costs.len, sizeof *c->costs.items, by_address);
    size_t kept = 0;
    for (size_t i = 0; i < c->costs.len; i++) {
        struct cost *cost = &c->costs.items[i], *last = &c->costs.items[kept ? kept - 1 : 0];
        cost->shown = false;
        if (kept && last->address == cost->address) {
            last->flat = wrap_add(last->flat, cost->flat);
            last->cum = wrap_add(last->cum, cost->cum);
            last->location = !last->matches && cost->matches ? cost->location : last->location;
            last->matches |= cost->matches;
        } else {
            c->costs.items[kept++] = *cost;
        }
    }
    c->costs.len = kept;
    return 0;
}

/* ---- below which lines an instruction belongs ---- */

static int find_file(struct collector *c, const char *name, struct web_file **out)
{
    static const char working[] = "/proc/self/cwd/";
    struct weblist *w = c->w;
    struct buf clean = {0};
    name += strncmp(name, working, strlen(working)) == 0 ? strlen(working) : 0;
    if (*name)
        path_put_clean(name, &clean);
    const char *kept = intern_string(c->p->strings, clean.data ? clean.data : "");
    buf_fini(&clean);
    if (!kept)
        return nomem(c);
    uint32_t index;
    uint64_t hash = hash_u64((uintptr_t)kept);
    for (size_t at = table_first(&c->file_table, hash); table_next(&c->file_table, hash, &at, &index);) {
        if (w->files.items[index].name == kept) {
            *out = &w->files.items[index];
            return 0;
        }
    }
    struct web_file fresh = {.name = kept};
    if (!table_add(&c->file_table, hash, (uint32_t)w->files.len) || !vec_push(&w->files, fresh))
        return nomem(c);
    *out = &w->files.items[w->files.len - 1];
    return 0;
}

/* The profile's name for a function, which its user may have chosen to be longer or shorter. */
static const char *display_name(const struct collector *c, const struct symbol_frame *f)
{
    uint32_t index;
    const char *key = *f->linkage ? f->linkage : f->function;
    uint64_t hash = hash_u64((uintptr_t)key);
    for (size_t at = table_first(&c->interest, hash); table_next(&c->interest, hash, &at, &index);)
        if (c->p->functions.items[index].system_name == key)
            return c->p->functions.items[index].name;
    return *f->function ? f->function : f->linkage;
}

/* frames[0] is the innermost. */
static int add_entries(struct collector *c, uint32_t instruction, const struct symbol_frame *frames, size_t n)
{
    struct weblist *w = c->w;
    for (size_t i = 0; i < n; i++) {
        struct web_file *file = NULL;
        if (!is_interesting(c, frames[i].function) && !is_interesting(c, frames[i].linkage))
            continue;
        struct web_entry e = {.line = frames[i].line,
            .function = display_name(c, &frames[i]),
            .instruction = instruction,
            .first_call = (uint32_t)w->calls.len,
            .ncalls = (uint32_t)i};
        for (size_t k = i; k-- > 0;)
            if (!vec_push(&w->calls, ((struct web_call){frames[k].file, frames[k].line})))
                return nomem(c);
        int code = find_file(c, frames[i].file, &file);
        if (code)
            return code;
        if (!vec_push(&file->entries, e))
            return nomem(c);
    }
    return 0;
}

static int add_instruction(
    struct collector *c, const struct web_instruction *in, const struct symbol_frame *frames, size_t n)
{
    struct web_instruction i = *in;
    i.file = n ? frames[0].file : "";
    i.line = n ? frames[0].line : 0;
    uint32_t index = (uint32_t)c->w->instructions.len;
    return vec_push(&c->w->instructions, i) ? add_entries(c, index, frames, n) : nomem(c);
}

/* From the profile's own lines. */
static int add_without_binary(struct collector *c, const struct cost *cost)
{
    const struct location *l = &c->p->locations.items[cost->location];
    struct symbol_frame frames[SYMBOL_MAX_INLINE] = {{.function = ""}};
    size_t n = l->nlines < SYMBOL_MAX_INLINE ? l->nlines : SYMBOL_MAX_INLINE;
    for (size_t i = 0; i < n; i++) {
        const struct line *line = &c->p->lines.items[l->first_line + i];
        const struct function *f = &c->p->functions.items[line->function];
        frames[i] = (struct symbol_frame){
            .function = f->name, .linkage = f->system_name, .file = f->file, .line = line->line};
    }
    struct web_instruction in = {cost->address, cost->address, 1, "", "", 0, cost->flat, cost->cum};
    return add_instruction(c, &in, frames, n);
}

/* ---- instructions ---- */

static struct binary *binary_of(struct collector *c, uint32_t location)
{
    uint32_t m = c->p->locations.items[location].mapping;
    struct error why;
    if (m == NO_INDEX || c->p->locations.items[location].address == 0)
        return NULL;
    const struct mapping *mapping = &c->p->mappings.items[m];
    if (!c->tried[m] && *mapping->file && mapping->file[0] != '[' &&
        binary_open(mapping, c->p->strings, &c->binaries[m], &why))
        buf_printf(c->r->notes, "%s\n", why.text);
    c->tried[m] = true;
    return c->binaries[m];
}

/* Matching addresses that are near one another, with what surrounds them. */
static int find_ranges(struct collector *c)
{
    for (uint32_t i = 0; i < c->costs.len;) {
        const struct cost *first = &c->costs.items[i];
        if (!first->matches || !binary_of(c, first->location)) {
            i++;
            continue;
        }
        const struct mapping *m = &c->p->mappings.items[c->p->locations.items[first->location].mapping];
        struct range r = {.first = i, .score = first->flat};
        uint64_t last = first->address;
        uint32_t k = i + 1;
        for (uint32_t next = k; next < c->costs.len; next++) {
            const struct cost *cost = &c->costs.items[next];
            if (cost->address > last + 2 * NEIGHBOURHOOD || cost->address >= m->limit)
                break;
            if (!cost->matches)
                continue;
            last = cost->address;
            r.score = wrap_add(r.score, cost->flat);
            k = next + 1;
        }
        r.n = k - i;
        r.begin = first->address - m->start >= NEIGHBOURHOOD ? first->address - NEIGHBOURHOOD : m->start;
        r.end = m->limit - last >= NEIGHBOURHOOD ? last + NEIGHBOURHOOD : m->limit;
        if (!vec_push(&c->ranges, r))
            return nomem(c);
        i = k;
    }
    return 0;
}

static int by_score(const void *a, const void *b)
{
    const struct range *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* What was sampled within the instruction is its own: an address may be that of the next one, less one. */
static void take_costs(struct collector *c, struct web_instruction *in)
{
    size_t low = 0, high = c->costs.len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->costs.items[middle].address < in->address)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < c->costs.len && c->costs.items[low].address < in->address + in->length; low++) {
        in->flat = wrap_add(in->flat, c->costs.items[low].flat);
        in->cum = wrap_add(in->cum, c->costs.items[low].cum);
        c->costs.items[low].shown = true;
    }
}

struct guess {
    struct symbol_frame frames[SYMBOL_MAX_INLINE];
    size_t n;
    uint64_t address;
};

static int add_disassembled(struct collector *c, struct binary *b, const struct assembly *a, size_t at,
    uint64_t bias, struct guess *last)
{
    const struct instruction *in = &a->instructions.items[at];
    struct web_instruction i = {
        .address = in->address + bias, .vaddr = in->address, .length = 1, .text = in->text};
    struct symbol_frame frames[SYMBOL_MAX_INLINE];
    if (at + 1 < a->instructions.len)
        i.length = in[1].address - in->address;
    take_costs(c, &i);
    size_t n = binary_frames(b, i.address, frames, SYMBOL_MAX_INLINE);
    if (n && frames[0].line) {
        memcpy(last->frames, frames, n * sizeof *frames);
        last->n = n;
        last->address = i.address;
    } else if (n && last->n && frames[n - 1].entry == last->frames[last->n - 1].entry &&
               i.address - last->address <= GUESS_BYTES) {
        return add_instruction(c, &i, last->frames, last->n);
    } else if (n == 0) {
        const char *function = intern_string(c->p->strings, in->function);
        if (!function)
            return nomem(c);
        frames[0] = (struct symbol_frame){
            .function = function, .linkage = function, .file = in->file, .line = in->line};
        n = 1;
    }
    return add_instruction(c, &i, frames, n);
}

static int disassemble(struct collector *c, const struct range *r)
{
    const struct cost *first = &c->costs.items[r->first];
    struct binary *b = binary_of(c, first->location);
    const char *file = c->p->mappings.items[c->p->locations.items[first->location].mapping].file;
    struct assembly a;
    struct guess last = {.n = 0};
    struct error why;
    uint64_t vaddr;
    if (!binary_vaddr(b, first->address, &vaddr) || !vec_reserve(&c->w->assemblies, 1))
        return 0;
    uint64_t bias = first->address - vaddr;
    int code = assembly_read(
        &a, c->r->disassembler, file, r->begin - bias, r->end - bias, c->r->config.intel_syntax, &why);
    c->w->assemblies.items[c->w->assemblies.len++] = a;
    if (code && code != ERR_NOMEM && code != ERR_CANCELLED) { /* the sources do without */
        if (!c->said_no_disassembly)
            buf_printf(c->r->notes, "No assembly: %s\n", why.text);
        c->said_no_disassembly = true;
        return 0;
    }
    for (size_t i = 0; i < a.instructions.len && !code; i++)
        code = add_disassembled(c, b, &a, i, bias, &last);
    return code;
}

/* ---- all of it ---- */

static int by_line(const void *a, const void *b)
{
    const struct web_entry *x = a, *y = b;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    if (x->instruction != y->instruction)
        return x->instruction < y->instruction ? -1 : 1;
    return x->ncalls < y->ncalls ? -1 : x->ncalls > y->ncalls;
}

static int by_file_name(const void *a, const void *b)
{
    return strcmp(((const struct web_file *)a)->name, ((const struct web_file *)b)->name);
}

static int collect(struct collector *c)
{
    int code = sum_costs(c);
    if (!code)
        code = regex_check(c->r->symbol, c->r->error);
    if (!code)
        code = find_ranges(c);
    if (!code && c->ranges.len)
        qsort(c->ranges.items, c->ranges.len, sizeof *c->ranges.items, by_score);
    if (!code && c->ranges.len > MAX_RANGES)
        buf_printf(
            c->r->notes, "Assembly of the %d costliest parts of %zu that match\n", MAX_RANGES, c->ranges.len);
    for (size_t i = 0; i < c->ranges.len && i < MAX_RANGES && !code; i++)
        code = report_cancelled(c->r) ? ERR_CANCELLED : disassemble(c, &c->ranges.items[i]);
    for (size_t i = 0; i < c->costs.len && !code; i++)
        if (c->costs.items[i].matches && !c->costs.items[i].shown)
            code = add_without_binary(c, &c->costs.items[i]);
    return code;
}

static void parse_address(struct collector *c)
{
    const char *text = regex_pattern(c->r->symbol);
    char *end;
    errno = 0;
    c->address = strtoull(text, &end, 0);
    c->by_address = end != text && !*end && !errno && *text != '-' && *text != '+';
}

int weblist_collect(struct weblist *w, struct report *r)
{
    *w = (struct weblist){.r = r};
    struct collector c = {.w = w, .r = r, .p = r->p};
    c.binaries = calloc(r->p->mappings.len + 1, sizeof *c.binaries);
    c.tried = calloc(r->p->mappings.len + 1, sizeof *c.tried);
    parse_address(&c);
    int code = c.binaries && c.tried ? collect(&c) : nomem(&c);
    for (size_t i = 0; c.binaries && i < r->p->mappings.len; i++)
        binary_close(c.binaries[i]);
    free(c.binaries);
    free(c.tried);
    vec_fini(&c.costs);
    vec_fini(&c.ranges);
    table_fini(&c.interest);
    table_fini(&c.file_table);
    if (w->files.len)
        qsort(w->files.items, w->files.len, sizeof *w->files.items, by_file_name);
    for (size_t i = 0; i < w->files.len; i++)
        if (w->files.items[i].entries.len)
            qsort(w->files.items[i].entries.items, w->files.items[i].entries.len, sizeof(struct web_entry),
                by_line);
    return code;
}

void weblist_fini(struct weblist *w)
{
    for (size_t i = 0; i < w->files.len; i++)
        vec_fini(&w->files.items[i].entries);
    for (size_t i = 0; i < w->assemblies.len; i++)
        assembly_fini(&w->assemblies.items[i]);
    vec_fini(&w->instructions);
    vec_fini(&w->calls);
    vec_fini(&w->files);
    vec_fini(&w->assemblies);
}
