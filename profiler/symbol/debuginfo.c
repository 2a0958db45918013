#include "symbol/debuginfo.h"

#include "base/vec.h"
#include "symbol/linetable.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <setjmp.h>
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
    uint64_t bytes;            /* in .debug_info */
    uint64_t peak, kept;       /* what it takes to read it, and what libdw keeps of that; 0 until asked */
    unsigned long long opened; /* the incarnation of libdw that has read it last */
    bool read;                 /* functions is filled */
    bool has_lines;            /* in that incarnation */
    spans functions;
};

struct debuginfo {
    struct elffile *file;
    struct intern *strings;
    struct effort *effort;
    VEC(struct unit) units;         /* those with addresses, by offset */
    spans index;                    /* die is an index into units here */
    size_t all_units;               /* those without, too */
    uint64_t room;                  /* for libdw, the lists of functions and what reading one unit takes */
    uint64_t compressed;            /* what its compressed sections became */
    uint64_t listed;                /* bytes in lists of functions */
    Dwarf *dwarf;                   /* NULL when it could not be begun again */
    unsigned long long incarnation; /* of dwarf, from 1 */
    size_t reached;                 /* it knows of the units before this one */
    uint64_t held;                  /* bytes that it keeps */
    unsigned asked;                 /* addresses, ever */
    struct linetables lines;
};

/*
 * Bytes, measured with 0.188. A row of a line table is kept as 48; while the table is read there are 80 more
 * in a list and 16 to sort it. A list of files is so many times as large as in the file, and a unit's table
 * of abbreviations a share of the unit; then there is the unit itself.
 */
enum { ROW_KEPT = 48, ROW_PEAK = 144, FILES_TIMES = 16, ABBREVIATIONS_SHARE = 16, UNIT_KEPT = 1024 };

/* Pages of the file between two times that they are given back, and what else is not counted. An address
 * touches a dozen strings, and each brings 64 KB with it. */
enum { PAGES_BYTES = 2 << 20, DROP_EVERY = 32, OTHER_BYTES = 8 << 20, DEFAULT_ROOM = 24 << 20 };

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

/* ---- memory that runs out inside libdw ------------------------------------------------------------------
 */

/* libdw ends the process then, unless somebody leaves it: to here. */
static __thread jmp_buf *way_out;

static __attribute__((noreturn)) void leave_libdw(void) /* _Noreturn is no part of its type to clang */
{
    longjmp(*way_out, 1);
}

/* Of its tables of abbreviations libdw 0.188 does not look whether they could be allocated: it is asked only
 * when there is more memory than these take. */
static bool has_memory_to_spare(void)
{
    enum { SPARE_BYTES = 256 << 10 };
    void *volatile spare = malloc(SPARE_BYTES);
    bool has = spare != NULL;
    free(spare);
    return has;
}

/* False when libdw ran out of memory: then its handle is gone, and with that all but the odd list that it was
 * about to fill. They may nest. */
static bool attempt(struct debuginfo *d, void (*call)(struct debuginfo *d, void *arg), void *arg)
{
    jmp_buf here, *volatile outer = way_out;
    if ((!outer && !has_memory_to_spare()) || setjmp(here) != 0) {
        way_out = outer;
        dwarf_end(d->dwarf);
        d->dwarf = NULL;
        d->effort->starved = true;
        return false;
    }
    way_out = &here;
    call(d, arg);
    way_out = outer;
    return true;
}

/* ---- units ----------------------------------------------------------------------------------------------
 */

static bool begin_dwarf(struct debuginfo *d)
{
    d->dwarf = dwarf_begin_elf(d->file->elf, DWARF_C_READ, NULL);
    if (d->dwarf)
        dwarf_new_oom_handler(d->dwarf, leave_libdw);
    d->incarnation++;
    d->reached = d->held = 0;
    return d->dwarf;
}

static bool add_unit(struct debuginfo *d, Dwarf_Off at, size_t header, Dwarf_Off next)
{
    Dwarf_Die die;
    if (!dwarf_offdie(d->dwarf, at + header, &die))
        return true;
    size_t before = d->index.len;
    add_ranges(&d->index, &die, d->units.len);
    if (d->index.len == before ||
        vec_push(&d->units, ((struct unit){.die = at + header, .bytes = next - at})))
        return true;
    d->index.len = before;
    return false;
}

static uint64_t index_bytes(const struct debuginfo *d)
{
    return d->index.cap * sizeof *d->index.items + d->units.cap * sizeof *d->units.items;
}

static void index_units(struct debuginfo *d, void *end)
{
    enum effort_end *why = end;
    Dwarf_Off at = 0, next, dropped = 0;
    size_t header;
    for (; dwarf_nextcu(d->dwarf, at, &next, &header, NULL, NULL, NULL) == 0 && next > at; at = next) {
        if (at - dropped > PAGES_BYTES) {
            elffile_drop_pages(d->file);
            dropped = at;
        }
        d->held = ++d->all_units * UNIT_KEPT;
        if (d->effort->max_bytes && d->held + index_bytes(d) > d->room / 2)
            *why = EFFORT_TOO_LARGE;
        else if (!effort_left(d->effort))
            *why = EFFORT_TOO_LONG;
        if (*why != EFFORT_DONE)
            return;
        if (!add_unit(d, at, header, next))
            break;
    }
    spans_sort(&d->index);
    d->reached = d->units.len;
    d->room -= d->effort->max_bytes ? index_bytes(d) + linetables_bytes(&d->lines) : 0;
}

/* What an allocation that failed stands for. */
static enum effort_end end_of(struct debuginfo *d, int code)
{
    d->effort->starved |= code == ERR_NOMEM;
    return code == ERR_NOMEM ? EFFORT_STARVED : EFFORT_TOO_LARGE;
}

/* What is left beside the sections that must be decompressed, and what others hold. */
static uint64_t room_for(const struct effort *effort, uint64_t compressed, uint64_t held)
{
    if (!effort->max_bytes)
        return DEFAULT_ROOM;
    uint64_t other = held + OTHER_BYTES;
    if (compressed >= effort->max_bytes || other >= effort->max_bytes - compressed)
        return 0;
    return effort->max_bytes - compressed - other;
}

static uint64_t max_names(const struct debuginfo *d)
{
    return d->effort->max_bytes ? d->room / 4 : UINT64_MAX;
}

struct debuginfo *debuginfo_new(
    struct elffile *file, struct intern *strings, struct effort *effort, uint64_t held, enum effort_end *why)
{
    *why = EFFORT_DONE;
    if (!elffile_has_debug_info(file))
        return NULL;
    uint64_t compressed = elffile_compressed_bytes(file), room = room_for(effort, compressed, held);
    struct debuginfo *d = room ? calloc(1, sizeof *d) : NULL;
    if (!d) {
        effort->starved |= room != 0;
        *why = room ? EFFORT_STARVED : EFFORT_TOO_LARGE;
        return NULL;
    }
    *d = (struct debuginfo){.file = file,
        .strings = intern_ref(strings),
        .effort = effort,
        .room = room,
        .compressed = compressed};
    bool begun = begin_dwarf(d);
    int code = begun ? linetables_init(&d->lines, file, max_names(d)) : 0;
    if (code)
        *why = end_of(d, code);
    else if (begun && !attempt(d, index_units, why))
        *why = EFFORT_STARVED;
    if (begun && *why == EFFORT_DONE)
        return d;
    debuginfo_free(d);
    return NULL;
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
    linetables_fini(&d->lines);
    intern_unref(d->strings);
    free(d);
}

uint64_t debuginfo_bytes(const struct debuginfo *d)
{
    return d->held + d->listed + d->compressed + index_bytes(d) + linetables_bytes(&d->lines);
}

/* The unit's line table, and what the unit will take with it. */
static enum effort_end weigh(
    struct debuginfo *d, struct unit *unit, Dwarf_Die *die, uint64_t room, struct linetable *lines)
{
    Dwarf_Attribute attribute;
    Dwarf_Word offset;
    int code = dwarf_attr(die, DW_AT_stmt_list, &attribute) && dwarf_formudata(&attribute, &offset) == 0
                   ? linetable_init(lines, &d->lines, offset, room)
                   : ERR_NOTFOUND;
    if (code && code != ERR_NOTFOUND)
        return end_of(d, code);
    uint64_t files = lines->header_bytes * FILES_TIMES;
    unit->kept = lines->rows * ROW_KEPT + files + unit->bytes / ABBREVIATIONS_SHARE;
    unit->peak = lines->rows * ROW_PEAK + files + unit->bytes + lines->len;
    return unit->peak > room ? EFFORT_TOO_LARGE : EFFORT_DONE;
}

struct line_reading {
    struct unit *unit;
    Dwarf_Die *die;
};

static void get_lines(struct debuginfo *d, void *reading)
{
    struct line_reading *r = reading;
    Dwarf_Lines *table;
    size_t n;
    (void)d;
    r->unit->has_lines = dwarf_getsrclines(r->die, &table, &n) == 0;
}

/* False when there was no memory: the handle is gone. */
static bool read_lines(struct debuginfo *d, struct unit *unit, Dwarf_Die *die, struct linetable *lines)
{
    struct line_reading reading = {unit, die};
    Elf_Data saved;
    unit->has_lines = false;
    if (lines->len == 0)
        return true;
    linetable_lend(lines, &d->lines, &saved);
    bool whole = attempt(d, get_lines, &reading);
    linetable_take_back(lines, &d->lines, &saved);
    return whole;
}

/* What libdw keeps of all units up to this one, whichever it was asked about. */
static uint64_t reach_bytes(const struct debuginfo *d, size_t index)
{
    return d->all_units * UNIT_KEPT / d->units.len * (index + 1);
}

/* It looks at the headers of all units up to the one it is asked about: to be asked in steps, between which
 * the pages can go. */
static bool unit_die(struct debuginfo *d, size_t index, Dwarf_Die *die)
{
    struct unit *units = d->units.items;
    Dwarf_Off dropped = d->reached ? units[d->reached - 1].die : 0;
    if (index >= d->reached)
        d->held += reach_bytes(d, index) - (d->reached ? reach_bytes(d, d->reached - 1) : 0);
    for (; d->reached <= index; d->reached++) {
        if (units[d->reached].die - dropped <= PAGES_BYTES)
            continue;
        dropped = units[d->reached].die;
        dwarf_offdie(d->dwarf, dropped, die);
        elffile_drop_pages(d->file);
    }
    return dwarf_offdie(d->dwarf, units[index].die, die);
}

static enum effort_end begin_unit(
    struct debuginfo *d, size_t index, Dwarf_Die *die, uint64_t room, struct linetable *lines)
{
    struct unit *unit = &d->units.items[index];
    enum effort_end why = weigh(d, unit, die, room, lines);
    if (why != EFFORT_DONE)
        return why;
    if (d->held > reach_bytes(d, index) && d->held + unit->peak > d->room / 2) {
        dwarf_end(d->dwarf);
        elffile_drop_pages(d->file);
        if (!begin_dwarf(d) || !unit_die(d, index, die))
            return EFFORT_FILE_CHANGED;
    }
    if (!read_lines(d, unit, die, lines))
        return EFFORT_STARVED;
    d->held += unit->kept;
    unit->opened = d->incarnation;
    return EFFORT_DONE;
}

/* libdw's caches go with the handle; our index holds offsets, which stay true. */
static enum effort_end open_unit(struct debuginfo *d, size_t index, Dwarf_Die *die)
{
    struct unit *unit = &d->units.items[index];
    struct linetable lines = {0};
    uint64_t reach = reach_bytes(d, index), room = UINT64_MAX;
    if (d->effort->max_bytes)
        room = reach < d->room ? d->room - reach : 0;
    if (unit->peak > room)
        return EFFORT_TOO_LARGE;
    if (!d->dwarf || !unit_die(d, index, die))
        return EFFORT_FILE_CHANGED;
    if (unit->opened == d->incarnation)
        return EFFORT_DONE;
    enum effort_end why = begin_unit(d, index, die, room, &lines);
    linetable_fini(&lines);
    return why;
}

/* Definitions stand at the top of a unit or in its namespaces. */
static void add_functions(struct debuginfo *d, spans *s, Dwarf_Die *parent, int depth)
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
            add_functions(d, s, &die, depth + 1);
            break;
        }
    } while (effort_left(d->effort) && dwarf_siblingof(&die, &die) == 0);
}

static void forget_functions(struct debuginfo *d)
{
    for (size_t i = 0; i < d->units.len; i++) {
        vec_fini(&d->units.items[i].functions);
        d->units.items[i].read = false;
    }
    d->listed = 0;
}

static enum effort_end read_functions(struct debuginfo *d, struct unit *unit, Dwarf_Die *die)
{
    if (d->listed > d->room / 8)
        forget_functions(d);
    add_functions(d, &unit->functions, die, 0);
    if (unit->bytes > PAGES_BYTES)
        elffile_drop_pages(d->file);
    if (!effort_left(d->effort)) {
        vec_fini(&unit->functions);
        return EFFORT_TOO_LONG;
    }
    spans_sort(&unit->functions);
    unit->read = true;
    d->listed += unit->functions.cap * sizeof *unit->functions.items;
    return EFFORT_DONE;
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
    const char *directory = path && *path && *path != '/' ? keep(d, text(unit, DW_AT_comp_dir)) : NULL;
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

static size_t unit_frames(struct debuginfo *d, bool has_lines, Dwarf_Die *unit, Dwarf_Die *function,
    uint64_t vaddr, struct debuginfo_frame *frames, size_t max)
{
    Dwarf_Die chain[64];
    size_t n = inline_chain(function, vaddr, chain, sizeof chain / sizeof *chain), given = 0;
    Dwarf_Line *at = has_lines ? dwarf_getsrc_die(unit, vaddr) : NULL;
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
            file = has_lines ? call_file(unit, &chain[i]) : NULL;
            line = (int)number(&chain[i], DW_AT_call_line);
        }
    }
    return given;
}

struct question {
    uint64_t vaddr;
    size_t index; /* of the unit */
    struct debuginfo_frame *frames;
    size_t max, given;
    enum effort_end why;
};

static void find_frames(struct debuginfo *d, void *question)
{
    struct question *q = question;
    struct unit *unit = &d->units.items[q->index];
    Dwarf_Die die, function;
    q->why = open_unit(d, q->index, &die);
    if (q->why == EFFORT_DONE && !unit->read)
        q->why = read_functions(d, unit, &die);
    const struct span *f = q->why == EFFORT_DONE ? spans_find(&unit->functions, q->vaddr) : NULL;
    if (++d->asked % DROP_EVERY == 0)
        elffile_drop_pages(d->file);
    if (f && dwarf_offdie(d->dwarf, f->die, &function))
        q->given = unit_frames(d, unit->has_lines, &die, &function, q->vaddr, q->frames, q->max);
}

size_t debuginfo_frames(
    struct debuginfo *d, uint64_t vaddr, struct debuginfo_frame *frames, size_t max, enum effort_end *why)
{
    const struct span *where = spans_find(&d->index, vaddr);
    *why = EFFORT_DONE;
    if (!where)
        return 0;
    struct question q = {.vaddr = vaddr, .index = where->die, .frames = frames, .max = max};
    struct unit *unit = &d->units.items[q.index];
    bool whole = attempt(d, find_frames, &q);
    if (!whole && !unit->read)
        vec_fini(&unit->functions);
    *why = whole ? q.why : EFFORT_STARVED;
    return whole ? q.given : 0;
}
