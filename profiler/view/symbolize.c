#include "view/symbolize.h"

#include "base/hash.h"
#include "base/table.h"
#include "symbol/symbol.h"
#include "view/readable_names.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

struct modes {
    bool none, local, remote, fast, force;
    bool mangled; /* names stay as the linker has them */
    enum demangle_style style;
};

struct work {
    const struct profile *p;
    struct profile *q;
    struct modes modes;
    struct buf *notes; /* one a mapping, since a server may have names that its file has not */
    struct error *error;
    struct symbolizer *symbolizer;
    bool *wanted;           /* of each mapping: it has an object now */
    struct table functions; /* of q, by name and file */
    uint64_t last_id;       /* of functions: ids of a file may be anything */
};

static int nomem(struct error *error)
{
    return error_set(error, ERR_NOMEM, "out of memory");
}

static bool is_word(const char *text, size_t len, const char *word)
{
    return len == strlen(word) && strncasecmp(text, word, len) == 0;
}

/* "demangle=...", which means that names are to be made anew. */
static bool parse_demangle(const char *text, size_t len, struct modes *m)
{
    static const char option[] = "demangle=";
    size_t skip = strlen(option);
    if (len < skip || strncasecmp(text, option, skip) != 0)
        return false;
    text += skip;
    len -= skip;
    if (is_word(text, len, "default"))
        return true;
    m->force = true;
    m->mangled = is_word(text, len, "none");
    m->style = is_word(text, len, "full") ? DEMANGLE_FULL : DEMANGLE_TEMPLATES;
    return m->mangled || m->style == DEMANGLE_FULL || is_word(text, len, "templates");
}

static int parse_modes(const char *text, struct modes *m, struct error *error)
{
    *m = (struct modes){.local = true, .remote = true};
    while (*text) {
        size_t len = strcspn(text, ":");
        if (is_word(text, len, "none") || is_word(text, len, "no"))
            m->none = true;
        else if (is_word(text, len, "remote"))
            m->local = false, m->remote = true;
        else if (is_word(text, len, "local"))
            m->local = true, m->remote = false;
        else if (is_word(text, len, "fastlocal"))
            m->local = m->fast = true, m->remote = false;
        else if (is_word(text, len, "force"))
            m->force = true;
        else if (len && !parse_demangle(text, len, m))
            return error_set(error, ERR_INVALID,
                "-symbolize: \"%.*s\" is not one of none, local, fastlocal, remote, force, "
                "demangle=full|none|templates|default",
                (int)len, text);
        text += len + (text[len] == ':');
    }
    return 0;
}

/* What has no file, or one that no other machine has. */
static bool has_no_file(const char *file)
{
    return !*file || *file == '[' || strncmp(file, "linux-vdso", 10) == 0 ||
           strncmp(file, "//anon", 6) == 0 || strncmp(file, "/dev/dri/", 9) == 0 || strstr(file, "://");
}

static bool wants(const struct mapping *m, struct modes modes)
{
    return modes.local && !has_no_file(m->file) && (modes.force || !m->has_functions);
}

bool symbolize_needed(const struct profile *p, const char *mode, const struct name_sources *sources)
{
    struct modes modes;
    struct error ignored;
    if (parse_modes(mode, &modes, &ignored))
        return true; /* to be told what is wrong */
    if (modes.none)
        return false;
    for (size_t i = 0; i < p->mappings.len; i++)
        if (wants(&p->mappings.items[i], modes) ||
            (modes.remote && sources && sources->items.len && !p->mappings.items[i].has_functions))
            return true;
    return modes.force || readable_names_needed(p);
}

/* ---- finding the files ---- */

/* 1 when the file serves the mapping, 0 when it does not, ERR_NOMEM. */
static int add_file(struct work *w, const struct mapping *m, struct buf *notes)
{
    struct symbol_object object = {m->start, m->limit, m->offset, m->file, m->build_id};
    struct error why;
    if (access(m->file, R_OK) != 0) {
        buf_printf(notes, "%s: not found here, its addresses stay without names\n", m->file);
        return 0;
    }
    int code = symbolizer_add_object(w->symbolizer, &object, &why);
    if (code == ERR_NOMEM)
        return nomem(w->error);
    if (code == ERR_INVALID)
        buf_printf(notes, "Ignoring local file %s\n", why.text);
    else if (code)
        buf_printf(notes, "%s, its addresses stay without names\n", why.text);
    return code == 0;
}

/* Of the mappings that something was sampled in. */
static int add_files(struct work *w)
{
    for (size_t i = 0; i < w->p->locations.len; i++)
        if (w->p->locations.items[i].mapping != NO_INDEX)
            w->wanted[w->p->locations.items[i].mapping] = true;
    for (size_t i = 0; i < w->p->mappings.len; i++) {
        const struct mapping *m = &w->p->mappings.items[i];
        int added = w->wanted[i] && wants(m, w->modes) ? add_file(w, m, &w->notes[i]) : 0;
        if (added < 0)
            return added;
        w->wanted[i] = added;
    }
    return 0;
}

/* ---- naming ---- */

static int find_function(struct work *w, const struct symbol_frame *s, uint32_t *index)
{
    const char *linkage = *s->linkage ? s->linkage : s->function;
    struct function f = {.name = profile_string(w->q, linkage), /* made readable in the end */
        .system_name = profile_string(w->q, linkage),
        .file = profile_string(w->q, w->modes.fast ? "" : s->file),
        .start_line = w->modes.fast ? 0 : s->start_line};
    if (!f.name || !f.system_name || !f.file)
        return ERR_NOMEM;
    uint64_t hash = hash_mix(hash_mix((uintptr_t)f.name, (uintptr_t)f.file), (uint64_t)f.start_line);
    for (size_t at = table_first(&w->functions, hash); table_next(&w->functions, hash, &at, index);) {
        const struct function *other = &w->q->functions.items[*index];
        if (other->name == f.name && other->file == f.file && other->start_line == f.start_line)
            return 0;
    }
    f.id = ++w->last_id;
    return profile_add_function(w->q, &f, index) || !table_add(&w->functions, hash, *index) ? ERR_NOMEM : 0;
}

static int name_location(struct work *w, struct location *l)
{
    struct symbol_frame frames[SYMBOL_MAX_INLINE];
    size_t n = symbolizer_frames(w->symbolizer, l->address, frames, SYMBOL_MAX_INLINE);
    if (n == 0)
        return 0;
    size_t first = w->modes.fast ? n - 1 : 0;
    uint32_t first_line = (uint32_t)w->q->lines.len;
    for (size_t i = first; i < n; i++) {
        struct line line = {.line = w->modes.fast ? 0 : frames[i].line};
        if (find_function(w, &frames[i], &line.function) || !vec_push(&w->q->lines, line))
            return ERR_NOMEM;
    }
    l->first_line = first_line;
    l->nlines = (uint32_t)(n - first);
    struct mapping *m = &w->q->mappings.items[l->mapping];
    m->has_functions = true;
    m->has_filenames |= !w->modes.fast;
    m->has_line_numbers |= !w->modes.fast;
    m->has_inline_frames |= !w->modes.fast;
    return 0;
}

static int name_locations(struct work *w)
{
    for (size_t i = 0; i < w->q->functions.len; i++)
        if (w->q->functions.items[i].id > w->last_id)
            w->last_id = w->q->functions.items[i].id;
    for (size_t i = 0; i < w->q->locations.len; i++) {
        struct location *l = &w->q->locations.items[i];
        if (l->mapping == NO_INDEX || !w->wanted[l->mapping] || (l->nlines && !w->modes.force))
            continue;
        if (name_location(w, l))
            return nomem(w->error);
    }
    return 0;
}

/* What a file could not tell is worth a line only if no server could either. */
static int name_mappings(struct work *w, const struct name_sources *sources, struct buf *notes)
{
    size_t n = w->q->mappings.len;
    bool *by_server = calloc(n + 1, sizeof *by_server);
    int code = by_server ? add_files(w) : nomem(w->error);
    if (!code)
        code = name_locations(w);
    if (!code && w->modes.remote && sources)
        code = symbolz_profile(w->q, w->modes.force, sources, by_server, w->notes, w->error);
    for (size_t i = 0; i < n && !code; i++)
        if (!by_server[i] && w->notes[i].data)
            buf_puts(notes, w->notes[i].data);
    free(by_server);
    return code;
}

int symbolize_profile(const struct profile *p, const char *mode, const struct name_sources *sources,
    struct profile **out, struct buf *notes, struct error *error)
{
    struct work w = {.p = p, .error = error};
    int code = parse_modes(mode, &w.modes, error);
    if (code)
        return code;
    w.q = profile_copy(p);
    w.wanted = calloc(p->mappings.len + 1, sizeof *w.wanted);
    w.notes = calloc(p->mappings.len + 1, sizeof *w.notes);
    code = w.q && w.wanted && w.notes ? symbolizer_new(p->strings, &w.symbolizer, error) : nomem(error);
    if (!code && !w.modes.none)
        code = name_mappings(&w, sources, notes);
    if (!code && !w.modes.none && make_names_readable(w.q, w.modes.style, w.modes.mangled, w.modes.force))
        code = nomem(error);
    symbolizer_free(w.symbolizer);
    table_fini(&w.functions);
    free(w.wanted);
    for (size_t i = 0; w.notes && i < p->mappings.len; i++)
        buf_fini(&w.notes[i]);
    free(w.notes);
    if (code)
        profile_free(w.q);
    else
        *out = w.q;
    return code;
}
