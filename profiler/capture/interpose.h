#ifndef CAPTURE_INTERPOSE_H
#define CAPTURE_INTERPOSE_H

#include "capture/signals.h"
#include "capture/thread.h"
#include "capture/ticks.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

/*
 * The wrappers around pthread and blocking calls, in interpose_lock.c, interpose_io.c, interpose_ipc.c,
 * interpose_signal.c and interpose_thread.c; what ends up in those, interpose_c11.c and
 * interpose_fortified.c. They are defined under libc's own names and so come before it for the whole process.
 * Each keeps errno, results and cancellation as they are:
 *
 *     off (or not resolved yet) ──────────────────────────────► the real function
 *     on, and it may block: leave a parked record, call the real one, withdraw the record
 *     off, and a signal would end it: leave a note on the stack instead, for captures that begin meanwhile
 *     the call failed with EINTR because of a signal of ours:   call it again for the time that remains
 *
 * Records nest: a signal handler of the program's that waits while its thread is parked puts the outer record
 * back when it is done. One that leaves by longjmp withdraws it (should it only have jumped within itself,
 * the thread passes for a running one until that wait ends); if it leaves by other means, whoever reads the
 * record finds that the frame it names is gone, by its cookie, once that part of the stack was used again.
 *
 * Not covered: waits that libc makes itself (stdio's locks, getaddrinfo) and raw system calls. Their threads
 * are asked by signal where that ends nothing, and else looked at from outside (asleep.c).
 */

#define INTERPOSED(X)                                                                                       \
    X(int, pthread_mutex_lock, (pthread_mutex_t *), NULL)                                                   \
    X(int, pthread_mutex_unlock, (pthread_mutex_t *), NULL)                                                 \
    X(int, pthread_mutex_trylock, (pthread_mutex_t *), NULL)                                                \
    X(int, pthread_mutex_timedlock, (pthread_mutex_t *, const struct timespec *), NULL)                     \
    X(int, pthread_mutex_clocklock, (pthread_mutex_t *, clockid_t, const struct timespec *), NULL)          \
    X(int, pthread_cond_wait, (pthread_cond_t *, pthread_mutex_t *), "GLIBC_2.3.2")                         \
    X(int, pthread_cond_timedwait, (pthread_cond_t *, pthread_mutex_t *, const struct timespec *),          \
        "GLIBC_2.3.2")                                                                                      \
    X(int, pthread_cond_clockwait,                                                                          \
        (pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *), NULL)                    \
    X(int, pthread_rwlock_rdlock, (pthread_rwlock_t *), NULL)                                               \
    X(int, pthread_rwlock_wrlock, (pthread_rwlock_t *), NULL)                                               \
    X(int, pthread_rwlock_tryrdlock, (pthread_rwlock_t *), NULL)                                            \
    X(int, pthread_rwlock_trywrlock, (pthread_rwlock_t *), NULL)                                            \
    X(int, pthread_rwlock_timedrdlock, (pthread_rwlock_t *, const struct timespec *), NULL)                 \
    X(int, pthread_rwlock_timedwrlock, (pthread_rwlock_t *, const struct timespec *), NULL)                 \
    X(int, pthread_rwlock_unlock, (pthread_rwlock_t *), NULL)                                               \
    X(int, sem_wait, (sem_t *), NULL)                                                                       \
    X(int, sem_timedwait, (sem_t *, const struct timespec *), NULL)                                         \
    X(int, sem_clockwait, (sem_t *, clockid_t, const struct timespec *), NULL)                              \
    X(int, pthread_barrier_wait, (pthread_barrier_t *), NULL)                                               \
    X(int, pthread_join, (pthread_t, void **), NULL)                                                        \
    X(int, pthread_tryjoin_np, (pthread_t, void **), NULL)                                                  \
    X(int, pthread_timedjoin_np, (pthread_t, void **, const struct timespec *), NULL)                       \
    X(int, pthread_create, (pthread_t *, const pthread_attr_t *, void *(*)(void *), void *), NULL)          \
    X(int, pthread_setname_np, (pthread_t, const char *), NULL)                                             \
    X(int, prctl, (int, unsigned long, unsigned long, unsigned long, unsigned long), NULL)                  \
    X(void, longjmp, (struct __jmp_buf_tag *, int), NULL)                                                   \
    X(void, _longjmp, (struct __jmp_buf_tag *, int), NULL)                                                  \
    X(void, siglongjmp, (struct __jmp_buf_tag *, int), NULL)                                                \
    X(void, __longjmp_chk, (struct __jmp_buf_tag *, int), NULL)                                             \
    X(int, pthread_sigmask, (int, const sigset_t *, sigset_t *), NULL)                                      \
    X(int, sigprocmask, (int, const sigset_t *, sigset_t *), NULL)                                          \
    X(int, sigwait, (const sigset_t *, int *), NULL)                                                        \
    X(int, sigtimedwait, (const sigset_t *, siginfo_t *, const struct timespec *), NULL)                    \
    X(int, sigsuspend, (const sigset_t *), NULL)                                                            \
    X(int, pause, (void), NULL)                                                                             \
    X(int, signalfd, (int, const sigset_t *, int), NULL)                                                    \
    X(int, poll, (struct pollfd *, nfds_t, int), NULL)                                                      \
    X(int, ppoll, (struct pollfd *, nfds_t, const struct timespec *, const sigset_t *), NULL)               \
    X(int, select, (int, fd_set *, fd_set *, fd_set *, struct timeval *), NULL)                             \
    X(int, pselect, (int, fd_set *, fd_set *, fd_set *, const struct timespec *, const sigset_t *), NULL)   \
    X(int, epoll_wait, (int, struct epoll_event *, int, int), NULL)                                         \
    X(int, epoll_pwait, (int, struct epoll_event *, int, int, const sigset_t *), NULL)                      \
    X(int, epoll_pwait2, (int, struct epoll_event *, int, const struct timespec *, const sigset_t *), NULL) \
    X(ssize_t, msgrcv, (int, void *, size_t, long, int), NULL)                                              \
    X(int, msgsnd, (int, const void *, size_t, int), NULL)                                                  \
    X(int, semop, (int, struct sembuf *, size_t), NULL)                                                     \
    X(int, semtimedop, (int, struct sembuf *, size_t, const struct timespec *), NULL)                       \
    X(int, flock, (int, int), NULL)                                                                         \
    X(int, fcntl, (int, int, ...), NULL)                                                                    \
    X(int, clock_nanosleep, (clockid_t, int, const struct timespec *, struct timespec *), "GLIBC_2.17")     \
    X(ssize_t, read, (int, void *, size_t), NULL)                                                           \
    X(ssize_t, readv, (int, const struct iovec *, int), NULL)                                               \
    X(ssize_t, recv, (int, void *, size_t, int), NULL)                                                      \
    X(ssize_t, recvfrom, (int, void *, size_t, int, struct sockaddr *, socklen_t *), NULL)                  \
    X(ssize_t, recvmsg, (int, struct msghdr *, int), NULL)                                                  \
    X(ssize_t, write, (int, const void *, size_t), NULL)                                                    \
    X(ssize_t, writev, (int, const struct iovec *, int), NULL)                                              \
    X(ssize_t, send, (int, const void *, size_t, int), NULL)                                                \
    X(ssize_t, sendto, (int, const void *, size_t, int, const struct sockaddr *, socklen_t), NULL)          \
    X(ssize_t, sendmsg, (int, const struct msghdr *, int), NULL)                                            \
    X(int, accept, (int, struct sockaddr *, socklen_t *), NULL)                                             \
    X(int, accept4, (int, struct sockaddr *, socklen_t *, int), NULL)                                       \
    X(int, connect, (int, const struct sockaddr *, socklen_t), NULL)                                        \
    X(pid_t, waitpid, (pid_t, int *, int), NULL)                                                            \
    X(pid_t, wait4, (pid_t, int *, int, struct rusage *), NULL)                                             \
    X(int, waitid, (idtype_t, id_t, siginfo_t *, int), NULL)

struct interpose_functions {
#define X(type, name, args, version) type(*name) args;
    INTERPOSED(X)
#undef X
};

/* What the wrappers look at first: 0 is "resolved, and off". */
enum { INTERPOSE_UNRESOLVED = 1, INTERPOSE_ON = 2 };
/* Hidden: reached without a detour through the global offset table. */
extern _Atomic int interpose_state __attribute__((visibility("hidden")));
extern struct interpose_functions interpose_real __attribute__((visibility("hidden")));

/* What stands there for the two that are called without a look at the state, until they are found. */
int interpose_first_lock(pthread_mutex_t *m);
int interpose_first_unlock(pthread_mutex_t *m);

/* Finds the real functions; idempotent, any thread, before constructors, too. Returns whether capture is on.
 */
bool interpose_resolve(void);

void interpose_switch(bool on);

/* Linker hooks: naming them pulls the wrappers into a program that links libcprof.a. */
extern const int interpose_lock_linked, interpose_io_linked, interpose_thread_linked, interpose_signal_linked,
    interpose_ipc_linked, interpose_fortified_linked, interpose_c11_linked;

/* Whether a wrapper has to do anything. */
static inline bool interpose_on(void)
{
    int state = atomic_load_explicit(&interpose_state, memory_order_relaxed);
    if (__builtin_expect(state == 0, 1))
        return false;
    return state == INTERPOSE_ON || interpose_resolve();
}

/* ---- parking --------------------------------------------------------------------------------------------
 */

/*
 * In the wrapper's frame. Without a record (capture is off, or there is none to be had) `left` is a note:
 * what would be in the record, for whoever finds it on the stack of a thread that sleeps (asleep.c).
 */
struct park {
    struct thread *t; /* NULL: no record */
    struct park *outer;
    volatile uintptr_t cookie;
    bool nested;
    struct parked left; /* the outer record when nested, the note when there is no record, else nothing */
};

static inline uintptr_t park_note_cookie(uintptr_t at)
{
    return at ^ UINT64_C(0x0ff5ca1ab1e);
}

static inline void park_write(struct parked *p, const struct unwind_regs *here, uint32_t reason,
    uintptr_t object, int64_t since, uintptr_t scope)
{
    p->regs = *here;
    p->reason = reason;
    p->object = object;
    p->since_ticks = since;
    p->scope = scope;
}

/* Makes the record readable, or withdraws it: the sequence number turns odd or even. */
static inline void park_turn(struct parked *p)
{
    uint32_t sequence = atomic_load_explicit(&p->sequence, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&p->sequence, sequence + 1, memory_order_release);
    atomic_thread_fence(memory_order_release);
}

static inline void park_enter(
    struct park *k, bool on, const struct unwind_regs *here, enum thread_state reason, uintptr_t object)
{
    struct thread *t = k->t = on ? thread_self() : NULL;
    k->nested = false;
    k->outer = signals_wait.innermost;
    signals_wait.cut_short = false;
    signals_wait.innermost = k;
    if (!t) {
        park_write(&k->left, here, reason, object, ticks_now(), 0);
        k->cookie = park_note_cookie((uintptr_t)&k->cookie);
        return;
    }
    struct parked *p = &t->parked;
    k->nested = atomic_load_explicit(&p->sequence, memory_order_relaxed) & 1;
    if (__builtin_expect(k->nested, 0)) {
        k->left = *p;
        park_turn(p);
    }
    park_write(p, here, reason, object, ticks_now(), (uintptr_t)&k->cookie);
    k->cookie = park_cookie(t, atomic_load_explicit(&p->sequence, memory_order_relaxed) + 1);
    park_turn(p);
}

/* Also runs when the thread is cancelled in the call. */
static inline void park_leave(struct park *k)
{
    signals_wait.innermost = k->outer;
    if (!k->t) {
        k->cookie = 0;
        return;
    }
    struct parked *p = &k->t->parked;
    if ((atomic_load_explicit(&p->sequence, memory_order_relaxed) & 1) == 0)
        return; /* the thread has ended: its record is another's */
    park_turn(p);
    k->cookie = 0;
    if (__builtin_expect(!k->nested, 1))
        return;
    /* A record whose frame is below ours on this stack was stranded by a longjmp. */
    volatile uintptr_t *cookie = (volatile uintptr_t *)k->left.scope;
    if ((uintptr_t)cookie <= (uintptr_t)k)
        return;
    park_write(p, &k->left.regs, k->left.reason, k->left.object, k->left.since_ticks, k->left.scope);
    *cookie = park_cookie(k->t, atomic_load_explicit(&p->sequence, memory_order_relaxed) + 1);
    park_turn(p);
}

/* Declares a parked scope named k, up to the end of the block; with a note only when `on` is false. */
#define PARK_IF(on, k, here, reason, object)            \
    struct park k __attribute__((cleanup(park_leave))); \
    park_enter(&k, (on), (here), (reason), (uintptr_t)(object))
#define PARK(k, here, reason, object) PARK_IF(true, k, here, reason, object)

/* After a failure with EINTR: whether it was a signal of ours, and the call is to be made again. */
static inline bool park_resume(void)
{
    bool resume = signals_wait.cut_short;
    signals_wait.cut_short = false;
    return resume;
}

/* How long the call has lasted. */
static inline int64_t park_elapsed_ns(const struct park *k)
{
    int64_t since = k->t ? k->t->parked.since_ticks : k->left.since_ticks;
    return ticks_ago_ns(since, ticks_now(), clock_monotonic_ns());
}

/* What is left of a timeout. */
static inline struct timespec park_remaining(const struct park *k, const struct timespec *timeout)
{
    int64_t left = (int64_t)timeout->tv_sec * 1000000000 + timeout->tv_nsec - park_elapsed_ns(k);
    if (left < 0)
        left = 0;
    return (struct timespec){left / 1000000000, left % 1000000000};
}

/* Leaves a record, and makes the call until it ends by itself; `again` is what changes before a repetition.
 * PARKED_ALWAYS for what a signal ends even with SA_RESTART. */
#define PARKED_AGAIN(on, type, reason, call, again)                  \
    struct unwind_regs here;                                         \
    UNWIND_HERE(&here);                                              \
    PARK_IF(on, park, &here, reason, 0);                             \
    type result;                                                     \
    while ((result = call) == -1 && errno == EINTR && park_resume()) \
        again;                                                       \
    return result
#define PARKED_ALWAYS(type, reason, call, again) PARKED_AGAIN(interpose_on(), type, reason, call, again)
#define PARKED(type, reason, call) PARKED_AGAIN(true, type, reason, call, (void)0)

#endif
