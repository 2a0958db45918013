#include "view/symbolize.h"

#include "base/hash.h"
#include "base/table.h"
#include "symbol/symbol.h"
#include "view/path.h"

#include <string.h>
#include <unistd.h>

struct modes {
    bool none, fast, force;
};

struct work {
    const struct profile *p;
    struct profile *q;
    struct modes modes;
    const char *search;
    struct buf *notes;
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

static int parse_modes(const char *text, struct modes *m, struct error *error)
{
    *m = (struct modes){0};
    while (*text) {
        size_t len = strcspn(text, ":");
        if (len == 4 && strncmp(text, "none", 4) == 0)
            m->none = true;
        else if (len == 6 && strncmp(text, "remote", 6) == 0)
            m->none = true; /* the handlers of C servers send names with the profile */
        else if (len == 9 && strncmp(text, "fastlocal", 9) == 0)
            m->fast = true;
        else if (len == 5 && strncmp(text, "force", 5) == 0)
            m->force = true;
        else if (len && !(len == 5 && strncmp(text, "local", 5) == 0))
            return error_set(error, ERR_INVALID,
                "-symbolize: \"%.*s\" is not one of none, local, fastlocal, remote, force", (int)len, text);
        text += len + (text[len] == ':');
    }
    return 0;
}

static bool wants(const struct mapping *m, struct modes modes)
{
    return *m->file && m->file[0] != '[' && (modes.force || !m->has_functions);
}

bool symbolize_needed(const struct profile *p, const char *mode)
{
    struct modes modes;
    struct error ignored;
    if (parse_modes(mode, &modes, &ignored))
        return true; /* to be told what is wrong */
    for (size_t i = 0; i < p->mappings.len && !modes.none; i++)
        if (wants(&p->mappings.items[i], modes))
            return true;
    return false;
}

/* ---- finding the files ---- */

/* 1 when the file serves the mapping, 0 when it does not, ERR_NOMEM. */
static int try_file(struct work *w, const struct mapping *m, const char *path)
{
    struct symbol_object object = {m->start, m->limit, m->offset, path, m->build_id};
    struct error why;
    if (access(path, R_OK) != 0)
        return 0;
    int code = symbolizer_add_object(w->symbolizer, &object, &why);
    if (code == ERR_INVALID)
        buf_printf(w->notes, "Ignoring local file %s: %s\n", path, why.text);
    return code == 0 ? 1 : code == ERR_NOMEM ? nomem(w->error) : 0;
}

static int try_dir(struct work *w, const struct mapping *m, const char *dir, size_t len)
{
    struct buf base = {0}, path = {0};
    path_put_base(m->file, &base);
    const char *names[] = {m->build_id, base.data ? base.data : "", m->file};
    int found = 0;
    for (int i = 0; i < 3 && !found && len; i++) {
        path.len = 0;
        if (i == 0 && !*m->build_id)
            continue;
        buf_printf(&path, "%.*s/%s%s%s", (int)len, dir, names[i], i == 0 ? "/" : "", i == 0 ? names[1] : "");
        found = path.failed ? nomem(w->error) : try_file(w, m, path.data);
    }
    buf_fini(&base);
    buf_fini(&path);
    return found;
}

static int find_file(struct work *w, const struct mapping *m)
{
    int found = 0;
    for (const char *dir = w->search; *dir && !found;) {
        const char *end = strchrnul(dir, ':');
        found = try_dir(w, m, dir, (size_t)(end - dir));
        dir = *end ? end + 1 : end;
    }
    return found ? found : try_file(w, m, m->file);
}

static int find_files(struct work *w)
{
    for (size_t i = 0; i < w->p->mappings.len; i++) {
        const struct mapping *m = &w->p->mappings.items[i];
        if (!wants(m, w->modes))
            continue;
        int found = find_file(w, m);
        if (found < 0)
            return found;
        w->wanted[i] = found;
        if (!found)
            buf_printf(w->notes, "%s: not found here, its addresses stay without names\n", m->file);
    }
    return 0;
}

/* ---- naming ---- */

static int find_function(struct work *w, const struct symbol_frame *s, uint32_t *index)
{
    struct function f = {.name = profile_string(w->q, s->function),
        .system_name = profile_string(w->q, *s->linkage ? s->linkage : s->function),
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

int symbolize_profile(const struct profile *p, const char *mode, const char *search, struct profile **out,
    struct buf *notes, struct error *error)
{
    struct work w = {.p = p, .search = search, .notes = notes, .error = error};
    int code = parse_modes(mode, &w.modes, error);
    if (code)
        return code;
    w.q = profile_copy(p);
    w.wanted = calloc(p->mappings.len + 1, sizeof *w.wanted);
    code = w.q && w.wanted ? symbolizer_new(p->strings, &w.symbolizer, error) : nomem(error);
    if (!code && !w.modes.none)
        code = find_files(&w);
    if (!code)
        code = name_locations(&w);
    symbolizer_free(w.symbolizer);
    table_fini(&w.functions);
    free(w.wanted);
    if (code)
        profile_free(w.q);
    else
        *out = w.q;
    return code;
}
