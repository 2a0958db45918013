#include "view/report.h"

#include "view/duration.h"

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

static int compare_parts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "key:[value value]"; numbers have their unit when one of the key's has one. */
static void put_group(const struct label *labels, uint32_t n, struct buf *out)
{
    bool units = false;
    for (uint32_t i = 0; i < n; i++)
        units |= *labels[i].num_unit != '\0';
    buf_printf(out, "%s:[", labels[0].key);
    for (uint32_t i = 0; i < n; i++) {
        buf_puts(out, i ? " " : "");
        if (!labels[i].is_num)
            buf_puts(out, labels[i].str);
        else if (units)
            buf_printf(out, "%" PRId64 " %s", labels[i].num, labels[i].num_unit);
        else
            buf_printf(out, "%" PRId64, labels[i].num);
    }
    buf_putc(out, ']');
}

static bool put_labels(const struct label *labels, uint32_t n, bool numbers, struct buf *out)
{
    VEC(char *) parts = {0};
    bool ok = true;
    for (uint32_t i = 0, next; i < n && ok; i = next) {
        struct buf part = {0};
        for (next = i;
             next < n && labels[next].is_num == labels[i].is_num && labels[next].key == labels[i].key; next++)
            ;
        if (labels[i].is_num != numbers)
            continue;
        put_group(labels + i, next - i, &part);
        char *text = buf_take(&part);
        ok = text && vec_push(&parts, text);
    }
    if (parts.len) {
        qsort(parts.items, parts.len, sizeof *parts.items, compare_parts);
        buf_puts(out, "                ");
    }
    for (size_t i = 0; i < parts.len; i++) {
        buf_printf(out, "%s%s", i ? " " : "", parts.items[i]);
        free(parts.items[i]);
    }
    if (parts.len)
        buf_putc(out, '\n');
    vec_fini(&parts);
    return ok;
}

static bool put_sample(const struct profile *p, size_t index, struct buf *out)
{
    const struct sample *s = &p->samples.items[index];
    const int64_t *values = profile_values(p, index);
    const struct label *labels = p->labels.items + s->first_label;
    for (size_t i = 0; i < p->sample_types.len; i++)
        buf_printf(out, " %10" PRId64, values[i]);
    buf_puts(out, ": ");
    for (uint32_t i = 0; i < s->nlocs; i++)
        buf_printf(out, "%" PRIu64 " ", p->locations.items[p->locs.items[s->first_loc + i]].id);
    buf_putc(out, '\n');
    return put_labels(labels, s->nlabels, false, out) && put_labels(labels, s->nlabels, true, out);
}

static void put_hex(struct buf *out, uint64_t v)
{
    buf_printf(out, "0x%" PRIx64, v); /* unlike "#": zero too */
}

static void put_location(const struct profile *p, const struct location *l, struct buf *out)
{
    buf_printf(out, "%6" PRIu64 ": ", l->id);
    put_hex(out, l->address);
    buf_putc(out, ' ');
    if (l->mapping != NO_INDEX)
        buf_printf(out, "M=%" PRIu64 " ", p->mappings.items[l->mapping].id);
    if (l->folded)
        buf_puts(out, "[F] ");
    for (uint32_t i = 0; i < l->nlines; i++) {
        const struct line *line = &p->lines.items[l->first_line + i];
        const struct function *f = &p->functions.items[line->function];
        if (i)
            buf_puts(out, "\n             ");
        buf_printf(out, "%s %s:%" PRId64 ":%" PRId64 " s=%" PRId64, f->name, f->file, line->line,
            line->column, f->start_line);
        if (f->name != f->system_name)
            buf_printf(out, "(%s)", f->system_name);
    }
    buf_putc(out, '\n');
}

static void put_mapping(const struct mapping *m, struct buf *out)
{
    buf_printf(out, "%" PRIu64 ": ", m->id);
    put_hex(out, m->start);
    buf_putc(out, '/');
    put_hex(out, m->limit);
    buf_putc(out, '/');
    put_hex(out, m->offset);
    buf_printf(out, " %s %s %s%s%s%s\n", m->file, m->build_id, m->has_functions ? "[FN]" : "",
        m->has_filenames ? "[FL]" : "", m->has_line_numbers ? "[LN]" : "",
        m->has_inline_frames ? "[IN]" : "");
}

int report_raw(struct report *r, struct buf *out)
{
    const struct profile *p = r->p;
    put_header(p, out);
    for (size_t i = 0; i < p->samples.len; i++) {
        if (!put_sample(p, i, out))
            return ERR_NOMEM;
        if (report_cancelled(r))
            return ERR_CANCELLED;
    }
    buf_puts(out, "Locations\n");
    for (size_t i = 0; i < p->locations.len; i++)
        put_location(p, &p->locations.items[i], out);
    buf_puts(out, "Mappings\n");
    for (size_t i = 0; i < p->mappings.len; i++)
        put_mapping(&p->mappings.items[i], out);
    return 0;
}
