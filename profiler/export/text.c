#include "export/text.h"

#include "export/convert.h"
#include "export/labeltext.h"
#include "export/names.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- stacks ---------------------------------------------------------------------------------------------
 */

static void put_pcs(struct buf *out, const struct snapshot *s, const struct snapshot_record *r)
{
    buf_putc(out, '@');
    for (uint32_t i = 0; i < r->depth; i++)
        buf_printf(out, " 0x%" PRIxPTR, s->pcs.items[r->first_pc + i]);
    buf_putc(out, '\n');
}

static void put_frame(struct buf *out, uint64_t address, const struct symbol_frame *f)
{
    uint64_t offset = f->entry && f->entry <= address ? address - f->entry : 0;
    buf_printf(out, "#\t0x%" PRIx64 "\t%s+0x%" PRIx64 "\t", address, f->function, offset);
    if (*f->file)
        buf_printf(out, "%s:%" PRId64, f->file, f->line);
    buf_putc(out, '\n');
}

static void put_stack(
    struct buf *out, struct symbolizer *names, const struct snapshot *s, const struct snapshot_record *r)
{
    struct symbol_frame frames[SYMBOL_MAX_INLINE];
    char text[NAMES_TEXT_BYTES];
    bool named;
    for (uint32_t i = 0; i < r->depth; i++) {
        uint64_t address = names_address(r, s->pcs.items + r->first_pc, i);
        size_t n = names_frames(names, address, frames, text, &named);
        for (size_t k = 0; k < n; k++)
            put_frame(out, address, &frames[k]);
    }
    if (r->truncated)
        buf_puts(out, "#\t(the stack goes on)\n");
    buf_putc(out, '\n');
}

/* ---- debug=1 --------------------------------------------------------------------------------------------
 */

static int by_first_value(const void *a, const void *b)
{
    const struct snapshot_record *x = *(void *const *)a, *y = *(void *const *)b;
    return x->values[0] != y->values[0] ? (x->values[0] < y->values[0] ? 1 : -1) : x < y ? -1 : x > y;
}

static int by_second_value(const void *a, const void *b)
{
    const struct snapshot_record *x = *(void *const *)a, *y = *(void *const *)b;
    return x->values[1] != y->values[1] ? (x->values[1] < y->values[1] ? 1 : -1) : x < y ? -1 : x > y;
}

static int by_inuse_space(const void *a, const void *b)
{
    const struct snapshot_record *x = *(void *const *)a, *y = *(void *const *)b;
    return x->values[3] != y->values[3] ? (x->values[3] < y->values[3] ? 1 : -1) : by_second_value(a, b);
}

static void put_head(
    struct buf *out, enum feed_id id, const struct snapshot *s, const int64_t total[SNAPSHOT_MAX_VALUES])
{
    switch (id) {
    case FEED_HEAP:
    case FEED_ALLOCS:
        /* Go gives what was sampled and twice the rate, by which readers scale it up. Here it is scaled up
         * already, as if every byte had been sampled. */
        buf_printf(out, "heap profile: %" PRId64 ": %" PRId64 " [%" PRId64 ": %" PRId64 "] @ heap/2\n",
            total[2], total[3], total[0], total[1]);
        buf_printf(out, "# scaled up from a sample every %" PRId64 " bytes\n", s->period);
        break;
    case FEED_MUTEX:
        buf_printf(out, "--- mutex:\ncycles/second=1000000000\nsampling period=%" PRId64 "\n", s->period);
        break;
    case FEED_BLOCK:
        buf_puts(out, "--- contention:\ncycles/second=1000000000\n");
        break;
    default:
        buf_printf(
            out, "%s profile: total %" PRId64 "\n", feed_get(id)->name, total[feed_get(id)->columns[0]]);
    }
}

static void put_figures(struct buf *out, enum feed_id id, const int64_t *v)
{
    switch (id) {
    case FEED_HEAP:
    case FEED_ALLOCS:
        buf_printf(out, "%" PRId64 ": %" PRId64 " [%" PRId64 ": %" PRId64 "] ", v[2], v[3], v[0], v[1]);
        break;
    case FEED_MUTEX:
    case FEED_BLOCK: /* nanoseconds are the cycles here */
        buf_printf(out, "%" PRId64 " %" PRId64 " ", v[1], v[0]);
        break;
    default:
        buf_printf(out, "%" PRId64 " ", v[feed_get(id)->columns[0]]);
    }
}

static void put_records(struct buf *out, enum feed_id id, struct symbolizer *names, const struct snapshot *s,
    const struct snapshot_record *const *order)
{
    for (size_t i = 0; i < s->records.len && !out->failed; i++) {
        put_figures(out, id, order[i]->values);
        put_pcs(out, s, order[i]);
        if (order[i]->labels) {
            buf_puts(out, "# labels: ");
            labeltext_put(out, order[i]->labels, "");
            buf_putc(out, '\n');
        }
        if (id == FEED_THREADCREATE)
            buf_printf(out, "# alive: %" PRId64 "\n", order[i]->values[0]);
        put_stack(out, names, s, order[i]);
    }
}

int text_snapshot(enum feed_id id, const struct snapshot *s, struct buf *out, struct error *error)
{
    size_t n = s->records.len;
    int64_t total[SNAPSHOT_MAX_VALUES] = {0};
    const struct snapshot_record **order = malloc((n ? n : 1) * sizeof *order);
    if (!order)
        return error_set(error, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < n; i++) {
        order[i] = &s->records.items[i];
        for (int k = 0; k < SNAPSHOT_MAX_VALUES; k++)
            total[k] += order[i]->values[k];
    }
    bool heap = id == FEED_HEAP || id == FEED_ALLOCS;
    bool one = id == FEED_THREADS || id == FEED_GOROUTINE;
    qsort(order, n, sizeof *order, heap ? by_inuse_space : one ? by_first_value : by_second_value);
    struct symbolizer *names = names_begin(error);
    if (names) {
        names_prime(names, s);
        put_head(out, id, s, total);
        if (s->lost)
            buf_printf(out, "# %" PRIu64 " samples were lost\n", s->lost);
        if (s->lost_labels) {
            buf_puts(out, "# ");
            labeltext_put_lost(out, s->lost_labels);
            buf_putc(out, '\n');
        }
        put_records(out, id, names, s, order);
        names_end(names);
    }
    free(order);
    if (!names)
        return error ? error->code : ERR_IO;
    return out->failed ? error_set(error, ERR_NOMEM, "out of memory") : 0;
}
