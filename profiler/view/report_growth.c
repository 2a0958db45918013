#include "view/report.h"

#include "base/hash.h"

#include <string.h>

/*
 * What changed since the base: two lists, of what grew and of what shrank, the most first. By own value, or,
 * with -cum, by value including callees. Shares are of the base's total, as in every report with -diff_base.
 */

struct change {
    const char *name;
    int64_t before, after;
    size_t seen;
};

struct changes {
    struct intern *strings;
    struct table table;
    VEC(struct change) items;
    uint32_t *of_frame; /* of each frame of each location */
    uint32_t *first;
    int64_t before, after;
};

static int64_t difference(const struct change *c)
{
    return wrap_add(c->after, (int64_t)(-(uint64_t)c->before));
}

static uint32_t find_change(struct changes *all, const struct frame *f)
{
    struct buf name = {0};
    uint32_t i = NO_INDEX;
    frame_print(f, &name);
    const char *own = name.failed ? NULL : intern_string(all->strings, name.data);
    buf_fini(&name);
    if (!own)
        return NO_INDEX;
    uint64_t hash = hash_u64((uintptr_t)own);
    for (size_t at = table_first(&all->table, hash); table_next(&all->table, hash, &at, &i);)
        if (all->items.items[i].name == own)
            return i;
    i = (uint32_t)all->items.len;
    return vec_push(&all->items, (struct change){.name = own}) && table_add(&all->table, hash, i) ? i
                                                                                                  : NO_INDEX;
}

static int find_frames(struct changes *all, const struct frames *frames)
{
    size_t n = frames->p->locations.len, total = 0;
    all->first = malloc((n + 1) * sizeof *all->first);
    for (size_t l = 0; all->first && l < n; l++) {
        all->first[l] = (uint32_t)total;
        total += frames_count(frames, (uint32_t)l);
    }
    all->of_frame = malloc((total + 1) * sizeof *all->of_frame);
    if (!all->first || !all->of_frame)
        return ERR_NOMEM;
    all->first[n] = (uint32_t)total;
    for (size_t l = 0; l < n; l++) {
        for (uint32_t i = all->first[l]; i < all->first[l + 1]; i++) {
            struct frame f = frames_get(frames, (uint32_t)l, i - all->first[l]);
            all->of_frame[i] = find_change(all, &f);
            if (all->of_frame[i] == NO_INDEX)
                return ERR_NOMEM;
        }
    }
    return 0;
}

/* Samples of the base are negative, so that sums of both are differences. */
static void charge(struct changes *all, uint32_t frame, int64_t value, bool base, size_t stamp)
{
    struct change *c = &all->items.items[all->of_frame[frame]];
    if (c->seen == stamp)
        return;
    c->seen = stamp;
    if (base)
        c->before = wrap_add(c->before, (int64_t)(-(uint64_t)value));
    else
        c->after = wrap_add(c->after, value);
}

static void charge_sample(struct report *r, struct changes *all, size_t sample)
{
    const struct sample *s = &r->p->samples.items[sample];
    int64_t value = report_sample_value(r, sample);
    bool base = report_in_base(r->p, sample);
    uint32_t frames = 0, most = r->config.sort == SORT_CUM ? UINT32_MAX : 1;
    if (base)
        all->before = wrap_add(all->before, (int64_t)(-(uint64_t)value));
    else
        all->after = wrap_add(all->after, value);
    for (uint32_t i = 0; i < s->nlocs; i++) {
        uint32_t loc = r->p->locs.items[s->first_loc + i];
        for (uint32_t k = all->first[loc]; k < all->first[loc + 1] && frames < most; k++, frames++)
            charge(all, k, value, base, sample + 1);
    }
}

/* The most grown first, so that the most shrunk is last. */
static int compare_changes(const void *a, const void *b)
{
    const struct change *x = a, *y = b;
    int64_t dx = difference(x), dy = difference(y);
    return dx != dy ? (dx > dy ? -1 : 1) : strcmp(x->name, y->name);
}

static void put_signed(struct report *r, int64_t value, int width, struct buf *out)
{
    struct buf text = {0};
    buf_printf(&text, "%s%s", value > 0 ? "+" : "", report_value(r, value));
    report_put_right(out, width, text.data ? text.data : "");
    buf_fini(&text);
}

static void put_change(struct report *r, const struct change *c, struct buf *out)
{
    report_put_right(out, 10, report_value(r, c->before));
    report_put_right(out, 11, report_value(r, c->after));
    put_signed(r, difference(c), 11, out);
    buf_printf(out, " %s  %s\n", report_percent(r, difference(c), r->total), c->name);
}

/* From one end of what is sorted by difference: those worth a line, and how many more there are. */
static void put_list(
    struct report *r, const struct changes *all, const char *title, bool grew, struct buf *out)
{
    size_t n = all->items.len, shown = 0, more = 0;
    int most = r->config.nodecount;
    double least = r->config.nodefraction * (double)magnitude(r->total);
    buf_printf(out, "%s:\n", title);
    for (size_t i = 0; i < n; i++) {
        const struct change *c = &all->items.items[grew ? i : n - 1 - i];
        int64_t d = difference(c);
        if (grew ? d <= 0 : d >= 0)
            break;
        if ((double)magnitude(d) < least || (most > 0 && shown >= (size_t)most)) {
            more++;
            continue;
        }
        if (shown++ == 0)
            buf_puts(out, "    before      after difference  share\n");
        put_change(r, c, out);
    }
    if (more)
        buf_printf(out, "%s+%zu more\n", shown ? "           " : "  nothing worth a line, ", more);
    else if (!shown)
        buf_puts(out, "  nothing\n");
}

static void put_all(struct report *r, const struct changes *all, struct buf *out)
{
    struct change total = {.before = all->before, .after = all->after};
    report_profile_labels(r, out);
    buf_printf(out, "Total: %s before, ", report_value(r, total.before));
    buf_printf(out, "%s after, ", report_value(r, total.after));
    put_signed(r, difference(&total), 0, out);
    const char *percent = report_percent(r, difference(&total), r->total);
    buf_printf(out, " (%s)\n", percent + strspn(percent, " "));
    put_list(r, all, "Grew most", true, out);
    put_list(r, all, "Shrank most", false, out);
}

static bool has_base(const struct report *r)
{
    for (size_t i = 0; i < r->p->samples.len; i++)
        if (report_in_base(r->p, i))
            return true;
    return false;
}

int report_growth(struct report *r, struct buf *out)
{
    struct changes all = {0};
    struct frames frames;
    if (!has_base(r))
        return error_set(
            r->error, ERR_INVALID, "growth compares two profiles: -diff_base=SOURCE has the earlier one");
    all.strings = intern_new();
    if (!all.strings || frames_init(&frames, r->p, frame_detail_of(&r->config), &r->config)) {
        intern_unref(all.strings);
        return ERR_NOMEM;
    }
    int code = find_frames(&all, &frames);
    for (size_t s = 0; s < r->p->samples.len && !code; s++) {
        charge_sample(r, &all, s);
        code = s % 1024 == 0 && report_cancelled(r) ? ERR_CANCELLED : 0;
    }
    if (!code && all.items.len)
        qsort(all.items.items, all.items.len, sizeof *all.items.items, compare_changes);
    if (!code) {
        r->output_unit = strcmp(r->output_unit, "minimum") == 0 ? "auto" : r->output_unit;
        put_all(r, &all, out);
    }
    frames_fini(&frames);
    vec_fini(&all.items);
    table_fini(&all.table);
    free(all.of_frame);
    free(all.first);
    intern_unref(all.strings);
    return code;
}
