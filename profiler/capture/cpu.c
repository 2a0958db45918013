#include "capture/cpu.h"

#include "base/clock.h"
#include "capture/cpu_timer.h"
#include "capture/rawlock.h"
#include "capture/signals.h"
#include "capture/stacks.h"
#include "capture/thread.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

/*
 *     thread's CPU clock ─► its timer ─► SIGPROF to that thread ─► on_tick: unwind once
 *                                └► for each session: CPU time due += expirations × period;
 *                                   whole session periods become samples
 *     end of thread or session ─► what is late goes to the thread's last stack, or, when it ends without
 *                                 one, to its start routine
 *     end of session ─► samples and lost ones, scaled together to the CPU time of all threads
 *
 * A timer faster than the kernel's tick expires several times at once, with those that were missed in
 * si_overrun: counted in. Why expirations come late, and the scaling: cpu_timer.h.
 */

enum { SLOTS = 1 << 14, PCS = 1 << 19 };

struct cpu_session {
    int hz, index;
    int64_t period_ns, started_ns;
    struct stacks *table;
    uint32_t id;
    int64_t cpu_before_ns;   /* cpu_timer_account's when it began */
    _Atomic int64_t lost_ns; /* of threads that do not let our signal in */
};

static struct rawlock session_lock; /* guards starting and stopping */
static struct cpu_session storage[THREAD_SESSIONS];
static _Atomic(struct cpu_session *) sessions[THREAD_SESSIONS]; /* what on_tick sees */
static _Atomic uint32_t in_handler;
static uint32_t next_id;

/* ---- the handler ----------------------------------------------------------------------------------------
 */

enum { DEAF_NS = 100000000 }; /* a thread that used so much and was never met: not by chance */

/* How many samples so much more CPU time makes. */
static int64_t take_due(struct cpu_session *s, struct thread *t, int64_t elapsed_ns)
{
    int64_t due = t->session_due_ns[s->index] + elapsed_ns;
    t->session_due_ns[s->index] = due % s->period_ns;
    return due / s->period_ns;
}

static void session_add(
    struct cpu_session *s, struct thread *t, int64_t elapsed_ns, const struct unwind_stack *stack)
{
    if (t->session_seen[s->index] != s->id) { /* its first: the phase is random, as the timer's */
        t->session_due_ns[s->index] = (int64_t)(thread_random(t) % (uint64_t)s->period_ns);
        t->session_slot[s->index] = STACKS_NONE;
        t->session_seen[s->index] = s->id;
    }
    int64_t samples = take_due(s, t, elapsed_ns);
    if (samples == 0)
        return;
    int64_t values[SNAPSHOT_MAX_VALUES] = {samples, samples * s->period_ns};
    uint32_t slot = stacks_add_sigsafe(s->table, stack, values);
    if (slot == STACKS_NONE)
        stacks_lose_sigsafe(s->table, (uint64_t)samples - 1);
    t->session_slot[s->index] = slot;
}

static bool was_met(const struct cpu_session *s, const struct thread *t)
{
    return t->session_seen[s->index] == s->id && t->session_slot[s->index] != STACKS_NONE;
}

static void session_late(void *session, struct thread *t, int64_t late_ns)
{
    struct cpu_session *s = session;
    if (!was_met(s, t)) {
        atomic_fetch_add(&s->lost_ns, late_ns > DEAF_NS ? late_ns : 0);
        return;
    }
    int64_t samples = take_due(s, t, late_ns);
    stacks_bump_sigsafe(s->table, t->session_slot[s->index], 0, samples);
    stacks_bump_sigsafe(s->table, t->session_slot[s->index], 1, samples * s->period_ns);
}

/* A thread that ends without having been met, as those do that live for a millisecond, would vanish among the
 * others: what it was made for stands for what it did. */
void cpu_late_sigsafe(struct thread *t, int64_t late_ns)
{
    struct unwind_stack start = {.pcs = {(uintptr_t)t->start}, .depth = 1, .truncated = true};
    atomic_fetch_add(&in_handler, 1);
    for (int i = 0; i < THREAD_SESSIONS; i++) {
        struct cpu_session *s = atomic_load(&sessions[i]);
        if (s && t->start && !was_met(s, t))
            session_add(s, t, late_ns, &start);
        else if (s)
            session_late(s, t, late_ns);
    }
    atomic_fetch_sub(&in_handler, 1);
}

static void tick(struct thread *t, int64_t elapsed_ns, const void *context)
{
    struct unwind_memory memory = thread_memory(t);
    struct unwind_stack stack;
    unwind_context_sigsafe(context, &memory, &stack);
    for (int i = 0; i < THREAD_SESSIONS; i++) {
        struct cpu_session *s = atomic_load(&sessions[i]);
        if (s)
            session_add(s, t, elapsed_ns, &stack);
    }
}

static void on_tick(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    int saved = errno;
    int64_t period = atomic_load(&cpu_timer_period_ns);
    struct thread *t = info->si_code == SI_TIMER ? thread_adopt_sigsafe(info->si_value.sival_ptr) : NULL;
    if (t)
        signals_note_sigsafe(t, context);
    atomic_fetch_add(&in_handler, 1);
    if (t && period && !t->is_profiler) {
        int64_t expirations = 1 + (int64_t)info->si_overrun;
        atomic_fetch_add(&t->timer_expirations, expirations);
        tick(t, expirations * period, context);
    }
    atomic_fetch_sub(&in_handler, 1);
    errno = saved;
}

/* Ours stays in place when sampling ends: a late signal must find somebody, and SIG_IGN would be inherited by
 * programs executed later. */
static int own_signal(void)
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
    signals_set_in_use(SIGPROF);
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
    int64_t period = fastest_period_locked();
    return period == atomic_load(&cpu_timer_period_ns) ? 1 : cpu_timer_follow(period);
}

static int start_locked(int hz, struct cpu_session **out)
{
    int index = 0;
    while (index < THREAD_SESSIONS && atomic_load(&sessions[index]))
        index++;
    if (index == THREAD_SESSIONS)
        return ERR_LIMIT;
    int r = own_signal();
    if (r)
        return r;
    struct stacks *table = stacks_new(SLOTS, PCS);
    if (!table)
        return ERR_NOMEM;
    struct cpu_session *s = &storage[index];
    *s = (struct cpu_session){.hz = hz,
        .index = index,
        .period_ns = 1000000000 / hz,
        .started_ns = clock_monotonic_ns(),
        .table = table,
        .id = ++next_id,
        .cpu_before_ns = cpu_timer_account(NULL, NULL)};
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

/*
 * What was sampled and what was lost, in the proportions that were found, as much together as the threads'
 * CPU clocks say; what rounding leaves of one stack goes to the next. Returns the factor.
 */
static double fit(struct snapshot *found, int64_t cpu_ns, int64_t lost_ns)
{
    double used = (double)cpu_ns / (double)found->period;
    double lost = (double)found->lost + (double)lost_ns / (double)found->period, seen = 0;
    for (size_t i = 0; i < found->records.len; i++)
        seen += (double)found->records.items[i].values[0];
    double scale = seen + lost > 0 ? used / (seen + lost) : 1;
    found->lost = seen + lost > 0 ? (uint64_t)(lost * scale + 0.5) : (uint64_t)used;
    double rest = 0.5;
    size_t kept = 0;
    for (size_t i = 0; i < found->records.len; i++) {
        struct snapshot_record r = found->records.items[i];
        double exact = (double)r.values[0] * scale + rest;
        r.values[0] = (int64_t)exact;
        r.values[1] = r.values[0] * found->period;
        rest = exact - (double)r.values[0];
        if (r.values[0])
            found->records.items[kept++] = r;
    }
    found->records.len = kept;
    return scale;
}

static void describe(char *source, size_t size, double scale)
{
    uint32_t refused = atomic_load(&cpu_timer_refused);
    char without[48] = "";
    if (refused)
        snprintf(without, sizeof without, " (%u threads could not have one)", refused);
    snprintf(source, size, "timer%s, scaled by %.2f", without, scale);
}

static int gather(struct cpu_session *s, int64_t cpu_ns, int64_t duration_ns, struct snapshot *out)
{
    struct snapshot found = {
        .nvalues = 2, .time_ns = clock_realtime_ns(), .duration_ns = duration_ns, .period = s->period_ns};
    int r = stacks_snapshot(s->table, false, &found);
    if (r) {
        snapshot_fini(&found);
        return r;
    }
    double scale = fit(&found, cpu_ns, atomic_load(&s->lost_ns));
    describe(found.source, sizeof found.source, scale);
    *out = found;
    return 0;
}

int cpu_session_stop(struct cpu_session *session, struct snapshot *out)
{
    int64_t duration = clock_monotonic_ns() - session->started_ns;
    rawlock_lock(&session_lock);
    atomic_store(&sessions[session->index], NULL);
    wait_for_handlers();
    int64_t cpu = cpu_timer_account(session_late, session) - session->cpu_before_ns;
    update_timers_locked();
    struct cpu_session ended = *session; /* from here on its place may be another's */
    rawlock_unlock(&session_lock);
    int r = out ? gather(&ended, cpu, duration, out) : 0;
    stacks_free(ended.table);
    return r;
}

void cpu_after_fork(void)
{
    rawlock_reset(&session_lock);
    cpu_timer_after_fork();
    atomic_store(&in_handler, 0);
    for (int i = 0; i < THREAD_SESSIONS; i++)
        atomic_store(&sessions[i], NULL);
}
