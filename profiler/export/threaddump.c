#include "export/threaddump.h"

#include "base/table.h"
#include "export/labeltext.h"
#include "export/names.h"

#include <inttypes.h>
#include <string.h>

/* What was written for a stack: bytes [at, at + len) of pieces. */
struct piece {
    const struct snapshot_record *record;
    bool is_creator; /* a line "created by", and not the frames */
    size_t at, len;
};

struct dump {
    enum feed_id id;
    const struct threads_snapshot *threads;
    struct symbolizer *names;
    struct buf *out, pieces;
    VEC(struct piece) known;
    struct table index;               /* of known, by stack */
    const struct thread_info *holder; /* the one asked for last: thousands wait for the same */
};

/* ---- heads ----------------------------------------------------------------------------------------------
 */

static const struct thread_info *find_holder(struct dump *d, pid_t tid)
{
    if (d->holder && d->holder->tid == tid)
        return d->holder;
    for (size_t i = 0; i < d->threads->threads.len; i++)
        if (d->threads->threads.items[i].tid == tid)
            return d->holder = &d->threads->threads.items[i];
    return NULL;
}

static void put_span(struct buf *out, int64_t ns)
{
    if (ns < 1000000)
        buf_printf(out, "%.0f us", (double)ns / 1e3);
    else if (ns < 1000000000)
        buf_printf(out, "%.0f ms", (double)ns / 1e6);
    else
        buf_printf(out, "%.1f s", (double)ns / 1e9);
}

/* A thread may call itself anything; what would end the line or the brackets early is shown as a question
 * mark. */
static void put_name(struct buf *out, const char *name)
{
    buf_puts(out, " \"");
    for (; *name; name++)
        buf_putc(out, (unsigned char)*name < ' ' || strchr("\"[]", *name) ? '?' : *name);
    buf_putc(out, '"');
}

/* "mutex wait, 3 minutes" first, as Go has it, then what Go does not know. */
static void put_head(struct dump *d, const struct thread_info *t)
{
    struct buf *out = d->out;
    buf_printf(out, "%s %d [%s", d->id == FEED_GOROUTINE ? "goroutine" : "thread", (int)t->tid,
        thread_state_text(t->state));
    if (t->waiting_ns >= INT64_C(60000000000))
        buf_printf(out, ", %" PRId64 " minutes", t->waiting_ns / INT64_C(60000000000));
    else if (t->waiting_ns > 0) {
        buf_puts(out, ", for ");
        put_span(out, t->waiting_ns);
    }
    if (t->waits_for)
        buf_printf(out, ", on 0x%" PRIxPTR, t->waits_for);
    if (t->holder) {
        const struct thread_info *holder = find_holder(d, t->holder);
        buf_printf(out, ", held by %d", (int)t->holder);
        if (holder && *holder->name)
            put_name(out, holder->name);
    }
    if (*t->name) {
        buf_puts(out, ", name");
        put_name(out, t->name);
    }
    if (t->cpu_ns >= 0) {
        buf_puts(out, ", cpu ");
        put_span(out, t->cpu_ns);
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

static void put_piece(struct dump *d, const struct snapshot_record *r, bool is_creator)
{
    const struct snapshot *s = &d->threads->stacks;
    uint64_t hash = feed_stack_hash(s, r) + is_creator;
    uint32_t found;
    for (size_t at = table_first(&d->index, hash); table_next(&d->index, hash, &at, &found);) {
        const struct piece *p = &d->known.items[found];
        if (p->is_creator == is_creator && p->record->truncated == r->truncated &&
            feed_stack_same(s, p->record, s, r)) {
            buf_append(d->out, d->pieces.data + p->at, p->len);
            return;
        }
    }
    struct piece p = {.record = r, .is_creator = is_creator, .at = d->pieces.len};
    if (is_creator)
        render_creator(d, r);
    else
        render_frames(d, r);
    p.len = d->pieces.len - p.at;
    if (p.len)
        buf_append(d->out, d->pieces.data + p.at, p.len);
    if (!vec_push(&d->known, p) || !table_add(&d->index, hash, (uint32_t)d->known.len - 1) ||
        d->pieces.failed)
        d->out->failed = true;
}

int threaddump_text(
    enum feed_id id, const struct threads_snapshot *threads, struct buf *out, struct error *error)
{
    struct dump d = {.id = id, .threads = threads, .out = out, .names = names_begin(error)};
    if (!d.names)
        return error ? error->code : ERR_IO;
    names_prime(d.names, &threads->stacks);
    for (size_t i = 0; i < threads->threads.len && !out->failed; i++) {
        const struct thread_info *t = &threads->threads.items[i];
        if (t->is_profiler)
            continue;
        put_head(&d, t);
        put_piece(&d, &threads->stacks.records.items[t->record], false);
        if (t->created_record != NO_RECORD)
            put_piece(&d, &threads->stacks.records.items[t->created_record], true);
        buf_putc(out, '\n');
    }
    names_end(d.names);
    buf_fini(&d.pieces);
    vec_fini(&d.known);
    table_fini(&d.index);
    return out->failed ? error_set(error, ERR_NOMEM, "out of memory") : 0;
}
