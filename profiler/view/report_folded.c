#include "view/report.h"

#include "base/hash.h"
#include "view/measure.h"

#include <string.h>

/*
 * Folded stacks: "main;serve;cache_get 410", root first, a line each, what flamegraph.pl, speedscope and
 * their kin read. Values are whole, in the unit of the sample type. The same stacks are one line; lines are
 * sorted, so that two profiles can be compared with diff.
 */

struct folded {
    const char *stack;
    int64_t value, div;
};

struct folding {
    struct intern *strings;
    struct table table;
    VEC(struct folded) lines;
};

/* A name as those readers take it: ';' divides frames, and lines end lines. */
static void put_name(const struct frame *f, struct buf *out)
{
    size_t start = out->len;
    frame_print(f, out);
    for (size_t i = start; i < out->len; i++) {
        unsigned char c = (unsigned char)out->data[i];
        if (c == ';')
            out->data[i] = ':';
        else if (c < ' ' || c == 0x7f)
            out->data[i] = ' ';
    }
}

static void put_stack(const struct frames *frames, const struct sample *s, struct buf *out)
{
    const uint32_t *locs = frames->p->locs.items + s->first_loc;
    for (uint32_t i = s->nlocs; i-- > 0;) {
        for (uint32_t k = frames_count(frames, locs[i]); k-- > 0;) {
            struct frame f = frames_get(frames, locs[i], k);
            if (out->len)
                buf_putc(out, ';');
            put_name(&f, out);
        }
    }
}

static int add_line(struct folding *f, const char *stack, int64_t value, int64_t div)
{
    const char *own = intern_string(f->strings, stack);
    uint32_t i;
    if (!own)
        return ERR_NOMEM;
    uint64_t hash = hash_u64((uintptr_t)own);
    for (size_t at = table_first(&f->table, hash); table_next(&f->table, hash, &at, &i);) {
        struct folded *line = &f->lines.items[i];
        if (line->stack != own)
            continue;
        line->value = wrap_add(line->value, value);
        line->div = wrap_add(line->div, div);
        return 0;
    }
    struct folded line = {.stack = own, .value = value, .div = div};
    i = (uint32_t)f->lines.len;
    return vec_push(&f->lines, line) && table_add(&f->table, hash, i) ? 0 : ERR_NOMEM;
}

static int fold(struct report *r, const struct frames *frames, struct folding *f)
{
    struct buf stack = {0};
    int code = 0;
    for (size_t s = 0; s < r->p->samples.len && !code; s++) {
        if (s % 1024 == 0 && report_cancelled(r))
            code = ERR_CANCELLED;
        stack.len = 0;
        buf_append(&stack, "", 0);
        put_stack(frames, &r->p->samples.items[s], &stack);
        if (stack.failed)
            code = ERR_NOMEM;
        else if (!code && stack.len)
            code = add_line(f, stack.data, report_sample_value(r, s), report_sample_div(r, s));
    }
    buf_fini(&stack);
    return code;
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(((const struct folded *)a)->stack, ((const struct folded *)b)->stack);
}

int report_folded(struct report *r, struct buf *out)
{
    struct folding f = {.strings = intern_new()};
    struct frames frames;
    if (!f.strings || frames_init(&frames, r->p, frame_detail_of(&r->config), &r->config)) {
        intern_unref(f.strings);
        return ERR_NOMEM;
    }
    int code = fold(r, &frames, &f);
    if (!code && f.lines.len)
        qsort(f.lines.items, f.lines.len, sizeof *f.lines.items, compare_lines);
    for (size_t i = 0; i < f.lines.len && !code; i++) {
        int64_t value = report_exact(r, ratio_value(f.lines.items[i].value, f.lines.items[i].div));
        if (value)
            buf_printf(out, "%s %lld\n", f.lines.items[i].stack, (long long)value);
    }
    vec_fini(&f.lines);
    table_fini(&f.table);
    intern_unref(f.strings);
    frames_fini(&frames);
    return code;
}
