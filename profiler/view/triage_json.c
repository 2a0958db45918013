#include "view/triage.h"

#include "view/jsontext.h"

#include <inttypes.h>
#include <string.h>

static const char *const verdicts[] = {[VERDICT_NONE] = "",
    [VERDICT_CAUSE] = "cause",
    [VERDICT_WAITS] = "waits",
    [VERDICT_PART] = "part",
    [VERDICT_GROWS] = "grows",
    [VERDICT_BUSY] = "busy",
    [VERDICT_HOLDS] = "holds"};

/* Of each profile the total, how long it took, and why it is not there. */
static void put_lenses(const struct triage *t, struct buf *out)
{
    buf_puts(out, "\"lenses\":{");
    for (int lens = 0; lens < N_LENSES; lens++) {
        const char *why = t->input.missing[lens];
        buf_puts(out, lens ? "," : "");
        jsontext_put(out, triage_lens_name((enum triage_lens)lens));
        buf_printf(out, ":{\"total\":%" PRId64 ",\"ns\":%" PRId64, t->total[lens], t->duration_ns[lens]);
        if (!t->input.profiles[lens]) {
            buf_puts(out, ",\"missing\":");
            jsontext_put(out, why ? why : "not collected");
        }
        buf_putc(out, '}');
    }
    buf_putc(out, '}');
}

static void put_values(const int64_t *values, struct buf *out)
{
    buf_puts(out, ",[");
    for (int lens = 0; lens < N_LENSES; lens++) {
        buf_puts(out, lens ? "," : "");
        buf_int(out, values[lens]);
    }
    buf_putc(out, ']');
}

static void put_row(const struct triage_row *r, struct buf *out)
{
    buf_putc(out, '[');
    jsontext_put(out, r->name);
    buf_printf(out, ",\"%s\",%s", verdicts[r->verdict], r->blameless ? "true" : "false");
    put_values(r->own, out);
    put_values(r->flat, out);
    put_values(r->cum, out);
    buf_printf(out, ",%" PRId64 ",%" PRId64 "]", r->stuck, r->stuck_ns);
}

static void put_rows(const struct triage *t, struct buf *out)
{
    buf_puts(out, ",\"rows\":[");
    for (size_t i = 0; i < t->rows.len; i++) {
        buf_puts(out, i ? "," : "");
        put_row(&t->rows.items[i], out);
    }
    buf_puts(out, "],\"order\":[");
    for (size_t i = 0; i < t->order.len; i++)
        buf_printf(out, i ? ",%" PRIu32 : "%" PRIu32, t->order.items[i]);
    buf_putc(out, ']');
}

/* The sentences, a line each. */
static void put_sentences(const struct triage *t, struct buf *out)
{
    struct buf words = {0};
    triage_put_words(t, &words);
    buf_puts(out, ",\"words\":[");
    bool first = true;
    for (const char *at = words.data ? words.data : ""; *at;) {
        size_t skip = strspn(at, " "), len = strcspn(at + skip, "\n");
        struct buf line = {0};
        buf_append(&line, at + skip, len);
        if (line.len) {
            buf_puts(out, first ? "" : ",");
            jsontext_put(out, line.data);
            first = false;
        }
        buf_fini(&line);
        at += skip + len + (at[skip + len] == '\n');
    }
    buf_putc(out, ']');
    out->failed |= words.failed;
    buf_fini(&words);
}

void triage_put_json(const struct triage *t, struct buf *out)
{
    buf_putc(out, '{');
    put_lenses(t, out);
    buf_printf(out, ",\"stuck\":%" PRId64 ",\"stuck_ns\":%" PRId64, t->stuck, t->stuck_ns);
    put_rows(t, out);
    put_sentences(t, out);
    buf_putc(out, '}');
}
