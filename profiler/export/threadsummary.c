#include "export/threadsummary.h"

#include "base/hash.h"
#include "base/table.h"
#include "export/deadlock.h"
#include "export/names.h"
#include "export/threadwords.h"

#include <inttypes.h>
#include <string.h>

enum { MAX_GROUPS = 50, NSTATES = THREAD_UNKNOWN + 1 };

/* Threads that wait for the same thing, or, where there is no such thing, in the same place. */
struct group {
    const struct thread_info *longest; /* the one that has waited longest */
    uint32_t count;
};

struct summary {
    const struct threads_snapshot *threads;
    struct symbolizer *names;
    struct buf *out;
    VEC(struct group) groups;
    struct table index;
};

/* ---- states ---------------------------------------------------------------------------------------------
 */

static void put_states(struct summary *s)
{
    uint32_t counts[NSTATES] = {0}, total = 0;
    for (size_t i = 0; i < s->threads->threads.len; i++) {
        const struct thread_info *t = &s->threads->threads.items[i];
        if (t->is_profiler)
            continue;
        counts[t->state]++;
        total++;
    }
    buf_printf(s->out, total == 1 ? "# %" PRIu32 " thread" : "# %" PRIu32 " threads", total);
    for (const char *before = ": ";; before = ", ") { /* the most frequent first */
        int most = 0;
        for (int state = 1; state < NSTATES; state++)
            if (counts[state] > counts[most])
                most = state;
        if (counts[most] == 0)
            break;
        buf_printf(s->out, "%s%" PRIu32 " %s", before, counts[most], thread_state_text(most));
        counts[most] = 0;
    }
    buf_puts(s->out, "\n#\n");
}

/* ---- deadlocks ------------------------------------------------------------------------------------------
 */

static const char *what(enum thread_state state)
{
    return state == THREAD_JOIN ? "the end of" : state == THREAD_MUTEX ? "mutex" : "rwlock";
}

/* `4711 "name" waits for mutex 0x55d0 held by ` */
static void put_link(struct summary *s, const struct thread_info *t)
{
    words_thread(s->out, t->tid, t);
    buf_printf(s->out, " waits for %s ", what(t->state));
    if (t->state != THREAD_JOIN)
        buf_printf(s->out, "0x%" PRIxPTR " held by ", t->waits_for);
}

static void put_deadlock(struct summary *s, const struct deadlocks *d, const struct deadlock *ring)
{
    const uint32_t *members = d->members.items + ring->first;
    buf_puts(s->out, "# deadlock: ");
    for (uint32_t i = 0; i < ring->count; i++) {
        const struct thread_info *next = &s->threads->threads.items[members[(i + 1) % ring->count]];
        if (i)
            buf_puts(s->out, ", ");
        put_link(s, &s->threads->threads.items[members[i]]);
        if (ring->count == 1)
            buf_puts(s->out, "itself");
        else
            words_thread(s->out, next->tid, next);
    }
    if (ring->behind)
        buf_printf(s->out, "; %" PRIu32 " more behind %s", ring->behind, ring->count == 1 ? "it" : "them");
    buf_putc(s->out, '\n');
}

static int put_deadlocks(struct summary *s)
{
    struct deadlocks d;
    int r = deadlocks_find(s->threads, &d);
    if (r)
        return r;
    for (size_t i = 0; i < d.rings.len; i++)
        put_deadlock(s, &d, &d.rings.items[i]);
    if (d.rings.len)
        buf_puts(s->out, "#\n");
    deadlocks_fini(&d);
    return 0;
}

/* ---- groups ---------------------------------------------------------------------------------------------
 */

static bool together(const struct thread_info *a, const struct thread_info *b)
{
    if (a->state != b->state || a->waits_for != b->waits_for)
        return false;
    return a->waits_for ? a->holder == b->holder : a->record == b->record;
}

static int add_to_group(struct summary *s, const struct thread_info *t)
{
    uint64_t hash = hash_mix(t->waits_for ? t->waits_for : t->record, t->state);
    uint32_t found;
    for (size_t at = table_first(&s->index, hash); table_next(&s->index, hash, &at, &found);) {
        struct group *g = &s->groups.items[found];
        if (!together(g->longest, t))
            continue;
        g->count++;
        if (t->waiting_ns > g->longest->waiting_ns)
            g->longest = t;
        return 0;
    }
    struct group first = {t, 1};
    return vec_push(&s->groups, first) && table_add(&s->index, hash, (uint32_t)s->groups.len - 1) ? 0
                                                                                                  : ERR_NOMEM;
}

static int by_wait(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    if (x->longest->waiting_ns != y->longest->waiting_ns)
        return x->longest->waiting_ns < y->longest->waiting_ns ? 1 : -1;
    return x->count != y->count ? (x->count < y->count ? 1 : -1) : x->longest->tid - y->longest->tid;
}

/* Where the program called what waits: a parked thread's leaf is our wrapper. */
static void put_place(struct summary *s, const struct thread_info *t)
{
    const struct snapshot_record *r = &s->threads->stacks.records.items[t->record];
    struct symbol_frame frames[SYMBOL_MAX_INLINE];
    char text[NAMES_TEXT_BYTES];
    bool named;
    if (r->depth == 0)
        return;
    uint32_t at = t->waiting_ns && r->depth > 1;
    names_frames(
        s->names, names_address(r, s->threads->stacks.pcs.items + r->first_pc, at), frames, text, &named);
    buf_printf(s->out, " in %s", frames[0].function);
    const char *slash = strrchr(frames[0].file, '/');
    if (*frames[0].file)
        buf_printf(s->out, " %s:%" PRId64, slash ? slash + 1 : frames[0].file, frames[0].line);
}

static void put_group(struct summary *s, const struct group *g)
{
    const struct thread_info *t = g->longest;
    struct buf span = {0};
    if (t->waiting_ns)
        words_span(&span, t->waiting_ns);
    buf_printf(
        s->out, "# %9s %8" PRIu32 "  %s", span.data ? span.data : "", g->count, thread_state_text(t->state));
    buf_fini(&span);
    if (t->waits_for)
        buf_printf(s->out, " on 0x%" PRIxPTR, t->waits_for);
    if (t->holder) {
        buf_puts(s->out, t->state == THREAD_JOIN ? " of " : " held by ");
        words_thread(s->out, t->holder, threads_find(s->threads, t->holder));
    }
    buf_puts(s->out, g->count > 1 ? "; longest " : "; ");
    words_thread(s->out, t->tid, t);
    put_place(s, t);
    buf_putc(s->out, '\n');
}

static void put_groups(struct summary *s)
{
    qsort(s->groups.items, s->groups.len, sizeof *s->groups.items, by_wait);
    buf_printf(s->out, "# %9s %8s\n", "longest", "threads");
    uint32_t rest = 0;
    for (size_t i = 0; i < s->groups.len; i++) {
        if (i < MAX_GROUPS)
            put_group(s, &s->groups.items[i]);
        else
            rest += s->groups.items[i].count;
    }
    if (rest)
        buf_printf(s->out, "# %9s %8" PRIu32 "  in %zu groups more\n", "", rest, s->groups.len - MAX_GROUPS);
    buf_putc(s->out, '\n');
}

int threadsummary_text(const struct threads_snapshot *threads, struct symbolizer *names, struct buf *out)
{
    struct summary s = {.threads = threads, .names = names, .out = out};
    put_states(&s);
    int r = put_deadlocks(&s);
    for (size_t i = 0; i < threads->threads.len && !r; i++)
        if (!threads->threads.items[i].is_profiler)
            r = add_to_group(&s, &threads->threads.items[i]);
    if (!r && s.groups.len)
        put_groups(&s);
    vec_fini(&s.groups);
    table_fini(&s.index);
    return r;
}
