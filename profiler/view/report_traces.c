#include "view/report.h"

#include "view/measure.h"

#include <string.h>

static const char separator[] = "-----------+-------------------------------------------------------\n";

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "       key:  value value" for each key of one kind, sorted as lines. */
static bool put_labels(
    struct report *r, const struct label *labels, uint32_t n, bool numbers, struct buf *out)
{
    VEC(char *) lines = {0};
    bool ok = true;
    for (uint32_t i = 0, next; i < n && ok; i = next) {
        struct buf line = {0};
        for (next = i;
             next < n && labels[next].is_num == labels[i].is_num && labels[next].key == labels[i].key; next++)
            ;
        if (labels[i].is_num != numbers)
            continue;
        report_put_right(&line, 10, labels[i].key);
        buf_puts(&line, ": ");
        for (uint32_t k = i; k < next; k++) {
            buf_putc(&line, ' ');
            if (numbers)
                measure_put(&line, labels[k].num, label_units_get(&r->units, labels[k].key), "auto");
            else
                buf_puts(&line, labels[k].str);
        }
        buf_putc(&line, '\n');
        char *text = buf_take(&line);
        ok = text && vec_push(&lines, text);
    }
    if (lines.len)
        qsort(lines.items, lines.len, sizeof *lines.items, compare_lines);
    for (size_t i = 0; i < lines.len; i++) {
        buf_puts(out, lines.items[i]);
        free(lines.items[i]);
    }
    vec_fini(&lines);
    return ok;
}

static void put_stack(struct report *r, const struct frames *f, size_t index, struct buf *out)
{
    const struct sample *s = &r->p->samples.items[index];
    int64_t value = ratio_value(report_sample_value(r, index), report_sample_div(r, index));
    const char *text = report_value(r, value);
    for (uint32_t i = 0; i < s->nlocs; i++) {
        uint32_t loc = r->p->locs.items[s->first_loc + i], n = frames_count(f, loc);
        for (uint32_t k = 0; k < n; k++) {
            struct frame frame = frames_get(f, loc, k);
            report_put_right(out, 10, text);
            buf_puts(out, "   ");
            frame_print(&frame, out);
            buf_puts(out, k != n - 1 ? " (inline)\n" : "\n");
            text = "";
        }
    }
}

int report_traces(struct report *r, struct buf *out)
{
    struct frames frames;
    if (frames_init(&frames, r->p, frame_detail_of(&r->config), NULL))
        return ERR_NOMEM;
    report_profile_labels(r, out);
    int code = 0;
    for (size_t i = 0; i < r->p->samples.len && !code; i++) {
        const struct sample *s = &r->p->samples.items[i];
        const struct label *labels = r->p->labels.items + s->first_label;
        if (s->nlocs == 0)
            continue;
        buf_puts(out, separator);
        if (!put_labels(r, labels, s->nlabels, false, out) || !put_labels(r, labels, s->nlabels, true, out))
            code = ERR_NOMEM;
        put_stack(r, &frames, i, out);
        if (report_cancelled(r))
            code = ERR_CANCELLED;
    }
    buf_puts(out, separator);
    frames_fini(&frames);
    return code;
}
