#include "view/report.h"

#include "view/jsontext.h"
#include "view/measure.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/*
 * The rows of -top for programs: as JSON (RFC 8259) and as CSV (RFC 4180). Values are whole numbers in the
 * unit of the sample type, which is given; percentages are numbers.
 */

static void put_percent(struct buf *out, int64_t value, int64_t total)
{
    buf_printf(out, "%.4f", total ? fabs((double)value / (double)total) * 100 : 0);
}

static void put_json_text(struct buf *out, const char *key, const char *text)
{
    buf_printf(out, "  \"%s\": ", key);
    jsontext_put(out, text);
    buf_puts(out, ",\n");
}

static void put_json_row(
    struct report *r, struct graph *g, const struct node *n, int64_t *sum, struct buf *out)
{
    int64_t flat = node_flat(n), cum = node_cum(n);
    *sum = wrap_add(*sum, flat);
    buf_printf(out, "{\"flat\": %" PRId64 ", \"flat_percent\": ", report_exact(r, flat));
    put_percent(out, flat, r->total);
    buf_puts(out, ", \"sum_percent\": ");
    put_percent(out, *sum, r->total);
    buf_printf(out, ", \"cum\": %" PRId64 ", \"cum_percent\": ", report_exact(r, cum));
    put_percent(out, cum, r->total);
    buf_puts(out, ", \"name\": ");
    jsontext_put(out, n->name);
    buf_puts(out, ", \"inline\": ");
    jsontext_put(out, report_inline_word(g, n));
    buf_putc(out, '}');
}

static int put_json(struct report *r, struct graph *g, const struct trimmed *trimmed, struct buf *out)
{
    (void)trimmed;
    int64_t sum = 0;
    buf_puts(out, "{\n");
    put_json_text(out, "file", r->p->mappings.len ? r->p->mappings.items[0].file : "");
    put_json_text(out, "type", r->type.data);
    put_json_text(out, "unit", r->unit);
    buf_printf(out,
        "  \"time_nanos\": %" PRId64 ",\n  \"duration_nanos\": %" PRId64 ",\n  \"total\": %" PRId64 ",\n",
        r->p->time_nanos, r->p->duration_nanos, report_exact(r, r->total));
    buf_puts(out, "  \"rows\": [");
    for (size_t i = 0; i < g->listed.len; i++) {
        buf_puts(out, i ? ",\n    " : "\n    ");
        put_json_row(r, g, &g->nodes.items[g->listed.items[i]], &sum, out);
    }
    buf_puts(out, g->listed.len ? "\n  ]\n}\n" : "]\n}\n");
    return 0;
}

/* Quoted where it has to be, quotes inside doubled. */
static void put_csv_text(struct buf *out, const char *text)
{
    bool quoted = text[strcspn(text, "\",\r\n")] != '\0';
    if (quoted)
        buf_putc(out, '"');
    for (; *text; text++) {
        if (*text == '"')
            buf_putc(out, '"');
        buf_putc(out, *text);
    }
    if (quoted)
        buf_putc(out, '"');
}

static void put_csv_row(
    struct report *r, struct graph *g, const struct node *n, int64_t *sum, struct buf *out)
{
    int64_t flat = node_flat(n), cum = node_cum(n);
    *sum = wrap_add(*sum, flat);
    buf_printf(out, "%" PRId64 ",", report_exact(r, flat));
    put_percent(out, flat, r->total);
    buf_putc(out, ',');
    put_percent(out, *sum, r->total);
    buf_printf(out, ",%" PRId64 ",", report_exact(r, cum));
    put_percent(out, cum, r->total);
    buf_putc(out, ',');
    put_csv_text(out, r->unit);
    buf_putc(out, ',');
    put_csv_text(out, n->name);
    buf_printf(out, ",%s\r\n", report_inline_word(g, n));
}

static int put_csv(struct report *r, struct graph *g, const struct trimmed *trimmed, struct buf *out)
{
    (void)trimmed;
    int64_t sum = 0;
    buf_puts(out, "flat,flat_percent,sum_percent,cum,cum_percent,unit,name,inline\r\n");
    for (size_t i = 0; i < g->listed.len; i++)
        put_csv_row(r, g, &g->nodes.items[g->listed.items[i]], &sum, out);
    return 0;
}

int report_json(struct report *r, struct buf *out)
{
    return report_with_graph(r, put_json, out);
}

int report_csv(struct report *r, struct buf *out)
{
    return report_with_graph(r, put_csv, out);
}
