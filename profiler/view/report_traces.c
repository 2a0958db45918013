#include "view/report.h"

#include "view/label_lines.h"
#include "view/measure.h"

#include <string.h>

/* Each sample's stack. Samples are many and locations few: a location's lines are made once. */

static const char separator[] = "-----------+-------------------------------------------------------\n";

enum { VALUE_WIDTH = 10 };
static const char no_value[] = "          "; /* as wide as one */

struct traces {
    struct report *r;
    struct frames frames;
    struct label_lines labels;
    struct buf text; /* of locations, each ending in a NUL */
    size_t *starts;  /* of each location's in it, plus 1; 0: not made yet */
};

/* "       key:  value value" for the values of one key. */
static void put_key(void *context, const struct label *labels, uint32_t n, struct buf *out)
{
    struct traces *t = context;
    report_put_right(out, VALUE_WIDTH, labels[0].key);
    buf_puts(out, ": ");
    for (uint32_t i = 0; i < n; i++) {
        buf_putc(out, ' ');
        if (labels[i].is_num)
            measure_put(out, labels[i].num, label_units_get(&t->r->units, labels[i].key), "auto");
        else
            buf_puts(out, labels[i].str);
    }
    buf_putc(out, '\n');
}

static int put_labels(struct traces *t, const struct label *labels, uint32_t n, bool numbers, struct buf *out)
{
    int code = label_lines_make(&t->labels, labels, n, numbers, put_key, t);
    for (size_t i = 0; i < t->labels.starts.len && !code; i++)
        buf_puts(out, label_lines_get(&t->labels, i));
    return code;
}

/* The lines of a location, all but the value before the first. */
static const char *location_lines(struct traces *t, uint32_t loc)
{
    if (!t->starts[loc]) {
        t->starts[loc] = t->text.len + 1;
        for (uint32_t k = 0, n = frames_count(&t->frames, loc); k < n; k++) {
            struct frame frame = frames_get(&t->frames, loc, k);
            buf_puts(&t->text, k ? no_value : "");
            buf_puts(&t->text, "   ");
            frame_print(&frame, &t->text);
            buf_puts(&t->text, k != n - 1 ? " (inline)\n" : "\n");
        }
        buf_putc(&t->text, '\0');
    }
    return t->text.failed ? NULL : t->text.data + t->starts[loc] - 1;
}

static int put_stack(struct traces *t, size_t index, struct buf *out)
{
    const struct sample *s = &t->r->p->samples.items[index];
    int64_t value = ratio_value(report_sample_value(t->r, index), report_sample_div(t->r, index));
    report_put_right(out, VALUE_WIDTH, report_value(t->r, value));
    for (uint32_t i = 0; i < s->nlocs; i++) {
        const char *lines = location_lines(t, t->r->p->locs.items[s->first_loc + i]);
        if (!lines)
            return ERR_NOMEM;
        if (i)
            buf_append(out, no_value, VALUE_WIDTH);
        buf_puts(out, lines);
    }
    return 0;
}

static int put_sample(struct traces *t, size_t index, struct buf *out)
{
    const struct sample *s = &t->r->p->samples.items[index];
    const struct label *labels = t->r->p->labels.items + s->first_label;
    if (s->nlocs == 0)
        return 0;
    buf_puts(out, separator);
    int code = put_labels(t, labels, s->nlabels, false, out);
    if (!code)
        code = put_labels(t, labels, s->nlabels, true, out);
    return code ? code : put_stack(t, index, out);
}

int report_traces(struct report *r, struct buf *out)
{
    struct traces t = {.r = r, .starts = calloc(r->p->locations.len + 1, sizeof *t.starts)};
    int code = t.starts ? frames_init(&t.frames, r->p, frame_detail_of(&r->config), NULL) : ERR_NOMEM;
    if (code) {
        free(t.starts);
        return code;
    }
    report_profile_labels(r, out);
    for (size_t i = 0; i < r->p->samples.len && !code; i++) {
        code = put_sample(&t, i, out);
        if (!code)
            code = report_go_on(r, out);
    }
    buf_puts(out, separator);
    frames_fini(&t.frames);
    label_lines_fini(&t.labels);
    buf_fini(&t.text);
    free(t.starts);
    return code;
}
