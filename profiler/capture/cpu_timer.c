#include "capture/cpu_timer.h"

#include "base/clock.h"
#include "base/hash.h"
#include "capture/thread.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

_Atomic int64_t cpu_timer_period_ns;
_Atomic uint32_t cpu_timer_refused;
static _Atomic int64_t settled_cpu_ns, settled_missed_ns; /* of timers that are no more, or began anew */

/* ---- a thread's clocks ----------------------------------------------------------------------------------
 */

enum which_clock { TICK_CLOCK = 0, CPU_CLOCK = 2 }; /* the kernel's CPUCLOCK_PROF and CPUCLOCK_SCHED */

static clockid_t clock_of(pid_t tid, enum which_clock which)
{
    return (clockid_t)(~(unsigned)tid << 3 | 4 | which); /* 4: of a thread */
}

/* -1 when the thread is gone. */
static int64_t read_clock(pid_t tid, enum which_clock which)
{
    struct timespec now;
    if (syscall(SYS_clock_gettime, clock_of(tid, which), &now) != 0)
        return -1;
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* What an armed timer stands for so far. */
static struct cpu_timer_totals account_of(const struct thread *t)
{
    pid_t tid = atomic_load(&t->tid);
    int64_t cpu = read_clock(tid, CPU_CLOCK), ticked = read_clock(tid, TICK_CLOCK);
    struct cpu_timer_totals account = {0};
    if (cpu < 0 || ticked < 0)
        return account;
    account.cpu_ns = cpu - t->timer_cpu_ns;
    int64_t expired =
        ticked < t->timer_first_ns ? 0 : 1 + (ticked - t->timer_first_ns) / t->timer_interval_ns;
    int64_t missed = expired - atomic_load(&t->timer_expirations);
    account.missed_ns = missed > 0 ? missed * t->timer_interval_ns : 0;
    return account;
}

static void settle(const struct thread *t)
{
    struct cpu_timer_totals account = account_of(t);
    atomic_fetch_add(&settled_cpu_ns, account.cpu_ns);
    atomic_fetch_add(&settled_missed_ns, account.missed_ns);
}

/* ---- a thread's timer -----------------------------------------------------------------------------------
 */

static struct timespec to_timespec(int64_t ns)
{
    return (struct timespec){ns / 1000000000, ns % 1000000000};
}

/* The first period is of random length: else threads that run for less than one each would never be seen. */
static void arm(struct thread *t, int64_t period_ns)
{
    pid_t tid = atomic_load(&t->tid);
    uint64_t phase = hash_mix((uintptr_t)t, (uint64_t)clock_monotonic_ns()) % (uint64_t)period_ns;
    atomic_store(&t->timer_expirations, 0);
    t->timer_interval_ns = period_ns;
    t->timer_cpu_ns = read_clock(tid, CPU_CLOCK);
    t->timer_tick_ns = read_clock(tid, TICK_CLOCK);
    t->timer_first_ns = t->timer_tick_ns + 1 + (int64_t)phase;
    t->timer_corrected_ns = 0;
    struct itimerspec when = {to_timespec(period_ns), to_timespec(t->timer_first_ns)};
    syscall(SYS_timer_settime, t->timer_id, TIMER_ABSTIME, &when, NULL);
}

static bool create(struct thread *t, int64_t period_ns)
{
    pid_t tid = atomic_load(&t->tid);
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGPROF};
    event.sigev_value.sival_ptr = t;
    event._sigev_un._tid = tid;
    if (tid == 0)
        return false;
    if (syscall(SYS_timer_create, clock_of(tid, TICK_CLOCK), &event, &t->timer_id) != 0) {
        if (errno == EAGAIN)
            atomic_fetch_add(&cpu_timer_refused, 1);
        return false;
    }
    arm(t, period_ns);
    return true;
}

void cpu_timer_start(struct thread *t)
{
    int64_t period = atomic_load(&cpu_timer_period_ns);
    int none = CPU_TIMER_NONE;
    if (!period || t->is_profiler ||
        !atomic_compare_exchange_strong(&t->timer_state, &none, CPU_TIMER_CHANGING))
        return;
    int saved = errno;
    bool made = create(t, period);
    atomic_store(&t->timer_state, made ? CPU_TIMER_ARMED : CPU_TIMER_NONE);
    if (made && !atomic_load(&cpu_timer_period_ns)) /* the last session ended meanwhile */
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
    settle(t);
    syscall(SYS_timer_delete, t->timer_id);
    atomic_store(&t->timer_state, CPU_TIMER_NONE);
    errno = saved;
}

/* Bounded, since the timer may be armed anew while we look. */
int64_t cpu_timer_elapsed_sigsafe(struct thread *t, int64_t expirations)
{
    enum { SHARE = 4 };
    pid_t tid = atomic_load(&t->tid);
    int64_t ticks_say = expirations * atomic_load(&cpu_timer_period_ns);
    int64_t cpu = read_clock(tid, CPU_CLOCK), ticked = read_clock(tid, TICK_CLOCK);
    if (cpu < 0 || ticked < 0 || atomic_load(&t->timer_state) != CPU_TIMER_ARMED)
        return ticks_say;
    int64_t ahead = cpu - t->timer_cpu_ns - (ticked - t->timer_tick_ns) - t->timer_corrected_ns;
    int64_t correction = ahead / SHARE;
    if (correction > ticks_say)
        correction = ticks_say;
    if (correction < -ticks_say)
        correction = -ticks_say;
    t->timer_corrected_ns += correction;
    return ticks_say + correction;
}

/* ---- all timers -----------------------------------------------------------------------------------------
 */

int cpu_timer_follow(int64_t period_ns)
{
    if (!atomic_load(&cpu_timer_period_ns))
        atomic_store(&cpu_timer_refused, 0);
    atomic_store(&cpu_timer_period_ns, period_ns);
    int armed = 0;
    for (uint32_t i = 0, n = thread_count(); i < n; i++) {
        struct thread *t = thread_at(i);
        if (!period_ns) {
            cpu_timer_stop(t);
            continue;
        }
        if (atomic_load(&t->tid) == 0)
            continue;
        if (claim_armed(t)) {
            settle(t);
            arm(t, period_ns);
            atomic_store(&t->timer_state, CPU_TIMER_ARMED);
        } else {
            cpu_timer_start(t);
        }
        armed += atomic_load(&t->timer_state) == CPU_TIMER_ARMED;
    }
    return armed;
}

struct cpu_timer_totals cpu_timer_totals(void)
{
    struct cpu_timer_totals sum = {0};
    for (uint32_t i = 0, n = thread_count(); i < n; i++) {
        struct thread *t = thread_at(i);
        if (atomic_load(&t->timer_state) == CPU_TIMER_NONE || !claim_armed(t))
            continue;
        struct cpu_timer_totals account = account_of(t);
        atomic_store(&t->timer_state, CPU_TIMER_ARMED);
        sum.cpu_ns += account.cpu_ns;
        sum.missed_ns += account.missed_ns;
    }
    sum.cpu_ns += atomic_load(&settled_cpu_ns);
    sum.missed_ns += atomic_load(&settled_missed_ns);
    return sum;
}

void cpu_timer_after_fork(void)
{
    atomic_store(&cpu_timer_period_ns, 0);
}
