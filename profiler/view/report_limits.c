#include "view/report.h"

#include "view/limit.h"
#include "view/measure.h"
#include "view/suggest.h"

#include <string.h>

/* Measures the limits of CI on what a report would count, and says of each what it found, a line each. */

/* Which frames match, by location; asked once a location, not once a sample. */
struct matches {
    bool *leaf, *any;
};

static bool match_location(struct limit *l, const struct frames *frames, uint32_t loc, bool *leaf)
{
    bool any = false;
    struct buf name = {0};
    for (uint32_t k = 0, n = frames_count(frames, loc); k < n; k++) {
        struct frame f = frames_get(frames, loc, k);
        name.len = 0;
        frame_print(&f, &name);
        bool match = name.data && regex_match(l->function, name.data);
        if (k == 0)
            *leaf = match;
        any |= match;
    }
    buf_fini(&name);
    return any;
}

static int find_matches(struct matches *m, struct limit *l, const struct frames *frames)
{
    size_t n = frames->p->locations.len;
    *m = (struct matches){.leaf = calloc(n + 1, 1), .any = calloc(n + 1, 1)};
    if (!m->leaf || !m->any)
        return ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        m->any[i] = match_location(l, frames, (uint32_t)i, &m->leaf[i]);
    return 0;
}

static bool counts(const struct report *r, const struct limit *l, const struct matches *m, size_t sample)
{
    const struct sample *s = &r->p->samples.items[sample];
    const uint32_t *locs = r->p->locs.items + s->first_loc;
    if (l->subject == LIMIT_TOTAL)
        return true;
    if (l->subject == LIMIT_FLAT)
        return s->nlocs && m->leaf[locs[0]];
    for (uint32_t i = 0; i < s->nlocs; i++)
        if (m->any[locs[i]])
            return true;
    return false;
}

static void sum_up(struct report *r, struct limit *l, const struct matches *m)
{
    int64_t value = 0, div = 0;
    for (size_t i = 0; i < r->p->samples.len; i++) {
        const struct sample *s = &r->p->samples.items[i];
        for (uint32_t k = 0; l->function && k < s->nlocs; k++)
            l->matched |= m->any[r->p->locs.items[s->first_loc + k]];
        if (!counts(r, l, m, i))
            continue;
        value = wrap_add(value, report_sample_value(r, i));
        div = wrap_add(div, report_sample_div(r, i));
    }
    l->value = ratio_value(value, div);
    l->matched |= l->subject == LIMIT_TOTAL;
}

static int check_unit(struct report *r, const struct limit *l)
{
    const struct value_type both[] = {{"value", r->unit}, {"value", l->unit}};
    const char *unit;
    if (strcmp(l->unit, "%") == 0 || (!*l->unit && strcmp(r->unit, "count") == 0) ||
        (*l->unit && measure_common_unit(both, 2, &unit, NULL) == 0))
        return 0;
    return error_set(r->error, ERR_INVALID, "\"%s\": position %zu: expected %% or a unit of %s (%s)", l->text,
        l->unit_at + 1, r->type.data, r->unit);
}

static void decide(struct report *r, struct limit *l)
{
    int64_t exact = report_exact(r, l->value);
    if (strcmp(l->unit, "%") == 0)
        l->measured = r->total ? 100 * (double)l->value / (double)r->total : 0;
    else
        l->measured = *l->unit ? measure_scale(exact, r->unit, l->unit).value : (double)exact;
    l->failed = l->below ? l->measured < l->bound : l->measured > l->bound;
    l->failed |= l->or_equal && l->measured == l->bound;
}

static void put_result(struct report *r, const struct limit *l, struct buf *out)
{
    bool percent = strcmp(l->unit, "%") == 0;
    buf_printf(out, "%s %s: ", l->failed ? "FAILED" : "ok    ", l->text);
    if (percent)
        buf_printf(out, "%.2f%%, ", l->measured);
    buf_printf(out, "%s", report_value(r, l->value));
    if (percent)
        buf_printf(out, " of %s", report_value(r, r->total));
    const char *near = l->matched ? NULL : suggest_function(r->p, regex_pattern(l->function));
    if (!l->matched)
        buf_puts(out, "; no function matches");
    if (near)
        buf_printf(out, ", did you mean %s?", near);
    buf_putc(out, '\n');
}

static int measure(struct report *r, struct limit *l, const struct frames *frames)
{
    struct matches m = {0};
    int code = check_unit(r, l);
    if (!code && l->function)
        code = find_matches(&m, l, frames);
    if (!code && l->function)
        code = regex_check(l->function, r->error);
    if (!code) {
        sum_up(r, l, &m);
        decide(r, l);
    }
    free(m.leaf);
    free(m.any);
    return code;
}

int report_limits(struct report *r, struct buf *out)
{
    struct frames frames;
    int code = 0;
    if (frames_init(&frames, r->p, frame_detail_of(&r->config), &r->config))
        return ERR_NOMEM;
    r->output_unit = "auto";
    for (size_t i = 0; i < r->n_limits && !code; i++) {
        code = measure(r, &r->limits[i], &frames);
        if (!code)
            put_result(r, &r->limits[i], out);
    }
    frames_fini(&frames);
    return code;
}
