#include "view/symbolz.h"

#include "base/hash.h"
#include "base/table.h"

#include <errno.h>
#include <string.h>

struct work {
    struct profile *p;
    const struct name_sources *sources;
    struct buf *notes; /* one a mapping */
    struct error *error;
    uint64_t last_id; /* of functions: ids of a file may be anything */
};

/* One mapping, asked of one server. */
struct question {
    uint32_t mapping;
    uint64_t shift;          /* from an address of the profile to the server's, modulo 2^64 */
    struct table asked;      /* locations, by address */
    struct table functions;  /* by name */
    struct buf body, answer; /* what is posted, what comes back */
    size_t lines, names;     /* in the answer: that are well-formed, that were asked for */
};

static int nomem(struct work *w)
{
    return error_set(w->error, ERR_NOMEM, "out of memory");
}

/* ---- where to ask ---- */

static bool ends_with(const char *text, size_t len, const char *end)
{
    size_t n = strlen(end);
    return len >= n && memcmp(text + len - n, end, n) == 0;
}

/* Go's handlers are below /debug/pprof/, gperftools' have one of these names; both have "symbol" beside. */
static bool has_symbol_beside(const char *path, size_t len)
{
    static const char *const ends[] = {
        "/pprof/heap", "/pprof/growth", "/pprof/profile", "/pprof/pmuprofile", "/pprof/contention"};
    if (memmem(path, len, "/debug/pprof/", 13))
        return true;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (ends_with(path, len, ends[i]))
            return true;
    return false;
}

char *symbolz_url(const char *url)
{
    const char *scheme = strstr(url, "://"), *host = scheme ? scheme + 3 : url;
    const char *path = host + strcspn(host, "/?#");
    size_t len = strcspn(path, "?#");
    struct buf out = {0};
    if (!has_symbol_beside(path, len)) {
        buf_printf(&out, "%.*s/symbolz", (int)(path - url), url);
        return buf_take(&out);
    }
    while (len && path[len - 1] == '/')
        len--;
    while (len && path[len - 1] != '/')
        len--;
    buf_printf(&out, "%.*ssymbol", (int)(path + len - url), url);
    return buf_take(&out);
}

/* ---- asking ---- */

/* Of what a kernel made up, whose addresses may look negative. */
static bool is_system(const char *file)
{
    const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;
    return *base == '[' || strncmp(base, "linux-vdso", 10) == 0 || strncmp(file, "/dev/dri/", 9) == 0;
}

static bool knows(const struct name_source *s, const struct mapping *m)
{
    return strcmp(s->key, m->file) == 0 || (*m->build_id && strcmp(s->key, m->build_id) == 0);
}

/* What a server would take for an address elsewhere, since the mapping's end of memory has been passed, is
 * not asked. */
static bool wraps(uint64_t address, uint64_t shift)
{
    uint64_t moved = address + shift;
    return (int64_t)shift < 0 ? moved >= address : moved < address;
}

static int put_addresses(struct question *q, const struct profile *p)
{
    for (size_t i = 0; i < p->locations.len; i++) {
        const struct location *l = &p->locations.items[i];
        if (l->mapping != q->mapping || !l->address || l->nlines || wraps(l->address, q->shift))
            continue;
        if (q->body.len)
            buf_putc(&q->body, '+');
        buf_hex(&q->body, l->address + q->shift);
        if (!table_add(&q->asked, hash_u64(l->address), (uint32_t)i))
            return ERR_NOMEM;
    }
    return q->body.failed ? ERR_NOMEM : 0;
}

/* ---- the answer ---- */

/* "0x4005d0 main" anywhere in the line [at, end): the address, and what is behind it as a string. */
static bool read_line(char *at, char *end, uint64_t *address, char **name)
{
    while (end > at && strchr(" \t\r\n\v\f", end[-1]))
        end--;
    *end = '\0';
    while ((at = strstr(at, "0x"))) {
        size_t digits = strspn(at + 2, "0123456789abcdefABCDEF"), blank = strspn(at + 2 + digits, " \t\v\f");
        errno = 0;
        *address = strtoull(at, NULL, 16);
        *name = at + 2 + digits + blank;
        if (digits && blank && !errno && **name)
            return true;
        at += 2;
    }
    return false;
}

static int find_function(struct work *w, struct question *q, const char *text, uint32_t *index)
{
    const char *name = profile_string(w->p, text);
    if (!name)
        return ERR_NOMEM;
    uint64_t hash = hash_u64((uintptr_t)name);
    for (size_t at = table_first(&q->functions, hash); table_next(&q->functions, hash, &at, index);)
        if (w->p->functions.items[*index].system_name == name)
            return 0;
    struct function f = {.id = ++w->last_id, .name = name, .system_name = name};
    return profile_add_function(w->p, &f, index) || !table_add(&q->functions, hash, *index) ? ERR_NOMEM : 0;
}

static int name_address(struct work *w, struct question *q, uint64_t address, const char *name)
{
    uint32_t found;
    uint64_t hash = hash_u64(address);
    for (size_t at = table_first(&q->asked, hash); table_next(&q->asked, hash, &at, &found);) {
        struct location *l = &w->p->locations.items[found];
        struct line line = {0};
        if (l->address != address || l->nlines) /* another one; or named before */
            continue;
        uint32_t first = (uint32_t)w->p->lines.len;
        if (find_function(w, q, name, &line.function) || !vec_push(&w->p->lines, line))
            return ERR_NOMEM;
        l->first_line = first;
        l->nlines = 1;
        q->names++;
    }
    return 0;
}

static int take_names(struct work *w, struct question *q)
{
    char *at = q->answer.data, *stop = at + q->answer.len;
    q->lines = memmem(at, q->answer.len, "num_symbols:", 12) != NULL;
    while (at < stop) {
        uint64_t address;
        char *name, *newline = memchr(at, '\n', (size_t)(stop - at)), *end = newline ? newline : stop;
        if (read_line(at, end, &address, &name)) {
            q->lines++;
            if (name_address(w, q, address - q->shift, name))
                return ERR_NOMEM;
        }
        at = end + 1;
    }
    return 0;
}

/* What became of it, for the user. That a server does not know is no news where a file did not either. */
static void note_answer(struct work *w, struct question *q, const char *url, const char *why)
{
    struct buf *notes = &w->notes[q->mapping];
    const char *file = w->p->mappings.items[q->mapping].file;
    if (why)
        buf_printf(notes, "%s: %s; addresses stay without names\n", url, why);
    else if (!q->lines)
        buf_printf(notes, "%s: the answer has no names in it; addresses stay without names\n", url);
    else if (!q->names && !notes->len)
        buf_printf(notes, "%s: knows no names in %s\n", url, file);
}

static int ask_server(struct work *w, struct question *q, struct name_server *server, const char *url)
{
    struct error why = {0};
    const struct name_sources *s = w->sources;
    if (put_addresses(q, w->p))
        return nomem(w);
    if (!q->body.len)
        return 0;
    int code = s->post(s->context, url, q->body.data, q->body.len, &q->answer, &why);
    if (code == ERR_NOMEM || code == ERR_CANCELLED)
        return error_set(w->error, code, "%s", error_text(code));
    if (!code && q->answer.len && take_names(w, q))
        return nomem(w);
    note_answer(w, q, url, code ? why.text : NULL);
    server->failed = code || !q->lines;
    return 0;
}

/* The first source that has names, which is told through *named. */
static int ask_about(struct work *w, uint32_t mapping, bool *named)
{
    struct mapping *m = &w->p->mappings.items[mapping];
    int code = 0;
    for (size_t i = 0; i < w->sources->items.len && !code && !*named; i++) {
        const struct name_source *s = &w->sources->items.items[i];
        if (s->server->failed || !knows(s, m))
            continue;
        struct question q = {.mapping = mapping, .shift = s->start - m->start};
        char *url = symbolz_url(s->server->url);
        code = url ? ask_server(w, &q, s->server, url) : nomem(w);
        free(url);
        *named = q.names > 0;
        table_fini(&q.asked);
        table_fini(&q.functions);
        buf_fini(&q.body);
        buf_fini(&q.answer);
    }
    m->has_functions |= *named;
    return code;
}

int symbolz_profile(struct profile *p, bool force, const struct name_sources *sources, bool *named,
    struct buf *notes, struct error *error)
{
    struct work w = {.p = p, .sources = sources, .notes = notes, .error = error};
    int code = 0;
    for (size_t i = 0; i < p->functions.len; i++)
        if (p->functions.items[i].id > w.last_id)
            w.last_id = p->functions.items[i].id;
    for (uint32_t i = 0; i < p->mappings.len && !code; i++) {
        const struct mapping *m = &p->mappings.items[i];
        if ((force || !m->has_functions) && !is_system(m->file))
            code = ask_about(&w, i, &named[i]);
    }
    return code;
}
