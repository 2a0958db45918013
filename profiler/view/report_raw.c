#include "view/report.h"

#include "view/duration.h"
#include "view/label_lines.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* The whole profile as text, as Profile.String() of google/pprof gives it. */

static void put_time(struct buf *out, int64_t time_ns)
{
    int64_t fraction = time_ns % 1000000000;
    time_t seconds = (time_t)(time_ns / 1000000000);
    if (fraction < 0) {
        fraction += 1000000000;
        seconds--;
    }
    struct tm tm;
    char date[40], zone[40];
    if (!localtime_r(&seconds, &tm))
        return;
    strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &tm);
    strftime(zone, sizeof zone, "%z %Z", &tm);
    buf_printf(out, "Time: %s", date);
    if (fraction) {
        char digits[12];
        snprintf(digits, sizeof digits, ".%09d", (int)fraction);
        for (size_t n = strlen(digits); digits[n - 1] == '0';)
            digits[--n] = '\0';
        buf_puts(out, digits);
    }
    buf_printf(out, " %s\n", zone);
}

static void put_header(const struct profile *p, struct buf *out)
{
    for (size_t i = 0; i < p->comments.len; i++)
        buf_printf(out, "Comment: %s\n", p->comments.items[i]);
    if (*p->doc_url)
        buf_printf(out, "Doc: %s\n", p->doc_url);
    buf_printf(
        out, "PeriodType: %s %s\nPeriod: %" PRId64 "\n", p->period_type.type, p->period_type.unit, p->period);
    if (p->time_nanos)
        put_time(out, p->time_nanos);
    if (p->duration_nanos) {
        char text[DURATION_TEXT];
        duration_format(p->duration_nanos, text);
        buf_printf(out, "Duration: %.4s\n", text);
    }
    buf_puts(out, "Samples:\n");
    for (size_t i = 0; i < p->sample_types.len; i++) {
        const struct value_type *t = &p->sample_types.items[i];
        bool is_default = strcmp(t->type, p->default_sample_type) == 0;
        buf_printf(out, "%s%s/%s%s", i ? " " : "", t->type, t->unit, is_default ? "[dflt]" : "");
    }
    buf_putc(out, '\n');
}

/* "key:[value value]"; numbers have their unit when one of the key's has one. */
static void put_group(void *context, const struct label *labels, uint32_t n, struct buf *out)
{
    (void)context;
    bool units = false;
    for (uint32_t i = 0; i < n; i++)
        units |= *labels[i].num_unit != '\0';
    buf_puts(out, labels[0].key);
    buf_puts(out, ":[");
    for (uint32_t i = 0; i < n; i++) {
        buf_puts(out, i ? " " : "");
        if (!labels[i].is_num) {
            buf_puts(out, labels[i].str);
            continue;
        }
        buf_int(out, labels[i].num);
        if (units) {
            buf_putc(out, ' ');
            buf_puts(out, labels[i].num_unit);
        }
    }
    buf_putc(out, ']');
}

static int put_labels(
    struct label_lines *groups, const struct label *labels, uint32_t n, bool numbers, struct buf *out)
{
    int code = label_lines_make(groups, labels, n, numbers, put_group, NULL);
    for (size_t i = 0; i < groups->starts.len && !code; i++) {
        buf_puts(out, i ? " " : "                ");
        buf_puts(out, label_lines_get(groups, i));
    }
    if (groups->starts.len)
        buf_putc(out, '\n');
    return code;
}

static int put_sample(const struct profile *p, size_t index, struct label_lines *groups, struct buf *out)
{
    const struct sample *s = &p->samples.items[index];
    const int64_t *values = profile_values(p, index);
    const struct label *labels = p->labels.items + s->first_label;
    for (size_t i = 0; i < p->sample_types.len; i++) {
        buf_putc(out, ' ');
        buf_int_right(out, values[i], 10);
    }
    buf_puts(out, ": ");
    for (uint32_t i = 0; i < s->nlocs; i++) {
        buf_uint(out, p->locations.items[p->locs.items[s->first_loc + i]].id);
        buf_putc(out, ' ');
    }
    buf_putc(out, '\n');
    if (s->nlabels == 0)
        return 0;
    int code = put_labels(groups, labels, s->nlabels, false, out);
    return code ? code : put_labels(groups, labels, s->nlabels, true, out);
}

static void put_line(const struct line *line, const struct function *f, struct buf *out)
{
    buf_puts(out, f->name);
    buf_putc(out, ' ');
    buf_puts(out, f->file);
    buf_putc(out, ':');
    buf_int(out, line->line);
    buf_putc(out, ':');
    buf_int(out, line->column);
    buf_puts(out, " s=");
    buf_int(out, f->start_line);
    if (f->name != f->system_name) {
        buf_putc(out, '(');
        buf_puts(out, f->system_name);
        buf_putc(out, ')');
    }
}

static void put_location(const struct profile *p, const struct location *l, struct buf *out)
{
    buf_printf(out, "%6" PRIu64 ": ", l->id);
    buf_hex(out, l->address);
    buf_putc(out, ' ');
    if (l->mapping != NO_INDEX) {
        buf_puts(out, "M=");
        buf_uint(out, p->mappings.items[l->mapping].id);
        buf_putc(out, ' ');
    }
    if (l->folded)
        buf_puts(out, "[F] ");
    for (uint32_t i = 0; i < l->nlines; i++) {
        const struct line *line = &p->lines.items[l->first_line + i];
        if (i)
            buf_puts(out, "\n             ");
        put_line(line, &p->functions.items[line->function], out);
    }
    buf_putc(out, '\n');
}

static void put_mapping(const struct mapping *m, struct buf *out)
{
    buf_printf(out, "%" PRIu64 ": ", m->id);
    buf_hex(out, m->start);
    buf_putc(out, '/');
    buf_hex(out, m->limit);
    buf_putc(out, '/');
    buf_hex(out, m->offset);
    buf_printf(out, " %s %s %s%s%s%s\n", m->file, m->build_id, m->has_functions ? "[FN]" : "",
        m->has_filenames ? "[FL]" : "", m->has_line_numbers ? "[LN]" : "",
        m->has_inline_frames ? "[IN]" : "");
}

int report_raw(struct report *r, struct buf *out)
{
    const struct profile *p = r->p;
    struct label_lines groups = {0};
    int code = 0;
    put_header(p, out);
    for (size_t i = 0; i < p->samples.len && !code; i++) {
        code = put_sample(p, i, &groups, out);
        if (!code)
            code = report_go_on(r, out);
    }
    label_lines_fini(&groups);
    buf_puts(out, "Locations\n");
    for (size_t i = 0; i < p->locations.len && !code; i++) {
        put_location(p, &p->locations.items[i], out);
        code = report_go_on(r, out);
    }
    buf_puts(out, "Mappings\n");
    for (size_t i = 0; i < p->mappings.len; i++)
        put_mapping(&p->mappings.items[i], out);
    return code;
}
