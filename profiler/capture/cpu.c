#include "capture/cpu.h"

#include "base/clock.h"
#include "capture/cpu_timer.h"
#include "capture/cpu_watch.h"
#include "capture/rawlock.h"
#include "capture/signals.h"
#include "capture/stacks.h"
#include "capture/thread.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

/*
 *     thread's CPU clock ─► its timer ─► SIGPROF to that thread ─► on_tick: unwind once
 *                                └► for each session: what the clock went forward since the last look is
 *                                   charged to the stack, in nanoseconds
 *     end of thread or session ─► what is left goes to the thread's last stack, or, when it ends without
 *                                 one, to its start routine
 *     end of session ─► nanoseconds become whole samples, scaled to the CPU time of all threads
 *
 * So each session has the whole of every thread's time whatever the others ask for, and a stack's share does
 * not hang on how many periods fit into it. What becomes of rounding: `fit`. How often to look: cpu_timer.h.
 */

enum { SLOTS = 1 << 14, PCS = 1 << 19, LOOKS = 0, NANOSECONDS = 1 };

struct cpu_session {
    int index;
    int64_t period_ns, started_ns;
    struct stacks *table; /* values: looks, cpu ns */
    uint32_t id;
    int64_t cpu_before_ns;   /* cpu_timer_account's when it began */
    _Atomic int64_t lost_ns; /* of threads that do not let our signal in, or for want of room */
};

static struct rawlock session_lock; /* guards starting and stopping */
static struct cpu_session storage[THREAD_SESSIONS];
static _Atomic(struct cpu_session *) sessions[THREAD_SESSIONS]; /* what on_tick sees */
static _Atomic uint32_t in_handler;
static uint32_t next_id;

/* ---- the handler ----------------------------------------------------------------------------------------
 */

enum { DEAF_NS = 100000000 }; /* a thread that used so much and was never met: not by chance */

/* What of the thread's time this session has not charged yet, which from now on it has. */
static int64_t take_elapsed(struct cpu_session *s, struct thread *t, int64_t clock_ns)
{
    int i = s->index;
    if (atomic_exchange(&t->session_seen[i], s->id) != s->id) { /* it began when the session was on */
        t->session_slot[i] = STACKS_NONE;
        atomic_store(&t->session_cpu_ns[i], t->timer_cpu_ns);
    }
    int64_t charged = atomic_load(&t->session_cpu_ns[i]);
    while (charged < clock_ns)
        if (atomic_compare_exchange_weak(&t->session_cpu_ns[i], &charged, clock_ns))
            return clock_ns - charged;
    return 0;
}

static void session_add(
    struct cpu_session *s, struct thread *t, int64_t elapsed_ns, const struct unwind_stack *stack)
{
    int64_t values[SNAPSHOT_MAX_VALUES] = {[LOOKS] = 1, [NANOSECONDS] = elapsed_ns};
    const struct label_set *labels = atomic_load_explicit(&t->labels, memory_order_relaxed);
    uint32_t slot = stacks_add_labelled_sigsafe(s->table, stack, labels, values);
    if (slot == STACKS_NONE)
        atomic_fetch_add(&s->lost_ns, elapsed_ns);
    t->session_slot[s->index] = slot;
}

/* Time with no look of its own: the stack before stands for it. */
static void session_late(struct cpu_session *s, struct thread *t, int64_t late_ns)
{
    uint32_t slot = t->session_slot[s->index];
    bool deaf = atomic_load(&t->watch_state) == WATCH_DEAF;
    if (slot != STACKS_NONE && !deaf)
        stacks_bump_sigsafe(s->table, slot, NANOSECONDS, late_ns);
    else if (late_ns > DEAF_NS || deaf)
        atomic_fetch_add(&s->lost_ns, late_ns);
}

/* A thread that ends without having been met, as those do that live for a millisecond, would vanish among the
 * others: what it was made for stands for what it did. */
void cpu_late_sigsafe(struct thread *t, int64_t clock_ns)
{
    struct unwind_stack start = {.pcs = {(uintptr_t)t->start}, .depth = 1, .truncated = true};
    atomic_fetch_add(&in_handler, 1);
    for (int i = 0; i < THREAD_SESSIONS; i++) {
        struct cpu_session *s = atomic_load(&sessions[i]);
        int64_t late = s ? take_elapsed(s, t, clock_ns) : 0;
        if (late && t->start && t->session_slot[i] == STACKS_NONE)
            session_add(s, t, late, &start);
        else if (late)
            session_late(s, t, late);
    }
    atomic_fetch_sub(&in_handler, 1);
}

void cpu_look_sigsafe(struct thread *t, int64_t clock_ns, const struct unwind_stack *stack)
{
    atomic_fetch_add(&in_handler, 1);
    for (int i = 0; i < THREAD_SESSIONS; i++) {
        struct cpu_session *s = atomic_load(&sessions[i]);
        int64_t elapsed = s ? take_elapsed(s, t, clock_ns) : 0;
        if (elapsed)
            session_add(s, t, elapsed, stack);
    }
    atomic_store(&t->met_cpu_ns, clock_ns);
    atomic_fetch_sub(&in_handler, 1);
}

/* One that let no signal in, and could not be read otherwise, lets them in again: what it did meanwhile is
 * not what it does now. */
static void end_deafness(struct thread *t, int64_t clock_ns)
{
    int deaf = WATCH_DEAF;
    atomic_fetch_add(&in_handler, 1);
    for (int i = 0; i < THREAD_SESSIONS; i++) {
        struct cpu_session *s = atomic_load(&sessions[i]);
        if (s)
            atomic_fetch_add(&s->lost_ns, take_elapsed(s, t, clock_ns));
    }
    atomic_fetch_sub(&in_handler, 1);
    atomic_compare_exchange_strong(&t->watch_state, &deaf, WATCH_NONE);
}

static void look_here(struct thread *t, const void *context)
{
    struct unwind_memory memory = thread_memory(t, unwind_context_sp(context));
    struct unwind_stack stack;
    int64_t clock = clock_thread_cpu_ns();
    if (atomic_load(&t->watch_state) == WATCH_DEAF)
        end_deafness(t, clock);
    unwind_context_sigsafe(context, &memory, &stack);
    cpu_look_sigsafe(t, clock, &stack);
    cpu_watch_used_sigsafe(t, clock - t->timer_cpu_ns);
}

/* A thread that was cloned without thread-local storage of its own has that of another, and is not to be
 * taken for it. */
static bool is_caller(const struct thread *t)
{
    return atomic_load(&t->tid) == (pid_t)syscall(SYS_gettid);
}

/* The calling thread, when it is its timer that sent the signal. */
static struct thread *asker(const siginfo_t *info)
{
    struct thread *expected = info->si_code == SI_TIMER ? info->si_value.sival_ptr : NULL;
    struct thread *t = expected ? thread_adopt_sigsafe(expected) : NULL;
    return t && (t == expected || is_caller(t)) ? t : NULL;
}

static void on_tick(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    int saved = errno;
    struct thread *t = asker(info);
    if (t && atomic_load(&cpu_timer_interval_ns) && !t->is_profiler)
        look_here(t, context);
    signals_resume_sigsafe(context);
    errno = saved;
}

void cpu_event_sigsafe(struct thread *t, const void *context)
{
    if (atomic_load(&t->watch_state) == WATCH_EVENT && atomic_load(&cpu_timer_interval_ns) && is_caller(t))
        look_here(t, context);
}

/* Ours stays in place when sampling ends: a late signal must find somebody, and SIG_IGN would be inherited by
 * programs executed later. */
int cpu_own_signal(void)
{
    struct sigaction now;
    if (sigaction(SIGPROF, NULL, &now) != 0)
        return ERR_BUSY;
    if (now.sa_flags & SA_SIGINFO && now.sa_sigaction == on_tick)
        return 0;
    if (now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN)
        return ERR_BUSY;
    struct sigaction ours = {.sa_sigaction = on_tick, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    sigfillset(&ours.sa_mask);
    if (sigaction(SIGPROF, &ours, NULL) != 0)
        return ERR_BUSY;
    signals_set_in_use(SIGPROF, on_tick);
    return 0;
}

/* ---- sessions -------------------------------------------------------------------------------------------
 */

static int64_t fastest_period_locked(void)
{
    int64_t period = 0;
    for (int i = 0; i < THREAD_SESSIONS; i++) {
        struct cpu_session *s = atomic_load(&sessions[i]);
        if (s && (!period || s->period_ns < period))
            period = s->period_ns;
    }
    return period;
}

/* Until no handler can still have seen a session that was taken out of the list. */
static void wait_for_handlers(void)
{
    while (atomic_load(&in_handler) != 0) {
        struct timespec moment = {0, 50000};
        syscall(SYS_nanosleep, &moment, NULL);
    }
}

static int update_timers_locked(void)
{
    int64_t period = fastest_period_locked(), interval = period ? cpu_timer_interval_for(period) : 0;
    if (period) {
        cpu_watch_start();
        cpu_watch_follow(period);
    } else {
        cpu_watch_stop();
    }
    return interval == atomic_load(&cpu_timer_interval_ns) ? 1 : cpu_timer_follow(interval);
}

/* What a thread used so far belongs to no session that begins now. */
static void begin_here(void *session, struct thread *t, int64_t clock_ns)
{
    int i = ((struct cpu_session *)session)->index;
    t->session_slot[i] = STACKS_NONE;
    atomic_store(&t->session_cpu_ns[i], clock_ns);
    atomic_store(&t->session_seen[i], ((struct cpu_session *)session)->id);
}

static void end_here(void *session, struct thread *t, int64_t clock_ns)
{
    int64_t late = take_elapsed(session, t, clock_ns);
    if (late)
        session_late(session, t, late);
}

static int start_locked(int hz, struct cpu_session **out)
{
    int index = 0;
    while (index < THREAD_SESSIONS && atomic_load(&sessions[index]))
        index++;
    if (index == THREAD_SESSIONS)
        return ERR_LIMIT;
    int r = cpu_own_signal();
    if (r)
        return r;
    struct stacks *table = stacks_new(SLOTS, PCS);
    if (!table)
        return ERR_NOMEM;
    struct cpu_session *s = &storage[index];
    *s = (struct cpu_session){.index = index,
        .period_ns = 1000000000 / hz,
        .started_ns = clock_monotonic_ns(),
        .table = table,
        .id = ++next_id};
    s->cpu_before_ns = cpu_timer_account(begin_here, s);
    atomic_store(&sessions[index], s);
    if (update_timers_locked() == 0 && atomic_load(&cpu_timer_refused) > 0) {
        atomic_store(&sessions[index], NULL);
        update_timers_locked();
        wait_for_handlers();
        stacks_free(table);
        return ERR_LIMIT;
    }
    *out = s;
    return 0;
}

int cpu_session_start(int hz, struct cpu_session **session)
{
    if (hz < 1 || hz > CPU_MAX_HZ)
        return ERR_INVALID;
    int r = unwind_refresh();
    if (!r)
        r = thread_init();
    if (!r)
        r = thread_enumerate(false);
    if (r)
        return r;
    rawlock_lock(&session_lock);
    r = start_locked(hz, session);
    rawlock_unlock(&session_lock);
    return r;
}

/* By labels, and then by stack from the root, so that what is below any one frame is together. */
static int from_root(const void *a, const void *b, void *snapshot)
{
    const struct snapshot *s = snapshot;
    const struct snapshot_record *x = a, *y = b;
    const uintptr_t *p = s->pcs.items + x->first_pc, *q = s->pcs.items + y->first_pc;
    if (x->labels != y->labels)
        return (uintptr_t)x->labels < (uintptr_t)y->labels ? -1 : 1;
    for (int i = x->depth, k = y->depth; i > 0 && k > 0;)
        if (p[--i] != q[--k])
            return p[i] < q[k] ? -1 : 1;
    return x->depth - y->depth;
}

/*
 * Whole samples of what was charged and lost, scaled to what the threads' CPU clocks say: the difference is
 * time of threads that no tick met. What rounding leaves of one stack goes to the next, and these are in the
 * order of the call tree: so no function's total, with all it calls from one place under the same labels, is
 * off by more than a sample. Returns the factor.
 */
static double fit(struct snapshot *found, int64_t cpu_ns, int64_t lost_ns)
{
    double seen_ns = 0, period = (double)found->period;
    for (size_t i = 0; i < found->records.len; i++)
        seen_ns += (double)found->records.items[i].values[NANOSECONDS];
    double all_ns = seen_ns + (double)lost_ns;
    double scale = all_ns > 0 ? (double)cpu_ns / all_ns : 1;
    found->lost = (uint64_t)((all_ns > 0 ? (double)lost_ns * scale : (double)cpu_ns) / period + 0.5);
    if (found->records.len)
        qsort_r(found->records.items, found->records.len, sizeof *found->records.items, from_root, found);
    double rest = 0.5;
    size_t kept = 0;
    for (size_t i = 0; i < found->records.len; i++) {
        struct snapshot_record r = found->records.items[i];
        double exact = (double)r.values[NANOSECONDS] * scale / period + rest;
        r.values[0] = (int64_t)exact;
        r.values[1] = r.values[0] * found->period;
        rest = exact - (double)r.values[0];
        if (r.values[0])
            found->records.items[kept++] = r;
    }
    found->records.len = kept;
    return scale;
}

/* What made the samples, who went without, and why. */
static void describe(char *out, size_t size, const struct cpu_watch_figures *w, double scale)
{
    uint32_t no_timer = atomic_load(&cpu_timer_refused);
    char without[64] = "", why[80] = "", rings[80] = "", deaf[64] = "";
    const char *source = !w->events ? "timer" : w->refused ? "perf_event_open and timer" : "perf_event_open";
    if (no_timer)
        snprintf(without, sizeof without, " (%u threads could not have one)", no_timer);
    if (w->refused || w->deaf)
        snprintf(why, sizeof why, " (perf_event_open: %s)",
            w->seccomp          ? "not tried under a seccomp filter"
            : w->error == EBUSY ? "SIGURG is the program's"
                                : strerrordesc_np(w->error));
    if (w->rings)
        snprintf(rings, sizeof rings, ", perf_event_open for %u that block SIGPROF%s", w->rings,
            w->user_only ? " (not while in the kernel)" : "");
    if (w->deaf)
        snprintf(deaf, sizeof deaf, ", %u that block SIGPROF not seen", w->deaf);
    snprintf(out, size, "%s%s%s%s%s, scaled by %.2f", source, without, why, rings, deaf, scale);
}

static int gather(struct cpu_session *s, const struct cpu_watch_figures *watch, int64_t cpu_ns,
    int64_t duration_ns, struct snapshot *out)
{
    struct snapshot found = {
        .nvalues = 2, .time_ns = clock_realtime_ns(), .duration_ns = duration_ns, .period = s->period_ns};
    int r = stacks_snapshot(s->table, false, &found);
    if (r) {
        snapshot_fini(&found);
        return r;
    }
    double scale = fit(&found, cpu_ns, atomic_load(&s->lost_ns));
    found.lost_labels = labelset_lost();
    describe(found.source, sizeof found.source, watch, scale);
    *out = found;
    return 0;
}

int cpu_session_stop(struct cpu_session *session, struct snapshot *out)
{
    int64_t duration = clock_monotonic_ns() - session->started_ns;
    rawlock_lock(&session_lock);
    atomic_store(&sessions[session->index], NULL);
    wait_for_handlers();
    int64_t cpu = cpu_timer_account(end_here, session) - session->cpu_before_ns;
    bool ours = signals_is_ours(SIGPROF);
    struct cpu_watch_figures watch;
    cpu_watch_figures(&watch);
    update_timers_locked();
    struct cpu_session ended = *session; /* from here on its place may be another's */
    rawlock_unlock(&session_lock);
    int r = !out ? 0 : !ours ? ERR_BUSY : gather(&ended, &watch, cpu, duration, out);
    stacks_free(ended.table);
    return r;
}

void cpu_after_fork(void)
{
    rawlock_reset(&session_lock);
    cpu_timer_after_fork();
    cpu_watch_after_fork();
    atomic_store(&in_handler, 0);
    for (int i = 0; i < THREAD_SESSIONS; i++)
        atomic_store(&sessions[i], NULL);
}
