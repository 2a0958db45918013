#include "symbol/symbol.h"

#include "base/hash.h"
#include "base/vec.h"
#include "symbol/debugfile.h"
#include "symbol/debuginfo.h"
#include "symbol/demangle.h"
#include "symbol/elffile.h"
#include "symbol/fileguard.h"
#include "symbol/ifunc.h"
#include "symbol/loader.h"
#include "symbol/maps.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/*
 * Answers are cached by address, files and DWARF are not kept open between batches: a profile of a running
 * server asks about the same few thousand addresses again and again, and what parsing leaves behind is far
 * larger than the answers.
 */
enum { CACHE_MAX_ANSWERS = 1 << 16 };

struct object {
    struct symbol_object what;
    uint64_t bias; /* 0 when unknown */
    bool is_main, in_memory;
    bool tried; /* opened since the last rest, perhaps in vain */
    bool ifuncs_read;
    bool has_dwarf;           /* of what is open, whether it is read or not */
    bool changed;             /* since the last rest, while it was read: what did is closed */
    enum effort_end given_up; /* on its DWARF, for good */
    struct elffile *file;     /* what is mapped; names of last resort, segments */
    struct elffile *debug;    /* a separate debug file, or NULL */
    struct debuginfo *dwarf;
    struct ifunc_names ifuncs;
};

struct answer {
    uint64_t address;
    uint32_t first, count; /* frames; a free slot has first == NO_ANSWER */
    uint32_t batch;        /* 0: for good, else only in that one */
    enum effort_end end;
};

#define NO_ANSWER UINT32_MAX

struct symbolizer {
    struct intern *strings;
    bool is_self;
    struct maps maps;
    struct demangler demangler;
    VEC(struct object) objects;
    struct answer *cache; /* open addressing, a power of two, at most half full */
    size_t cache_size, cached;
    VEC(struct symbol_frame) frames;
    int64_t max_ns;
    uint64_t max_bytes;
    struct effort effort; /* of this batch */
    bool begun;           /* it has begun */
    uint32_t batch;       /* its number, from 1 */
    int current;          /* the object that was asked about last, or -1 */
    bool was_early;       /* half of the time was left when that began */
    bool was_useful;      /* its DWARF has answered since */
    enum effort_end last_end;
};

/* ---- the cache ------------------------------------------------------------------------------------------
 */

static void cache_clear(struct symbolizer *s)
{
    free(s->cache);
    s->cache = NULL;
    s->cache_size = s->cached = 0;
    vec_fini(&s->frames);
}

static struct answer *cache_slot(struct answer *cache, size_t size, uint64_t address)
{
    size_t at = hash_u64(address) & (size - 1);
    while (cache[at].first != NO_ANSWER && cache[at].address != address)
        at = (at + 1) & (size - 1);
    return &cache[at];
}

static bool cache_grow(struct symbolizer *s)
{
    size_t size = s->cache_size ? 2 * s->cache_size : 1024;
    struct answer *fresh = malloc(size * sizeof *fresh);
    if (!fresh)
        return false;
    for (size_t i = 0; i < size; i++)
        fresh[i].first = NO_ANSWER;
    for (size_t i = 0; i < s->cache_size; i++)
        if (s->cache[i].first != NO_ANSWER)
            *cache_slot(fresh, size, s->cache[i].address) = s->cache[i];
    free(s->cache);
    s->cache = fresh;
    s->cache_size = size;
    return true;
}

/* What was not for good may be given again, and leaves its frames behind. */
static void cache_put(
    struct symbolizer *s, uint64_t address, const struct symbol_frame *frames, size_t n, bool for_good)
{
    if (s->cached >= CACHE_MAX_ANSWERS || s->frames.len >= 4 * CACHE_MAX_ANSWERS)
        cache_clear(s);
    if (s->cached * 2 >= s->cache_size && !cache_grow(s))
        return;
    if (n && !vec_reserve(&s->frames, n))
        return;
    struct answer *slot = cache_slot(s->cache, s->cache_size, address);
    s->cached += slot->first == NO_ANSWER;
    *slot = (struct answer){.address = address,
        .first = (uint32_t)s->frames.len,
        .count = (uint32_t)n,
        .batch = for_good ? 0 : s->batch,
        .end = s->last_end};
    if (n)
        memcpy(s->frames.items + s->frames.len, frames, n * sizeof *frames);
    s->frames.len += n;
}

static const struct answer *cache_find(const struct symbolizer *s, uint64_t address)
{
    const struct answer *a = s->cache ? cache_slot(s->cache, s->cache_size, address) : NULL;
    return a && a->first != NO_ANSWER && (!a->batch || a->batch == s->batch) ? a : NULL;
}

/* ---- objects --------------------------------------------------------------------------------------------
 */

static void object_rest(struct object *o)
{
    debuginfo_free(o->dwarf);
    elffile_close(o->debug);
    elffile_close(o->file);
    o->dwarf = NULL;
    o->debug = o->file = NULL;
    o->tried = o->changed = o->has_dwarf = false;
}

static uint64_t object_bytes(const struct object *o)
{
    uint64_t bytes = o->dwarf ? debuginfo_bytes(o->dwarf) : 0;
    bytes += o->debug ? elffile_bytes(o->debug) : 0;
    return bytes + (o->file ? elffile_bytes(o->file) : 0);
}

static void objects_clear(struct symbolizer *s)
{
    s->current = -1;
    for (size_t i = 0; i < s->objects.len; i++) {
        object_rest(&s->objects.items[i]);
        ifunc_fini(&s->objects.items[i].ifuncs);
    }
    s->objects.len = 0;
}

static int object_open_file(struct object *o, struct error *error)
{
    if (o->in_memory)
        return elffile_open_memory(
            (const void *)(uintptr_t)o->what.start, o->what.limit - o->what.start, &o->file, error);
    int code = elffile_open(o->is_main ? "/proc/self/exe" : o->what.path, &o->file, error);
    if (code)
        return code;
    char id[129];
    elffile_build_id(o->file, id);
    if (*o->what.build_id && strcmp(id, o->what.build_id) != 0) {
        elffile_close(o->file);
        o->file = NULL;
        return error_set(error, ERR_INVALID, "%s: its build ID is %s and not %s", o->what.path,
            *id ? id : "absent", o->what.build_id);
    }
    return 0;
}

/* The tables of functions first: sorting them takes as much again, before there is anything else. */
static void read_functions(struct symbolizer *s, const struct object *o, struct elffile *f)
{
    const size_t max = s->max_bytes / 4 / sizeof *f->functions.items;
    size_t others = f == o->debug ? o->file->functions.len + o->file->exported.len : 0;
    if (s->max_bytes) {
        f->max_functions = others < max ? max - others : 0;
        elffile_function(f, 0);
        elffile_drop_pages(f);
    }
}

static void open_dwarf(struct symbolizer *s, struct object *o)
{
    enum effort_end why;
    struct elffile *f = o->debug ? o->debug : o->file;
    o->has_dwarf = elffile_has_debug_info(f);
    if (!o->has_dwarf || o->given_up || !effort_left(&s->effort))
        return;
    uint64_t held = elffile_bytes(o->file) + (o->debug ? elffile_bytes(o->debug) : 0);
    o->dwarf = debuginfo_new(f, s->strings, &s->effort, held, &why);
    if (why == EFFORT_TOO_LARGE)
        o->given_up = why;
}

static void read_ifuncs(struct symbolizer *s, struct object *o)
{
    ifunc_fini(&o->ifuncs); /* what a starved attempt left */
    ifunc_add_object(&o->ifuncs, o->file, o->what.path, s->strings);
    effort_note_errno(&s->effort);
    o->ifuncs_read = !s->effort.starved;
}

static bool object_open(struct symbolizer *s, struct object *o)
{
    if (o->tried)
        return o->file;
    o->tried = true;
    int code = object_open_file(o, NULL);
    effort_note_errno(&s->effort);
    o->tried = !code || !s->effort.starved; /* a file may be opened later for which there was no descriptor */
    if (code)
        return false;
    read_functions(s, o, o->file);
    effort_note_errno(&s->effort);
    if (!elffile_has_debug_info(o->file) &&
        !debugfile_open(o->file, o->is_main ? "/proc/self/exe" : o->what.path, &o->debug))
        read_functions(s, o, o->debug);
    effort_note_errno(&s->effort);
    open_dwarf(s, o);
    effort_note_errno(&s->effort);
    if (s->is_self && !o->ifuncs_read && !o->is_main && !o->in_memory)
        read_ifuncs(s, o);
    return true;
}

static int object_push(struct symbolizer *s, const struct symbol_object *what, const char *path,
    const char *build_id, struct object **out)
{
    struct object o = {.what = *what};
    o.what.path = intern_string(s->strings, path);
    o.what.build_id = intern_string(s->strings, build_id);
    if (!o.what.path || !o.what.build_id || !vec_push(&s->objects, o))
        return ERR_NOMEM;
    *out = &s->objects.items[s->objects.len - 1];
    return 0;
}

static int take_maps(struct symbolizer *s)
{
    objects_clear(s);
    cache_clear(s);
    for (size_t i = 0; i < s->maps.entries.len; i++) {
        const struct maps_entry *e = &s->maps.entries.items[i];
        struct symbol_object what = {.start = e->start, .limit = e->limit, .offset = e->offset};
        struct object *o;
        if (object_push(s, &what, e->path, e->build_id, &o))
            return ERR_NOMEM;
        o->is_main = e->is_main;
        o->bias = e->bias;
        o->in_memory = strcmp(e->path, "[vdso]") == 0;
        o->tried = !o->in_memory && e->path[0] != '/' ? true : e->path[1] == '/';
    }
    return 0;
}

/* ---- life -----------------------------------------------------------------------------------------------
 */

int symbolizer_new(struct intern *strings, struct symbolizer **out, struct error *error)
{
    struct symbolizer *s = calloc(1, sizeof *s);
    if (!s)
        return error_set(error, ERR_NOMEM, "out of memory");
    s->strings = intern_ref(strings);
    s->demangler.may_load = true;
    s->batch = 1;
    s->current = -1;
    *out = s;
    return 0;
}

int symbolizer_new_self(struct intern *strings, struct symbolizer **out, struct error *error)
{
    struct symbolizer *s;
    int code = symbolizer_new(strings, &s, error);
    if (code)
        return code;
    s->is_self = true;
    s->demangler.may_load = false;
    symbolizer_bound(s, SYMBOL_MAX_NS, SYMBOL_MAX_BYTES);
    code = maps_read_self(&s->maps, error);
    if (!code && take_maps(s))
        code = error_set(error, ERR_NOMEM, "out of memory");
    if (code) {
        symbolizer_free(s);
        return code;
    }
    *out = s;
    return 0;
}

void symbolizer_free(struct symbolizer *s)
{
    if (!s)
        return;
    objects_clear(s);
    vec_fini(&s->objects);
    cache_clear(s);
    maps_fini(&s->maps);
    demangler_fini(&s->demangler);
    intern_unref(s->strings);
    free(s);
}

void symbolizer_bound(struct symbolizer *s, int64_t max_ns, uint64_t max_bytes)
{
    s->max_ns = max_ns;
    s->max_bytes = max_bytes;
}

enum effort_end symbolizer_last_end(const struct symbolizer *s)
{
    return s->last_end;
}

void symbolizer_before_fork(void)
{
    loader_before_fork();
}

void symbolizer_after_fork_in_parent(void)
{
    loader_after_fork_in_parent();
}

void symbolizer_after_fork_in_child(void)
{
    loader_after_fork_in_child();
    fileguard_after_fork();
}

bool symbolizer_refresh(struct symbolizer *s)
{
    if (!s->is_self || maps_is_current(&s->maps) || maps_read_self(&s->maps, NULL))
        return false;
    demangler_fini(&s->demangler);
    if (take_maps(s))
        maps_fini(&s->maps); /* not all of them: next time anew */
    return true;
}

void symbolizer_rest(struct symbolizer *s)
{
    for (size_t i = 0; i < s->objects.len; i++) {
        struct object *o = &s->objects.items[i];
        if (o->file || o->changed)
            object_rest(o);
    }
    s->batch += s->begun;
    s->begun = false;
    s->current = -1;
}

int symbolizer_add_object(struct symbolizer *s, const struct symbol_object *object, struct error *error)
{
    struct object *o;
    if (object->start >= object->limit)
        return error_set(error, ERR_INVALID, "%s: an empty mapping", object->path);
    if (object_push(s, object, object->path, object->build_id ? object->build_id : "", &o))
        return error_set(error, ERR_NOMEM, "out of memory");
    sigset_t mask;
    fileguard_enter(&mask);
    int code = object_open_file(o, error);
    fileguard_leave(&mask);
    if (code) {
        s->objects.len--;
        return code;
    }
    object_rest(o);
    return 0;
}

int symbolizer_find(struct symbolizer *s, uint64_t address)
{
    for (size_t i = 0; i < s->objects.len; i++)
        if (address >= s->objects.items[i].what.start && address < s->objects.items[i].what.limit)
            return (int)i;
    return -1;
}

size_t symbolizer_objects(const struct symbolizer *s)
{
    return s->objects.len;
}

const struct symbol_object *symbolizer_object(const struct symbolizer *s, size_t index)
{
    return &s->objects.items[index].what;
}

uint64_t symbolizer_start(const struct symbolizer *s, uint64_t address)
{
    uintptr_t start = s->is_self ? loader_function_start(address) : 0;
    return start ? start : address;
}

uint64_t symbolizer_offset(const struct symbolizer *s, size_t index, uint64_t address)
{
    const struct object *o = &s->objects.items[index];
    if (o->bias || o->is_main) /* a program that is not PIE has its own addresses */
        return address - o->bias;
    return address - o->what.start + o->what.offset;
}

/* ---- frames ---------------------------------------------------------------------------------------------
 */

static const char *public_name(struct symbolizer *s, const char *linkage)
{
    char *readable = demangle_name(&s->demangler, linkage);
    const char *name = intern_string(s->strings, readable ? readable : linkage);
    free(readable);
    return name ? name : "";
}

/*
 * What callers of the function that begins at vaddr call it, or NULL. In the source of a library it may be
 * __strtol or __GI___pthread_mutex_lock, and a variant of memcpy has a name of its own: with debug
 * information or without, readers look for strtol, pthread_mutex_lock and memcpy.
 */
static const char *exported_name(struct symbolizer *s, struct object *o, uint64_t vaddr, uint64_t bias)
{
    uintptr_t start;
    const char *name = vaddr ? elffile_exported_name(o->file, vaddr) : NULL;
    if (name)
        return intern_string(s->strings, name);
    name = vaddr ? ifunc_find(&o->ifuncs, vaddr + bias, &start) : NULL;
    return name && start == vaddr + bias ? name : NULL;
}

static size_t frames_from_dwarf(struct symbolizer *s, struct object *o, uint64_t vaddr, uint64_t bias,
    struct symbol_frame *frames, size_t max)
{
    struct debuginfo_frame found[SYMBOL_MAX_INLINE];
    size_t room = max < SYMBOL_MAX_INLINE ? max : SYMBOL_MAX_INLINE, n = 0;
    if (o->given_up || !o->has_dwarf)
        s->last_end = o->given_up;
    else if (!effort_left(&s->effort))
        s->last_end = EFFORT_TOO_LONG;
    else if (o->dwarf)
        n = debuginfo_frames(o->dwarf, vaddr, found, room, &s->last_end);
    s->was_useful |= n > 0;
    const char *exported = n ? exported_name(s, o, found[n - 1].entry, bias) : NULL;
    for (size_t i = 0; i < n; i++) {
        bool mangled = strncmp(found[i].linkage, "_Z", 2) == 0;
        frames[i] = (struct symbol_frame){
            .function = mangled || !*found[i].name ? public_name(s, found[i].linkage) : found[i].name,
            .linkage = found[i].linkage,
            .file = found[i].file,
            .line = found[i].line,
            .start_line = found[i].start_line,
            .entry = found[i].entry && found[i].entry <= vaddr ? found[i].entry + bias : 0};
    }
    if (exported && strncmp(found[n - 1].linkage, "_Z", 2) != 0)
        frames[n - 1].function = frames[n - 1].linkage = exported;
    return n;
}

static size_t frame_from_symbols(
    struct symbolizer *s, struct object *o, uint64_t vaddr, uint64_t bias, struct symbol_frame *frame)
{
    const struct elf_function *f = o->debug ? elffile_function(o->debug, vaddr) : NULL;
    if (!f)
        f = elffile_function(o->file, vaddr);
    if (!f)
        return 0;
    const char *exported = f->is_plt ? NULL : exported_name(s, o, f->start, bias);
    const char *linkage = exported ? exported : intern_string(s->strings, f->name);
    if (!linkage)
        return 0;
    const char *name = public_name(s, linkage);
    if (f->is_plt) {
        char whole[1024];
        snprintf(whole, sizeof whole, "%s@plt", name);
        const char *kept = intern_string(s->strings, whole);
        name = linkage = kept ? kept : "";
    }
    *frame = (struct symbol_frame){name, linkage, "", 0, 0, f->start + bias};
    return *name ? 1 : 0;
}

static size_t object_frames(
    struct symbolizer *s, struct object *o, uint64_t address, struct symbol_frame *frames, size_t max)
{
    uint64_t vaddr;
    uintptr_t start;
    if (!object_open(s, o) || !elffile_vaddr(o->file, address - o->what.start + o->what.offset, &vaddr))
        return 0;
    uint64_t bias = address - vaddr;
    size_t n = frames_from_dwarf(s, o, vaddr, bias, frames, max);
    if (!n)
        n = frame_from_symbols(s, o, vaddr, bias, frames);
    const char *chosen = n ? NULL : ifunc_find(&o->ifuncs, address, &start);
    if (chosen) {
        *frames = (struct symbol_frame){chosen, chosen, "", 0, 0, start};
        n = 1;
    }
    if (!n && (o->file->has_more || (o->debug && o->debug->has_more)))
        s->last_end = EFFORT_TOO_LARGE;
    return n;
}

/* Closes what was written to since it was opened; true when something was. */
static bool close_changed(struct object *o)
{
    if (o->file && !elffile_is_whole(o->file)) {
        object_rest(o);
        o->tried = o->changed = true;
        return true;
    }
    if (o->debug && !elffile_is_whole(o->debug)) {
        debuginfo_free(o->dwarf);
        elffile_close(o->debug);
        o->dwarf = NULL;
        o->debug = NULL;
        o->has_dwarf = false;
        o->changed = true;
        return true;
    }
    return false;
}

/* One object at a time: the others are closed once they hold more than a little. */
static struct object *enter(struct symbolizer *s, int at)
{
    enum { MAX_OTHERS = 64 };
    uint64_t others = 0;
    size_t open = 0;
    if (at == s->current)
        return &s->objects.items[at];
    s->current = at;
    s->was_early = effort_is_early(&s->effort);
    s->was_useful = false;
    for (size_t i = 0; i < s->objects.len; i++) {
        others += (int)i == at ? 0 : object_bytes(&s->objects.items[i]);
        open += s->objects.items[i].file != NULL;
    }
    if (open > MAX_OTHERS || (s->max_bytes && others > s->max_bytes / 8))
        for (size_t i = 0; i < s->objects.len; i++)
            if ((int)i != at && s->objects.items[i].file && !s->objects.items[i].changed)
                object_rest(&s->objects.items[i]);
    return &s->objects.items[at];
}

/* Half of the time was not enough for one answer: it would be so every time. */
static void give_up_if_useless(struct symbolizer *s, struct object *o)
{
    if (s->last_end == EFFORT_TOO_LONG && s->was_early && !s->was_useful)
        o->given_up = EFFORT_TOO_LONG;
}

/* *for_good: no other batch would give more. */
static size_t look_up(
    struct symbolizer *s, uint64_t address, struct symbol_frame *frames, size_t max, bool *for_good)
{
    int at = symbolizer_find(s, address);
    *for_good = true;
    s->last_end = EFFORT_DONE;
    if (at < 0)
        return 0;
    if (!s->begun)
        effort_begin(&s->effort, s->max_ns, s->max_bytes);
    s->begun = true;
    errno = 0;
    struct object *o = enter(s, at);
    close_changed(o);
    size_t n = object_frames(s, o, address, frames, max);
    if (close_changed(o))
        n = object_frames(s, o, address, frames, max);
    if (o->changed)
        s->last_end = EFFORT_FILE_CHANGED;
    give_up_if_useless(s, o);
    effort_note_errno(&s->effort);
    if (s->effort.starved)
        s->last_end = EFFORT_STARVED;
    *for_good = o->given_up || s->last_end == EFFORT_DONE || s->last_end == EFFORT_TOO_LARGE;
    return n;
}

bool symbolizer_knows(const struct symbolizer *s, uint64_t address)
{
    return cache_find(s, address);
}

size_t symbolizer_frames(struct symbolizer *s, uint64_t address, struct symbol_frame *frames, size_t max)
{
    struct symbol_frame found[SYMBOL_MAX_INLINE];
    const struct answer *known = max ? cache_find(s, address) : NULL;
    if (max == 0)
        return 0;
    if (known) {
        s->last_end = known->end;
        size_t n = known->count < max ? known->count : max;
        if (n)
            memcpy(frames, s->frames.items + known->first, n * sizeof *frames);
        return n;
    }
    sigset_t mask;
    bool for_good;
    fileguard_enter(&mask);
    size_t n = look_up(s, address, found, SYMBOL_MAX_INLINE, &for_good);
    fileguard_leave(&mask);
    cache_put(s, address, found, n, for_good);
    n = n < max ? n : max;
    memcpy(frames, found, n * sizeof *frames);
    return n;
}
