#include "capture/ask.h"

#include "base/clock.h"
#include "capture/asleep.h"
#include "capture/cpu_timer.h"
#include "capture/rawlock.h"
#include "capture/region.h"
#include "capture/signals.h"

#include <errno.h>

enum { ANSWERS = 1024, PATIENCE_NS = 250000000 };

/*
 * An answer goes IDLE → ASKED → WRITING → DONE; the asker takes ASKED back when its patience ends. One that
 * is being written by then stays out of use until its writer is done. The signal carries number and
 * generation.
 */
enum answer_state { ANSWER_IDLE, ANSWER_ASKED, ANSWER_WRITING, ANSWER_DONE };

struct answer {
    _Atomic uint32_t state;
    _Atomic uint32_t generation;
    _Atomic pid_t tid; /* who is asked */
    bool in_syscall;
    const struct label_set *labels;
    struct unwind_stack stack;
};

struct rawlock ask_lock;

static struct answer *answers;
static _Atomic uint32_t ndone; /* futex: counts up with each answer */
static _Atomic bool asking;    /* some may be ASKED */
static int number;             /* the signal we use, 0 before; guard: ask_lock */

static bool is_asked(struct answer *a)
{
    uint32_t asked = ANSWER_ASKED;
    return atomic_compare_exchange_strong(&a->state, &asked, ANSWER_WRITING);
}

/* Of a signal that is pending the kernel drops a second one, so a perf event's may stand for a question. */
static struct answer *find_own(void)
{
    pid_t tid = atomic_load(&asking) ? (pid_t)syscall(SYS_gettid) : 0;
    for (int i = 0; tid && i < ANSWERS; i++)
        if (atomic_load(&answers[i].state) == ANSWER_ASKED && atomic_load(&answers[i].tid) == tid)
            return is_asked(&answers[i]) ? &answers[i] : NULL;
    return NULL;
}

static struct answer *claim(const siginfo_t *info)
{
    uint64_t value = (uintptr_t)info->si_value.sival_ptr;
    if (info->si_code == POLL_IN)
        return find_own();
    if (info->si_code != SI_QUEUE || info->si_pid != getpid() || (uint32_t)value >= ANSWERS || !answers)
        return NULL;
    struct answer *a = &answers[(uint32_t)value];
    return atomic_load(&a->generation) == (uint32_t)(value >> 32) && is_asked(a) ? a : NULL;
}

static void on_ask(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    int saved = errno;
    struct thread *t = thread_self();
    struct answer *a = claim(info);
    if (a) {
        struct unwind_memory memory = thread_memory(t, unwind_context_sp(context));
        unwind_context_sigsafe(context, &memory, &a->stack);
        a->in_syscall = signals_in_syscall_sigsafe(context);
        a->labels = t ? atomic_load(&t->labels) : NULL;
        atomic_store(&a->state, ANSWER_DONE);
        atomic_fetch_add(&ndone, 1);
        rawlock_futex(&ndone, FUTEX_WAKE_PRIVATE, 1, NULL);
    }
    if (t && info->si_code == POLL_IN)
        cpu_event_sigsafe(t, context);
    signals_resume_sigsafe(context);
    errno = saved;
}

/* ---- the signal -----------------------------------------------------------------------------------------
 */

static bool is_ours(const struct sigaction *s)
{
    return s->sa_flags & SA_SIGINFO && s->sa_sigaction == on_ask;
}

static bool take_signal(int candidate)
{
    struct sigaction now, ours = {.sa_sigaction = on_ask, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    if (sigaction(candidate, NULL, &now) != 0)
        return false;
    if (is_ours(&now))
        return true;
    if (now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN)
        return false;
    sigfillset(&ours.sa_mask);
    return sigaction(candidate, &ours, NULL) == 0;
}

/* Again each time: the program may have taken the one we had. */
static int find_signal(void)
{
    int found = take_signal(SIGURG) ? SIGURG : 0;
    for (int s = SIGRTMAX; !found && s > SIGRTMIN; s--)
        if (take_signal(s))
            found = s;
    if (found && found != number)
        signals_set_in_use(found, on_ask);
    return number = found;
}

/* ---- asking ---------------------------------------------------------------------------------------------
 */

static bool send(pid_t tid, uint32_t index, uint32_t generation)
{
    siginfo_t info = {.si_signo = number, .si_code = SI_QUEUE};
    info.si_pid = getpid();
    info.si_value.sival_ptr = (void *)(uintptr_t)((uint64_t)generation << 32 | index);
    return syscall(SYS_rt_tgsigqueueinfo, getpid(), tid, number, &info) == 0;
}

/* Whether q is not to be asked; then it is answered as well as may be. */
static bool sleeps(struct ask *q)
{
    struct asleep found;
    if (!asleep_look(q->t, q->tid, &found))
        return false;
    q->answered = found.stack.depth > 0;
    q->state = found.state;
    q->since_ticks = found.since_ticks;
    q->object = found.object;
    q->labels = atomic_load(&q->t->labels);
    q->stack = found.stack;
    return true;
}

/* Asks asks[0..n), n at most ANSWERS; which[i] is the answer's number, or ANSWERS. How many were asked. */
static uint32_t send_all(struct ask *asks, size_t n, uint16_t *which)
{
    uint32_t at = 0, asked = 0;
    for (size_t i = 0; i < n; i++) {
        which[i] = ANSWERS;
        asks[i].answered = false;
        if (sleeps(&asks[i]))
            continue;
        if (asks[i].t->deaf && signals_blocks(asks[i].tid, number))
            continue;
        while (at < ANSWERS && atomic_load(&answers[at].state) == ANSWER_WRITING)
            at++;
        if (at == ANSWERS)
            break;
        struct answer *a = &answers[at];
        uint32_t generation = atomic_load(&a->generation) + 1;
        atomic_store(&a->generation, generation);
        atomic_store(&a->tid, asks[i].tid);
        atomic_store(&a->state, ANSWER_ASKED);
        if (send(asks[i].tid, at, generation)) {
            which[i] = (uint16_t)at++;
            asked++;
        } else {
            atomic_store(&a->state, ANSWER_IDLE);
        }
    }
    return asked;
}

/* Whether anybody asked is still to be waited for: neither answered nor gone. */
static bool is_pending(const struct ask *asks, size_t n, const uint16_t *which)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t state = which[i] < ANSWERS ? atomic_load(&answers[which[i]].state) : ANSWER_DONE;
        bool waiting = state == ANSWER_ASKED || state == ANSWER_WRITING;
        if (waiting && syscall(SYS_tgkill, getpid(), asks[i].tid, 0) == 0)
            return true;
    }
    return false;
}

static void await(const struct ask *asks, size_t n, const uint16_t *which, uint32_t target)
{
    int64_t deadline = clock_monotonic_ns() + PATIENCE_NS;
    for (;;) {
        uint32_t done = atomic_load(&ndone);
        if ((int32_t)(target - done) <= 0 || clock_monotonic_ns() > deadline)
            return;
        struct timespec moment = {0, 5000000};
        if (rawlock_futex(&ndone, FUTEX_WAIT_PRIVATE, done, &moment) == -ETIMEDOUT &&
            !is_pending(asks, n, which))
            return;
    }
}

static void collect(struct ask *q, uint16_t index)
{
    if (index == ANSWERS)
        return;
    struct answer *a = &answers[index];
    uint32_t asked = ANSWER_ASKED;
    if (!atomic_compare_exchange_strong(&a->state, &asked, ANSWER_IDLE) && asked == ANSWER_DONE) {
        q->answered = true;
        q->state = a->in_syscall ? THREAD_SYSCALL : THREAD_RUNNING;
        q->since_ticks = 0;
        q->object = 0;
        q->labels = a->labels;
        q->stack = a->stack;
        atomic_store(&a->state, ANSWER_IDLE);
    }
    q->t->deaf = !q->answered;
}

void ask_take_signal(void)
{
    find_signal();
}

int ask_threads(struct ask *asks, size_t n)
{
    if (!answers)
        answers = region_map(ANSWERS * sizeof *answers);
    if (!answers || !find_signal())
        return ERR_UNSUPPORTED;
    uint16_t which[ANSWERS];
    int64_t room = n ? signals_room() : 0;
    size_t most = room < 1 ? 1 : room < ANSWERS ? (size_t)room : ANSWERS;
    for (size_t from = 0; from < n; from += most) {
        size_t some = n - from < most ? n - from : most;
        uint32_t before = atomic_load(&ndone);
        atomic_store(&asking, true);
        uint32_t asked = send_all(asks + from, some, which);
        await(asks + from, some, which, before + asked);
        for (size_t i = 0; i < some; i++)
            collect(&asks[from + i], which[i]);
        atomic_store(&asking, false);
    }
    return 0;
}

void ask_after_fork(void)
{
    rawlock_reset(&ask_lock);
    for (int i = 0; answers && i < ANSWERS; i++)
        atomic_store(&answers[i].state, ANSWER_IDLE);
}
