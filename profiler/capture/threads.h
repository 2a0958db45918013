#ifndef CAPTURE_THREADS_H
#define CAPTURE_THREADS_H

#include "capture/snapshot.h"

#include <sys/types.h>

/*
 * Every thread of the process: where it is, what it waits for and since when, who holds that, and where it
 * was created. Threads parked in a wrapped call are read without being disturbed; only the others get a
 * signal (with SA_RESTART).
 */

#define THREAD_STATES(X)                                                     \
    X(RUNNING, "running")                                                    \
    X(SYSCALL, "syscall") /* in the kernel, in a call that is not wrapped */ \
    X(MUTEX, "mutex wait")                                                   \
    X(COND, "condition wait")                                                \
    X(RWLOCK_READ, "rwlock read wait")                                       \
    X(RWLOCK_WRITE, "rwlock write wait")                                     \
    X(SEMAPHORE, "semaphore wait")                                           \
    X(BARRIER, "barrier wait")                                               \
    X(JOIN, "thread join")                                                   \
    X(POLL, "poll")                                                          \
    X(SLEEP, "sleep")                                                        \
    X(READ, "IO read")                                                       \
    X(WRITE, "IO write")                                                     \
    X(ACCEPT, "accept")                                                      \
    X(CONNECT, "connect")                                                    \
    X(WAITPID, "wait for child")                                             \
    X(FILE_LOCK, "file lock wait")                                           \
    X(SIGNAL, "signal wait")                                                 \
    X(UNKNOWN, "unknown") /* did not answer in time, or its stack could not be read */

enum thread_state {
#define X(name, text) THREAD_##name,
    THREAD_STATES(X)
#undef X
};

const char *thread_state_text(enum thread_state state);

struct thread_info {
    pid_t tid;
    char name[16];
    enum thread_state state;
    int64_t waiting_ns;  /* how long it has been in that state; 0 when running or unknown */
    uintptr_t waits_for; /* the address of the lock, or 0 */
    pid_t holder;        /* tid of the lock's holder, or of the thread that a join waits for, or 0 */
    bool still_waits;    /* it waited for that from before the first holder was looked up to after the
                            last one was, so that those of several threads are true together */
    int64_t cpu_ns;      /* CPU time so far, of one that waits perhaps a millisecond less; -1 when unknown */
    bool is_profiler;    /* one of the library's own threads */
    const struct label_set *labels; /* or NULL; its record has them, too */
    uint32_t record;                /* its stack: index into stacks.records; equal ones share it */
    uint32_t created_record;        /* where it was created, or NO_RECORD */
};

#define NO_RECORD UINT32_MAX

struct threads_snapshot {
    VEC(struct thread_info) threads; /* by tid */
    struct snapshot stacks;          /* values: 1 */
};

/* All threads, the library's own included (is_profiler); the caller decides what to show. Takes
 * milliseconds with thousands of threads. ERR_NOMEM or 0. Caller: threads_snapshot_fini. */
int threads_snapshot(struct threads_snapshot *out);

/* The same with less: no holders, places of creation or CPU times. */
int threads_snapshot_stacks(struct threads_snapshot *out);
void threads_snapshot_fini(struct threads_snapshot *s);

/* The thread of that number, or NULL. */
const struct thread_info *threads_find(const struct threads_snapshot *s, pid_t tid);

/* Stacks that created threads. values: threads created from there that still live, and created ever. */
int threads_created_snapshot(struct snapshot *out);

#endif
