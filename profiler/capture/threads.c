#include "capture/threads.h"

#include "base/clock.h"
#include "capture/ask.h"
#include "capture/rawlock.h"
#include "capture/thread.h"
#include "capture/ticks.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>

/*
 *     records ─► parked ones: copy the record ─► copy the top of each stack, a thousand a system call
 *                ─► unwind from the copies ─► sequence number still the same? then it was all of one moment
 *             ─► all others: asked by signal
 *
 * A parked thread does not move, and everything above its stack pointer stands still with it; once it moves
 * its sequence number has changed and what we read is thrown away. Reads go through the kernel, which finds
 * out about stacks that have been unmapped.
 */

enum { SLICE_BYTES = 2048, BATCH = 1024, ROUNDS = 3 };

struct entry {
    struct thread *t;
    pid_t tid;
    bool done;   /* stack is valid */
    bool parked; /* record is valid */
    struct parked record;
    uint32_t slice_bytes;
    char *slice;
    struct unwind_stack stack;
    enum thread_state state;
    const struct label_set *labels;
};

struct dump {
    VEC(struct entry) entries; /* by tid */
    char *slices;
    int64_t now_ticks, now_ns;
    struct threads_snapshot *out;
    uint32_t *created; /* slot of thread_created_table → record, for those already copied */
};

static struct rawlock dump_lock; /* one dump at a time: asking and its answers */

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
    pid_t x = ((const struct entry *)a)->tid, y = ((const struct entry *)b)->tid;
    return (x > y) - (x < y);
}

/* A thread that is just beginning may have two records for a moment: its own, and one made by an enumeration
 * that was faster. Its own is the one it knows. */
static void drop_twins(struct dump *d)
{
    size_t kept = 0;
    for (size_t i = 0; i < d->entries.len; i++) {
        struct entry *e = &d->entries.items[i];
        if (kept > 0 && d->entries.items[kept - 1].tid == e->tid) {
            if (e->t->self)
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
        struct entry *e = &d->entries.items[d->entries.len];
        e->t = thread_at(i);
        e->tid = atomic_load(&e->t->tid);
        e->done = e->parked = false;
        e->state = THREAD_UNKNOWN;
        e->stack.depth = 0;
        e->stack.truncated = true;
        e->labels = NULL;
        d->entries.len += e->tid != 0;
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
        if (d->entries.items[mid].tid < tid)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < d->entries.len && d->entries.items[lo].tid == tid ? &d->entries.items[lo] : NULL;
}

/* ---- parked threads -------------------------------------------------------------------------------------
 */

static uint32_t sequence_of(const struct thread *t)
{
    return atomic_load_explicit(&t->parked.sequence, memory_order_acquire);
}

static bool still_parked(const struct entry *e)
{
    atomic_thread_fence(memory_order_acquire);
    return sequence_of(e->t) == e->record.sequence && atomic_load(&e->t->tid) == e->tid;
}

static bool copy_record(struct entry *e)
{
    uint32_t sequence = sequence_of(e->t);
    if (!(sequence & 1))
        return false;
    e->record.reason = e->t->parked.reason;
    e->record.regs = e->t->parked.regs;
    e->record.scope = e->t->parked.scope;
    e->record.object = e->t->parked.object;
    e->record.since_ticks = e->t->parked.since_ticks;
    e->labels = atomic_load_explicit(&e->t->labels, memory_order_relaxed);
    atomic_store_explicit(&e->record.sequence, sequence, memory_order_relaxed);
    return still_parked(e);
}

/* The first byte of the stack we want: the wrapper's scope lies below its caller's frame. */
static uintptr_t slice_start(const struct entry *e)
{
    uintptr_t scope = e->record.scope, rsp = e->record.regs.rsp;
    return scope < rsp && rsp - scope < SLICE_BYTES / 2 ? scope : rsp;
}

static size_t slice_length(const struct entry *e)
{
    uintptr_t from = slice_start(e), hi = e->t->stack_hi;
    return hi > from && hi - from < SLICE_BYTES ? hi - from : SLICE_BYTES;
}

/* Copies the slices of batch[0..n) one after another; those that cannot be read get none. */
static void copy_slices(struct entry **batch, size_t n, char *to)
{
    struct iovec from[BATCH];
    for (size_t i = 0; i < n; i++) {
        batch[i]->slice = to + i * SLICE_BYTES;
        batch[i]->slice_bytes = 0;
    }
    for (size_t first = 0; first < n;) {
        struct iovec local[BATCH];
        for (size_t i = first; i < n; i++) {
            from[i] = (struct iovec){(void *)slice_start(batch[i]), slice_length(batch[i])};
            local[i] = (struct iovec){batch[i]->slice, from[i].iov_len};
        }
        ssize_t got = process_vm_readv(getpid(), local + first, n - first, from + first, n - first, 0);
        for (; first < n && got >= (ssize_t)from[first].iov_len; got -= (ssize_t)from[first++].iov_len)
            batch[first]->slice_bytes = (uint32_t)from[first].iov_len;
        first++; /* the one it stopped at, if it did */
    }
}

static bool frame_is_there(const struct entry *e)
{
    uintptr_t at = e->record.scope - slice_start(e), cookie;
    if (at > e->slice_bytes || e->slice_bytes - at < sizeof cookie)
        return false;
    memcpy(&cookie, e->slice + at, sizeof cookie);
    return cookie == park_cookie(e->t, e->record.sequence);
}

static void unwind_parked(struct entry *e)
{
    uintptr_t from = slice_start(e);
    struct unwind_memory memory = {from, from + e->slice_bytes, e->slice};
    if (e->slice_bytes && !frame_is_there(e))
        return; /* stranded by a longjmp */
    unwind_saved_sigsafe(&e->record.regs, &memory, &e->stack);
    if (!still_parked(e))
        return;
    e->done = e->parked = true;
    e->state = (enum thread_state)e->record.reason;
}

/* One look at all threads that are parked and not done. How many turned out to have moved meanwhile. */
static size_t parked_round(struct dump *d)
{
    struct entry *batch[BATCH];
    size_t moved = 0;
    for (size_t i = 0; i < d->entries.len;) {
        size_t n = 0;
        for (; i < d->entries.len && n < BATCH; i++) {
            struct entry *e = &d->entries.items[i];
            if (!e->done && copy_record(e))
                batch[n++] = e;
        }
        copy_slices(batch, n, d->slices);
        for (size_t k = 0; k < n; k++) {
            unwind_parked(batch[k]);
            moved += !batch[k]->done;
        }
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
        if (e->t != self)
            continue;
        struct unwind_memory memory = thread_memory(self);
        unwind_here_sigsafe(here, &memory, &e->stack);
        e->state = THREAD_RUNNING;
        e->labels = atomic_load(&self->labels);
        e->done = true;
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
        q->t = e->t;
        q->tid = e->tid;
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
        e->stack = q->stack;
        e->labels = q->labels;
        e->state = q->in_syscall ? THREAD_SYSCALL : THREAD_RUNNING;
        e->done = true;
    }
    vec_fini(&asks);
    return 0;
}

/* ---- what else is known ---------------------------------------------------------------------------------
 */

static int64_t cpu_time_of(pid_t tid)
{
    struct timespec t;
    if (clock_gettime((clockid_t)(~(unsigned)tid << 3 | 6), &t) != 0)
        return -1;
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The tid glibc keeps in a mutex, or in a rwlock for its writer, if that is a thread of ours. The lock may be
 * gone by now: the kernel reads. */
static pid_t holder_of(const struct dump *d, const struct entry *e)
{
    size_t offset;
    if (e->state == THREAD_MUTEX)
        offset = offsetof(pthread_mutex_t, __data.__owner);
    else if (e->state == THREAD_RWLOCK_READ || e->state == THREAD_RWLOCK_WRITE)
        offset = offsetof(pthread_rwlock_t, __data.__cur_writer);
    else
        return 0;
    int owner = 0;
    struct iovec to = {&owner, sizeof owner}, from = {(void *)(e->record.object + offset), sizeof owner};
    if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) != (ssize_t)sizeof owner)
        return 0;
    return find_entry(d, owner) ? owner : 0;
}

static int add_stack(
    struct dump *d, const struct unwind_stack *stack, const struct label_set *labels, uint32_t *index)
{
    struct snapshot_record r = {
        .depth = stack->depth, .truncated = stack->truncated, .values = {1}, .labels = labels};
    int e = snapshot_add(&d->out->stacks, &r, stack->pcs);
    if (!e)
        *index = (uint32_t)d->out->stacks.records.len - 1;
    return e;
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
    const struct label_set *now = atomic_load(&e->t->labels);
    if (e->done)
        return e->labels;
    return atomic_load(&e->t->tid) == e->tid ? now : NULL;
}

static int add_thread(struct dump *d, const struct entry *e)
{
    const struct thread *t = e->t;
    struct thread_info info = {
        .tid = e->tid, .state = e->state, .is_profiler = t->is_profiler, .labels = labels_of(e)};
    memcpy(info.name, t->name, sizeof info.name);
    info.name[sizeof info.name - 1] = 0;
    uint32_t created_slot = t->created_slot;
    info.cpu_ns = cpu_time_of(e->tid);
    if (!e->done && info.cpu_ns < 0)
        return 0; /* it ended while we looked */
    if (e->parked) {
        info.waiting_ns = ticks_ago_ns(e->record.since_ticks, d->now_ticks, d->now_ns);
        info.waits_for = e->record.object;
        info.holder = holder_of(d, e);
    }
    int r = add_stack(d, &e->stack, info.labels, &info.record);
    if (!r)
        r = add_created(d, created_slot, &info.created_record);
    if (!r && !vec_push(&d->out->threads, info))
        r = ERR_NOMEM;
    return r;
}

/* ---- the whole ------------------------------------------------------------------------------------------
 */

static int dump_locked(struct dump *d, const struct unwind_regs *here)
{
    d->slices = malloc((size_t)BATCH * SLICE_BYTES);
    d->created = calloc(THREAD_CREATED_SLOTS, sizeof *d->created);
    int r = d->slices && d->created ? list_entries(d) : ERR_NOMEM;
    if (r)
        return r;
    read_self(d, here);
    for (int round = 0; round < ROUNDS && parked_round(d) > 0; round++)
        ;
    r = ask_others(d);
    d->now_ticks = ticks_now();
    d->now_ns = clock_monotonic_ns();
    d->out->stacks.lost_labels = labelset_lost();
    for (size_t i = 0; !r && i < d->entries.len; i++)
        r = add_thread(d, &d->entries.items[i]);
    return r;
}

int threads_snapshot(struct threads_snapshot *out)
{
    struct unwind_regs here;
    UNWIND_HERE(&here);
    int r = thread_init();
    if (!r)
        r = unwind_refresh();
    if (r)
        return r;
    int saved = errno;
    thread_self();
    thread_enumerate(false);
    struct threads_snapshot found = {.stacks = {.nvalues = 1, .time_ns = clock_realtime_ns(), .period = 1}};
    struct dump d = {.out = &found};
    rawlock_lock(&dump_lock);
    r = dump_locked(&d, &here);
    rawlock_unlock(&dump_lock);
    vec_fini(&d.entries);
    free(d.slices);
    free(d.created);
    errno = saved;
    if (r)
        threads_snapshot_fini(&found);
    else
        *out = found;
    return r;
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
    rawlock_lock(&dump_lock);
    ask_take_signal();
    rawlock_unlock(&dump_lock);
}

void threads_after_fork(void)
{
    rawlock_reset(&dump_lock);
    ask_after_fork();
}
