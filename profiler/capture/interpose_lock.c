#include "capture/contention_wait.h"
#include "capture/interpose.h"

#include "base/clock.h"

const int interpose_lock_linked = 1;

/*
 * Locks: mutexes and rwlocks, whose waits and releases are accounted for (contention.c), then what one waits
 * on without there being a holder. Peeking at glibc's lock word keeps the uncontended case at a load or two;
 * the layout has been the same since glibc 2.25 and is public ABI through PTHREAD_MUTEX_INITIALIZER.
 */

#define ENTER()              \
    struct unwind_regs here; \
    UNWIND_HERE(&here)

/* Declares a wait for a lock named w, parked and accounted for up to the end of the block. */
#define WAIT(w, thread, regs, reason, what)                                                              \
    PARK(park, (regs), (reason), (what));                                                                \
    struct contention_wait w                                                                             \
        __attribute__((cleanup(contention_wait_end))) = {.t = (thread), .lock = (what), .here = (regs)}; \
    contention_wait_begin(&w)

/* ---- mutex ----------------------------------------------------------------------------------------------
 */

enum {
    KIND_MASK = 3,
    KIND_RECURSIVE = PTHREAD_MUTEX_RECURSIVE,
    KIND_NORMAL = PTHREAD_MUTEX_TIMED_NP,
    KIND_ADAPTIVE = PTHREAD_MUTEX_ADAPTIVE_NP,
    KIND_PROCESS_SHARED = 128
};

static inline int mutex_kind(const pthread_mutex_t *m)
{
    return __atomic_load_n(&m->__data.__kind, __ATOMIC_RELAXED);
}

static inline uint32_t mutex_word(const pthread_mutex_t *m)
{
    return (uint32_t)__atomic_load_n(&m->__data.__lock, __ATOMIC_RELAXED);
}

static bool is_own(const pthread_mutex_t *m, const struct thread *t)
{
    return m->__data.__owner == atomic_load_explicit(&t->tid, memory_order_relaxed);
}

enum wait_kind { WAIT_FOREVER, WAIT_REALTIME, WAIT_CLOCK };

static int mutex_call(pthread_mutex_t *m, enum wait_kind kind, clockid_t clock, const struct timespec *until)
{
    switch (kind) {
    case WAIT_REALTIME:
        return interpose_real.pthread_mutex_timedlock(m, until);
    case WAIT_CLOCK:
        return interpose_real.pthread_mutex_clocklock(m, clock, until);
    default:
        return interpose_real.pthread_mutex_lock(m);
    }
}

/* The lock is held, or was a moment ago. */
static __attribute__((noinline)) int mutex_wait(pthread_mutex_t *m, enum wait_kind kind, clockid_t clock,
    const struct timespec *until, const struct unwind_regs *here)
{
    struct thread *t = interpose_on() ? thread_self() : NULL;
    if (!t || t->busy)
        return mutex_call(m, kind, clock, until);
    /* Locked again by its owner: counted, or refused; only the plain kind waits (for ever). */
    if (is_own(m, t) && (mutex_kind(m) & KIND_MASK) != KIND_NORMAL)
        return mutex_call(m, kind, clock, until);
    /* It has waiters but looked free: whether we wait shows only now. */
    if (mutex_word(m) == 0) {
        int r = interpose_real.pthread_mutex_trylock(m);
        if (r != EBUSY)
            return r;
    }
    bool elsewhere = mutex_kind(m) & KIND_PROCESS_SHARED;
    WAIT(w, t, here, THREAD_MUTEX, m);
    int r = mutex_call(m, kind, clock, until);
    if (r == 0 || r == EOWNERDEAD)
        w.outcome = elsewhere || r == EOWNERDEAD ? CONTENTION_FROM_ELSEWHERE : CONTENTION_TAKEN;
    return r;
}

/* Two loads and one branch, which is not taken while nobody waits. Whether we are on is asked behind it. */
static inline bool mutex_may_wait(const pthread_mutex_t *m)
{
    return __builtin_expect((mutex_word(m) | contention_activity(m)) != 0, 0);
}

/* What interpose_real has at first. Should it not even be possible to resolve now, because we are called from
 * there, there is only one thread, and nothing to lock against. */
int interpose_first_lock(pthread_mutex_t *m)
{
    interpose_resolve();
    int (*real)(pthread_mutex_t *) = interpose_real.pthread_mutex_lock;
    return real != interpose_first_lock ? real(m) : 0;
}

int interpose_first_unlock(pthread_mutex_t *m)
{
    interpose_resolve();
    int (*real)(pthread_mutex_t *) = interpose_real.pthread_mutex_unlock;
    return real != interpose_first_unlock ? real(m) : 0;
}

/* The two that every program calls all the time. Without a frame pointer of their own, the way through is a
 * branch that is not taken, and a jump. */
#define HOT __attribute__((optimize("omit-frame-pointer")))

HOT int pthread_mutex_lock(pthread_mutex_t *m)
{
    if (mutex_may_wait(m)) {
        ENTER();
        return mutex_wait(m, WAIT_FOREVER, 0, NULL, &here);
    }
    return interpose_real.pthread_mutex_lock(m);
}

int pthread_mutex_timedlock(pthread_mutex_t *m, const struct timespec *until)
{
    if (interpose_on() && mutex_may_wait(m)) {
        ENTER();
        return mutex_wait(m, WAIT_REALTIME, 0, until, &here);
    }
    return interpose_real.pthread_mutex_timedlock(m, until);
}

int pthread_mutex_clocklock(pthread_mutex_t *m, clockid_t clock, const struct timespec *until)
{
    if (interpose_on() && mutex_may_wait(m)) {
        ENTER();
        return mutex_wait(m, WAIT_CLOCK, clock, until, &here);
    }
    return interpose_real.pthread_mutex_clocklock(m, clock, until);
}

int pthread_mutex_trylock(pthread_mutex_t *m)
{
    if (__builtin_expect(!interpose_real.pthread_mutex_trylock, 0)) {
        interpose_resolve();
        if (!interpose_real.pthread_mutex_trylock)
            return 0;
    }
    return interpose_real.pthread_mutex_trylock(m);
}

/* The caller is about to let go of a lock that others may have waited for. */
static __attribute__((noinline)) void mutex_release(pthread_mutex_t *m, const struct unwind_regs *here)
{
    struct thread *t = interpose_on() ? thread_self() : NULL;
    int kind = mutex_kind(m) & KIND_MASK;
    if (!t || t->busy)
        return;
    if (kind != KIND_NORMAL && kind != KIND_ADAPTIVE && !is_own(m, t))
        return; /* refused */
    if (kind == KIND_RECURSIVE && m->__data.__count > 1)
        return; /* it stays locked */
    contention_release(t, m, here);
}

HOT int pthread_mutex_unlock(pthread_mutex_t *m)
{
    if (__builtin_expect(contention_is_active(m), 0)) {
        ENTER();
        mutex_release(m, &here);
    }
    return interpose_real.pthread_mutex_unlock(m);
}

/* ---- rwlock ---------------------------------------------------------------------------------------------
 */

enum { RW_WRITE_LOCKED = 2, RW_READERS_SHIFT = 3 };

static inline uint32_t rwlock_word(const pthread_rwlock_t *l)
{
    return __atomic_load_n(&l->__data.__readers, __ATOMIC_RELAXED);
}

static inline bool read_may_wait(const pthread_rwlock_t *l)
{
    return __builtin_expect((rwlock_word(l) & RW_WRITE_LOCKED) != 0 || contention_is_active(l), 0);
}

static inline bool write_may_wait(const pthread_rwlock_t *l)
{
    uint32_t word = rwlock_word(l);
    return __builtin_expect(
        (word & RW_WRITE_LOCKED) != 0 || word >> RW_READERS_SHIFT != 0 || contention_is_active(l), 0);
}

static int rwlock_call(pthread_rwlock_t *l, bool write, const struct timespec *until)
{
    if (until)
        return write ? interpose_real.pthread_rwlock_timedwrlock(l, until)
                     : interpose_real.pthread_rwlock_timedrdlock(l, until);
    return write ? interpose_real.pthread_rwlock_wrlock(l) : interpose_real.pthread_rwlock_rdlock(l);
}

static __attribute__((noinline)) int rwlock_wait(
    pthread_rwlock_t *l, bool write, const struct timespec *until, const struct unwind_regs *here)
{
    struct thread *t = thread_self();
    if (!t || t->busy)
        return rwlock_call(l, write, until);
    int r = write ? interpose_real.pthread_rwlock_trywrlock(l) : interpose_real.pthread_rwlock_tryrdlock(l);
    if (r != EBUSY)
        return r == EAGAIN ? rwlock_call(l, write, until) : r;
    bool elsewhere = l->__data.__shared != 0;
    WAIT(w, t, here, write ? THREAD_RWLOCK_WRITE : THREAD_RWLOCK_READ, l);
    r = rwlock_call(l, write, until);
    if (r == 0)
        w.outcome = elsewhere ? CONTENTION_FROM_ELSEWHERE : write ? CONTENTION_TAKEN : CONTENTION_SHARED;
    return r;
}

int pthread_rwlock_rdlock(pthread_rwlock_t *l)
{
    if (interpose_on() && read_may_wait(l)) {
        ENTER();
        return rwlock_wait(l, false, NULL, &here);
    }
    return interpose_real.pthread_rwlock_rdlock(l);
}

int pthread_rwlock_wrlock(pthread_rwlock_t *l)
{
    if (interpose_on() && write_may_wait(l)) {
        ENTER();
        return rwlock_wait(l, true, NULL, &here);
    }
    return interpose_real.pthread_rwlock_wrlock(l);
}

int pthread_rwlock_timedrdlock(pthread_rwlock_t *l, const struct timespec *until)
{
    if (interpose_on() && read_may_wait(l)) {
        ENTER();
        return rwlock_wait(l, false, until, &here);
    }
    return interpose_real.pthread_rwlock_timedrdlock(l, until);
}

int pthread_rwlock_timedwrlock(pthread_rwlock_t *l, const struct timespec *until)
{
    if (interpose_on() && write_may_wait(l)) {
        ENTER();
        return rwlock_wait(l, true, until, &here);
    }
    return interpose_real.pthread_rwlock_timedwrlock(l, until);
}

static __attribute__((noinline)) void rwlock_release(pthread_rwlock_t *l, const struct unwind_regs *here)
{
    struct thread *t = thread_self();
    if (!t || t->busy)
        return;
    if (l->__data.__cur_writer == atomic_load_explicit(&t->tid, memory_order_relaxed))
        contention_release(t, l, here);
    else
        contention_release_shared(t, l, here);
}

int pthread_rwlock_unlock(pthread_rwlock_t *l)
{
    if (interpose_on() && __builtin_expect(contention_is_active(l), 0)) {
        ENTER();
        rwlock_release(l, &here);
    }
    return interpose_real.pthread_rwlock_unlock(l);
}

/* ---- waits without a holder -----------------------------------------------------------------------------
 */

/* A wait that is recorded when it is over, also by cancellation. */
struct blocked {
    struct park *park;
    const struct unwind_regs *here;
    int64_t began_ns;
};

static void blocked_leave(struct blocked *b)
{
    if (b->park->t)
        contention_block_end(b->park->t, b->began_ns, b->here);
}

#define BLOCK(here, reason, object) BLOCK_IF(true, here, reason, object)
#define BLOCK_IF(on, here, reason, object)                                     \
    PARK_IF((on), park, (here), (reason), (object));                           \
    struct blocked blocked __attribute__((cleanup(blocked_leave), unused)) = { \
        &park, (here), park.t && !park.t->busy ? contention_block_begin() : 0}

/* Waiting on a condition releases the mutex inside libc, where no wrapper sees it. */
static void release_for_cond(pthread_mutex_t *m, const struct unwind_regs *here)
{
    if (contention_is_active(m))
        mutex_release(m, here);
}

int pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m)
{
    if (!interpose_on())
        return interpose_real.pthread_cond_wait(c, m);
    ENTER();
    release_for_cond(m, &here);
    BLOCK(&here, THREAD_COND, c);
    return interpose_real.pthread_cond_wait(c, m);
}

int pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *until)
{
    if (!interpose_on())
        return interpose_real.pthread_cond_timedwait(c, m, until);
    ENTER();
    release_for_cond(m, &here);
    BLOCK(&here, THREAD_COND, c);
    return interpose_real.pthread_cond_timedwait(c, m, until);
}

int pthread_cond_clockwait(
    pthread_cond_t *c, pthread_mutex_t *m, clockid_t clock, const struct timespec *until)
{
    if (!interpose_on())
        return interpose_real.pthread_cond_clockwait(c, m, clock, until);
    ENTER();
    release_for_cond(m, &here);
    BLOCK(&here, THREAD_COND, c);
    return interpose_real.pthread_cond_clockwait(c, m, clock, until);
}

/* Nothing to wait for: then it is no wait, but still a cancellation point, which the real one sees to. */
static bool sem_is_free(sem_t *s)
{
    int value;
    return sem_getvalue(s, &value) == 0 && value > 0;
}

int sem_wait(sem_t *s)
{
    if (!interpose_on() || sem_is_free(s))
        return interpose_real.sem_wait(s);
    ENTER();
    BLOCK(&here, THREAD_SEMAPHORE, s);
    int r;
    do
        r = interpose_real.sem_wait(s);
    while (r != 0 && errno == EINTR && park_resume());
    return r;
}

int sem_timedwait(sem_t *s, const struct timespec *until)
{
    bool on = interpose_on();
    if (sem_is_free(s))
        return interpose_real.sem_timedwait(s, until);
    ENTER();
    BLOCK_IF(on, &here, THREAD_SEMAPHORE, s);
    int r;
    do
        r = interpose_real.sem_timedwait(s, until);
    while (r != 0 && errno == EINTR && park_resume());
    return r;
}

int sem_clockwait(sem_t *s, clockid_t clock, const struct timespec *until)
{
    bool on = interpose_on();
    if (sem_is_free(s))
        return interpose_real.sem_clockwait(s, clock, until);
    ENTER();
    BLOCK_IF(on, &here, THREAD_SEMAPHORE, s);
    int r;
    do
        r = interpose_real.sem_clockwait(s, clock, until);
    while (r != 0 && errno == EINTR && park_resume());
    return r;
}

int pthread_barrier_wait(pthread_barrier_t *b)
{
    if (!interpose_on())
        return interpose_real.pthread_barrier_wait(b);
    ENTER();
    BLOCK(&here, THREAD_BARRIER, b);
    int r = interpose_real.pthread_barrier_wait(b);
    if (r == PTHREAD_BARRIER_SERIAL_THREAD) /* to glibc, the last to come: it did not wait */
        blocked.began_ns = 0;
    return r;
}

int pthread_join(pthread_t thread, void **result)
{
    if (!interpose_on())
        return interpose_real.pthread_join(thread, result);
    int r = interpose_real.pthread_tryjoin_np(thread, result);
    if (r != EBUSY)
        return r; /* it had ended: no wait */
    ENTER();
    BLOCK(&here, THREAD_JOIN, thread);
    return interpose_real.pthread_join(thread, result);
}

int pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *until)
{
    if (!interpose_on())
        return interpose_real.pthread_timedjoin_np(thread, result, until);
    ENTER();
    BLOCK(&here, THREAD_JOIN, thread);
    return interpose_real.pthread_timedjoin_np(thread, result, until);
}
