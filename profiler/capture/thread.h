#ifndef CAPTURE_THREAD_H
#define CAPTURE_THREAD_H

#include "capture/labelset.h"
#include "capture/stacks.h"
#include "capture/threads.h"
#include "capture/unwind.h"

#include <pthread.h>
#include <stdatomic.h>

/*
 * A record for each thread of the process, in a pool of its own that is never given back, so that a handler
 * or a dumper may look at any record at any time.
 *
 *     thread_tls (initial-exec) ─► struct thread in the pool ◄─ thread_at(0 .. thread_count())
 *
 * A record is taken by the creator (pthread_create's wrapper), by the thread itself at its first wrapped
 * wait, or for it by thread_enumerate; it is given back by the thread's last TLS destructor, which also runs
 * after cancellation and pthread_exit, or by thread_enumerate when the thread has gone without one. Fields
 * are written by their thread alone unless they say otherwise.
 */

enum { THREAD_MAX = 65536, THREAD_SESSIONS = 8, THREAD_CREATED_SLOTS = 4096 };

/* What a thread leaves behind before it blocks. Only its owner writes; anybody may copy. */
struct parked {
    _Atomic uint32_t sequence; /* odd while parked; changes whenever the rest does */
    uint32_t reason;           /* enum thread_state */
    struct unwind_regs regs;
    uintptr_t scope; /* where on its stack the wrapper keeps park_cookie(): gone when the frame is gone */
    uintptr_t object;
    int64_t since_ticks;
};

struct thread {
    _Atomic pid_t tid; /* 0: nobody's yet, or free */
    _Alignas(64) struct parked parked;
    bool is_profiler;
    bool deaf;     /* threads.c: did not answer the last time */
    uint8_t loses; /* contention.c, while busy: of which tables a jump would cost an event */
    uintptr_t
        busy; /* in a wrapper's slow path, where on its stack: what happens there is not recorded again */
    struct bucket *bucket;           /* contention.c: whose lock it takes, has, or lets go of */
    struct contention_wait *waiting; /* contention.c: the innermost wait that is accounted for */
    uint64_t random;                 /* state of thread_random */
    uintptr_t stack_lo, stack_hi; /* what may be read directly when the stack pointer is in it; 0 unknown */
    char name[16];            /* written by pthread_setname_np's wrapper, too; a torn read is a torn name */
    _Atomic uint32_t renames; /* thread.c: how often, by others */
    _Atomic(const struct label_set *) labels; /* threadlabels.c: a store of its thread's; anybody may read */
    uint32_t created_slot;                    /* in thread_created_table, or STACKS_NONE */
    pthread_t self;                           /* once the thread knows its record; else 0 */
    void *(*start)(void *);                   /* what pthread_create was asked to run */
    void *argument;
    uint32_t found_before; /* thread.c: records found by enumeration when this one was prepared */
    int destructor_rounds;
    _Atomic int timer_state; /* this and the next two: cpu_timer.c */
    int timer_id;
    int64_t timer_cpu_ns;       /* the CPU clock when its account was opened */
    _Atomic int64_t met_cpu_ns; /* cpu.c: the CPU clock at the last look */
    _Atomic uint32_t account;   /* which one this is of all there were */
    _Atomic int watch_state;    /* cpu_watch.c */
    /* cpu.c, by session: */
    _Atomic uint32_t session_seen[THREAD_SESSIONS];  /* whose session the next two speak of */
    _Atomic int64_t session_cpu_ns[THREAD_SESSIONS]; /* up to where on the CPU clock all was charged */
    uint32_t session_slot[THREAD_SESSIONS];          /* the stack of the last look */
    _Atomic uint32_t next_free;                      /* guard: the free list's compare-and-swap */
};

static inline uintptr_t park_cookie(const struct thread *t, uint32_t sequence)
{
    return (uintptr_t)t ^ ((uintptr_t)sequence << 32) ^ UINT64_C(0x5ca1ab1e);
}

/* The calling thread's record; NULL before it has one, THREAD_GONE after it gave it back. */
extern __thread struct thread *thread_tls __attribute__((tls_model("initial-exec")));
#define THREAD_GONE ((struct thread *)1)

/* The pool and the key, once; 0 or ERR_NOMEM. Any thread. */
int thread_init(void);
void thread_after_fork(void); /* keeps the calling thread's record alone */

/* The caller's record, made now if it has none; NULL when there is none to be had or it is on its way out.
 * Signal-safe. */
struct thread *thread_self_slow_sigsafe(void);

static inline struct thread *thread_self(void)
{
    struct thread *t = thread_tls;
    if (__builtin_expect((uintptr_t)t > (uintptr_t)THREAD_GONE, 1))
        return t;
    return t == THREAD_GONE ? NULL : thread_self_slow_sigsafe();
}

/* In a handler of ours: the caller's record, adopting `expected` (which thread_enumerate made) if the caller
 * has none yet. NULL when there is none. Signal-safe. */
struct thread *thread_adopt_sigsafe(struct thread *expected);

/* For pthread_create: a record for a thread to be, with the labels of its creator and the stack that creates
 * it (NULL: that is not asked for); then, in the new thread, begin; or, when it could not be made, abandon.
 */
struct thread *thread_prepare(const struct unwind_regs *here, const pthread_attr_t *attr);
void thread_begin(struct thread *t);
void thread_abandon(struct thread *t);

/* pthread_setname_np has named a thread, or prctl the calling one. */
void thread_renamed(pthread_t thread, const char *name);
void thread_renamed_self(void);

/* Finds threads that have no record and gives them one; drops records whose threads are gone. Outside
 * handlers; reads /proc. Does nothing when the kernel counts as many threads as we do, unless forced. */
int thread_enumerate(bool forced);

uint32_t thread_count(void); /* records used so far; those with tid 0 are to be skipped */
struct thread *thread_at(uint32_t i);

/* Marks the caller as one of the profiler's own. */
void thread_exclude_self(void);

/* Finds out, by one system call a quarter of a megabyte, whether all from sp to what is known of the caller's
 * stack may be read, and if so notes it. For threads that were there before capture. Signal-safe. */
void thread_probe_stack_sigsafe(struct thread *t, uintptr_t sp);

/* What may be read directly of the caller's stack, when its pointer is sp; NULL: nothing. Signal-safe. */
static inline struct unwind_memory thread_memory(struct thread *t, uintptr_t sp)
{
    if (!t)
        return (struct unwind_memory){0};
    if (__builtin_expect(sp < t->stack_lo, 0))
        thread_probe_stack_sigsafe(t, sp);
    return (struct unwind_memory){t->stack_lo, t->stack_hi, (const char *)t->stack_lo};
}

/* Uniform in [0, 2^64), per thread, not for secrets. Signal-safe. */
static inline uint64_t thread_random(struct thread *t)
{
    uint64_t x = t->random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    t->random = x;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}

/* Stacks that created threads: values live, ever. NULL before thread_init. */
extern struct stacks *thread_created_table;

#endif
