#include "symbol/debuginfo.h"

#include "base/vec.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Addresses [low, high) belong to the DIE at offset die. */
struct span {
    uint64_t low, high;
    Dwarf_Off die;
};

typedef VEC(struct span) spans;

struct unit {
    Dwarf_Off die;
    uint64_t bytes;
    bool read; /* functions is filled */
    spans functions;
};

struct debuginfo {
    struct elffile *file;
    Dwarf *dwarf;
    struct intern *strings;
    VEC(struct unit) units;
    spans index;    /* die is an index into units here */
    uint64_t spent; /* bytes of the units libdw was asked about since it was begun */
    Dwarf_Off last; /* the unit asked about last, counted once in a row */
};

/* ---- spans ----------------------------------------------------------------------------------------------
 */

static int by_low(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    if (x->low != y->low)
        return x->low < y->low ? -1 : 1;
    return x->high > y->high ? -1 : x->high < y->high;
}

static void spans_sort(spans *s)
{
    if (s->len)
        qsort(s->items, s->len, sizeof *s->items, by_low);
}

static const struct span *spans_find(const spans *s, uint64_t address)
{
    size_t low = 0, high = s->len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->items[middle].low <= address)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t back = 0; low > 0 && back < 8; back++, low--)
        if (address < s->items[low - 1].high)
            return &s->items[low - 1];
    return NULL;
}

/* A function the linker dropped keeps its DIE, at address 0 or 1. */
static void add_ranges(spans *s, Dwarf_Die *die, Dwarf_Off what)
{
    Dwarf_Addr base, low, high;
    ptrdiff_t at = 0;
    while ((at = dwarf_ranges(die, at, &base, &low, &high)) > 0)
        if (low > 1 && high > low && !vec_push(s, ((struct span){low, high, what})))
            return;
}

/* ---- units ----------------------------------------------------------------------------------------------
 */

static void index_units(struct debuginfo *d)
{
    Dwarf_Off at = 0, next, seen = 0;
    size_t header;
    for (; dwarf_nextcu(d->dwarf, at, &next, &header, NULL, NULL, NULL) == 0 && next > at; at = next) {
        Dwarf_Die die;
        if (at - seen > DEBUGINFO_BUDGET_BYTES) {
            elffile_drop_pages(d->file);
            seen = at;
        }
        if (!dwarf_offdie(d->dwarf, at + header, &die))
            continue;
        size_t before = d->index.len;
        add_ranges(&d->index, &die, d->units.len);
        if (d->index.len == before)
            continue;
        if (!vec_push(&d->units, ((struct unit){.die = at + header, .bytes = next - at}))) {
            d->index.len = before;
            break;
        }
    }
    spans_sort(&d->index);
}

struct debuginfo *debuginfo_new(struct elffile *file, struct intern *strings)
{
    Dwarf *dwarf = dwarf_begin_elf(file->elf, DWARF_C_READ, NULL);
    struct debuginfo *d = dwarf ? calloc(1, sizeof *d) : NULL;
    if (!d) {
        if (dwarf)
            dwarf_end(dwarf);
        return NULL;
    }
    *d = (struct debuginfo){.file = file, .dwarf = dwarf, .strings = intern_ref(strings)};
    index_units(d);
    return d;
}

void debuginfo_free(struct debuginfo *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->units.len; i++)
        vec_fini(&d->units.items[i].functions);
    vec_fini(&d->units);
    vec_fini(&d->index);
    dwarf_end(d->dwarf);
    intern_unref(d->strings);
    free(d);
}

/* libdw's caches go with the handle; our index holds offsets, which stay true. */
static bool keep_budget(struct debuginfo *d, const struct unit *unit)
{
    if (unit->die == d->last)
        return d->dwarf;
    d->last = unit->die;
    d->spent += unit->bytes;
    if (d->dwarf && d->spent > DEBUGINFO_BUDGET_BYTES && d->spent > unit->bytes) {
        dwarf_end(d->dwarf);
        elffile_drop_pages(d->file);
        d->dwarf = dwarf_begin_elf(d->file->elf, DWARF_C_READ, NULL);
        d->spent = unit->bytes;
    }
    return d->dwarf;
}

/* Definitions stand at the top of a unit or in its namespaces. */
static void add_functions(spans *s, Dwarf_Die *parent, int depth)
{
    Dwarf_Die die;
    if (depth > 16 || dwarf_child(parent, &die) != 0)
        return;
    do {
        switch (dwarf_tag(&die)) {
        case DW_TAG_subprogram:
            add_ranges(s, &die, dwarf_dieoffset(&die));
            break;
        case DW_TAG_namespace:
        case DW_TAG_module:
            add_functions(s, &die, depth + 1);
            break;
        }
    } while (dwarf_siblingof(&die, &die) == 0);
}

/* ---- frames ---------------------------------------------------------------------------------------------
 */

static const char *keep(struct debuginfo *d, const char *text)
{
    const char *kept = text && *text ? intern_string(d->strings, text) : "";
    return kept ? kept : "";
}

static int64_t number(Dwarf_Die *die, unsigned name)
{
    Dwarf_Attribute attribute;
    Dwarf_Word value;
    if (!dwarf_attr_integrate(die, name, &attribute) || dwarf_formudata(&attribute, &value) != 0)
        return 0;
    return value < INT32_MAX ? (int64_t)value : 0;
}

static const char *text(Dwarf_Die *die, unsigned name)
{
    Dwarf_Attribute attribute;
    return dwarf_attr_integrate(die, name, &attribute) ? dwarf_formstring(&attribute) : NULL;
}

/* dir/./x and dir/a/../x name the file dir/x; readers compare names as text. */
static const char *keep_path(struct debuginfo *d, Dwarf_Die *unit, const char *path)
{
    char whole[4096], *to = whole;
    const char *directory = path && *path && *path != '/' ? text(unit, DW_AT_comp_dir) : NULL;
    if (!path || strlen(path) + (directory ? strlen(directory) : 0) + 2 > sizeof whole)
        return keep(d, path);
    for (int part = directory ? 0 : 1; part < 2; part++) {
        for (const char *from = part ? path : directory; *from;) {
            size_t n = strcspn(from, "/");
            bool up = n == 2 && from[0] == '.' && from[1] == '.';
            bool skip = n == 0 ? to > whole : n == 1 && from[0] == '.';
            if (up && to > whole + 1 && !(to - whole >= 3 && memcmp(to - 3, "../", 3) == 0)) {
                for (to--; to > whole && to[-1] != '/';)
                    to--;
            } else if (!skip) {
                memcpy(to, from, n);
                to += n;
                *to++ = '/';
            }
            from += n + (from[n] == '/');
        }
    }
    while (to > whole + 1 && to[-1] == '/')
        to--;
    *to = '\0';
    return keep(d, whole);
}

/* from the outermost function to the innermost inlined one that covers vaddr; how many. */
static size_t inline_chain(Dwarf_Die *function, uint64_t vaddr, Dwarf_Die *chain, size_t max)
{
    size_t n = 0;
    Dwarf_Die parent = *function, die;
    chain[n++] = *function;
    for (int depth = 0; depth < 256 && dwarf_child(&parent, &die) == 0; depth++) {
        bool found = false;
        do {
            int tag = dwarf_tag(&die);
            found = (tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block ||
                        tag == DW_TAG_try_block || tag == DW_TAG_catch_block) &&
                    dwarf_haspc(&die, vaddr) > 0;
            if (found && tag == DW_TAG_inlined_subroutine && n < max)
                chain[n++] = die;
        } while (!found && dwarf_siblingof(&die, &die) == 0);
        if (!found)
            break;
        parent = die;
    }
    return n;
}

static const char *call_file(Dwarf_Die *unit, Dwarf_Die *inlined)
{
    Dwarf_Files *files;
    size_t nfiles;
    Dwarf_Attribute attribute;
    Dwarf_Word index;
    if (dwarf_getsrcfiles(unit, &files, &nfiles) != 0 || !dwarf_attr(inlined, DW_AT_call_file, &attribute) ||
        dwarf_formudata(&attribute, &index) != 0 || index >= nfiles)
        return NULL;
    return dwarf_filesrc(files, index, NULL, NULL);
}

static void frame_function(struct debuginfo *d, Dwarf_Die *die, struct debuginfo_frame *f)
{
    const char *linkage = text(die, DW_AT_linkage_name);
    f->name = keep(d, text(die, DW_AT_name));
    f->linkage = linkage ? keep(d, linkage) : f->name;
    f->start_line = number(die, DW_AT_decl_line);
}

/* Of a function in several parts, the first that is listed is where it begins. */
static uint64_t entry_address(Dwarf_Die *function)
{
    Dwarf_Addr entry, base, high;
    if (dwarf_entrypc(function, &entry) == 0 || dwarf_ranges(function, 0, &base, &entry, &high) > 0)
        return entry;
    return 0;
}

static size_t unit_frames(struct debuginfo *d, Dwarf_Die *unit, Dwarf_Die *function, uint64_t vaddr,
    struct debuginfo_frame *frames, size_t max)
{
    Dwarf_Die chain[64];
    size_t n = inline_chain(function, vaddr, chain, sizeof chain / sizeof *chain), given = 0;
    Dwarf_Line *at = dwarf_getsrc_die(unit, vaddr);
    int line = 0;
    const char *file = at ? dwarf_linesrc(at, NULL, NULL) : NULL;
    if (at)
        dwarf_lineno(at, &line);
    uint64_t entry = entry_address(function);
    for (size_t i = n; i-- > 0 && given < max;) {
        struct debuginfo_frame *f = &frames[given];
        *f = (struct debuginfo_frame){.file = keep_path(d, unit, file), .line = line, .entry = entry};
        frame_function(d, &chain[i], f);
        if (*f->name || *f->linkage)
            given++;
        if (i) {
            file = call_file(unit, &chain[i]);
            line = (int)number(&chain[i], DW_AT_call_line);
        }
    }
    return given;
}

size_t debuginfo_frames(struct debuginfo *d, uint64_t vaddr, struct debuginfo_frame *frames, size_t max)
{
    const struct span *where = spans_find(&d->index, vaddr);
    struct unit *unit = where ? &d->units.items[where->die] : NULL;
    Dwarf_Die unit_die, function;
    if (!unit || !keep_budget(d, unit) || !dwarf_offdie(d->dwarf, unit->die, &unit_die))
        return 0;
    if (!unit->read) {
        unit->read = true;
        add_functions(&unit->functions, &unit_die, 0);
        spans_sort(&unit->functions);
    }
    const struct span *f = spans_find(&unit->functions, vaddr);
    if (!f || !dwarf_offdie(d->dwarf, f->die, &function))
        return 0;
    return unit_frames(d, &unit_die, &function, vaddr, frames, max);
}
