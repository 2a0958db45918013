#include "capture/cpu_timer.h"

#include "base/clock.h"
#include "capture/cpu_watch.h"
#include "capture/signals.h"
#include "capture/thread.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

_Atomic int64_t cpu_timer_interval_ns;
_Atomic uint32_t cpu_timer_refused;
static _Atomic int64_t settled_cpu_ns; /* of accounts that were closed */
static _Atomic int64_t room;           /* timers we may still have */

/* ---- clocks ---------------------------------------------------------------------------------------------
 */

static clockid_t clock_of(pid_t tid)
{
    return (clockid_t)(~(unsigned)tid << 3 | 6); /* the kernel's name for "thread, scheduler's time" */
}

int64_t cpu_timer_clock_ns(pid_t tid)
{
    struct timespec now;
    if (syscall(SYS_clock_gettime, clock_of(tid), &now) != 0)
        return -1;
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t cpu_timer_tick_ns(void)
{
    struct timespec tick; /* the coarse clock goes forward once a tick */
    return clock_getres(CLOCK_MONOTONIC_COARSE, &tick) == 0 && tick.tv_sec == 0 && tick.tv_nsec > 0
               ? tick.tv_nsec
               : 10000000;
}

/* Half a tick: expired whenever one comes. */
int64_t cpu_timer_interval_for(int64_t period_ns)
{
    int64_t least = cpu_timer_tick_ns() / 2;
    return period_ns / 4 > least ? period_ns / 4 : least;
}

/* ---- a thread's account ---------------------------------------------------------------------------------
 */

/* Of a record that has given up its tid there is no clock to read: 0 would be the caller's. */
static void settle(struct thread *t)
{
    pid_t tid = atomic_load(&t->tid);
    int64_t clock = tid ? cpu_timer_clock_ns(tid) : -1;
    if (clock < 0 || t->timer_cpu_ns < 0)
        return;
    atomic_fetch_add(&settled_cpu_ns, clock - t->timer_cpu_ns);
    cpu_late_sigsafe(t, clock);
}

/* Takes an open account for changing; waits out another who is at it (a few system calls long). */
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

/* ---- a thread's timer -----------------------------------------------------------------------------------
 */

enum { NO_TIMER = -1 };

static struct timespec to_timespec(int64_t ns)
{
    return (struct timespec){ns / 1000000000, ns % 1000000000};
}

static void set_interval(struct thread *t, int64_t interval_ns)
{
    struct itimerspec when = {to_timespec(interval_ns), to_timespec(interval_ns)};
    if (t->timer_id != NO_TIMER)
        syscall(SYS_timer_settime, t->timer_id, 0, &when, NULL);
}

static void create(struct thread *t, pid_t tid)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGPROF};
    event.sigev_value.sival_ptr = t;
    event._sigev_un._tid = tid;
    errno = EAGAIN;
    if (atomic_fetch_sub(&room, 1) > 0 && syscall(SYS_timer_create, clock_of(tid), &event, &t->timer_id) == 0)
        return;
    atomic_fetch_add(&room, 1);
    t->timer_id = NO_TIMER;
    if (errno != EINVAL) /* which is a thread that is gone; a limit says EAGAIN, a sandbox EPERM */
        atomic_fetch_add(&cpu_timer_refused, 1);
}

static bool open_account(struct thread *t)
{
    pid_t tid = atomic_load(&t->tid);
    for (int i = 0; i < THREAD_SESSIONS; i++)
        atomic_store(&t->session_seen[i], 0);
    t->timer_cpu_ns = tid ? cpu_timer_clock_ns(tid) : -1;
    if (t->timer_cpu_ns < 0)
        return false;
    atomic_store(&t->met_cpu_ns, t->timer_cpu_ns);
    atomic_store(&t->watch_state, WATCH_NONE);
    atomic_fetch_add(&t->account, 1);
    create(t, tid);
    set_interval(t, atomic_load(&cpu_timer_interval_ns));
    return true;
}

/* Takes a closed account for changing; who is at it may be somebody who finds that the record had no tid. */
static bool claim_closed(struct thread *t)
{
    for (;;) {
        int none = CPU_TIMER_NONE;
        if (atomic_compare_exchange_strong(&t->timer_state, &none, CPU_TIMER_CHANGING))
            return true;
        if (none == CPU_TIMER_ARMED)
            return false;
        sched_yield();
    }
}

void cpu_timer_start(struct thread *t)
{
    if (!atomic_load(&cpu_timer_interval_ns) || t->is_profiler || !claim_closed(t))
        return;
    int saved = errno;
    bool opened = open_account(t);
    atomic_store(&t->timer_state, opened ? CPU_TIMER_ARMED : CPU_TIMER_NONE);
    if (opened && !atomic_load(&cpu_timer_interval_ns)) /* the last session ended meanwhile */
        cpu_timer_stop(t);
    errno = saved;
}

void cpu_timer_stop(struct thread *t)
{
    if (!claim_armed(t))
        return;
    int saved = errno;
    settle(t);
    if (t->timer_id != NO_TIMER && syscall(SYS_timer_delete, t->timer_id) == 0)
        atomic_fetch_add(&room, 1);
    atomic_store(&t->timer_state, CPU_TIMER_NONE);
    errno = saved;
}

void cpu_timer_quiet(struct thread *t, uint32_t account, bool quiet)
{
    if (!claim_armed(t))
        return;
    if (atomic_load(&t->account) == account)
        set_interval(t, quiet ? 0 : atomic_load(&cpu_timer_interval_ns));
    atomic_store(&t->timer_state, CPU_TIMER_ARMED);
}

/* ---- all timers -----------------------------------------------------------------------------------------
 */

static bool follow(struct thread *t, int64_t interval_ns)
{
    if (!claim_armed(t)) {
        cpu_timer_start(t);
        return atomic_load(&t->timer_state) == CPU_TIMER_ARMED && t->timer_id != NO_TIMER;
    }
    if (atomic_load(&t->watch_state) != WATCH_EVENT)
        set_interval(t, interval_ns);
    bool has = t->timer_id != NO_TIMER;
    atomic_store(&t->timer_state, CPU_TIMER_ARMED);
    return has;
}

int cpu_timer_follow(int64_t interval_ns)
{
    if (!atomic_load(&cpu_timer_interval_ns)) {
        atomic_store(&cpu_timer_refused, 0);
        atomic_store(&room, signals_room()); /* each timer takes a place */
    }
    atomic_store(&cpu_timer_interval_ns, interval_ns);
    int timers = 0;
    for (uint32_t i = 0, n = thread_count(); i < n; i++) {
        struct thread *t = thread_at(i);
        if (!interval_ns)
            cpu_timer_stop(t);
        else if (atomic_load(&t->tid) != 0)
            timers += follow(t, interval_ns);
    }
    return timers;
}

int64_t cpu_timer_account(void (*each)(void *arg, struct thread *t, int64_t clock_ns), void *arg)
{
    int64_t sum = 0;
    for (uint32_t i = 0, n = thread_count(); i < n; i++) {
        struct thread *t = thread_at(i);
        if (atomic_load(&t->timer_state) == CPU_TIMER_NONE || !claim_armed(t))
            continue;
        int64_t clock = cpu_timer_clock_ns(atomic_load(&t->tid));
        if (clock >= 0 && each)
            each(arg, t, clock);
        atomic_store(&t->timer_state, CPU_TIMER_ARMED);
        sum += clock >= 0 ? clock - t->timer_cpu_ns : 0;
    }
    return sum + atomic_load(&settled_cpu_ns);
}

void cpu_timer_after_fork(void)
{
    atomic_store(&cpu_timer_interval_ns, 0);
}
