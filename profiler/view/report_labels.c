#include "view/report.h"

#include "view/measure.h"
#include "view/path.h"

#include <string.h>
#include <time.h>

/* The lines above a report: what was profiled, and what is left out. */

static void put_time(struct buf *out, int64_t time_ns)
{
    time_t seconds = (time_t)(time_ns / 1000000000 - (time_ns % 1000000000 < 0));
    struct tm tm;
    char text[64];
    if (localtime_r(&seconds, &tm) && strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %Z", &tm))
        buf_printf(out, "Time: %s\n", text);
}

static void put_duration(struct report *r, struct buf *out)
{
    int64_t duration_ns = r->p->duration_nanos;
    struct measure total = measure_scale(r->total, r->unit, "nanoseconds");
    buf_puts(out, "Duration: ");
    measure_put(out, duration_ns, "nanoseconds", "auto");
    buf_printf(out, ", Total samples = %s ", report_value(r, r->total));
    if (strcmp(total.unit, "ns") == 0 && total.value != 0) {
        buf_putc(out, '(');
        measure_put_percent(out, measure_int(total.value), duration_ns);
        buf_putc(out, ')');
    }
    buf_putc(out, '\n');
}

void report_profile_labels(struct report *r, struct buf *out)
{
    const struct profile *p = r->p;
    if (p->mappings.len && *p->mappings.items[0].file) {
        buf_puts(out, "File: ");
        path_put_base(p->mappings.items[0].file, out);
        buf_putc(out, '\n');
    }
    if (p->mappings.len && *p->mappings.items[0].build_id)
        buf_printf(out, "Build ID: %s\n", p->mappings.items[0].build_id);
    for (size_t i = 0; i < p->comments.len; i++)
        if (p->comments.items[i][0] != '#')
            buf_printf(out, "%s\n", p->comments.items[i]);
    if (r->type.len)
        buf_printf(out, "Type: %s\n", r->type.data);
    if (*p->doc_url)
        buf_printf(out, "Doc: %s\n", p->doc_url);
    if (p->time_nanos)
        put_time(out, p->time_nanos);
    if (p->duration_nanos)
        put_duration(r, out);
}

enum { MAX_FILTER_BYTES = 80 };

static void put_filters(const struct config *c, struct buf *out)
{
    const struct {
        const char *name, *value;
    } filters[] = {{"focus", c->focus}, {"ignore", c->ignore}, {"hide", c->hide}, {"show", c->show},
        {"show_from", c->show_from}, {"tagfocus", c->tagfocus}, {"tagignore", c->tagignore},
        {"tagshow", c->tagshow}, {"taghide", c->taghide}};
    bool any = false;
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        if (!*filters[i].value)
            continue;
        if (!any)
            buf_puts(out, "Active filters:\n");
        any = true;
        int room = MAX_FILTER_BYTES - (int)strlen(filters[i].name) - 1;
        bool cut = strlen(filters[i].value) > (size_t)room;
        buf_printf(out, "   %s=%.*s%s\n", filters[i].name, room, filters[i].value, cut ? "…" : "");
    }
}

static void put_dropped(
    struct report *r, size_t n, const char *what, const char *by, double fraction, struct buf *out)
{
    if (n)
        buf_printf(out, "Dropped %zu %s%s (%s <= %s)\n", n, what, n > 1 ? "s" : "", by,
            report_value(r, magnitude(measure_int((double)r->total * fraction))));
}

void report_labels(struct report *r, struct graph *g, const struct trimmed *t, bool full, struct buf *out)
{
    if (full || !r->config.compact_labels)
        report_profile_labels(r, out);
    put_filters(&r->config, out);

    uint64_t flat = 0;
    for (size_t i = 0; i < g->listed.len; i++)
        flat += (uint64_t)node_flat(&g->nodes.items[g->listed.items[i]]);
    const char *percent = report_percent(r, (int64_t)flat, r->total);
    percent += strspn(percent, " ");
    buf_printf(out, "Showing nodes accounting for %s, %s", report_value(r, (int64_t)flat), percent);
    buf_printf(out, " of %s total\n", report_value(r, r->total));
    if (!r->total)
        return;
    put_dropped(r, t->dropped_nodes, "node", "cum", r->config.nodefraction, out);
    if (full)
        put_dropped(r, t->dropped_edges, "edge", "freq", r->config.edgefraction, out);
    if (g->listed.len && g->listed.len < t->nodes_before_top)
        buf_printf(out, "Showing top %zu nodes out of %zu\n", g->listed.len, t->nodes_before_top);
}
