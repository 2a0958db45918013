#include "ui/web_views.h"

#include "ui/disassembler.h"
#include "ui/graphviz.h"
#include "view/jsontext.h"

#include <string.h>

const struct web_view web_views[] = {
    {"flamegraph", "Flame graph", "Who calls whom, a box as wide as its share", REPORT_FLAMETREE,
        WEB_BODY_JSON, false, 0},
    {"top", "Top", "A table of functions", REPORT_JSON, WEB_BODY_JSON, false, 500},
    {"graph", "Graph", "The call graph, drawn by Graphviz", REPORT_DOT, WEB_BODY_SVG, false, 0},
    {"peek", "Peek", "Callers and callees of functions", REPORT_PEEK, WEB_BODY_TEXT, true, 0},
    {"source", "Source", "Source lines of functions, with what each costs", REPORT_WEBLIST, WEB_BODY_TEXT,
        true, 0},
    {"disasm", "Disassemble", "Instructions of functions, with what each costs", REPORT_DISASM, WEB_BODY_TEXT,
        true, 0},
};

const unsigned n_web_views = sizeof web_views / sizeof *web_views;

enum {
    HEAVIEST = 20,            /* functions listed when nobody said which */
    MAX_TEXT_BYTES = 4 << 20, /* of a body: more than anybody reads, and than a browser shows at once */
};

const struct web_view *web_view_find(const char *name)
{
    if (!*name)
        return web_views;
    for (unsigned i = 0; i < n_web_views; i++)
        if (strcmp(web_views[i].name, name) == 0)
            return &web_views[i];
    return NULL;
}

/* Focus is the pattern, too, as people expect; without one, the functions where most is spent. */
static int find_pattern(const struct web_source *s, struct buf *pattern, struct error *error)
{
    struct report_request q = {.format = REPORT_HEAVIEST, .config = *s->config, .cancel = s->cancel};
    struct buf notes = {0};
    buf_puts(pattern, s->config->focus);
    if (pattern->len)
        return 0;
    q.config.nodecount = HEAVIEST;
    q.config.granularity = GRANULARITY_FUNCTIONS;
    int code = report_generate(s->profile, &q, pattern, &notes, error);
    buf_fini(&notes);
    if (!code && pattern->len == 0)
        code = error_set(error, ERR_NOTFOUND, "no function has samples of its own here");
    return code;
}

static void put_text(const struct buf *text, struct buf *out, struct buf *notes)
{
    char *data = text->data ? text->data : "";
    char *cut = text->len > MAX_TEXT_BYTES ? memrchr(data, '\n', MAX_TEXT_BYTES) : NULL;
    if (cut) {
        *cut = '\0';
        buf_puts(
            notes, "This is the beginning: the whole is too long for a page. Focus on fewer functions.\n");
    }
    jsontext_put(out, data);
}

static int put_body(const struct web_view *v, const struct web_source *s, const struct buf *report,
    struct buf *out, struct buf *notes, struct error *error)
{
    struct buf picture = {0};
    int code = 0;
    if (v->body == WEB_BODY_JSON)
        buf_append(out, report->data, report->len);
    else if (v->body == WEB_BODY_TEXT)
        put_text(report, out, notes);
    else
        code = graphviz_run("svg", report, &picture, s->cancel, error);
    if (!code && v->body == WEB_BODY_SVG)
        jsontext_put(out, picture.data ? picture.data : "");
    buf_fini(&picture);
    return code;
}

int web_view_put(const struct web_view *v, const struct web_source *s, struct buf *out, struct buf *notes,
    struct error *error)
{
    struct objdump objdump;
    struct disassembler disassembler = objdump_disassembler(&objdump, s->tools, s->cancel);
    struct report_request q = {
        .format = v->format, .config = *s->config, .disassembler = &disassembler, .cancel = s->cancel};
    struct buf report = {0}, pattern = {0};
    int code = v->has_pattern ? find_pattern(s, &pattern, error) : 0;
    if (v->nodecount && q.config.nodecount == -1)
        q.config.nodecount = v->nodecount;
    q.pattern = v->has_pattern ? pattern.data : NULL;
    if (!code)
        code = report_generate(s->profile, &q, &report, notes, error);
    if (!code)
        code = put_body(v, s, &report, out, notes, error);
    objdump_fini(&objdump);
    buf_fini(&report);
    buf_fini(&pattern);
    return code;
}
