#include "steps.h"

#if defined(__x86_64__)

#include "capture/unwind.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

enum {
    MAX_THREADS = 8,
    MAX_CALLS = 1024,
    MAX_DEPTH = 256,
    STEPPER_STACK = 1 << 20,
    LONGEST = 15 /* an instruction's bytes */
};

struct stack {
    uintptr_t pcs[MAX_DEPTH];
    int depth;
};

/* A return address that was pushed, and where; or what a signal interrupted. */
struct call {
    uintptr_t slot, returns_to;
    bool is_signal;
    uintptr_t interrupted_sp, handler_sp;
};

/* One thread that is stepped. */
struct stepped {
    pid_t tid;
    uintptr_t ip, sp; /* before the last step */
    int signal;       /* to be delivered with the next */
    bool delivered;   /* with the last */
    bool has_base;
    struct call calls[MAX_CALLS]; /* outermost first */
    int ncalls;
    struct stack base; /* of the first thread: its callers when stepping began, innermost first */
};

static struct {
    pid_t tracee;
    _Atomic int attached; /* 1, or a negative errno */
    _Atomic bool begun, ended, refresh;
    long max;
    struct unwind_memory memory;
    struct steps_report *report;
    struct stepped threads[MAX_THREADS];
} job;

/* ---- the other opinions ---------------------------------------------------------------------------------
 */

static _Unwind_Reason_Code visit(struct _Unwind_Context *context, void *data)
{
    struct stack *s = data;
    uintptr_t pc = _Unwind_GetIP(context);
    if (pc && s->depth < MAX_DEPTH)
        s->pcs[s->depth++] = pc;
    return _URC_NO_REASON;
}

static sigjmp_buf libgcc_died;

static void on_death(int signal)
{
    (void)signal;
    siglongjmp(libgcc_died, 1);
}

/* libgcc walks its own stack alone: through the signal frame that we are in, whose registers are those of the
 * stopped thread. What is below those is the stepper's. */
static void ask_libgcc(uintptr_t ip, struct stack *out)
{
    static struct stack all;
    all.depth = 0;
    out->depth = 0;
    if (sigsetjmp(libgcc_died, 1))
        return;
    _Unwind_Backtrace(visit, &all);
    int from = 0;
    while (from < all.depth && all.pcs[from] != ip)
        from++;
    out->depth = all.depth - from;
    memcpy(out->pcs, all.pcs + from, (size_t)out->depth * sizeof *out->pcs);
}

static void push(struct stepped *t, struct call c)
{
    if (t->ncalls < MAX_CALLS)
        t->calls[t->ncalls++] = c;
}

static uintptr_t word_at(uintptr_t at)
{
    return *(const uintptr_t *)at;
}

enum { RED_ZONE = 128, OTHER_STACK = 1 << 16 };

/* The kernel has put a frame on a stack, and the handler is at its first instruction. */
static bool begin_handler(struct stepped *t, uintptr_t sp)
{
    bool delivered = t->delivered;
    t->delivered = false;
    if (!delivered || (sp <= t->sp && t->sp - sp <= RED_ZONE)) /* the signal was ignored */
        return false;
    push(t, (struct call){.is_signal = true, .returns_to = t->ip, .interrupted_sp = t->sp, .handler_sp = sp});
    push(t, (struct call){.slot = sp, .returns_to = word_at(sp)});
    return true;
}

/* Whether the innermost handler has been left, by returning or jumping: on its thread's own stack everything
 * from where that was interrupted; from a stack of its own, back on the other. */
static bool left_handler(const struct call *c, uintptr_t sp)
{
    bool aside = c->interrupted_sp - c->handler_sp > OTHER_STACK;
    return aside ? sp - c->interrupted_sp < job.memory.hi - c->interrupted_sp : sp >= c->interrupted_sp;
}

/* What the last step did to the calls that are open. */
static void follow_calls(struct stepped *t, uintptr_t ip, uintptr_t sp)
{
    if (begin_handler(t, sp))
        return;
    for (int i = t->ncalls; i-- > 0;)
        if (t->calls[i].is_signal && left_handler(&t->calls[i], sp))
            t->ncalls = i;
        else if (t->calls[i].is_signal)
            break;
    while (t->ncalls && !t->calls[t->ncalls - 1].is_signal && t->calls[t->ncalls - 1].slot < sp)
        t->ncalls--;
    if (sp == t->sp - sizeof(uintptr_t) && word_at(sp) > t->ip && word_at(sp) <= t->ip + LONGEST &&
        ip != t->ip + LONGEST)
        push(t, (struct call){.slot = sp, .returns_to = word_at(sp)});
}

static void ask_calls(const struct stepped *t, uintptr_t ip, struct stack *out)
{
    out->depth = 0;
    out->pcs[out->depth++] = ip;
    for (int i = t->ncalls; i-- > 0 && out->depth < MAX_DEPTH;)
        out->pcs[out->depth++] = t->calls[i].returns_to;
    for (int i = 0; i < t->base.depth && out->depth < MAX_DEPTH; i++)
        out->pcs[out->depth++] = t->base.pcs[i];
}

/* The program has put another return address where a call left one: it throws, and has prepared to return to
 * the handler while registers are still the thrower's. There is no stack to be right about until it has. */
static bool is_redirected(const struct stepped *t)
{
    for (int i = 0; i < t->ncalls; i++)
        if (!t->calls[i].is_signal && word_at(t->calls[i].slot) != t->calls[i].returns_to)
            return true;
    return false;
}

/* ---- comparing ------------------------------------------------------------------------------------------
 */

/* The first frame that is not the same, or -1. Of a deeper stack we keep the inner frames. */
static int first_difference(const struct unwind_stack *ours, const struct stack *theirs)
{
    int depth = theirs->depth < UNWIND_MAX_DEPTH ? theirs->depth : UNWIND_MAX_DEPTH;
    for (int i = 0; i < depth || i < ours->depth; i++)
        if (i >= depth || i >= ours->depth || ours->pcs[i] != theirs->pcs[i])
            return i;
    return -1;
}

static bool stacks_equal(const struct stack *a, const struct stack *b)
{
    return a->depth == b->depth && memcmp(a->pcs, b->pcs, (size_t)a->depth * sizeof *a->pcs) == 0;
}

static uintptr_t pc_in(const uintptr_t *pcs, int depth, int frame)
{
    return frame < depth ? pcs[frame] : 0;
}

static void keep_difference(struct steps_difference d)
{
    struct steps_report *r = job.report;
    for (int i = 0; i < r->ndifferences; i++)
        if (r->differences[i].at == d.at) {
            r->differences[i].times++;
            return;
        }
    /* Half of the room is for our own. */
    if (r->ndifferences < (d.calls_frame < 0 ? STEPS_DIFFERENCES / 2 : STEPS_DIFFERENCES))
        r->differences[r->ndifferences++] = d;
}

static void compare(struct stepped *t, const void *context, uintptr_t ip)
{
    static struct unwind_stack ours;
    static struct stack libgcc, calls;
    struct steps_report *r = job.report;
    unwind_context_sigsafe(context, &job.memory, &ours);
    ask_libgcc(ip, &libgcc);
    if (!t->has_base) { /* where stepping begins, they agree */
        t->has_base = true;
        t->base.depth = t == job.threads ? libgcc.depth - 1 : 0;
        memcpy(t->base.pcs, libgcc.pcs + 1, (size_t)t->base.depth * sizeof *libgcc.pcs);
    }
    ask_calls(t, ip, &calls);
    int from_calls = first_difference(&ours, &calls), from_libgcc = first_difference(&ours, &libgcc);
    int frame = from_calls >= 0 ? from_calls : from_libgcc;
    r->instructions++;
    r->deepest = ours.depth > r->deepest ? ours.depth : r->deepest;
    bool on_the_way = from_calls >= 0 && (from_libgcc < 0 || is_redirected(t));
    r->wrong += from_calls >= 0 && !on_the_way;
    r->on_the_way += on_the_way;
    r->libgcc_wrong += !stacks_equal(&libgcc, &calls);
    if (frame >= 0)
        keep_difference((struct steps_difference){.at = ip,
            .times = 1,
            .on_the_way = on_the_way,
            .calls_frame = from_calls,
            .libgcc_frame = from_libgcc,
            .ours = pc_in(ours.pcs, ours.depth, frame),
            .libgcc = pc_in(libgcc.pcs, libgcc.depth, frame),
            .call = pc_in(calls.pcs, calls.depth, frame)});
}

/* ---- the stepper ----------------------------------------------------------------------------------------
 */

static long trace(int request, pid_t tid, void *address, uintptr_t data)
{
    return syscall(SYS_ptrace, request, tid, address, data);
}

static void fill_context(ucontext_t *context, const struct user_regs_struct *u)
{
    greg_t *g = context->uc_mcontext.gregs;
    const unsigned long long values[NGREG] = {[REG_R8] = u->r8,
        [REG_R9] = u->r9,
        [REG_R10] = u->r10,
        [REG_R11] = u->r11,
        [REG_R12] = u->r12,
        [REG_R13] = u->r13,
        [REG_R14] = u->r14,
        [REG_R15] = u->r15,
        [REG_RDI] = u->rdi,
        [REG_RSI] = u->rsi,
        [REG_RBP] = u->rbp,
        [REG_RBX] = u->rbx,
        [REG_RDX] = u->rdx,
        [REG_RAX] = u->rax,
        [REG_RCX] = u->rcx,
        [REG_RSP] = u->rsp,
        [REG_RIP] = u->rip};
    for (int i = 0; i <= REG_RIP; i++)
        g[i] = (greg_t)values[i];
}

static struct stepped *find_thread(pid_t tid)
{
    for (int i = 0; i < MAX_THREADS; i++)
        if (job.threads[i].tid == tid)
            return &job.threads[i];
    return NULL;
}

static struct stepped *find_or_add_thread(pid_t tid)
{
    struct stepped *t = find_thread(tid);
    if (!t && (t = find_thread(0)) != NULL) {
        memset(t, 0, sizeof *t);
        t->tid = tid;
        job.report->threads++;
    }
    return t;
}

static void forget_thread(pid_t tid)
{
    struct stepped *t = find_thread(tid);
    if (t)
        t->tid = 0;
}

/* A thread has stopped, by its step, or before a signal. */
static void on_stop(pid_t tid, int status, ucontext_t *context)
{
    struct stepped *t = find_or_add_thread(tid);
    struct user_regs_struct u;
    int number = WSTOPSIG(status), event = status >> 16;
    if (!t || trace(PTRACE_GETREGS, tid, NULL, (uintptr_t)&u) != 0)
        return;
    t->signal = 0;
    if (event == 0 && number != SIGTRAP) {
        t->signal = number;
        t->delivered = true;
    } else if (event == 0 && atomic_load(&job.begun)) {
        follow_calls(t, u.rip, u.rsp);
        if (u.rip != t->ip) {
            fill_context(context, &u);
            compare(t, context, u.rip);
        }
    }
    t->ip = u.rip;
    t->sp = u.rsp;
}

static void attach(void)
{
    int status;
    if (trace(PTRACE_SEIZE, job.tracee, NULL, PTRACE_O_TRACECLONE) != 0 ||
        trace(PTRACE_INTERRUPT, job.tracee, NULL, 0) != 0 ||
        syscall(SYS_wait4, job.tracee, &status, __WALL, NULL) < 0) {
        atomic_store(&job.attached, -errno);
        return;
    }
    atomic_store(&job.attached, 1);
}

/* One that was still stepping when its tracer went would die of the trap. */
static void release_all(pid_t stopped)
{
    int status;
    for (int i = 0; i < MAX_THREADS; i++) {
        pid_t tid = job.threads[i].tid;
        if (tid != stopped &&
            (trace(PTRACE_INTERRUPT, tid, NULL, 0) != 0 ||
                syscall(SYS_wait4, tid, &status, __WALL, NULL) != tid || !WIFSTOPPED(status)))
            continue; /* it has ended */
        trace(PTRACE_DETACH, tid, NULL, 0);
    }
}

/* The handler of the signal that the stepper sends itself, for the sake of the frame it makes. */
static void step_on(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    pid_t tid = job.tracee;
    int status;
    attach();
    if (atomic_load(&job.attached) != 1)
        return;
    trace(PTRACE_SINGLESTEP, tid, NULL, 0);
    while ((tid = (pid_t)syscall(SYS_wait4, -1, &status, __WALL, NULL)) > 0) {
        if (!WIFSTOPPED(status)) {
            forget_thread(tid);
            continue;
        }
        on_stop(tid, status, context);
        if (atomic_exchange(&job.refresh, false))
            unwind_refresh();
        if (tid == job.tracee && (atomic_load(&job.ended) || job.report->instructions >= job.max))
            break;
        struct stepped *t = find_thread(tid);
        trace(PTRACE_SINGLESTEP, tid, NULL, t ? (uintptr_t)t->signal : 0);
    }
    release_all(tid);
    syscall(SYS_exit, 0); /* returning would make this process the one that it stepped */
}

/* On thread-local storage of the thread that made us, which sleeps meanwhile. */
static int stepper(void *unused)
{
    (void)unused;
    struct sigaction on = {.sa_sigaction = step_on, .sa_flags = SA_SIGINFO}, death = {.sa_handler = on_death};
    sigaction(SIGUSR1, &on, NULL);
    sigaction(SIGSEGV, &death, NULL);
    sigaction(SIGBUS, &death, NULL);
    syscall(SYS_kill, (pid_t)syscall(SYS_getpid), SIGUSR1);
    return 0;
}

static void *host_stepper(void *stack)
{
    int status;
    pid_t pid = clone(stepper, (char *)stack + STEPPER_STACK, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
    if (pid < 0)
        atomic_store(&job.attached, -errno);
    else
        syscall(SYS_wait4, pid, &status, __WALL, NULL);
    return NULL;
}

static struct unwind_memory own_stack(void)
{
    pthread_attr_t attr;
    void *lo;
    size_t size;
    pthread_getattr_np(pthread_self(), &attr);
    pthread_attr_getstack(&attr, &lo, &size);
    pthread_attr_destroy(&attr);
    return (struct unwind_memory){(uintptr_t)lo, (uintptr_t)lo + size, lo};
}

/* To wake each other on one processor takes a tenth of what it does across two. */
static void pin(cpu_set_t *before)
{
    cpu_set_t one;
    sched_getaffinity(0, sizeof *before, before);
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    sched_setaffinity(0, sizeof one, &one);
}

void steps_refresh(void)
{
    atomic_store(&job.refresh, true);
}

int steps_run(void (*work)(void *arg), void *arg, long max, struct steps_report *out)
{
    pthread_t host;
    cpu_set_t before;
    memset(&job, 0, sizeof job);
    memset(out, 0, sizeof *out);
    job.tracee = (pid_t)syscall(SYS_gettid);
    job.memory = own_stack();
    job.report = out;
    job.max = max;
    pin(&before);
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0); /* where only ancestors may trace */
    void *stack = mmap(NULL, STEPPER_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED || unwind_refresh() || pthread_create(&host, NULL, host_stepper, stack))
        return -ENOMEM;
    while (!atomic_load(&job.attached))
        ;
    int r = atomic_load(&job.attached);
    if (r == 1) {
        atomic_store(&job.begun, true);
        work(arg);
    }
    atomic_store(&job.ended, true);
    pthread_join(host, NULL);
    munmap(stack, STEPPER_STACK);
    sched_setaffinity(0, sizeof before, &before);
    return r == 1 ? 0 : r;
}

#endif
