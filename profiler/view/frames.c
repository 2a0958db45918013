#include "view/frames.h"

#include "base/hash.h"
#include "view/path.h"

#include <inttypes.h>
#include <string.h>

struct frame_detail frame_detail_of(const struct config *c)
{
    struct frame_detail d = {.inlines = !c->no_inlines};
    d.function = c->granularity != GRANULARITY_FILES;
    d.file = c->granularity != GRANULARITY_FUNCTIONS;
    d.line = c->granularity == GRANULARITY_LINES || c->granularity == GRANULARITY_ADDRESSES;
    d.column = d.line && c->show_columns;
    d.address = c->granularity == GRANULARITY_ADDRESSES;
    return d;
}

static int intern_files(struct frames *f, const struct config *trim)
{
    struct buf clean = {0};
    int code = 0;
    for (size_t i = 0; i < f->p->functions.len && !code; i++) {
        const char *file = f->p->functions.items[i].file;
        f->files[i] = intern_empty;
        if (!*file || !f->detail.file)
            continue;
        if (trim)
            file = path_trim(file, trim->trim_path, trim->source_path);
        clean.len = 0;
        if (*file)
            path_put_clean(file, &clean);
        f->files[i] = clean.failed ? NULL : intern_bytes(f->strings, clean.data, clean.len);
        code = f->files[i] ? 0 : ERR_NOMEM;
    }
    buf_fini(&clean);
    return code;
}

int frames_init(
    struct frames *f, const struct profile *p, struct frame_detail detail, const struct config *trim)
{
    *f = (struct frames){.p = p, .detail = detail, .strings = intern_new()};
    f->files = calloc(p->functions.len + 1, sizeof *f->files);
    if (f->strings && f->files && intern_files(f, trim) == 0)
        return 0;
    frames_fini(f);
    return ERR_NOMEM;
}

void frames_fini(struct frames *f)
{
    free(f->files);
    intern_unref(f->strings);
    *f = (struct frames){0};
}

uint32_t frames_count(const struct frames *f, uint32_t location)
{
    uint32_t n = f->p->locations.items[location].nlines;
    return n == 0 || !f->detail.inlines ? 1 : n;
}

struct frame frames_get(const struct frames *f, uint32_t location, uint32_t i)
{
    const struct profile *p = f->p;
    const struct location *l = &p->locations.items[location];
    struct frame r = {.name = intern_empty, .file = intern_empty, .objfile = intern_empty};
    const char *objfile = l->mapping == NO_INDEX ? intern_empty : p->mappings.items[l->mapping].file;
    if (f->detail.address)
        r.address = l->address;
    if (l->nlines == 0) {
        r.objfile = objfile;
        return r;
    }
    if (!f->detail.inlines)
        i = l->nlines - 1;
    const struct line *line = &p->lines.items[l->first_line + i];
    const struct function *fn = &p->functions.items[line->function];
    if (f->detail.function)
        r.name = fn->name;
    r.file = f->files[line->function];
    r.line = f->detail.line ? line->line : 0;
    r.column = f->detail.column ? line->column : 0;
    if (f->detail.objfile || !*r.name) {
        r.objfile = objfile;
        r.start_line = fn->start_line;
    }
    return r;
}

bool frame_equal(const struct frame *a, const struct frame *b)
{
    return a->name == b->name && a->file == b->file && a->address == b->address && a->line == b->line &&
           a->column == b->column && a->objfile == b->objfile && a->start_line == b->start_line;
}

uint64_t frame_hash(const struct frame *a)
{
    uint64_t h = hash_mix((uintptr_t)a->name, (uintptr_t)a->file);
    h = hash_mix(h, a->address ^ (uintptr_t)a->objfile);
    return hash_mix(h, (uint64_t)a->line ^ (uint64_t)a->start_line << 32 ^ (uint64_t)a->column << 24);
}

static void separate(struct buf *out, size_t start, const char *separator)
{
    if (out->len > start)
        buf_puts(out, separator);
}

void frame_print(const struct frame *a, struct buf *out)
{
    frame_print_parts(a, " ", out);
}

void frame_print_parts(const struct frame *a, const char *separator, struct buf *out)
{
    size_t start = out->len;
    if (a->address)
        buf_printf(out, "%016" PRIx64, a->address);
    if (*a->name) {
        separate(out, start, separator);
        buf_puts(out, a->name);
    }
    if (a->line) {
        separate(out, start, separator);
        buf_printf(out, "%s:%" PRId64, a->file, a->line);
        if (a->column)
            buf_printf(out, ":%" PRId64, a->column);
    } else if (*a->file) {
        separate(out, start, separator);
        buf_puts(out, a->file);
    } else if (*a->name) {
        return;
    } else if (*a->objfile) {
        separate(out, start, separator);
        buf_putc(out, '[');
        path_put_base(a->objfile, out);
        buf_putc(out, ']');
    } else {
        separate(out, start, separator);
        buf_puts(out, "<unknown>");
    }
}

static void print_fields(const struct frame *a, struct buf *out)
{
    buf_printf(out, "{%s  %" PRIu64 " %s %" PRId64 " %" PRId64 " %" PRId64 " %s}", a->name, a->address,
        a->file, a->start_line, a->line, a->column, a->objfile);
}

int frame_compare_fields(const struct frame *a, const struct frame *b)
{
    struct buf x = {0}, y = {0};
    print_fields(a, &x);
    print_fields(b, &y);
    int order = x.data && y.data ? strcmp(x.data, y.data) : 0;
    buf_fini(&x);
    buf_fini(&y);
    return order;
}
