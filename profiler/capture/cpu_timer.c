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
static _Atomic int64_t settled_cpu_ns; /* of timers that are no more, or began anew */

/* ---- a thread's account ---------------------------------------------------------------------------------
 */

static clockid_t clock_of(pid_t tid)
{
    return (clockid_t)(~(unsigned)tid << 3 | 6); /* the kernel's name for "thread, scheduler's time" */
}

/* -1 when the thread is gone. */
static int64_t read_clock(pid_t tid)
{
    struct timespec now;
    if (syscall(SYS_clock_gettime, clock_of(tid), &now) != 0)
        return -1;
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

struct account {
    int64_t cpu_ns, late_ns;
};

/* What an armed timer stands for so far. */
static struct account account_of(const struct thread *t)
{
    int64_t cpu = read_clock(atomic_load(&t->tid));
    if (cpu < 0 || t->timer_cpu_ns < 0)
        return (struct account){0};
    int64_t expired = cpu < t->timer_first_ns ? 0 : 1 + (cpu - t->timer_first_ns) / t->timer_interval_ns;
    int64_t late = expired - atomic_load(&t->timer_expirations);
    return (struct account){cpu - t->timer_cpu_ns, late > 0 ? late * t->timer_interval_ns : 0};
}

static void settle(struct thread *t)
{
    struct account account = account_of(t);
    atomic_fetch_add(&settled_cpu_ns, account.cpu_ns);
    if (account.late_ns)
        cpu_late_sigsafe(t, account.late_ns);
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
    t->timer_cpu_ns = read_clock(tid);
    t->timer_first_ns = t->timer_cpu_ns + 1 + (int64_t)phase;
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
    if (syscall(SYS_timer_create, clock_of(tid), &event, &t->timer_id) != 0) {
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

int64_t cpu_timer_account(void (*late)(void *arg, struct thread *t, int64_t late_ns), void *arg)
{
    int64_t sum = 0;
    for (uint32_t i = 0, n = thread_count(); i < n; i++) {
        struct thread *t = thread_at(i);
        if (atomic_load(&t->timer_state) == CPU_TIMER_NONE || !claim_armed(t))
            continue;
        struct account account = account_of(t);
        if (late && account.late_ns)
            late(arg, t, account.late_ns);
        atomic_store(&t->timer_state, CPU_TIMER_ARMED);
        sum += account.cpu_ns;
    }
    return sum + atomic_load(&settled_cpu_ns);
}

void cpu_timer_after_fork(void)
{
    atomic_store(&cpu_timer_period_ns, 0);
}
