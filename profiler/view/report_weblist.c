#include "view/weblist.h"

#include "view/path.h"
#include "view/source_file.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/*
 * The page of weblist: one file that needs no other. Each function's source with what its lines cost; a click
 * on a line that has instructions shows them, and the calls that were inlined there.
 */
enum {
    MERGE_LINES = 20, /* parts of a function that are nearer than this are shown as one */
    MARGIN_LINES = 5, /* around them */
    TEXT_WIDTH = 80,
    TAB = 8,
};

static const char page_head[] =
    "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"UTF-8\">\n<title>Pprof listing</title>\n"
    "<style>\n"
    "body { font-family: sans-serif; color: #1f2328; margin: 1em 2em; }\n"
    "h2 { font-size: 1.2em; margin: 1.6em 0 0.2em; }\n"
    ".filename { color: #59636e; margin: 0; }\n"
    ".legend { font-size: 1.1em; line-height: 1.4; }\n"
    "pre { font-size: 0.85em; line-height: 1.35; }\n"
    ".line { color: #8c959f; }\n"
    ".nop, .unimportant { color: #8c959f; }\n"
    ".livesrc { color: #0550ae; cursor: pointer; }\n"
    ".livesrc:hover { background: #eaf2fb; }\n"
    ".inlinesrc { color: #0a5c36; }\n"
    ".asm { display: none; color: #6e3f00; }\n"
    ".shown { display: inline; }\n"
    "@media (prefers-color-scheme: dark) {\n"
    "body { background: #0d1117; color: #e6edf3; }\n"
    ".livesrc { color: #79c0ff; } .livesrc:hover { background: #17202b; }\n"
    ".inlinesrc { color: #7ee787; } .asm { color: #e3b341; }\n"
    "}\n"
    "</style>\n"
    "<script>\n"
    "function pprof_toggle_asm(event) {\n"
    "  var line = event.target.closest('.livesrc, .deadsrc');\n"
    "  var asm = line && line.nextElementSibling;\n"
    "  if (asm && asm.classList.contains('asm')) asm.classList.toggle('shown');\n"
    "}\n"
    "</script>\n"
    "</head>\n<body>\n\n";

static const char page_tail[] = "\n</body>\n</html>\n";

/* Lines that are shown together: a function, or a part of it. */
struct part {
    const char *function;
    int64_t begin, end; /* without end */
    int64_t flat, cum;
};

struct source {
    const char *name;
    struct source_file file;
    bool found;
};

struct page {
    struct weblist *w;
    struct report *r;
    struct buf *out;
    VEC(struct source) sources;
    bool hinted;
};

/* ---- text ---- */

static void put_escaped(struct buf *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&':
            buf_puts(out, "&amp;");
            break;
        case '<':
            buf_puts(out, "&lt;");
            break;
        case '>':
            buf_puts(out, "&gt;");
            break;
        case '"':
            buf_puts(out, "&#34;");
            break;
        case '\'':
            buf_puts(out, "&#39;");
            break;
        default:
            buf_putc(out, *text);
        }
    }
}

static int indentation(const char *line)
{
    int column = 0;
    for (; *line == ' ' || *line == '\t'; line++)
        column = *line == ' ' ? column + 1 : (column / TAB + 1) * TAB;
    return column;
}

/* text, `indent` blanks to the right, blanks for its tabs, filled up to TEXT_WIDTH; escaped. */
static void put_padded(struct buf *out, int indent, const char *text)
{
    struct buf line = {0};
    int column = indent;
    buf_printf(&line, "%*s", indent, "");
    for (; *text; text++) {
        bool tab = *text == '\t';
        buf_putc(&line, tab ? ' ' : *text);
        column += (*text & 0xc0) != 0x80;
        for (; tab && column % TAB; column++)
            buf_putc(&line, ' ');
    }
    for (; column < TEXT_WIDTH; column++)
        buf_putc(&line, ' ');
    put_escaped(out, line.data ? line.data : "");
    buf_fini(&line);
}

static const char *value_or_dot(struct report *r, int64_t value)
{
    return value ? report_value(r, value) : ".";
}

static void put_values(struct page *p, int64_t flat, int64_t cum)
{
    report_put_right(p->out, 10, value_or_dot(p->r, flat));
    buf_putc(p->out, ' ');
    report_put_right(p->out, 10, value_or_dot(p->r, cum));
}

/* ---- source ---- */

/* Line n of the file; NULL when it has none. */
static const char *source_line(struct page *p, const char *name, int64_t n)
{
    const struct config *c = &p->r->config;
    struct source *s = NULL;
    for (size_t i = 0; i < p->sources.len && !s; i++)
        if (p->sources.items[i].name == name || strcmp(p->sources.items[i].name, name) == 0)
            s = &p->sources.items[i];
    if (!s) {
        struct source fresh = {.name = name};
        struct error why;
        fresh.found = *name && source_file_read(name, c->source_path, c->trim_path, &fresh.file, &why) == 0;
        if (!vec_push(&p->sources, fresh)) {
            source_file_fini(&fresh.file);
            return NULL;
        }
        s = &p->sources.items[p->sources.len - 1];
        if (!fresh.found && *name)
            buf_printf(p->r->notes, "%s%s", why.text,
                p->hinted
                    ? "\n"
                    : " (-source_path=DIR says where sources are, -trim_path=PREFIX what to take off their "
                      "names)\n");
        p->hinted |= !fresh.found;
    }
    return s->found && n >= 1 && n <= (int64_t)s->file.lines.len ? s->file.lines.items[n - 1] : NULL;
}

/* ---- instructions of a line ---- */

static bool same_call(const struct web_call *a, const struct web_call *b)
{
    return a->line == b->line && strcmp(a->file, b->file) == 0;
}

static void put_call(struct page *p, const struct web_call *call, int indent)
{
    const char *text = source_line(p, call->file, call->line);
    text = text ? text + strspn(text, " \t") : "";
    buf_printf(p->out, " %8s %10s %10s %8s  <span class=inlinesrc>", "", "", "", "");
    put_padded(p->out, indent, text);
    buf_puts(p->out, "</span> <span class=unimportant>");
    struct buf base = {0};
    path_put_base(call->file, &base);
    put_escaped(p->out, base.data ? base.data : "");
    buf_fini(&base);
    buf_printf(p->out, ":%" PRId64 "</span>\n", call->line);
}

static void put_instruction(struct page *p, const struct web_instruction *i, int indent)
{
    buf_printf(p->out, " %8s ", "");
    put_values(p, i->flat, i->cum);
    buf_printf(p->out, " %8" PRIx64 ": ", i->vaddr);
    put_padded(p->out, indent, i->text);
    buf_puts(p->out, " <span class=unimportant>");
    if (*i->file) {
        struct buf base = {0};
        path_put_base(i->file, &base);
        put_escaped(p->out, base.data ? base.data : "");
        buf_fini(&base);
        buf_printf(p->out, ":%" PRId64, i->line);
    }
    buf_puts(p->out, "</span>\n");
}

static void put_entries(struct page *p, const struct web_entry *entries, size_t n, int indent)
{
    const struct weblist *w = p->w;
    const struct web_call *open = NULL;
    uint32_t nopen = 0;
    buf_puts(p->out, "<span class=asm>");
    for (size_t i = 0; i < n; i++) {
        const struct web_instruction *in = &w->instructions.items[entries[i].instruction];
        const struct web_call *calls = w->calls.items + entries[i].first_call;
        const struct web_instruction *before = i ? &w->instructions.items[entries[i - 1].instruction] : NULL;
        if (before && *in->text && in->address != before->address + before->length)
            buf_printf(p->out, " %8s %28s\n", "", "\xe2\x8b\xae"); /* the code goes on elsewhere */
        for (uint32_t k = 0; k < entries[i].ncalls; k++) {
            if (k < nopen && same_call(&open[k], &calls[k]))
                continue;
            nopen = 0;
            put_call(p, &calls[k], indent + 4 + 4 * (int)k);
        }
        open = calls;
        nopen = entries[i].ncalls;
        if (*in->text)
            put_instruction(p, in, indent + 4 + 4 * (int)nopen);
    }
    buf_puts(p->out, "</span>");
}

static void put_line(
    struct page *p, int64_t line, const char *text, const struct web_entry *entries, size_t n)
{
    int64_t flat = 0, cum = 0;
    bool nested = false;
    uint32_t last = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        const struct web_instruction *in = &p->w->instructions.items[entries[i].instruction];
        nested |= entries[i].ncalls || *in->text;
        if (entries[i].instruction == last) /* recursion, inlined: one instruction */
            continue;
        flat = wrap_add(flat, in->flat);
        cum = wrap_add(cum, in->cum);
        last = entries[i].instruction;
    }
    buf_printf(p->out, "<span class=line> %6" PRId64 "</span> <span class=%s>  ", line,
        nested ? "livesrc"
        : n    ? "deadsrc"
               : "nop");
    put_values(p, flat, cum);
    buf_printf(p->out, " %8s  ", "");
    put_escaped(p->out, text);
    buf_puts(p->out, " </span>");
    if (nested)
        put_entries(p, entries, n, indentation(text));
    buf_putc(p->out, '\n');
}

/* ---- functions of a file ---- */

typedef VEC(struct part) parts;

/* Entries [i, next) are of one line. */
static size_t same_line(const struct web_file *f, size_t i)
{
    size_t next = i;
    while (next < f->entries.len && f->entries.items[next].line == f->entries.items[i].line)
        next++;
    return next;
}

static bool add_line(struct page *p, const struct web_file *f, size_t i, size_t next, parts *out)
{
    const struct web_entry *first = &f->entries.items[i];
    struct part part = {first->function, first->line, first->line + 1, 0, 0};
    for (size_t k = i; k < next; k++) {
        const struct web_instruction *in = &p->w->instructions.items[f->entries.items[k].instruction];
        if (k > i && f->entries.items[k - 1].instruction == f->entries.items[k].instruction)
            continue;
        part.flat = wrap_add(part.flat, in->flat);
        part.cum = wrap_add(part.cum, in->cum);
    }
    struct part *last = out->len ? &out->items[out->len - 1] : NULL;
    if (!last || part.begin - last->end >= MERGE_LINES || strcmp(last->function, part.function) != 0)
        return vec_push(out, part);
    last->end = part.end;
    last->flat = wrap_add(last->flat, part.flat);
    last->cum = wrap_add(last->cum, part.cum);
    return true;
}

/* Up to MARGIN_LINES around each, the gap between two shared out. Line 0 is that of unknown ones. */
static void widen(parts *all)
{
    for (size_t i = 0; i < all->len; i++) {
        struct part *part = &all->items[i];
        if (i == 0) {
            part->begin = part->begin > MARGIN_LINES ? part->begin - MARGIN_LINES
                          : part->begin > 1          ? 1
                                                     : part->begin;
            continue;
        }
        int64_t half = (part->begin - part[-1].end) / 2;
        half = half > MARGIN_LINES ? MARGIN_LINES : half;
        part[-1].end += half;
        part->begin -= half;
    }
    if (all->len)
        all->items[all->len - 1].end += MARGIN_LINES;
}

static void put_part(struct page *p, const struct web_file *f, const struct part *part)
{
    buf_puts(p->out, "<h2>");
    put_escaped(p->out, part->function);
    buf_puts(p->out, "</h2><p class=\"filename\">");
    put_escaped(p->out, f->name);
    buf_puts(p->out, "</p>\n<pre onClick=\"pprof_toggle_asm(event)\">\n  Total:  ");
    report_put_right(p->out, 10, report_value(p->r, part->flat));
    buf_putc(p->out, ' ');
    report_put_right(p->out, 10, report_value(p->r, part->cum));
    buf_printf(p->out, " (flat, cum) %s\n", report_percent(p->r, part->cum, p->r->total));
    size_t at = 0;
    while (at < f->entries.len && f->entries.items[at].line < part->begin)
        at++;
    for (int64_t line = part->begin; line < part->end; line++) {
        bool has_entries = at < f->entries.len && f->entries.items[at].line == line;
        size_t next = has_entries ? same_line(f, at) : at;
        const char *text = source_line(p, f->name, line);
        if (!text && !has_entries)
            continue;
        put_line(p, line,
            text   ? text
            : line ? "???"
                   : "<instructions with unknown line numbers>",
            f->entries.items + at, next - at);
        at = next;
    }
    buf_puts(p->out, "</pre>\n");
}

static int put_file(struct page *p, const struct web_file *f)
{
    parts all = {0};
    int code = 0;
    for (size_t i = 0, next; i < f->entries.len && !code; i = next) {
        next = same_line(f, i);
        code = add_line(p, f, i, next, &all) ? 0 : ERR_NOMEM;
    }
    widen(&all);
    for (size_t i = 0; i < all.len && !code; i++) {
        if (all.items[i].cum)
            put_part(p, f, &all.items[i]);
        code = report_cancelled(p->r) ? ERR_CANCELLED : 0;
    }
    vec_fini(&all);
    return code;
}

static void put_legend(struct page *p)
{
    struct buf labels = {0};
    report_profile_labels(p->r, &labels);
    buf_puts(p->out, "<div class=\"legend\">");
    for (char *at = labels.len ? labels.data : (char[]){""}; *at;) {
        char *end = strchrnul(at, '\n'), *next = *end ? end + 1 : end;
        *end = '\0';
        put_escaped(p->out, at);
        buf_puts(p->out, *next ? "<br>\n" : "");
        at = next;
    }
    buf_printf(p->out, "<br>Total: %s</div>", report_value(p->r, p->r->total));
    buf_fini(&labels);
}

int report_weblist(struct report *r, struct buf *out)
{
    struct weblist w;
    struct page p = {.w = &w, .r = r, .out = out};
    int code = weblist_collect(&w, r);
    if (!code && w.files.len == 0)
        code = report_no_match(r);
    if (!code) {
        buf_puts(out, page_head);
        put_legend(&p);
        for (size_t i = 0; i < w.files.len && !code; i++)
            code = put_file(&p, &w.files.items[i]);
        buf_puts(out, page_tail);
    }
    for (size_t i = 0; i < p.sources.len; i++)
        source_file_fini(&p.sources.items[i].file);
    vec_fini(&p.sources);
    weblist_fini(&w);
    return code;
}
