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
 * Records live in buckets of a few, by address. contention_active says without a lock whether a bucket has
 * any, which is all that an uncontended lock or unlock looks at.
 */

enum { BUCKET_RECORDS = 7, SLOTS = 8192, PCS = 1 << 18 };

/* What an unlock did with the charge, for the hand-over that follows it. */
enum handover { HANDOVER_NONE, HANDOVER_DROPPED, HANDOVER_CHARGED };

struct lock_record {
    const void *lock; /* NULL: free */
    uint32_t waiters;
    uint32_t slot; /* HANDOVER_CHARGED: where, and times what */
    int64_t weight;
    int64_t since_ns, integral_ns;
    int64_t left_ns; /* not in the integral: due to the last reader that unlocks */
    enum handover handover;
};

struct bucket {
    struct rawlock lock;
    struct lock_record records[BUCKET_RECORDS];
};

_Atomic uint32_t contention_active[CONTENTION_BUCKETS];
static struct bucket *buckets;
static struct stacks *tables[2];
static _Atomic int mutex_fraction;
static _Atomic int64_t block_rate_ns;

/* ---- records, under their bucket's lock ------------------------------------------------------------------
 */

static struct lock_record *record_find(struct bucket *b, const void *lock)
{
    for (int i = 0; i < BUCKET_RECORDS; i++)
        if (b->records[i].lock == lock)
            return &b->records[i];
    return NULL;
}

static void record_free(const struct bucket *b, struct lock_record *r)
{
    *r = (struct lock_record){0};
    atomic_fetch_sub_explicit(&contention_active[b - buckets], 1, memory_order_relaxed);
}

/* A free record, or that of a lock with a charge that nobody came for yet (those that waited gave up); then
 * that charge is lost. NULL: all are waited for. */
static struct lock_record *record_make(struct bucket *b, const void *lock)
{
    struct lock_record *r = record_find(b, NULL);
    for (int i = 0; !r && i < BUCKET_RECORDS; i++)
        if (b->records[i].waiters == 0) {
            r = &b->records[i];
            stacks_lose_sigsafe(tables[CONTENTION_MUTEX], 1);
            record_free(b, r);
        }
    if (!r)
        return NULL;
    *r = (struct lock_record){.lock = lock};
    atomic_fetch_add_explicit(&contention_active[b - buckets], 1, memory_order_relaxed);
    return r;
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

static bool is_off(const struct thread *t)
{
    return t->is_profiler || (atomic_load_explicit(&mutex_fraction, memory_order_relaxed) <= 0 &&
                                 atomic_load_explicit(&block_rate_ns, memory_order_relaxed) <= 0);
}

/* Counts one more waiter. When it began, by a time taken inside the bucket's lock, so that it never runs
 * backwards there; negative when there was no record to be had. */
static int64_t enter_record(const void *lock)
{
    struct bucket *b = &buckets[contention_bucket(lock)];
    rawlock_lock(&b->lock);
    int64_t now = clock_monotonic_ns();
    struct lock_record *r = record_find(b, lock);
    if (!r)
        r = record_make(b, lock);
    if (r) {
        record_accrue(r, now);
        r->since_ns = now;
        r->waiters++;
    } else {
        stacks_lose_sigsafe(tables[CONTENTION_MUTEX], 1);
    }
    rawlock_unlock(&b->lock);
    return r ? now : -now;
}

void contention_wait_begin(struct contention_wait *w)
{
    struct thread *t = w->t;
    if (is_off(t))
        return;
    t->busy = true;
    w->began_ns = enter_record(w->lock);
    w->outer = t->waiting;
    t->waiting = w;
    t->busy = false;
}

/* Charges the last unlock, if it is charged at all, `due` more, and what readers left. */
static void charge_last_unlock(struct lock_record *r, int64_t due_ns)
{
    if (r->handover == HANDOVER_CHARGED && r->slot != STACKS_NONE) {
        if (r->left_ns)
            stacks_bump_sigsafe(tables[CONTENTION_MUTEX], r->slot, 0, r->weight);
        stacks_bump_sigsafe(tables[CONTENTION_MUTEX], r->slot, 1, (r->left_ns + due_ns) * r->weight);
    }
    r->left_ns = 0;
}

/* The caller has the lock: what grew since the last unlock belongs to that one. Other readers may follow. */
static void settle_handover(struct lock_record *r, enum contention_outcome outcome)
{
    if (r->handover != HANDOVER_NONE) {
        charge_last_unlock(r, r->integral_ns);
        r->integral_ns = 0;
    } else if (outcome == CONTENTION_FROM_ELSEWHERE) {
        r->integral_ns = 0;
    }
    if (outcome != CONTENTION_SHARED)
        r->handover = HANDOVER_NONE;
}

static int64_t leave_record(const void *lock, enum contention_outcome outcome)
{
    struct bucket *b = &buckets[contention_bucket(lock)];
    rawlock_lock(&b->lock);
    int64_t now = clock_monotonic_ns();
    struct lock_record *r = record_find(b, lock);
    if (r && r->waiters > 0) {
        record_accrue(r, now);
        r->waiters--;
        if (outcome != CONTENTION_GAVE_UP)
            settle_handover(r, outcome);
        if (r->waiters == 0 && r->integral_ns == 0 && r->left_ns == 0)
            record_free(b, r);
    }
    rawlock_unlock(&b->lock);
    return now;
}

void contention_wait_end(struct contention_wait *w)
{
    struct thread *t = w->t;
    int64_t began = w->began_ns;
    if (began == 0)
        return;
    t->busy = true;
    int64_t now = began > 0 ? leave_record(w->lock, w->outcome) : clock_monotonic_ns();
    t->waiting = w->outer;
    block_event(t, now - (began > 0 ? began : -began), w->here);
    t->busy = false;
}

/* The waits are on the part of the stack that is about to go; should the jump be a handler's within itself,
 * their ends find that there is nothing left to do. */
void contention_wait_abandon(struct thread *t)
{
    if (t->busy)
        return; /* interrupted in here, perhaps with the bucket's lock */
    for (struct contention_wait *w = t->waiting; w; w = w->outer) {
        if (w->began_ns > 0)
            leave_record(w->lock, CONTENTION_GAVE_UP);
        w->began_ns = 0;
    }
    t->waiting = NULL;
}

/* ---- unlock ---------------------------------------------------------------------------------------------
 */

/* Takes what is due, 0 when there is nothing. */
static int64_t take_charge(struct bucket *b, const void *lock)
{
    rawlock_lock(&b->lock);
    struct lock_record *r = record_find(b, lock);
    int64_t due = 0;
    if (r) {
        charge_last_unlock(r, 0); /* of readers, after whom the caller got it unseen, by trying */
        record_accrue(r, clock_monotonic_ns());
        due = r->integral_ns;
        r->integral_ns = 0;
        r->handover = HANDOVER_DROPPED;
        if (r->waiters == 0)
            record_free(b, r);
    }
    rawlock_unlock(&b->lock);
    return due;
}

/* From here on the hand-over goes where the charge went. */
static void leave_handover(struct bucket *b, const void *lock, uint32_t slot, int64_t weight)
{
    rawlock_lock(&b->lock);
    struct lock_record *r = record_find(b, lock);
    if (r) {
        /* Also what the waiters waited while we looked at our own stack. */
        record_accrue(r, clock_monotonic_ns());
        r->handover = HANDOVER_CHARGED;
        r->slot = slot;
        r->weight = weight;
    }
    rawlock_unlock(&b->lock);
}

void contention_release(struct thread *t, const void *lock, const struct unwind_regs *here)
{
    struct bucket *b = &buckets[contention_bucket(lock)];
    t->busy = true;
    int64_t due = take_charge(b, lock);
    int64_t weight = due ? mutex_weight(t) : 0;
    if (weight) {
        uint32_t slot = add_event(CONTENTION_MUTEX, t, here, weight, due * weight);
        leave_handover(b, lock, slot, weight);
    }
    t->busy = false;
}

static bool has_record(struct bucket *b, const void *lock)
{
    rawlock_lock(&b->lock);
    bool has = record_find(b, lock) != NULL;
    rawlock_unlock(&b->lock);
    return has;
}

/* The caller is the last reader until another one leaves. */
static void leave_shared(struct bucket *b, const void *lock, uint32_t slot, int64_t weight)
{
    rawlock_lock(&b->lock);
    struct lock_record *r = record_find(b, lock);
    if (r) {
        record_accrue(r, clock_monotonic_ns());
        r->left_ns += r->integral_ns;
        r->integral_ns = 0;
        r->handover = weight ? HANDOVER_CHARGED : HANDOVER_DROPPED;
        r->slot = slot;
        r->weight = weight;
        if (r->waiters == 0) {
            charge_last_unlock(r, 0);
            record_free(b, r);
        }
    }
    rawlock_unlock(&b->lock);
}

void contention_release_shared(struct thread *t, const void *lock, const struct unwind_regs *here)
{
    struct bucket *b = &buckets[contention_bucket(lock)];
    t->busy = true;
    if (has_record(b, lock)) {
        int64_t weight = mutex_weight(t);
        uint32_t slot = weight ? add_event(CONTENTION_MUTEX, t, here, 0, 0) : STACKS_NONE;
        leave_shared(b, lock, slot, weight);
    }
    t->busy = false;
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
    t->busy = true;
    block_event(t, clock_monotonic_ns() - began_ns, here);
    t->busy = false;
}

/* ---- switches -------------------------------------------------------------------------------------------
 */

/* What was waited for before capture was switched off: unlocks since then went unseen. */
static void forget_charges(struct bucket *b)
{
    rawlock_lock(&b->lock);
    for (int i = 0; i < BUCKET_RECORDS; i++) {
        struct lock_record *r = &b->records[i];
        if (r->lock && r->waiters == 0)
            record_free(b, r);
        else if (r->lock)
            *r = (struct lock_record){
                .lock = r->lock, .waiters = r->waiters, .since_ns = clock_monotonic_ns()};
    }
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
