#include "capture/threads.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/table.h"
#include "capture/ask.h"
#include "capture/cpuclocks.h"
#include "capture/parked.h"
#include "capture/seen.h"
#include "capture/thread.h"
#include "capture/ticks.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 *     records ─► parked ones: known from the last dump (seen.c), or
 *                read where they are (parked.c), thrice if they move meanwhile
 *             ─► all others: asked by signal, or seen asleep (ask.c)
 *             ─► what the parked ones wait for: who holds it, and are they still waiting when that is known?
 *
 * System calls are what a dump costs, so they are made for many threads at once; only the CPU clocks are one
 * each, and those are read only when they are wanted and can have changed (cpuclocks.c).
 */

enum { ROUNDS = 3 };

struct entry {
    struct parked_look look; /* t and tid always, the rest when it is parked */
    bool done;               /* record is valid */
    bool parked;
    enum thread_state state;
    const struct label_set *labels;
    uint32_t record; /* its stack in out->stacks */
    pid_t holder;
};

struct dump {
    bool with_all;             /* not the stacks alone */
    VEC(struct entry) entries; /* by tid */
    struct cpuclock *clocks;   /* of each */
    struct parked_slices *slices;
    struct table stacks; /* of out->stacks.records, by content */
    uint32_t *created;   /* slot of thread_created_table → record + 1, for those already copied */
    uint32_t *seen;      /* the same for slots of seen.c */
    int64_t now_ticks, now_ns;
    int failed; /* the first failure inside a callback */
    struct threads_snapshot *out;
};

const char *thread_state_text(enum thread_state state)
{
    switch (state) {
#define X(name, text)   \
    case THREAD_##name: \
        return text;
        THREAD_STATES(X)
#undef X
    }
    return "unknown";
}

/* ---- who is there ---------------------------------------------------------------------------------------
 */

static int by_tid(const void *a, const void *b)
{
    pid_t x = ((const struct entry *)a)->look.tid, y = ((const struct entry *)b)->look.tid;
    return (x > y) - (x < y);
}

/* A thread that is just beginning may have two records for a moment: its own, and one made by an enumeration
 * that was faster. Its own is the one it knows. */
static void drop_twins(struct dump *d)
{
    size_t kept = 0;
    for (size_t i = 0; i < d->entries.len; i++) {
        struct entry *e = &d->entries.items[i];
        if (kept > 0 && d->entries.items[kept - 1].look.tid == e->look.tid) {
            if (e->look.t->self)
                d->entries.items[kept - 1] = *e;
        } else {
            d->entries.items[kept++] = *e;
        }
    }
    d->entries.len = kept;
}

static int list_entries(struct dump *d)
{
    uint32_t n = thread_count();
    if (!vec_reserve(&d->entries, n + 1))
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        struct thread *t = thread_at(i);
        pid_t tid = atomic_load(&t->tid);
        if (tid != 0)
            d->entries.items[d->entries.len++] =
                (struct entry){.look = {.t = t, .tid = tid}, .state = THREAD_UNKNOWN, .record = NO_RECORD};
    }
    qsort(d->entries.items, d->entries.len, sizeof *d->entries.items, by_tid);
    drop_twins(d);
    return 0;
}

static const struct entry *find_entry(const struct dump *d, pid_t tid)
{
    size_t lo = 0, hi = d->entries.len;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (d->entries.items[mid].look.tid < tid)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < d->entries.len && d->entries.items[lo].look.tid == tid ? &d->entries.items[lo] : NULL;
}

/* ---- stacks ---------------------------------------------------------------------------------------------
 */

static bool record_holds(const struct snapshot *s, const struct snapshot_record *r,
    const struct unwind_stack *stack, const struct label_set *labels)
{
    return r->labels == labels && r->depth == stack->depth && r->truncated == stack->truncated &&
           (r->depth == 0 ||
               memcmp(s->pcs.items + r->first_pc, stack->pcs, stack->depth * sizeof *stack->pcs) == 0);
}

/* Threads with the same stack and labels share a record. */
static int add_stack(
    struct dump *d, const struct unwind_stack *stack, const struct label_set *labels, uint32_t *index)
{
    struct snapshot *s = &d->out->stacks;
    uint64_t hash = hash_mix((uintptr_t)labels, stack->truncated);
    for (int i = 0; i < stack->depth; i++)
        hash = hash_mix(hash, stack->pcs[i]);
    for (size_t at = table_first(&d->stacks, hash); table_next(&d->stacks, hash, &at, index);)
        if (record_holds(s, &s->records.items[*index], stack, labels))
            return 0;
    struct snapshot_record r = {
        .depth = stack->depth, .truncated = stack->truncated, .values = {1}, .labels = labels};
    *index = (uint32_t)s->records.len;
    return table_add(&d->stacks, hash, *index) ? snapshot_add(s, &r, stack->pcs) : ERR_NOMEM;
}

static void settle(struct dump *d, struct entry *e, enum thread_state state, const struct unwind_stack *stack,
    const struct label_set *labels)
{
    int r = add_stack(d, stack, labels, &e->record);
    e->labels = labels;
    e->done = r == 0;
    e->state = state;
    if (r)
        d->failed = r;
}

/* ---- parked threads -------------------------------------------------------------------------------------
 */

struct batch {
    struct dump *d;
    struct entry *entries[PARKED_BATCH];
    const struct parked_look *looks[PARKED_BATCH];
};

static void found_parked(void *arg, size_t i, const struct unwind_stack *stack)
{
    struct batch *b = arg;
    struct entry *e = b->entries[i];
    e->parked = true;
    seen_note(&e->look, stack, b->d->now_ns);
    settle(b->d, e, (enum thread_state)e->look.reason, stack, e->look.labels);
}

/* Those that have not moved since the last dump. */
static void recall(struct dump *d)
{
    struct unwind_stack stack;
    for (size_t i = 0; i < d->entries.len; i++) {
        struct entry *e = &d->entries.items[i];
        uint32_t slot;
        if (e->done || !parked_look(&e->look) || !seen_find(&e->look, d->now_ns, &slot))
            continue;
        uint32_t *known = &d->seen[slot];
        e->parked = true;
        if (*known == 0) {
            seen_stack(slot, &stack);
            settle(d, e, (enum thread_state)e->look.reason, &stack, e->look.labels);
            *known = e->record + 1;
        } else {
            e->record = *known - 1;
            e->state = (enum thread_state)e->look.reason;
            e->labels = e->look.labels;
            e->done = true;
        }
    }
}

/* One look at all threads that are parked and not done. How many turned out to have moved meanwhile. */
static size_t parked_round(struct dump *d)
{
    struct batch b = {.d = d};
    size_t moved = 0;
    for (size_t i = 0; i < d->entries.len;) {
        size_t n = 0;
        for (; i < d->entries.len && n < PARKED_BATCH; i++) {
            struct entry *e = &d->entries.items[i];
            if (e->done || !parked_look(&e->look))
                continue;
            b.entries[n] = e;
            b.looks[n++] = &e->look;
        }
        moved += parked_unwind(b.looks, n, d->slices, found_parked, &b);
    }
    return moved;
}

/* ---- the others -----------------------------------------------------------------------------------------
 */

static void read_self(struct dump *d, const struct unwind_regs *here)
{
    struct thread *self = thread_self();
    for (size_t i = 0; self && i < d->entries.len; i++) {
        struct entry *e = &d->entries.items[i];
        if (e->look.t != self)
            continue;
        struct unwind_memory memory = thread_memory(self, here->rsp);
        struct unwind_stack stack;
        unwind_here_sigsafe(here, &memory, &stack);
        settle(d, e, THREAD_RUNNING, &stack, atomic_load(&self->labels));
    }
}

static int ask_others(struct dump *d)
{
    VEC(struct ask) asks = {0};
    for (size_t i = 0; i < d->entries.len; i++) {
        struct entry *e = &d->entries.items[i];
        if (e->done)
            continue;
        if (!vec_reserve(&asks, 1)) {
            vec_fini(&asks);
            return ERR_NOMEM;
        }
        struct ask *q = &asks.items[asks.len++];
        q->t = e->look.t;
        q->tid = e->look.tid;
        q->answered = false;
    }
    ask_threads(asks.items, asks.len);
    size_t k = 0;
    for (size_t i = 0; i < d->entries.len; i++) {
        struct entry *e = &d->entries.items[i];
        if (e->done)
            continue;
        const struct ask *q = &asks.items[k++];
        if (!q->answered)
            continue;
        settle(d, e, q->state, &q->stack, q->labels);
        e->look.since_ticks = q->since_ticks;
        e->look.object = q->object;
    }
    vec_fini(&asks);
    return 0;
}

/* ---- who holds what -------------------------------------------------------------------------------------
 */

/* Where glibc keeps the tid of a mutex' holder or of a rwlock's writer; 0 when it is no such wait. */
static uintptr_t holder_word(const struct entry *e)
{
    if (!e->parked || !e->look.object)
        return 0;
    if (e->state == THREAD_MUTEX)
        return e->look.object + offsetof(pthread_mutex_t, __data.__owner);
    if (e->state == THREAD_RWLOCK_READ || e->state == THREAD_RWLOCK_WRITE)
        return e->look.object + offsetof(pthread_rwlock_t, __data.__cur_writer);
    return 0;
}

/* The lock may be gone by now: the kernel reads. */
static void find_holders(struct dump *d)
{
    struct iovec from[PARKED_BATCH];
    struct entry *whose[PARKED_BATCH];
    int word[PARKED_BATCH];
    for (size_t i = 0; i < d->entries.len;) {
        size_t n = 0;
        for (; i < d->entries.len && n < PARKED_BATCH; i++) {
            struct entry *e = &d->entries.items[i];
            uintptr_t at = holder_word(e);
            if (!at)
                continue;
            from[n] = (struct iovec){(void *)at, sizeof *word};
            whose[n++] = e;
        }
        parked_copy((char *)word, from, n);
        for (size_t k = 0; k < n; k++)
            if (from[k].iov_len && find_entry(d, word[k]))
                whose[k]->holder = word[k];
    }
}

/* Whose end a join waits for: what it left behind is the pthread_t. */
static void find_joined(struct dump *d)
{
    for (size_t i = 0; i < d->entries.len; i++) {
        struct entry *e = &d->entries.items[i];
        if (!e->parked || e->state != THREAD_JOIN)
            continue;
        for (size_t k = 0; k < d->entries.len && !e->holder; k++)
            if (d->entries.items[k].look.t->self == (pthread_t)e->look.object)
                e->holder = d->entries.items[k].look.tid;
    }
}

/* ---- what else is known ---------------------------------------------------------------------------------
 */

static int read_clocks(struct dump *d)
{
    size_t n = d->entries.len;
    d->clocks = calloc(n + 1, sizeof *d->clocks);
    if (!d->clocks)
        return ERR_NOMEM;
    for (size_t i = 0; i < n; i++) {
        const struct entry *e = &d->entries.items[i];
        d->clocks[i] = (struct cpuclock){e->look.t, e->look.tid, e->parked ? e->look.sequence : 0, -1};
    }
    cpuclocks_read(d->clocks, n);
    return 0;
}

/* Threads created at the same place share a record. */
static int add_created(struct dump *d, uint32_t slot, uint32_t *index)
{
    *index = NO_RECORD;
    if (slot >= THREAD_CREATED_SLOTS)
        return 0;
    if (d->created[slot] == 0) {
        struct unwind_stack stack;
        uint32_t added;
        stacks_stack_sigsafe(thread_created_table, slot, &stack);
        int r = add_stack(d, &stack, NULL, &added);
        if (r)
            return r;
        d->created[slot] = added + 1;
    }
    *index = d->created[slot] - 1;
    return 0;
}

/* Those of the moment its stack is of; of one that did not answer, those it has now. */
static const struct label_set *labels_of(const struct entry *e)
{
    const struct label_set *now = atomic_load(&e->look.t->labels);
    if (e->done)
        return e->labels;
    return atomic_load(&e->look.t->tid) == e->look.tid ? now : NULL;
}

static int add_thread(struct dump *d, const struct entry *e, int64_t cpu_ns)
{
    const struct thread *t = e->look.t;
    struct thread_info info = {.tid = e->look.tid,
        .state = e->state,
        .is_profiler = t->is_profiler,
        .labels = labels_of(e),
        .cpu_ns = cpu_ns,
        .record = e->record,
        .created_record = NO_RECORD};
    memcpy(info.name, t->name, sizeof info.name);
    info.name[sizeof info.name - 1] = 0;
    uint32_t created_slot = t->created_slot;
    if (!e->done && syscall(SYS_tgkill, getpid(), e->look.tid, 0) != 0)
        return 0; /* it ended while we looked */
    if (e->parked || (e->done && e->look.since_ticks)) {
        info.waiting_ns = ticks_ago_ns(e->look.since_ticks, d->now_ticks, d->now_ns);
        info.waits_for = e->state == THREAD_JOIN ? 0 : e->look.object;
        info.holder = e->holder;
        info.still_waits = e->holder && parked_is_still(&e->look);
    }
    int r = e->done ? 0 : add_stack(d, &(struct unwind_stack){.truncated = true}, info.labels, &info.record);
    if (!r && d->with_all)
        r = add_created(d, created_slot, &info.created_record);
    if (!r && !vec_push(&d->out->threads, info))
        r = ERR_NOMEM;
    return r;
}

/* ---- the whole ------------------------------------------------------------------------------------------
 */

static int ask_locked(struct dump *d, const struct unwind_regs *here)
{
    d->slices = malloc(sizeof *d->slices);
    d->created = calloc(THREAD_CREATED_SLOTS, sizeof *d->created);
    d->seen = calloc(SEEN_SLOTS, sizeof *d->seen);
    int r = d->slices && d->created && d->seen ? list_entries(d) : ERR_NOMEM;
    if (r)
        return r;
    seen_begin();
    d->now_ns = clock_monotonic_ns();
    read_self(d, here);
    recall(d);
    for (int round = 0; round < ROUNDS && parked_round(d) > 0; round++)
        ;
    r = d->failed ? d->failed : ask_others(d);
    if (r || d->failed)
        return r ? r : d->failed;
    if (d->with_all) {
        find_holders(d);
        find_joined(d);
        r = read_clocks(d);
    }
    d->now_ticks = ticks_now();
    d->now_ns = clock_monotonic_ns();
    d->out->stacks.lost_labels = labelset_lost();
    for (size_t i = 0; !r && i < d->entries.len; i++)
        r = add_thread(d, &d->entries.items[i], d->clocks ? d->clocks[i].ns : -1);
    return r;
}

static int take(bool with_all, const struct unwind_regs *here, struct threads_snapshot *out)
{
    int r = thread_init();
    if (!r)
        r = unwind_refresh();
    if (r)
        return r;
    int saved = errno;
    thread_self();
    thread_enumerate(false);
    struct threads_snapshot found = {.stacks = {.nvalues = 1, .time_ns = clock_realtime_ns(), .period = 1}};
    struct dump d = {.with_all = with_all, .out = &found};
    rawlock_lock(&ask_lock);
    r = ask_locked(&d, here);
    rawlock_unlock(&ask_lock);
    vec_fini(&d.entries);
    table_fini(&d.stacks);
    free(d.slices);
    free(d.clocks);
    free(d.created);
    free(d.seen);
    errno = saved;
    if (r)
        threads_snapshot_fini(&found);
    else
        *out = found;
    return r;
}

int threads_snapshot(struct threads_snapshot *out)
{
    struct unwind_regs here;
    UNWIND_HERE(&here);
    return take(true, &here, out);
}

int threads_snapshot_stacks(struct threads_snapshot *out)
{
    struct unwind_regs here;
    UNWIND_HERE(&here);
    return take(false, &here, out);
}

const struct thread_info *threads_find(const struct threads_snapshot *s, pid_t tid)
{
    size_t lo = 0, hi = s->threads.len;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (s->threads.items[mid].tid < tid)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < s->threads.len && s->threads.items[lo].tid == tid ? &s->threads.items[lo] : NULL;
}

void threads_snapshot_fini(struct threads_snapshot *s)
{
    vec_fini(&s->threads);
    snapshot_fini(&s->stacks);
}

int threads_created_snapshot(struct snapshot *out)
{
    struct snapshot found = {.nvalues = 2, .time_ns = clock_realtime_ns(), .period = 1};
    int r = thread_created_table ? stacks_snapshot(thread_created_table, false, &found) : 0;
    if (r)
        snapshot_fini(&found);
    else
        *out = found;
    return r;
}

void threads_take_signal(void)
{
    rawlock_lock(&ask_lock);
    ask_take_signal();
    rawlock_unlock(&ask_lock);
}
