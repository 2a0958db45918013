#include "capture/contention.h"

#include "base/clock.h"
#include "capture/contention_wait.h"
#include "capture/rawlock.h"
#include "capture/region.h"
#include "capture/stacks.h"

#include <string.h>

/*
 * Each lock somebody waits for has a record: how many wait, and the integral of that number over time.
 *
 *     waits begin and end:  integral += waiters × (now − since), waiters ±1
 *     unlock:               integral += …; charged to the unlocker's stack, and starts again from 0
 *     a reader unlocks:     the same, but charged to the last reader that leaves: left is set aside until
 * then a waiter gets it:     what has grown since the unlock is the hand-over, and the unlocker's, too
 *
 * So every nanosecond that somebody waits is charged to exactly one holder, and at fraction 1 the sum over
 * holders is the sum over waiters. Charging only at unlocks that see waiters in the lock word was tried and
 * loses up to a third, because of threads that take the lock before those that were woken for it. Charging
 * each reader what had grown by the time it left was tried, too: then those that hold it briefly pay for the
 * one that holds it long. Which reader is the last shows when a writer gets the lock, so readers only leave
 * their stack behind.
 *
 * Unseen are the unlocks of other processes and of threads that died with a robust mutex: what was waited
 * for those is charged to nobody.
 *
 * Records live in buckets of a few, by address. contention_active says without a lock which of a bucket's are
 * in use, and whether there are any is all that an uncontended lock or unlock looks at.
 *
 * A signal handler of the program's may jump out of here, at any instruction. So a record is never changed:
 * the next version of it is drafted in one that is not in use, and one store of contention_active swaps the
 * two. Who jumps has done all or nothing; the jump's wrapper lets go of the bucket if its lock's word names
 * the thread, and counts as lost what was on its way into a table. Holding signals back meanwhile was tried:
 * its system calls lengthen what is done with the program's lock held, and eight threads at one lock took six
 * times as long.
 */

enum { BUCKET_RECORDS = 8, SLOTS = 8192, PCS = 1 << 18 };

/* What an unlock did with the charge, for the hand-over that follows it. */
enum handover { HANDOVER_NONE, HANDOVER_DROPPED, HANDOVER_CHARGED };

struct lock_record {
    const void *lock;
    uint32_t waiters;
    uint32_t slot; /* HANDOVER_CHARGED: where, and times what */
    int64_t weight;
    int64_t since_ns, integral_ns;
    int64_t left_ns; /* not in the integral: due to the last reader that unlocks */
    enum handover handover;
};

struct bucket {
    struct rawlock lock;
    struct lock_record records[BUCKET_RECORDS]; /* one is never in use */
};

/* What a stack in the mutex table is to be charged. */
struct charge {
    uint32_t slot;
    int64_t count, delay_ns;
};

_Atomic uint32_t contention_active[CONTENTION_BUCKETS];
static struct bucket *buckets;
static struct stacks *tables[2];
static _Atomic int mutex_fraction;
static _Atomic int64_t block_rate_ns;

/* ---- busy -----------------------------------------------------------------------------------------------
 */

enum { LOSES_NOTHING = 0, LOSES_MUTEX = 1 << CONTENTION_MUTEX, LOSES_BLOCK = 1 << CONTENTION_BLOCK };

/* What this very thread's handlers find in memory is in this order. */
#define IN_ORDER() atomic_signal_fence(memory_order_seq_cst)

static inline __attribute__((always_inline)) void busy_begin(struct thread *t, uint8_t loses)
{
    t->loses = loses;
    IN_ORDER();
    t->busy = (uintptr_t)__builtin_frame_address(0);
    IN_ORDER();
}

static void busy_end(struct thread *t)
{
    IN_ORDER();
    t->busy = 0;
}

static uint32_t owner_of(const struct thread *t)
{
    return (uint32_t)atomic_load_explicit(&t->tid, memory_order_relaxed);
}

static struct bucket *bucket_lock(struct thread *t, const void *lock)
{
    struct bucket *b = &buckets[contention_bucket(lock)];
    t->bucket = b;
    IN_ORDER();
    rawlock_lock_as(&b->lock, owner_of(t));
    return b;
}

static void bucket_unlock(struct thread *t, struct bucket *b)
{
    rawlock_unlock(&b->lock);
    IN_ORDER();
    t->bucket = NULL;
}

/* ---- records, under their bucket's lock ------------------------------------------------------------------
 */

static uint32_t in_use(const struct bucket *b)
{
    return atomic_load_explicit(&contention_active[b - buckets], memory_order_relaxed);
}

static uint32_t bit_of(const struct bucket *b, const struct lock_record *r)
{
    return r ? UINT32_C(1) << (r - b->records) : 0;
}

static struct lock_record *record_find(struct bucket *b, const void *lock)
{
    for (uint32_t left = in_use(b); left; left &= left - 1) {
        struct lock_record *r = &b->records[__builtin_ctz(left)];
        if (r->lock == lock)
            return r;
    }
    return NULL;
}

/* A copy that is not in use yet. */
static struct lock_record *record_draft(struct bucket *b, const struct lock_record *r)
{
    struct lock_record *draft = &b->records[__builtin_ctz(~in_use(b))];
    *draft = *r;
    return draft;
}

/* Which are in use once `draft` has taken the place of `old`; either may be NULL. */
static uint32_t in_use_then(
    const struct bucket *b, const struct lock_record *old, const struct lock_record *draft)
{
    return (in_use(b) & ~bit_of(b, old)) | bit_of(b, draft);
}

static void record_replace(
    const struct bucket *b, const struct lock_record *old, const struct lock_record *draft)
{
    IN_ORDER();
    atomic_store_explicit(&contention_active[b - buckets], in_use_then(b, old, draft), memory_order_release);
    IN_ORDER();
}

static bool is_full(const struct bucket *b)
{
    return __builtin_popcount(in_use(b)) == BUCKET_RECORDS - 1;
}

/* One with a charge that nobody came for yet (those that waited gave up). NULL: all are waited for. */
static struct lock_record *record_unclaimed(struct bucket *b)
{
    for (uint32_t left = in_use(b); left; left &= left - 1)
        if (b->records[__builtin_ctz(left)].waiters == 0)
            return &b->records[__builtin_ctz(left)];
    return NULL;
}

static void record_accrue(struct lock_record *r, int64_t now_ns)
{
    if (now_ns > r->since_ns) {
        r->integral_ns += (int64_t)r->waiters * (now_ns - r->since_ns);
        r->since_ns = now_ns;
    }
}

/* ---- sampling -------------------------------------------------------------------------------------------
 */

/* The slot of the caller's stack, or STACKS_NONE. */
static uint32_t add_event(enum contention_kind kind, struct thread *t, const struct unwind_regs *here,
    int64_t count, int64_t delay_ns)
{
    struct unwind_memory memory = thread_memory(t, here->rsp);
    struct unwind_stack stack;
    unwind_here_sigsafe(here, &memory, &stack);
    return stacks_add_sigsafe(tables[kind], &stack, (int64_t[SNAPSHOT_MAX_VALUES]){count, delay_ns});
}

/* As Go's blocksampled: long waits always, shorter ones in proportion, and then counted as if they were the
 * rate's length, which makes the expectation right. */
static void block_event(struct thread *t, int64_t delay_ns, const struct unwind_regs *here)
{
    int64_t rate = atomic_load_explicit(&block_rate_ns, memory_order_relaxed), count = 1;
    if (rate <= 0 || delay_ns < 0)
        return;
    if (delay_ns < rate) {
        if ((int64_t)(thread_random(t) % (uint64_t)rate) >= delay_ns)
            return;
        /* rate/delay of them: the fraction is kept on average */
        count = rate / delay_ns;
        if ((int64_t)(thread_random(t) % (uint64_t)delay_ns) < rate % delay_ns)
            count++;
        delay_ns = rate;
    }
    add_event(CONTENTION_BLOCK, t, here, count, delay_ns);
}

/* 0: this one is not recorded; else what it counts for. */
static int64_t mutex_weight(struct thread *t)
{
    int n = atomic_load_explicit(&mutex_fraction, memory_order_relaxed);
    if (n <= 0 || t->is_profiler)
        return 0;
    return n == 1 || thread_random(t) % (uint64_t)n == 0 ? n : 0;
}

/* ---- waits ----------------------------------------------------------------------------------------------
 */

#define NEVER UINT32_MAX /* no bucket has all in use */

static bool is_off(const struct thread *t)
{
    return t->is_profiler || (atomic_load_explicit(&mutex_fraction, memory_order_relaxed) <= 0 &&
                                 atomic_load_explicit(&block_rate_ns, memory_order_relaxed) <= 0);
}

/* Counts one more waiter, by a time taken inside the bucket's lock, so that it never runs backwards there,
 * and links the wait to its thread. In a full bucket a charge is lost, or this wait is. */
static void enter_record(struct contention_wait *w)
{
    struct thread *t = w->t;
    struct bucket *b = bucket_lock(t, w->lock);
    int64_t now = clock_monotonic_ns();
    struct lock_record *found = record_find(b, w->lock), *old = found;
    bool fits = found || !is_full(b) || (old = record_unclaimed(b));
    if (!found && is_full(b))
        stacks_lose_sigsafe(tables[CONTENTION_MUTEX], 1);
    w->outer = t->waiting;
    w->began_ns = fits ? now : -now;
    w->uncounted = in_use(b);
    IN_ORDER();
    t->waiting = w;
    if (fits) {
        struct lock_record *draft = record_draft(b, found ? found : &(struct lock_record){.lock = w->lock});
        record_accrue(draft, now);
        draft->since_ns = now;
        draft->waiters++;
        record_replace(b, old, draft);
    }
    bucket_unlock(t, b);
    w->uncounted = NEVER;
}

void contention_wait_begin(struct contention_wait *w)
{
    struct thread *t = w->t;
    if (is_off(t))
        return;
    busy_begin(t, LOSES_NOTHING);
    enter_record(w);
    busy_end(t);
}

/* What is due for the last unlock, if that is charged at all: `due` more, and what readers left. */
static struct charge charge_last_unlock(struct lock_record *r, int64_t due_ns)
{
    struct charge c = {0};
    if (r->handover == HANDOVER_CHARGED && r->slot != STACKS_NONE)
        c = (struct charge){r->slot, r->left_ns ? r->weight : 0, (r->left_ns + due_ns) * r->weight};
    r->left_ns = 0;
    return c;
}

/* record_replace, and what becomes due by it. */
static void replace_and_charge(struct thread *t, const struct bucket *b, const struct lock_record *old,
    const struct lock_record *draft, const struct charge *c)
{
    if (c->delay_ns)
        t->loses |= LOSES_MUTEX;
    record_replace(b, old, draft);
    if (c->count)
        stacks_bump_sigsafe(tables[CONTENTION_MUTEX], c->slot, 0, c->count);
    if (c->delay_ns)
        stacks_bump_sigsafe(tables[CONTENTION_MUTEX], c->slot, 1, c->delay_ns);
}

/* The caller has the lock: what grew since the last unlock belongs to that one. Other readers may follow. */
static struct charge settle_handover(struct lock_record *r, enum contention_outcome outcome)
{
    struct charge c = {0};
    if (r->handover != HANDOVER_NONE) {
        c = charge_last_unlock(r, r->integral_ns);
        r->integral_ns = 0;
    } else if (outcome == CONTENTION_FROM_ELSEWHERE) {
        r->integral_ns = 0;
    }
    if (outcome != CONTENTION_SHARED)
        r->handover = HANDOVER_NONE;
    return c;
}

static void unlink_wait(struct contention_wait *w)
{
    w->began_ns = 0;
    IN_ORDER();
    w->t->waiting = w->outer;
}

/* When it ended. */
static int64_t leave_record(struct contention_wait *w, enum contention_outcome outcome)
{
    struct thread *t = w->t;
    w->uncounted = NEVER;
    struct bucket *b = bucket_lock(t, w->lock);
    int64_t now = clock_monotonic_ns();
    struct lock_record *r = record_find(b, w->lock);
    if (r && r->waiters > 0) {
        struct lock_record *draft = record_draft(b, r);
        struct charge c = {0};
        record_accrue(draft, now);
        draft->waiters--;
        if (outcome != CONTENTION_GAVE_UP)
            c = settle_handover(draft, outcome);
        if (draft->waiters == 0 && draft->integral_ns == 0 && draft->left_ns == 0)
            draft = NULL;
        w->uncounted = in_use_then(b, r, draft);
        replace_and_charge(t, b, r, draft, &c);
    }
    unlink_wait(w);
    bucket_unlock(t, b);
    return now;
}

static int64_t end_wait(struct contention_wait *w, enum contention_outcome outcome)
{
    if (w->began_ns > 0)
        return leave_record(w, outcome);
    unlink_wait(w);
    return clock_monotonic_ns();
}

void contention_wait_end(struct contention_wait *w)
{
    struct thread *t = w->t;
    bool blocks = atomic_load_explicit(&block_rate_ns, memory_order_relaxed) > 0;
    busy_begin(t, blocks ? LOSES_BLOCK : LOSES_NOTHING);
    int64_t began = w->began_ns;
    if (began != 0)
        block_event(t, end_wait(w, w->outcome) - (began > 0 ? began : -began), w->here);
    busy_end(t);
}

/* Of the bucket the thread was at. The wait that it was about to count in or out had been, or not: as which
 * records are in use says, while the bucket is still ours. */
static void abandon_bucket(struct thread *t, struct bucket *b)
{
    struct contention_wait *w = t->waiting;
    if (rawlock_is_owner(&b->lock, owner_of(t)) && w && w->uncounted == in_use(b) &&
        b == &buckets[contention_bucket(w->lock)])
        w->began_ns = 0;
    IN_ORDER();
    rawlock_abandon(&b->lock, owner_of(t));
    IN_ORDER();
    t->bucket = NULL;
}

/* The waits are on the part of the stack that is about to go; should the jump be a handler's within itself,
 * their ends find that there is nothing left to do. */
void contention_abandon(struct thread *t)
{
    if (t->busy) {
        if (t->bucket)
            abandon_bucket(t, t->bucket);
        for (int kind = 0; kind < 2; kind++)
            if (t->loses >> kind & 1)
                stacks_lose_sigsafe(tables[kind], 1);
        busy_end(t);
    }
    if (!t->waiting)
        return;
    busy_begin(t, LOSES_NOTHING);
    while (t->waiting)
        end_wait(t->waiting, CONTENTION_GAVE_UP);
    busy_end(t);
}

/* ---- unlock ---------------------------------------------------------------------------------------------
 */

/* Takes what is due, 0 when there is nothing. */
static int64_t take_charge(struct thread *t, const void *lock)
{
    struct bucket *b = bucket_lock(t, lock);
    struct lock_record *r = record_find(b, lock);
    int64_t due = 0;
    if (r) {
        struct lock_record *draft = record_draft(b, r);
        struct charge c = charge_last_unlock(draft, 0); /* of readers, after whom the caller got it unseen, by
                                                           trying */
        record_accrue(draft, clock_monotonic_ns());
        due = draft->integral_ns;
        if (due)
            t->loses |= LOSES_MUTEX;
        draft->integral_ns = 0;
        draft->handover = HANDOVER_DROPPED;
        replace_and_charge(t, b, r, draft->waiters ? draft : NULL, &c);
    }
    bucket_unlock(t, b);
    return due;
}

/* From here on the hand-over goes where the charge went. */
static void leave_handover(struct thread *t, const void *lock, uint32_t slot, int64_t weight)
{
    struct bucket *b = bucket_lock(t, lock);
    struct lock_record *r = record_find(b, lock);
    if (r) {
        struct lock_record *draft = record_draft(b, r);
        /* Also what the waiters waited while we looked at our own stack. */
        record_accrue(draft, clock_monotonic_ns());
        draft->handover = HANDOVER_CHARGED;
        draft->slot = slot;
        draft->weight = weight;
        record_replace(b, r, draft);
    }
    bucket_unlock(t, b);
}

void contention_release(struct thread *t, const void *lock, const struct unwind_regs *here)
{
    busy_begin(t, LOSES_NOTHING);
    int64_t due = take_charge(t, lock);
    int64_t weight = due ? mutex_weight(t) : 0;
    if (weight) {
        uint32_t slot = add_event(CONTENTION_MUTEX, t, here, weight, due * weight);
        leave_handover(t, lock, slot, weight);
    }
    busy_end(t);
}

static bool has_record(struct thread *t, const void *lock)
{
    struct bucket *b = bucket_lock(t, lock);
    bool has = record_find(b, lock) != NULL;
    bucket_unlock(t, b);
    return has;
}

/* The caller is the last reader until another one leaves. */
static void leave_shared(struct thread *t, const void *lock, uint32_t slot, int64_t weight)
{
    struct bucket *b = bucket_lock(t, lock);
    struct lock_record *r = record_find(b, lock);
    if (r) {
        struct lock_record *draft = record_draft(b, r);
        struct charge c = {0};
        record_accrue(draft, clock_monotonic_ns());
        draft->left_ns += draft->integral_ns;
        draft->integral_ns = 0;
        draft->handover = weight ? HANDOVER_CHARGED : HANDOVER_DROPPED;
        draft->slot = slot;
        draft->weight = weight;
        if (draft->waiters == 0)
            c = charge_last_unlock(draft, 0);
        replace_and_charge(t, b, r, draft->waiters ? draft : NULL, &c);
    }
    bucket_unlock(t, b);
}

void contention_release_shared(struct thread *t, const void *lock, const struct unwind_regs *here)
{
    busy_begin(t, LOSES_NOTHING);
    if (has_record(t, lock)) {
        int64_t weight = mutex_weight(t);
        uint32_t slot = weight ? add_event(CONTENTION_MUTEX, t, here, 0, 0) : STACKS_NONE;
        leave_shared(t, lock, slot, weight);
    }
    busy_end(t);
}

/* ---- other waits ----------------------------------------------------------------------------------------
 */

int64_t contention_block_begin(void)
{
    return atomic_load_explicit(&block_rate_ns, memory_order_relaxed) > 0 ? clock_monotonic_ns() : 0;
}

void contention_block_end(struct thread *t, int64_t began_ns, const struct unwind_regs *here)
{
    if (began_ns == 0 || t->is_profiler)
        return;
    busy_begin(t, LOSES_BLOCK);
    block_event(t, clock_monotonic_ns() - began_ns, here);
    busy_end(t);
}

/* ---- switches -------------------------------------------------------------------------------------------
 */

/* What was waited for before capture was switched off: unlocks since then went unseen. */
static void forget_charges(struct bucket *b)
{
    rawlock_lock(&b->lock);
    uint32_t waited_for = 0;
    for (uint32_t left = in_use(b); left; left &= left - 1) {
        struct lock_record *r = &b->records[__builtin_ctz(left)];
        if (r->waiters)
            waited_for |= bit_of(b, r);
        *r = (struct lock_record){.lock = r->lock, .waiters = r->waiters, .since_ns = clock_monotonic_ns()};
    }
    atomic_store_explicit(&contention_active[b - buckets], waited_for, memory_order_release);
    rawlock_unlock(&b->lock);
}

int contention_init(void)
{
    if (!buckets)
        buckets = region_map(CONTENTION_BUCKETS * sizeof *buckets);
    for (int i = 0; i < 2; i++)
        if (!tables[i])
            tables[i] = stacks_new(SLOTS, PCS);
    for (int i = 0; buckets && i < CONTENTION_BUCKETS; i++)
        if (atomic_load_explicit(&contention_active[i], memory_order_relaxed) != 0)
            forget_charges(&buckets[i]);
    return buckets && tables[0] && tables[1] ? 0 : ERR_NOMEM;
}

void contention_after_fork(void)
{
    if (!buckets)
        return;
    memset(buckets, 0, CONTENTION_BUCKETS * sizeof *buckets);
    for (int i = 0; i < CONTENTION_BUCKETS; i++)
        atomic_store(&contention_active[i], 0);
}

int contention_set_mutex_fraction(int n)
{
    return n < 0 ? atomic_load(&mutex_fraction) : atomic_exchange(&mutex_fraction, n);
}

int64_t contention_set_block_rate_ns(int64_t rate_ns)
{
    return atomic_exchange(&block_rate_ns, rate_ns < 0 ? 0 : rate_ns);
}

int contention_mutex_fraction(void)
{
    return atomic_load(&mutex_fraction);
}

int64_t contention_block_rate_ns(void)
{
    return atomic_load(&block_rate_ns);
}

int contention_snapshot(enum contention_kind kind, struct snapshot *out)
{
    struct snapshot found = {.nvalues = 2, .time_ns = clock_realtime_ns(), .period = 1};
    int r = tables[kind] ? stacks_snapshot(tables[kind], false, &found) : 0;
    if (r)
        snapshot_fini(&found);
    else
        *out = found;
    return r;
}
