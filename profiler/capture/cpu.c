#include "capture/cpu.h"

#include "base/clock.h"
#include "base/hash.h"
#include "capture/cpu_timer.h"
#include "capture/rawlock.h"
#include "capture/signals.h"
#include "capture/stacks.h"
#include "capture/thread.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

/*
 *     thread's CPU clock ─► its timer ─► SIGPROF to that thread ─► on_tick: unwind once
 *                                                              └► for each session: CPU time due += ticks ×
 * period whole session periods become samples
 *
 * The kernel looks at such timers once a tick (250 a second, say), so a timer faster than that fires late,
 * with the expirations it missed in si_overrun: counted in, the sum is exact. The first delay is random: else
 * threads that run for less than a period each would never be seen.
 */

enum { SLOTS = 1 << 14, PCS = 1 << 19 };

struct cpu_session {
    int hz, index;
    int64_t period_ns, started_ns;
    struct stacks *table;
    uint32_t id;
};

static struct rawlock session_lock; /* guards starting and stopping */
static struct cpu_session storage[THREAD_SESSIONS];
static _Atomic(struct cpu_session *) sessions[THREAD_SESSIONS]; /* what on_tick sees */
static _Atomic uint32_t in_handler;
static _Atomic int64_t timer_period_ns; /* 0: no session, no timers */
static _Atomic uint32_t without_timer;  /* threads refused one since the first session began */
static uint32_t next_id;

/* ---- the handler ----------------------------------------------------------------------------------------
 */

static void session_add(
    struct cpu_session *s, struct thread *t, int64_t elapsed_ns, const struct unwind_stack *stack)
{
    if (t->session_seen[s->index] != s->id) { /* its first: the phase is random, as the timer's */
        t->session_seen[s->index] = s->id;
        t->session_due_ns[s->index] = (int64_t)(thread_random(t) % (uint64_t)s->period_ns);
    }
    int64_t due = t->session_due_ns[s->index] + elapsed_ns;
    int64_t samples = due / s->period_ns;
    t->session_due_ns[s->index] = due % s->period_ns;
    if (samples == 0)
        return;
    int64_t values[SNAPSHOT_MAX_VALUES] = {samples, samples * s->period_ns};
    if (stacks_add_sigsafe(s->table, stack, values) == STACKS_NONE)
        stacks_lose_sigsafe(s->table, (uint64_t)samples - 1);
}

static void add_to_sessions(struct thread *t, int64_t elapsed_ns, const struct unwind_stack *stack)
{
    for (int i = 0; i < THREAD_SESSIONS; i++) {
        struct cpu_session *s = atomic_load(&sessions[i]);
        if (s)
            session_add(s, t, elapsed_ns, stack);
    }
}

static void tick(struct thread *t, int64_t elapsed_ns, const void *context)
{
    struct unwind_memory memory = thread_memory(t);
    struct unwind_stack stack;
    unwind_context_sigsafe(context, &memory, &stack);
    add_to_sessions(t, elapsed_ns, &stack);
}

static void on_tick(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    int saved = errno;
    int64_t period = atomic_load(&timer_period_ns);
    struct thread *t = info->si_code == SI_TIMER ? thread_adopt_sigsafe(info->si_value.sival_ptr) : NULL;
    if (t)
        signals_note_sigsafe(t, context);
    atomic_fetch_add(&in_handler, 1);
    if (t && period && !t->is_profiler) {
        int64_t ticks = 1 + (int64_t)info->si_overrun;
        t->timer_ticks += ticks;
        tick(t, ticks * period, context);
    }
    atomic_fetch_sub(&in_handler, 1);
    errno = saved;
}

/*
 * The timer's expirations that no tick of the kernel's came to deliver before the thread ended: without them,
 * threads of a millisecond would all but vanish. What the thread was doing then is past; its start function
 * stands for it.
 */
void cpu_thread_ending(struct thread *t)
{
    int64_t period = atomic_load(&timer_period_ns);
    if (!period || atomic_load(&t->timer_state) != CPU_TIMER_ARMED || !t->start)
        return;
    int64_t missed = (clock_thread_cpu_ns() - t->timer_base_ns) / period - t->timer_ticks;
    if (missed <= 0)
        return;
    struct unwind_stack stack = {.pcs = {(uintptr_t)t->start}, .depth = 1, .truncated = true};
    atomic_fetch_add(&in_handler, 1);
    t->timer_ticks += missed;
    add_to_sessions(t, missed * period, &stack);
    atomic_fetch_sub(&in_handler, 1);
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

/* ---- a thread's timer -----------------------------------------------------------------------------------
 */

static clockid_t cpu_clock_of(pid_t tid)
{
    return (clockid_t)(~(unsigned)tid << 3 | 6); /* the kernel's name for "thread, scheduler's time" */
}

static int arm(struct thread *t, int64_t period_ns)
{
    int64_t first =
        1 + (int64_t)(hash_mix((uintptr_t)t, (uint64_t)clock_monotonic_ns()) % (uint64_t)period_ns);
    struct itimerspec when = {
        .it_interval = {period_ns / 1000000000, period_ns % 1000000000},
        .it_value = {first / 1000000000, first % 1000000000},
    };
    /* What cpu_thread_ending compares with: where the first period would have begun. */
    t->timer_ticks = 0;
    t->timer_base_ns = clock_read_ns(cpu_clock_of(atomic_load(&t->tid))) - (period_ns - first);
    return (int)syscall(SYS_timer_settime, t->timer_id, 0, &when, NULL);
}

static bool create(struct thread *t, int64_t period_ns)
{
    pid_t tid = atomic_load(&t->tid);
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGPROF};
    event.sigev_value.sival_ptr = t;
    event._sigev_un._tid = tid;
    if (tid == 0)
        return false;
    if (syscall(SYS_timer_create, cpu_clock_of(tid), &event, &t->timer_id) != 0) {
        if (errno == EAGAIN)
            atomic_fetch_add(&without_timer, 1);
        return false;
    }
    arm(t, period_ns);
    return true;
}

void cpu_timer_start(struct thread *t)
{
    int64_t period = atomic_load(&timer_period_ns);
    int none = CPU_TIMER_NONE;
    if (!period || t->is_profiler ||
        !atomic_compare_exchange_strong(&t->timer_state, &none, CPU_TIMER_CHANGING))
        return;
    int saved = errno;
    bool made = create(t, period);
    atomic_store(&t->timer_state, made ? CPU_TIMER_ARMED : CPU_TIMER_NONE);
    if (made && !atomic_load(&timer_period_ns)) /* the last session ended meanwhile */
        cpu_timer_stop(t);
    errno = saved;
}

/* Takes an armed timer for changing; waits out another who is at it (a few system calls long). */
static bool claim_armed(struct thread *t)
{
    for (;;) {
        int armed = CPU_TIMER_ARMED;
        if (atomic_compare_exchange_strong(&t->timer_state, &armed, CPU_TIMER_CHANGING))
            return true;
        if (armed == CPU_TIMER_NONE)
            return false;
        sched_yield();
    }
}

void cpu_timer_stop(struct thread *t)
{
    if (!claim_armed(t))
        return;
    int saved = errno;
    syscall(SYS_timer_delete, t->timer_id);
    atomic_store(&t->timer_state, CPU_TIMER_NONE);
    errno = saved;
}

/* Every thread's timer follows timer_period_ns. How many are armed afterwards. */
static int follow_period_locked(void)
{
    int64_t period = atomic_load(&timer_period_ns);
    int armed = 0;
    for (uint32_t i = 0, n = thread_count(); i < n; i++) {
        struct thread *t = thread_at(i);
        if (!period) {
            cpu_timer_stop(t);
            continue;
        }
        if (atomic_load(&t->tid) == 0)
            continue;
        if (claim_armed(t)) {
            arm(t, period);
            atomic_store(&t->timer_state, CPU_TIMER_ARMED);
        } else {
            cpu_timer_start(t);
        }
        armed += atomic_load(&t->timer_state) == CPU_TIMER_ARMED;
    }
    return armed;
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
    if (period == atomic_load(&timer_period_ns))
        return 1;
    if (!atomic_load(&timer_period_ns))
        atomic_store(&without_timer, 0);
    atomic_store(&timer_period_ns, period);
    return follow_period_locked();
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
        .id = ++next_id};
    atomic_store(&sessions[index], s);
    if (update_timers_locked() == 0 && atomic_load(&without_timer) > 0) {
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

static int gather(const struct cpu_session *s, int64_t duration_ns, struct snapshot *out)
{
    struct snapshot found = {
        .nvalues = 2, .time_ns = clock_realtime_ns(), .duration_ns = duration_ns, .period = s->period_ns};
    uint32_t refused = atomic_load(&without_timer);
    if (refused)
        snprintf(found.source, sizeof found.source, "timer (%u threads could not have one)", refused);
    else
        strcpy(found.source, "timer");
    int r = stacks_snapshot(s->table, false, &found);
    if (r)
        snapshot_fini(&found);
    else
        *out = found;
    return r;
}

int cpu_session_stop(struct cpu_session *session, struct snapshot *out)
{
    int64_t duration = clock_monotonic_ns() - session->started_ns;
    rawlock_lock(&session_lock);
    struct cpu_session ended = *session;
    atomic_store(&sessions[ended.index], NULL);
    update_timers_locked();
    wait_for_handlers();
    rawlock_unlock(&session_lock);
    int r = out ? gather(&ended, duration, out) : 0;
    stacks_free(ended.table);
    return r;
}

void cpu_after_fork(void)
{
    rawlock_reset(&session_lock);
    atomic_store(&timer_period_ns, 0);
    atomic_store(&in_handler, 0);
    for (int i = 0; i < THREAD_SESSIONS; i++)
        atomic_store(&sessions[i], NULL);
}
