#include "ui/web_page.h"

#include "ui/web_files.h"
#include "ui/web_query.h"
#include "view/jsontext.h"

#include <stdio.h>
#include <string.h>

static void put_lines(const char *key, const struct buf *lines, struct buf *out)
{
    bool first = true;
    buf_printf(out, ",\"%s\":[", key);
    for (const char *at = lines->data ? lines->data : ""; *at;) {
        const char *end = strchrnul(at, '\n');
        struct buf line = {0};
        buf_append(&line, at, (size_t)(end - at));
        if (line.len) {
            buf_puts(out, first ? "" : ",");
            jsontext_put(out, line.data);
            first = false;
        }
        buf_fini(&line);
        at = *end ? end + 1 : end;
    }
    buf_putc(out, ']');
}

static void put_views(struct buf *out)
{
    buf_puts(out, ",\"views\":[");
    for (unsigned i = 0; i < n_web_views; i++) {
        buf_puts(out, i ? ",[" : "[");
        jsontext_put(out, web_views[i].name);
        buf_putc(out, ',');
        jsontext_put(out, web_views[i].title);
        buf_putc(out, ',');
        jsontext_put(out, web_views[i].summary);
        buf_putc(out, ']');
    }
    buf_putc(out, ']');
}

/* The profiles of a triage, and which of them this is. */
static void put_choice(const struct web_page *p, struct buf *out)
{
    if (!p->all)
        return;
    buf_puts(out, ",\"profiles\":");
    web_all_put_menu(p->all, out);
    if (p->view) {
        buf_puts(out, ",\"of\":");
        jsontext_put(out, p->of ? p->of : "");
    }
}

static void put_title(const struct web_page *p, struct buf *out)
{
    struct buf title = {0};
    buf_puts(&title, web_all_title(p->all));
    put_lines("legend", &title, out);
    buf_puts(out, ",\"types\":[]");
    buf_fini(&title);
}

static void put_sample_types(const struct web_source *s, struct buf *out)
{
    const struct profile *p = s->profile;
    struct error ignored;
    size_t index = 0;
    buf_puts(out, ",\"types\":[");
    for (size_t i = 0; i < p->sample_types.len; i++) {
        buf_puts(out, i ? "," : "");
        jsontext_put(out, p->sample_types.items[i].type);
    }
    buf_putc(out, ']');
    if (report_sample_index(p, s->config->sample_index, &index, &ignored) == 0) {
        buf_printf(out, ",\"type\":%zu,\"unit\":", index);
        jsontext_put(out, p->sample_types.items[index].unit);
    }
}

/* Sample types, and what the shell greets with. */
static void put_profile(const struct web_source *s, struct buf *out)
{
    struct buf heading = {0};
    struct error ignored;
    int64_t total = 0;
    if (report_heading(s->profile, s->config, &heading, &total, &ignored))
        heading.len = 0;
    put_lines("legend", &heading, out);
    put_sample_types(s, out);
    buf_fini(&heading);
}

static int status_of(int code)
{
    switch (code) {
    case 0:
        return 200;
    case ERR_NOMEM:
    case ERR_IO:
    case ERR_CANCELLED:
        return 500;
    default:
        return 400;
    }
}

static int put_data(const struct web_page *p, struct buf *out)
{
    struct buf body = {0}, notes = {0};
    struct error error = {0};
    int code = p->refused ? p->refused->code : 0;
    if (code)
        error = *p->refused;
    else if (p->view)
        code = web_view_put(p->view, &p->source, &body, &notes, &error);
    else
        web_all_put(p->all, &body);
    buf_puts(out, "{\"view\":");
    jsontext_put(out, p->view ? p->view->name : "all");
    put_views(out);
    put_choice(p, out);
    if (p->source.profile)
        put_profile(&p->source, out);
    else
        put_title(p, out);
    put_lines("notes", &notes, out);
    buf_puts(out, ",\"defaults\":");
    web_query_put(p->defaults, out);
    buf_puts(out, ",\"configs\":");
    saved_put_menu(p->saved, out);
    if (code) {
        buf_puts(out, ",\"error\":");
        jsontext_put(out, *error.text ? error.text : error_text(code));
    } else {
        buf_puts(out, ",\"body\":");
        buf_append(out, body.data ? body.data : "null", body.data ? body.len : 4);
    }
    buf_putc(out, '}');
    buf_fini(&body);
    buf_fini(&notes);
    return code == ERR_NOTFOUND && p->view && p->view->body == WEB_BODY_SVG ? 501 : status_of(code);
}

/* JSON has < in strings alone. */
static void put_without_tags(const struct buf *json, struct buf *out)
{
    const char *at = json->data ? json->data : "";
    for (const char *next; (next = strchr(at, '<')); at = next + 1) {
        buf_append(out, at, (size_t)(next - at));
        buf_puts(out, "\\u003c");
    }
    buf_puts(out, at);
}

static void put_file_in(const char *element, const char *name, struct buf *out)
{
    struct web_file_text file;
    buf_printf(out, "<%s>\n", element);
    if (web_file_find(name, &file))
        buf_append(out, file.text, file.len);
    buf_printf(out, "</%s>\n", element);
}

static void put_line(const char *line, size_t len, const struct buf *json, bool whole, struct buf *out)
{
    static const char place[] = "@DATA@";
    /* What a server says in a header. */
    static const char policy[] =
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src "
        "'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\">\n";
    const char *hole = memmem(line, len, place, sizeof place - 1);
    char name[40];
    if (hole) {
        size_t before = (size_t)(hole - line), after = before + sizeof place - 1;
        buf_append(out, line, before);
        put_without_tags(json, out);
        buf_append(out, line + after, len - after);
    } else if (whole && sscanf(line, "<script src=\"%39[^\"]", name) == 1)
        put_file_in("script", name, out);
    else if (whole && sscanf(line, "<link rel=\"stylesheet\" href=\"%39[^\"]", name) == 1) {
        buf_puts(out, policy);
        put_file_in("style", name, out);
    } else
        buf_append(out, line, len);
}

void web_page_put_shell(const struct buf *json, bool whole, struct buf *out)
{
    struct web_file_text shell;
    if (!web_file_find("page.html", &shell))
        return;
    for (const char *line = shell.text, *end; *line; line = end) {
        end = strchrnul(line, '\n');
        end += *end == '\n';
        put_line(line, (size_t)(end - line), json, whole, out);
    }
}

int web_page_put(const struct web_page *p, struct buf *out)
{
    struct buf data = {0};
    int status = put_data(p, &data);
    web_page_put_shell(&data, false, out);
    buf_fini(&data);
    return status;
}
