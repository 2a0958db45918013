#include "export/threaddump.h"

#include "export/labeltext.h"
#include "export/names.h"
#include "export/threadsummary.h"
#include "export/threadwords.h"

#include <inttypes.h>
#include <string.h>

/* What was written for a stack: bytes [at, at + len) of pieces. */
struct piece {
    size_t at, len;
};

struct dump {
    enum feed_id id;
    const struct threads_snapshot *threads;
    struct symbolizer *names;
    struct buf *out, pieces;
    struct piece *frames, *creators; /* by record; len 0: not written yet */
    const struct thread_info **order;
    size_t norder;
};

/* ---- heads ----------------------------------------------------------------------------------------------
 */

static void put_wait(struct buf *out, int64_t ns)
{
    if (ns >= INT64_C(60000000000)) {
        buf_puts(out, ", ");
        buf_int(out, ns / INT64_C(60000000000));
        buf_puts(out, " minutes");
    } else if (ns > 0) {
        buf_puts(out, ", for ");
        words_span(out, ns);
    }
}

/* "mutex wait, 3 minutes" first, as Go has it, then what Go does not know. */
static void put_head(struct dump *d, const struct thread_info *t)
{
    struct buf *out = d->out;
    buf_puts(out, d->id == FEED_GOROUTINE ? "goroutine " : "thread ");
    buf_int(out, t->tid);
    buf_puts(out, " [");
    buf_puts(out, thread_state_text(t->state));
    put_wait(out, t->waiting_ns);
    if (t->waits_for) {
        buf_puts(out, ", on ");
        buf_hex(out, t->waits_for);
    }
    if (t->holder) {
        buf_puts(out, t->state == THREAD_JOIN ? ", of " : ", held by ");
        words_thread(out, t->holder, threads_find(d->threads, t->holder));
    }
    if (*t->name) {
        buf_puts(out, ", name ");
        words_name(out, t->name);
    }
    if (t->cpu_ns >= 0) {
        buf_puts(out, ", cpu ");
        words_span(out, t->cpu_ns);
    }
    if (t->labels) {
        buf_puts(out, ", labels ");
        labeltext_put(out, t->labels, "[]");
    }
    buf_puts(out, "]:\n");
}

/* ---- stacks ---------------------------------------------------------------------------------------------
 */

static void put_call(
    struct dump *d, uint64_t address, const struct symbol_frame *f, const char *before, const char *after)
{
    uint64_t offset = f->entry && f->entry <= address ? address - f->entry : 0;
    int object = *f->file ? -1 : symbolizer_find(d->names, address);
    const char *file = object >= 0 ? symbolizer_object(d->names, (size_t)object)->path : f->file;
    buf_printf(&d->pieces, "%s%s%s\n\t%s:%" PRId64 " +0x%" PRIx64 "\n", before, f->function, after,
        *file ? file : "?", f->line, offset);
}

static void render_frames(struct dump *d, const struct snapshot_record *r)
{
    struct symbol_frame frames[SYMBOL_MAX_INLINE];
    char text[NAMES_TEXT_BYTES];
    bool named;
    for (uint32_t i = 0; i < r->depth; i++) {
        uint64_t address = names_address(r, d->threads->stacks.pcs.items + r->first_pc, i);
        size_t n = names_frames(d->names, address, frames, text, &named);
        for (size_t k = 0; k < n; k++)
            put_call(d, address, &frames[k], "", "(...)");
    }
    if (r->truncated)
        buf_puts(&d->pieces, "...additional frames elided...\n");
}

/* The first frame of the stack is the wrapper's: who called it is wanted. */
static void render_creator(struct dump *d, const struct snapshot_record *r)
{
    struct symbol_frame frames[SYMBOL_MAX_INLINE];
    char text[NAMES_TEXT_BYTES];
    bool named;
    for (uint32_t i = 0; i < r->depth; i++) {
        uint64_t address = names_address(r, d->threads->stacks.pcs.items + r->first_pc, i);
        names_frames(d->names, address, frames, text, &named);
        if (strcmp(frames[0].function, "pthread_create") == 0 && i + 1 < r->depth)
            continue;
        put_call(d, address, &frames[0], "created by ", "");
        return;
    }
}

/* Threads by the thousand share a few stacks: each is written once, and copied. */
static void put_piece(struct dump *d, uint32_t record, struct piece *known,
    void (*render)(struct dump *d, const struct snapshot_record *r))
{
    struct piece *p = &known[record];
    if (p->len == 0) {
        p->at = d->pieces.len;
        render(d, &d->threads->stacks.records.items[record]);
        p->len = d->pieces.len - p->at;
    }
    if (p->len)
        buf_append(d->out, d->pieces.data + p->at, p->len);
}

/* ---- the whole ------------------------------------------------------------------------------------------
 */

static int by_wait(const void *a, const void *b)
{
    const struct thread_info *x = *(void *const *)a, *y = *(void *const *)b;
    if (x->waiting_ns != y->waiting_ns)
        return x->waiting_ns < y->waiting_ns ? 1 : -1;
    return (x->tid > y->tid) - (x->tid < y->tid);
}

static bool prepare(struct dump *d)
{
    size_t n = d->threads->threads.len, nrecords = d->threads->stacks.records.len;
    d->order = malloc((n + 1) * sizeof *d->order);
    d->frames = calloc(nrecords + 1, sizeof *d->frames);
    d->creators = calloc(nrecords + 1, sizeof *d->creators);
    for (size_t i = 0; d->order && i < n; i++)
        if (!d->threads->threads.items[i].is_profiler)
            d->order[d->norder++] = &d->threads->threads.items[i];
    if (!d->order || !d->frames || !d->creators)
        return false;
    qsort(d->order, d->norder, sizeof *d->order, by_wait);
    return true;
}

static void put_list(struct dump *d)
{
    for (size_t i = 0; i < d->norder && !d->out->failed; i++) {
        const struct thread_info *t = d->order[i];
        put_head(d, t);
        put_piece(d, t->record, d->frames, render_frames);
        if (t->created_record != NO_RECORD)
            put_piece(d, t->created_record, d->creators, render_creator);
        buf_putc(d->out, '\n');
    }
    d->out->failed |= d->pieces.failed;
}

int threaddump_text(
    enum feed_id id, const struct threads_snapshot *threads, struct buf *out, struct error *error)
{
    struct dump d = {.id = id, .threads = threads, .out = out, .names = names_begin(error)};
    if (!d.names)
        return error ? error->code : ERR_IO;
    names_prime(d.names, &threads->stacks);
    bool ready = prepare(&d) && (id == FEED_GOROUTINE || threadsummary_text(threads, d.names, out) == 0);
    if (ready)
        put_list(&d);
    names_end(d.names);
    buf_fini(&d.pieces);
    free(d.frames);
    free(d.creators);
    free(d.order);
    return !ready || out->failed ? error_set(error, ERR_NOMEM, "out of memory") : 0;
}
