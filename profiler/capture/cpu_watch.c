#include "capture/cpu_watch.h"

#include "base/clock.h"
#include "capture/capture.h"
#include "capture/cpu_perf.h"
#include "capture/cpu_timer.h"
#include "capture/interpose.h"
#include "capture/rawlock.h"
#include "capture/region.h"
#include "capture/signals.h"
#include "capture/thread.h"

#include <limits.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    EVENTS = 1024,
    SPARE_FDS = 32,          /* for reading /proc, below the limit */
    ASK_AFTER_NS = 10000000, /* a thread that used less is not worth an event */
    OVERDUE_NS = 50000000,   /* used without a look: not by chance */
    ROUND_NS = 200000000,
    EARLY_ROUND_NS = 20000000, /* while events are first wanted */
    EARLY_ROUNDS = 10,
    SEARCH_ROUNDS = 5,        /* threads are looked for once in so many */
    RING_ROUND_NS = 40000000, /* how long a ring can go unread */
    RING_PERIOD_NS = 10000000,
    STACK_SIZE = 256 * 1024
};

struct event {
    struct thread *t;
    uint32_t account; /* of t when it was opened: another by now is another thread's */
    int fd;
    bool is_ring;
    struct cpu_ring ring;
};

/* The watcher's own. */
static struct event events[EVENTS];
static int nevents, nrings, most_events;
static bool may_open, may_signal; /* any event; one that sends a signal */
static int64_t period_now_ns;     /* of the events there are */
static int early_rounds;          /* still to come */

static pthread_t watcher; /* guard, with the next: cpu.c's session lock */
static bool running;
static _Atomic uint32_t calls;    /* futex: counts up whenever the watcher has something to see */
static _Atomic uint32_t stopping; /* a futex, too */
static _Atomic uint32_t begun;    /* a futex, too: the watcher is known for one of ours */
static _Atomic int64_t wanted_ns; /* the period events are wanted for, 0: timers will do */

static _Atomic uint32_t nevents_ever, nrings_ever, nrefused_ever, ndeaf_ever;
static _Atomic int refusal;
static _Atomic bool under_seccomp, user_only_ever;

/* ---- events ---------------------------------------------------------------------------------------------
 */

static bool is_stale(const struct event *e)
{
    return atomic_load(&e->t->account) != e->account || atomic_load(&e->t->timer_state) == CPU_TIMER_NONE;
}

static void set_state(struct event *e, int state)
{
    if (!is_stale(e))
        atomic_store(&e->t->watch_state, state);
}

static void drop_event(int i)
{
    struct event *e = &events[i];
    if (e->is_ring) {
        cpu_perf_ring_fini(&e->ring);
        nrings--;
    } else {
        close(e->fd);
    }
    *e = events[--nevents];
}

static void refuse(struct thread *t, int error, bool deaf)
{
    int none = 0;
    atomic_compare_exchange_strong(&refusal, &none, error); /* the first is the cause of others */
    atomic_fetch_add(deaf ? &ndeaf_ever : &nrefused_ever, 1);
    atomic_store(&t->watch_state, deaf ? WATCH_DEAF : WATCH_REFUSED);
    if (!deaf && (error == EACCES || error == EPERM || error == ENOSYS))
        may_signal = false; /* a ring is refused for its memory, too */
}

/* The state comes first: the thread believes only signals of an event that it knows it has. */
static int open_signal(struct event *e, pid_t tid)
{
    if (!signals_is_ours(CPU_PERF_SIGNAL))
        return -EBUSY;
    set_state(e, WATCH_EVENT);
    e->fd = cpu_perf_signal(tid, period_now_ns);
    if (e->fd < 0)
        return e->fd;
    cpu_timer_quiet(e->t, e->account, true);
    atomic_fetch_add(&nevents_ever, 1);
    return 0;
}

static int open_ring(struct event *e, pid_t tid)
{
    int r = cpu_perf_ring(tid, RING_PERIOD_NS, &e->ring);
    if (r)
        return r;
    set_state(e, WATCH_RING);
    if (e->ring.user_only)
        atomic_store(&user_only_ever, true);
    atomic_fetch_add(&nrings_ever, 1);
    nrings++;
    return 0;
}

static void give_event(struct thread *t, bool ring)
{
    struct event *e = &events[nevents];
    pid_t tid = atomic_load(&t->tid);
    bool may = may_open && (ring || may_signal);
    int r = may ? -EMFILE : -EACCES;
    if (may && nevents < most_events) {
        *e = (struct event){.t = t, .account = atomic_load(&t->account), .fd = -1, .is_ring = ring};
        r = ring ? open_ring(e, tid) : open_signal(e, tid);
    }
    if (r == 0)
        nevents++;
    else if (r != -ESRCH)
        refuse(t, -r, ring);
}

/* ---- who needs one --------------------------------------------------------------------------------------
 */

/* What it has used since a handler of ours ran. */
static int64_t unmet_ns(const struct thread *t)
{
    return cpu_timer_clock_ns(atomic_load(&t->tid)) - atomic_load(&t->met_cpu_ns);
}

/* Used the processor, and no handler of ours has run: it blocks our signal, or is in one long system call, or
 * beside others no tick has met it. */
static bool is_deaf(struct thread *t, int64_t unmet)
{
    pid_t tid = atomic_load(&t->tid);
    if (unmet <= OVERDUE_NS)
        return false;
    return signals_blocks(tid, SIGPROF) ||
           (atomic_load(&t->watch_state) == WATCH_EVENT && signals_blocks(tid, CPU_PERF_SIGNAL));
}

static void drop_event_of(const struct thread *t)
{
    for (int i = 0; i < nevents; i++)
        if (events[i].t == t) {
            drop_event(i);
            return;
        }
}

static void visit(struct thread *t, bool whole_round)
{
    int state = atomic_load(&t->watch_state);
    if (t->is_profiler || atomic_load(&t->timer_state) != CPU_TIMER_ARMED)
        return;
    if (state == WATCH_WANTED && period_now_ns) {
        give_event(t, false);
        return;
    }
    if (!whole_round || state == WATCH_RING || state == WATCH_DEAF)
        return;
    int64_t unmet = unmet_ns(t);
    if (is_deaf(t, unmet)) {
        drop_event_of(t);
        give_event(t, true);
    } else if (state == WATCH_NONE && unmet >= ASK_AFTER_NS && period_now_ns) {
        give_event(t, false); /* no tick has met it yet: it need not wait for one to ask */
    }
}

/* ---- what rings hold ------------------------------------------------------------------------------------
 */

struct reading {
    struct thread *t;
    int64_t from_ns, to_ns; /* on its CPU clock: what the samples stand for, in equal parts */
};

static void look(void *arg, int i, int n, const struct unwind_stack *stack)
{
    struct reading *r = arg;
    cpu_look_sigsafe(r->t, r->from_ns + (r->to_ns - r->from_ns) / n * (i + 1), stack);
}

static void read_ring(struct event *e)
{
    struct reading r = {.t = e->t,
        .from_ns = atomic_load(&e->t->met_cpu_ns),
        .to_ns = cpu_timer_clock_ns(atomic_load(&e->t->tid))};
    if (!is_stale(e) && r.to_ns > r.from_ns)
        cpu_perf_drain(&e->ring, look, &r);
}

/* ---- rounds ---------------------------------------------------------------------------------------------
 */

/* Threads have their timers again. */
static void drop_signalling(void)
{
    for (int i = nevents; i-- > 0;) {
        struct event *e = &events[i];
        if (e->is_ring)
            continue;
        set_state(e, WATCH_NONE);
        cpu_timer_quiet(e->t, e->account, false);
        drop_event(i);
    }
}

/* All events at the period that is wanted now, or none. */
static void follow_period(void)
{
    int64_t wanted = atomic_load(&wanted_ns);
    if (wanted == period_now_ns)
        return;
    period_now_ns = wanted;
    early_rounds = wanted ? EARLY_ROUNDS : 0;
    if (!wanted)
        drop_signalling();
    for (int i = 0; i < nevents; i++)
        if (!events[i].is_ring)
            cpu_perf_set_period(events[i].fd, wanted);
}

/* The program took SIGPROF for itself: nothing of ours may send it. */
static void silence(void)
{
    may_open = false;
    drop_signalling();
    for (uint32_t i = 0, n = thread_count(); i < n; i++)
        cpu_timer_quiet(thread_at(i), atomic_load(&thread_at(i)->account), true);
}

static void make_round(bool whole)
{
    static unsigned rounds;
    if (whole && rounds++ % SEARCH_ROUNDS == 0)
        thread_enumerate(false);
    if (whole && !signals_is_ours(SIGPROF))
        silence();
    if (whole && !signals_is_ours(CPU_PERF_SIGNAL))
        drop_signalling();
    for (int i = nevents; i-- > 0;)
        if (is_stale(&events[i]))
            drop_event(i);
    follow_period();
    for (uint32_t i = 0, n = thread_count(); i < n; i++)
        visit(thread_at(i), whole);
    for (int i = 0; i < nevents; i++)
        if (events[i].is_ring)
            read_ring(&events[i]);
}

static bool has_seccomp_filter(void)
{
    char text[4096];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = 0;
    const char *mode = strstr(text, "\nSeccomp:");
    return mode && atoi(mode + strlen("\nSeccomp:")) != 0;
}

/* Leaves the program's descriptors to the program. */
static bool leave_table(void)
{
    struct rlimit limit;
    if (atomic_load(&under_seccomp))
        return false;
    if (syscall(SYS_close_range, 0, UINT_MAX, CLOSE_RANGE_UNSHARE) != 0)
        return false;
    int64_t room = getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (int64_t)limit.rlim_cur - SPARE_FDS : 0;
    most_events = room < 0 ? 0 : room < EVENTS ? (int)room : EVENTS;
    return true;
}

static void *watch(void *unused)
{
    capture_exclude_thread();
    pthread_setname_np(pthread_self(), "cprof-cpu");
    atomic_store(&begun, 1);
    rawlock_futex(&begun, FUTEX_WAKE_PRIVATE, 1, NULL);
    atomic_store(&under_seccomp, has_seccomp_filter());
    may_open = may_signal = leave_table();
    int64_t round_ns = clock_monotonic_ns();
    while (!atomic_load(&stopping)) {
        uint32_t seen = atomic_load(&calls);
        int64_t now = clock_monotonic_ns(), every_ns = early_rounds > 0 ? EARLY_ROUND_NS : ROUND_NS;
        bool whole = now - round_ns >= every_ns;
        round_ns = whole ? now : round_ns;
        early_rounds -= whole && early_rounds > 0;
        make_round(whole);
        every_ns = early_rounds > 0 ? EARLY_ROUND_NS : nrings ? RING_ROUND_NS : ROUND_NS;
        struct timespec wait = {0, every_ns}, moment = {0, 1000000};
        if (rawlock_futex(&calls, FUTEX_WAIT_PRIVATE, seen, &wait) != -ETIMEDOUT)
            rawlock_futex(&stopping, FUTEX_WAIT_PRIVATE, 0, &moment); /* callers come in crowds */
    }
    while (nevents > 0)
        drop_event(nevents - 1);
    return unused;
}

/* ---- from outside ---------------------------------------------------------------------------------------
 */

static void call_watcher(void)
{
    atomic_fetch_add(&calls, 1);
    rawlock_futex(&calls, FUTEX_WAKE_PRIVATE, 1, NULL);
}

static int create(pthread_t *out)
{
    pthread_attr_t attr;
    sigset_t all;
    sigfillset(&all);
    int r = pthread_attr_init(&attr);
    if (r)
        return r;
    pthread_attr_setstacksize(&attr, STACK_SIZE);
    pthread_attr_setsigmask_np(&attr, &all);
    r = pthread_create(out, &attr, watch, NULL);
    pthread_attr_destroy(&attr);
    while (r == 0 && !atomic_load(&begun))
        rawlock_futex(&begun, FUTEX_WAIT_PRIVATE, 0, NULL);
    return r;
}

void cpu_watch_start(void)
{
    if (running)
        return;
    nevents = nrings = early_rounds = 0;
    period_now_ns = 0;
    atomic_store(&wanted_ns, 0);
    atomic_store(&nevents_ever, 0);
    atomic_store(&nrings_ever, 0);
    atomic_store(&nrefused_ever, 0);
    atomic_store(&ndeaf_ever, 0);
    atomic_store(&refusal, 0);
    atomic_store(&user_only_ever, false);
    atomic_store(&stopping, 0);
    atomic_store(&begun, 0);
    running = region_has_room_for_a_thread() && create(&watcher) == 0;
}

void cpu_watch_follow(int64_t period_ns)
{
    int64_t wanted = period_ns < cpu_timer_tick_ns() ? period_ns : 0;
    if (running && atomic_exchange(&wanted_ns, wanted) != wanted)
        call_watcher();
}

void cpu_watch_stop(void)
{
    if (!running)
        return;
    atomic_store(&wanted_ns, 0);
    atomic_store(&stopping, 1);
    rawlock_futex(&stopping, FUTEX_WAKE_PRIVATE, 1, NULL);
    call_watcher();
    interpose_real.pthread_join(watcher, NULL);
    running = false;
}

void cpu_watch_used_sigsafe(struct thread *t, int64_t used_ns)
{
    int none = WATCH_NONE;
    if (used_ns >= ASK_AFTER_NS && atomic_load(&wanted_ns) &&
        atomic_compare_exchange_strong(&t->watch_state, &none, WATCH_WANTED))
        call_watcher();
}

void cpu_watch_figures(struct cpu_watch_figures *out)
{
    *out = (struct cpu_watch_figures){.events = atomic_load(&nevents_ever),
        .rings = atomic_load(&nrings_ever),
        .refused = atomic_load(&nrefused_ever),
        .deaf = atomic_load(&ndeaf_ever),
        .user_only = atomic_load(&user_only_ever),
        .error = atomic_load(&refusal),
        .seccomp = atomic_load(&under_seccomp)};
}

void cpu_watch_after_fork(void)
{
    running = false;
    nevents = nrings = 0;
}
