#include "view/binary.h"

#include "symbol/debugfile.h"
#include "symbol/demangle.h"

#include <stdlib.h>
#include <string.h>

struct binary {
    struct mapping mapping;
    struct intern *strings;
    struct elffile *file, *debug; /* debug: a separate one, or NULL */
    struct symbolizer *symbolizer;
    struct demangler demangler;
};

static int check_build_id(struct binary *b, struct error *error)
{
    char id[129];
    elffile_build_id(b->file, id);
    if (!*b->mapping.build_id || !*id || strcmp(id, b->mapping.build_id) == 0)
        return 0;
    return error_set(
        error, ERR_INVALID, "%s: its build ID is %s and not %s", b->mapping.file, id, b->mapping.build_id);
}

static int open_files(struct binary *b, struct error *error)
{
    const struct mapping *m = &b->mapping;
    struct symbol_object object = {m->start, m->limit, m->offset, m->file, ""};
    int code = elffile_open(m->file, &b->file, error);
    if (!code)
        code = check_build_id(b, error);
    if (!code)
        code = symbolizer_new(b->strings, &b->symbolizer, error);
    if (!code)
        code = symbolizer_add_object(b->symbolizer, &object, error);
    if (!code)
        debugfile_open(b->file, m->file, &b->debug);
    return code;
}

int binary_open(const struct mapping *m, struct intern *strings, struct binary **out, struct error *error)
{
    struct binary *b = calloc(1, sizeof *b);
    if (!b)
        return error_set(error, ERR_NOMEM, "out of memory");
    b->mapping = *m;
    b->strings = intern_ref(strings);
    b->demangler.may_load = true;
    int code = open_files(b, error);
    if (code)
        binary_close(b);
    else
        *out = b;
    return code;
}

void binary_close(struct binary *b)
{
    if (!b)
        return;
    symbolizer_free(b->symbolizer);
    demangler_fini(&b->demangler);
    elffile_close(b->debug);
    elffile_close(b->file);
    intern_unref(b->strings);
    free(b);
}

bool binary_vaddr(struct binary *b, uint64_t address, uint64_t *vaddr)
{
    const struct mapping *m = &b->mapping;
    return address >= m->start && address < m->limit &&
           elffile_vaddr(b->file, address - m->start + m->offset, vaddr);
}

size_t binary_frames(struct binary *b, uint64_t address, struct symbol_frame *frames, size_t max)
{
    return symbolizer_frames(b->symbolizer, address, frames, max);
}

/* ---- functions ---- */

/* The name under which it matches, in the pool; NULL when it does not. */
static const char *match_name(struct binary *b, struct regex *match, const char *name)
{
    static const enum demangle_style styles[] = {DEMANGLE_FULL, DEMANGLE_TEMPLATES, DEMANGLE_SIMPLE};
    const char *found = regex_match(match, name) ? intern_string(b->strings, name) : NULL;
    for (size_t i = 0; i < sizeof styles / sizeof *styles && !found; i++) {
        char *readable = demangle_name_as(&b->demangler, name, styles[i]);
        if (!readable)
            break;
        if (regex_match(match, readable))
            found = intern_string(b->strings, readable);
        free(readable);
    }
    return found;
}

/* Entries [first, first + n) of f are one place, the best name for it last. */
static int consider(struct binary *b, struct elffile *f, size_t first, size_t n, struct regex *match,
    const uint64_t *vaddr, binary_functions *found)
{
    const struct elf_function *names = f->functions.items + first;
    struct binary_function result = {.start = names[n - 1].start, .stop = names[n - 1].limit};
    if (vaddr && *vaddr >= result.start && *vaddr < result.stop) {
        size_t aliases = 0;
        result.name = intern_string(b->strings, names[n - 1].name);
        for (size_t i = n - 1; i-- > 0 && aliases < sizeof result.aliases / sizeof *result.aliases;)
            result.aliases[aliases++] = intern_string(b->strings, names[i].name);
    }
    for (size_t i = n; i-- > 0 && !result.name;)
        result.name = match_name(b, match, names[i].name);
    return !result.name || vec_push(found, result) ? 0 : ERR_NOMEM;
}

int binary_find(struct binary *b, struct regex *match, const uint64_t *vaddr, binary_functions *found)
{
    struct elffile *f = b->debug ? b->debug : b->file;
    elffile_function(f, 0); /* which reads them */
    if (f->functions.len == 0)
        elffile_function(f = b->file, 0);
    for (size_t i = 0, next; i < f->functions.len; i = next) {
        const struct elf_function *at = &f->functions.items[i];
        for (next = i + 1; next < f->functions.len && f->functions.items[next].start == at->start; next++)
            ;
        if (!at->is_plt && consider(b, f, i, next - i, match, vaddr, found))
            return ERR_NOMEM;
    }
    return 0;
}
