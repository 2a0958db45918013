#include "capture/wall.h"

#include "base/clock.h"
#include "base/hash.h"
#include "capture/ask.h"
#include "capture/parked.h"
#include "capture/region.h"
#include "capture/stacks.h"
#include "capture/thread.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 *     for each thread: parked, with the sequence number of the last sample ─► has not moved: nothing to do
 *                      parked elsewhere ─► its stack is read, many threads at once (parked.c)
 *                      was in a system call, and its CPU clock stands still ─► it is there still
 *                      else ─► asked by signal, or seen asleep (ask.c)
 *
 * A thread that has not moved costs one load, and its time is added up when it moves or the session ends.
 * Once in a while its stack is read all the same: its record may have been stranded.
 *
 * What a sample costs is the sampler's CPU time, with what it spent on asking counted twice, for those asked.
 */

enum { SLOTS = 1 << 14, PCS = 1 << 19 };
static const int64_t look_again_ns = 2000000000, refresh_ns = 1000000000;
/* Between our answer and the look at its clock a thread goes back to sleep: that much is no sign of life. */
static const int64_t back_to_sleep_ns = 50000;

/* What a session knows of a thread, by number of record. */
struct seat {
    pid_t tid;              /* 0: nobody's */
    uint32_t sequence;      /* odd: parked there since the last sample, at least; else 0 */
    uint32_t slot;          /* its stack */
    uint32_t charged_count; /* its samples and time have been charged up to this one */
    int64_t charged_ns;
    int64_t looked_ns; /* when the stack was read */
    int64_t asleep_ns; /* its CPU clock when it was last met in a system call, or -1 */
    bool just_answered;
};

struct wall_session {
    int hz;
    struct stacks *table;
    struct seat *seats;
    struct parked_slices slices;
    VEC(struct parked_look) looks;                       /* threads whose stacks are wanted */
    VEC(struct ask) asks;                                /* those that are to be asked */
    uint32_t count;                                      /* samples so far, without the first */
    int64_t started_ns, before_ns, now_ns, refreshed_ns; /* before_ns: of the sample before */
    int64_t cost_ns, spent_ns;                           /* of a sample, lately; of all */
    uint64_t random;
    bool out_of_memory;
};

static _Atomic int active; /* sessions */

static double next_random(struct wall_session *s) /* in [0, 1) */
{
    return (double)(hash_u64(++s->random) >> 11) / (double)(UINT64_C(1) << 53);
}

/* ---- charging -------------------------------------------------------------------------------------------
 */

/* The time up to until_ns, which is that of sample number count, goes to the seat's stack. */
static void charge(struct wall_session *s, struct seat *seat, int64_t until_ns, uint32_t count)
{
    if (until_ns > seat->charged_ns && seat->slot != STACKS_NONE) {
        stacks_bump_sigsafe(s->table, seat->slot, 0, count - seat->charged_count);
        stacks_bump_sigsafe(s->table, seat->slot, 1, until_ns - seat->charged_ns);
    }
    seat->charged_ns = until_ns;
    seat->charged_count = count;
}

/* It was met here, now. */
static void meet(struct wall_session *s, struct seat *seat, const struct unwind_stack *stack,
    const struct label_set *labels)
{
    static const int64_t nothing[SNAPSHOT_MAX_VALUES];
    seat->slot = stacks_add_labelled_sigsafe(s->table, stack, labels, nothing);
    charge(s, seat, s->now_ns, s->count);
}

/* ---- looking --------------------------------------------------------------------------------------------
 */

/* The seat of whoever has the record now; what is known of one that has moved is charged up to the sample
 * before, when it was there. NULL when there is nobody to look at. */
static struct seat *take_seat(struct wall_session *s, struct seat *seat, const struct thread *t)
{
    pid_t tid = atomic_load(&t->tid);
    if (seat->sequence)
        charge(s, seat, s->before_ns, s->count - 1);
    seat->sequence = 0;
    if (tid == 0 || t->is_profiler) {
        seat->tid = 0;
        return NULL;
    }
    if (seat->tid != tid)
        *seat = (struct seat){.tid = tid,
            .slot = STACKS_NONE,
            .charged_count = s->count ? s->count - 1 : 0,
            .charged_ns = s->before_ns,
            .asleep_ns = -1};
    return seat;
}

static void find_moved(struct wall_session *s)
{
    s->looks.len = 0;
    for (uint32_t i = 0, n = thread_count(); i < n; i++) {
        struct thread *t = thread_at(i);
        struct seat *seat = &s->seats[i];
        uint32_t sequence = atomic_load_explicit(&t->parked.sequence, memory_order_acquire);
        if (seat->sequence && seat->sequence == sequence && s->now_ns - seat->looked_ns < look_again_ns)
            continue;
        if (!take_seat(s, seat, t))
            continue;
        struct parked_look look = {.t = t, .tid = seat->tid};
        s->out_of_memory |= !vec_push(&s->looks, look);
    }
}

static struct seat *seat_of(struct wall_session *s, const struct thread *t)
{
    return &s->seats[t - thread_at(0)];
}

static void want_answer(struct wall_session *s, const struct parked_look *look)
{
    if (!vec_reserve(&s->asks, 1)) {
        s->out_of_memory = true;
        return;
    }
    struct ask *q = &s->asks.items[s->asks.len++];
    q->t = look->t;
    q->tid = look->tid;
    q->answered = false;
}

struct batch {
    struct wall_session *s;
    const struct parked_look *looks[PARKED_BATCH];
    bool found[PARKED_BATCH];
};

/* The moments of looking again are spread out. */
static void found_parked(void *arg, size_t i, const struct unwind_stack *stack)
{
    struct batch *b = arg;
    struct seat *seat = seat_of(b->s, b->looks[i]->t);
    b->found[i] = true;
    meet(b->s, seat, stack, b->looks[i]->labels);
    seat->sequence = b->looks[i]->sequence;
    seat->looked_ns = b->s->now_ns - (int64_t)(next_random(b->s) * (double)look_again_ns / 2);
    seat->asleep_ns = -1;
}

static void unwind_batch(struct batch *b, size_t n)
{
    memset(b->found, 0, sizeof b->found);
    parked_unwind(b->looks, n, &b->s->slices, found_parked, b);
    for (size_t i = 0; i < n; i++)
        if (!b->found[i])
            want_answer(b->s, b->looks[i]);
}

static void look_at_parked(struct wall_session *s)
{
    struct batch b = {.s = s};
    size_t n = 0;
    s->asks.len = 0;
    for (size_t i = 0; i < s->looks.len; i++) {
        struct parked_look *look = &s->looks.items[i];
        if (!parked_look(look)) {
            want_answer(s, look);
            continue;
        }
        b.looks[n++] = look;
        if (n == PARKED_BATCH) {
            unwind_batch(&b, n);
            n = 0;
        }
    }
    unwind_batch(&b, n);
}

/* ---- asking ---------------------------------------------------------------------------------------------
 */

static int64_t cpu_time_of(pid_t tid)
{
    struct timespec t;
    if (clock_gettime((clockid_t)(~(unsigned)tid << 3 | 6), &t) != 0)
        return -1;
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* A thread that sleeps in a call without a wrapper is asked once, and not to be woken for each sample. */
static bool sleeps_on(struct wall_session *s, struct seat *seat)
{
    if (seat->asleep_ns < 0)
        return false;
    int64_t cpu_ns = cpu_time_of(seat->tid);
    bool moved = cpu_ns - seat->asleep_ns > (seat->just_answered ? back_to_sleep_ns : 0);
    seat->just_answered = false;
    seat->asleep_ns = moved ? -1 : cpu_ns;
    if (!moved)
        charge(s, seat, s->now_ns, s->count);
    return !moved;
}

static void leave_sleepers_out(struct wall_session *s)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->asks.len; i++) {
        struct ask *q = &s->asks.items[i];
        if (sleeps_on(s, seat_of(s, q->t)))
            continue;
        s->asks.items[kept].t = q->t;
        s->asks.items[kept++].tid = q->tid;
    }
    s->asks.len = kept;
}

/* Who is there and does not answer keeps its time for the next sample. */
static void ask_running(struct wall_session *s)
{
    leave_sleepers_out(s);
    ask_threads(s->asks.items, s->asks.len);
    for (size_t i = 0; i < s->asks.len; i++) {
        struct ask *q = &s->asks.items[i];
        struct seat *seat = seat_of(s, q->t);
        if (q->answered) {
            meet(s, seat, &q->stack, q->labels);
            seat->asleep_ns = q->state != THREAD_RUNNING ? cpu_time_of(q->tid) : -1;
            seat->just_answered = true;
        } else if (cpu_time_of(q->tid) >= 0) {
            stacks_lose_sigsafe(s->table, 1);
        }
    }
}

/* ---- a sample -------------------------------------------------------------------------------------------
 */

static void refresh(struct wall_session *s)
{
    if (s->now_ns - s->refreshed_ns < refresh_ns)
        return;
    s->refreshed_ns = s->now_ns;
    unwind_refresh();
    thread_enumerate(false);
}

static void take_sample(struct wall_session *s)
{
    int saved = errno;
    int64_t began = clock_thread_cpu_ns();
    s->before_ns = s->now_ns;
    s->now_ns = clock_monotonic_ns();
    refresh(s);
    rawlock_lock(&ask_lock);
    find_moved(s);
    look_at_parked(s);
    int64_t asking = clock_thread_cpu_ns();
    ask_running(s);
    rawlock_unlock(&ask_lock);
    int64_t end = clock_thread_cpu_ns(), cost = end - began + (end - asking);
    s->spent_ns += cost;
    /* The first one, which had everything to read, says nothing about the others. */
    s->cost_ns = s->count < 2 ? cost : (3 * s->cost_ns + cost) / 4;
    errno = saved;
}

int64_t wall_session_sample(struct wall_session *s)
{
    s->count++;
    take_sample(s);
    int64_t interval = 1000000000 / s->hz;
    int64_t affordable = s->cost_ns * atomic_load(&active) * 100 / WALL_BUDGET_PERCENT;
    if (interval < affordable)
        interval = affordable;
    /* A rhythm of the program's must not be in step with ours. */
    return (int64_t)((double)interval * (0.75 + 0.5 * next_random(s)));
}

/* ---- sessions -------------------------------------------------------------------------------------------
 */

static void release(struct wall_session *s)
{
    stacks_free(s->table);
    region_unmap(s->seats, THREAD_MAX * sizeof *s->seats);
    vec_fini(&s->looks);
    vec_fini(&s->asks);
    free(s);
}

int wall_session_start(int hz, struct wall_session **session)
{
    if (hz < 1 || hz > WALL_MAX_HZ)
        return ERR_INVALID;
    int r = thread_init();
    if (!r)
        r = unwind_refresh();
    if (!r)
        r = thread_enumerate(false);
    if (r)
        return r;
    struct wall_session *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    s->hz = hz;
    s->table = stacks_new(SLOTS, PCS);
    s->seats = region_map(THREAD_MAX * sizeof *s->seats);
    if (!s->table || !s->seats) {
        release(s);
        return ERR_NOMEM;
    }
    atomic_fetch_add(&active, 1);
    s->started_ns = s->now_ns = s->refreshed_ns = clock_monotonic_ns();
    s->random = (uint64_t)s->started_ns;
    take_sample(s);
    *session = s;
    return 0;
}

static int gather(struct wall_session *s, struct snapshot *out)
{
    int64_t duration = s->now_ns - s->started_ns;
    double seconds = duration > 0 ? (double)duration / 1e9 : 1;
    for (uint32_t i = 0, n = thread_count(); i < n; i++)
        if (s->seats[i].sequence)
            charge(s, &s->seats[i], s->now_ns, s->count);
    struct snapshot found = {
        .nvalues = 2, .time_ns = clock_realtime_ns(), .duration_ns = duration, .period = 1000000000 / s->hz};
    int r = s->out_of_memory ? ERR_NOMEM : stacks_snapshot(s->table, false, &found);
    if (r) {
        snapshot_fini(&found);
        return r;
    }
    snprintf(found.source, sizeof found.source, "wall, %d Hz asked, %.1f reached, %.2f%% of a core", s->hz,
        s->count / seconds, (double)s->spent_ns / seconds / 1e7);
    *out = found;
    return 0;
}

int wall_session_stop(struct wall_session *s, struct snapshot *out)
{
    int r = 0;
    if (out) {
        wall_session_sample(s);
        r = gather(s, out);
    }
    atomic_fetch_sub(&active, 1);
    release(s);
    return r;
}

void wall_after_fork(void)
{
    atomic_store(&active, 0);
}
