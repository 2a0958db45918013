#include "export/index.h"

#include "export/endpoints.h"
#include "export/labeltext.h"

#include <inttypes.h>

static const char head[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<title>/debug/pprof/</title>\n"
    "<style>\n"
    "body { font-family: sans-serif; margin: 2em; max-width: 50em }\n"
    "td, th { padding: 0.1em 1em 0.1em 0; text-align: left }\n"
    "td.n { text-align: right; font-variant-numeric: tabular-nums }\n"
    "dt { font-weight: bold } dd { margin-bottom: 0.5em }\n"
    "</style>\n"
    "</head>\n"
    "<body>\n"
    "<h1>/debug/pprof/</h1>\n"
    "<p>Set debug=1 as a query parameter to see a profile as text, and seconds=N to see "
    "what came in N seconds.</p>\n"
    "<table>\n"
    "<tr><th>Count</th><th>Lost</th><th>Profile</th></tr>\n";

static const char after_table[] =
    "<p><a href=\"goroutine?debug=2\">full thread dump</a> (the same with more about each: "
    "<a href=\"threads?debug=2\">threads?debug=2</a>)</p>\n"
    "<h2>What each answers</h2>\n"
    "<dl>\n";

static const char tail[] = "</dl>\n</body>\n</html>\n";

/* Threads are counted, of the others the different stacks. */
static int64_t count(enum feed_id id, const struct snapshot *s)
{
    int64_t n = 0;
    for (size_t i = 0; i < s->records.len; i++)
        n += id == FEED_THREADS || id == FEED_GOROUTINE ? s->records.items[i].values[0]
             : id == FEED_THREADCREATE                  ? s->records.items[i].values[1]
                                                        : 1;
    return n;
}

static void put_row(struct buf *out, const struct endpoint *e)
{
    struct snapshot s = {0};
    buf_puts(out, "<tr><td class=\"n\">");
    bool has_state = e->feed >= 0 && !feed_get((enum feed_id)e->feed)->takes_time;
    if (has_state && feed_take((enum feed_id)e->feed, &s, NULL) == 0)
        buf_printf(out, "%" PRId64 "</td><td class=\"n\">%" PRIu64, count((enum feed_id)e->feed, &s), s.lost);
    else
        buf_puts(out, "</td><td>");
    snapshot_fini(&s);
    buf_printf(
        out, "</td><td><a href=\"%s%s\">%s</a></td></tr>\n", e->name, has_state ? "?debug=1" : "", e->name);
}

static void put_lost_labels(struct buf *out)
{
    uint64_t lost = labelset_lost();
    if (!lost)
        return;
    buf_puts(out, "<p>");
    labeltext_put_lost(out, lost);
    buf_puts(out, ".</p>\n");
}

int index_page(struct buf *out, struct error *error)
{
    size_t n;
    const struct endpoint *list = endpoints_list(&n);
    buf_puts(out, head);
    for (size_t i = 0; i < n; i++)
        put_row(out, &list[i]);
    buf_puts(out, "</table>\n");
    put_lost_labels(out);
    buf_puts(out, after_table);
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "<dt>%s</dt><dd>%s</dd>\n", list[i].name,
            list[i].what ? list[i].what : feed_get((enum feed_id)list[i].feed)->what);
    buf_puts(out, tail);
    return out->failed ? error_set(error, ERR_NOMEM, "out of memory") : 0;
}
