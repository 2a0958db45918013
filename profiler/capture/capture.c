#include "capture/capture.h"

#include "capture/ask.h"
#include "capture/contention.h"
#include "capture/contention_wait.h"
#include "capture/cpu.h"
#include "capture/cpu_timer.h"
#include "capture/cpuclocks.h"
#include "capture/heap.h"
#include "capture/heap_samples.h"
#include "capture/interpose.h"
#include "capture/rawlock.h"
#include "capture/thread.h"
#include "capture/unwind.h"
#include "capture/wall.h"

#include <stdlib.h>

static struct rawlock switch_lock; /* guards started, and who starts or stops */
static bool started;
static bool has_fork_handlers; /* set once, by watch_forks */

/* ---- fork -----------------------------------------------------------------------------------------------
 */

static __thread sigset_t mask_before_fork;

/* A signal of ours more often than a fork takes would make the kernel start it over for ever. */
static void before_fork(void)
{
    sigset_t ours;
    signals_own(&ours);
    interpose_real.pthread_sigmask(SIG_BLOCK, &ours, &mask_before_fork);
    unwind_before_fork();
}

static void restore_mask(void)
{
    interpose_real.pthread_sigmask(SIG_SETMASK, &mask_before_fork, NULL);
}

static void after_fork_in_parent(void)
{
    unwind_after_fork_in_parent();
    restore_mask();
}

/* A child starts unprofiled: without timers, sessions, other threads' records, or locks they may have held.
 */
static void after_fork_in_child(void)
{
    interpose_switch(false);
    rawlock_reset(&switch_lock);
    started = false;
    cpu_after_fork();
    thread_after_fork();
    ask_after_fork();
    cpuclocks_after_fork();
    wall_after_fork();
    contention_after_fork();
    heap_samples_after_fork();
    unwind_after_fork();
    restore_mask();
}

/* jemalloc starts with the first allocation, and before a fork whoever asked last is asked first: were we
 * asked while its locks are held, nothing of ours could allocate. */
static void watch_forks(void)
{
    void *volatile first = malloc(1);
    free(first);
    has_fork_handlers = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0;
}

/* No lock of ours is held: a child that is forked meanwhile would have it for ever. */
int capture_know_threads(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    interpose_resolve();
    pthread_once(&once, watch_forks);
    return has_fork_handlers ? thread_init() : ERR_NOMEM;
}

/* ---- the switch -----------------------------------------------------------------------------------------
 */

static int prepare(struct error *error)
{
    (void)(interpose_lock_linked + interpose_io_linked + interpose_thread_linked + interpose_signal_linked +
           interpose_ipc_linked + interpose_fortified_linked + interpose_c11_linked);
    if (contention_init())
        return error_set(error, ERR_NOMEM, "no memory for the profiler's tables");
    int r = unwind_prepare();
    if (r == ERR_UNSUPPORTED)
        return error_set(error, r,
            "no unwind tables: the loader was busy as this process was forked, or no copy can be forked to "
            "tell");
    return r ? error_set(error, r, "no memory for unwind tables") : 0;
}

static int start_locked(const struct capture_config *config, struct error *error)
{
    int r = prepare(error);
    if (r)
        return r;
    /* A program on another malloc has no heap profile, which heap_why_unsupported says; the rest is as good.
     */
    r = heap_start(config->heap_rate_bytes);
    if (r && r != ERR_UNSUPPORTED)
        return error_set(error, r, "heap rate %lld: %s", (long long)config->heap_rate_bytes,
            r == ERR_INVALID ? "not a power of two" : error_text(r));
    contention_set_mutex_fraction(config->mutex_fraction);
    contention_set_block_rate_ns(config->block_rate_ns);
    cpu_own_signal(); /* where the program has a handler of its own it keeps it */
    threads_take_signal();
    interpose_switch(true);
    thread_self();
    signals_open_self();
    thread_enumerate(true);
    started = true;
    return 0;
}

int capture_start(const struct capture_config *config, struct error *error)
{
    if (capture_know_threads())
        return error_set(error, ERR_NOMEM, "no memory for the records of threads");
    rawlock_lock(&switch_lock);
    int r = started ? 0 : start_locked(config, error);
    rawlock_unlock(&switch_lock);
    return r;
}

void capture_stop(void)
{
    rawlock_lock(&switch_lock);
    if (started) {
        interpose_switch(false);
        contention_set_mutex_fraction(0);
        contention_set_block_rate_ns(0);
        started = false;
    }
    rawlock_unlock(&switch_lock);
}

void capture_refresh(void)
{
    unwind_refresh();
}

void capture_exclude_thread(void)
{
    if (thread_init() == 0)
        thread_exclude_self();
    heap_exclude_thread();
}

void capture_quiet_begin(struct capture_quiet *q)
{
    struct thread *t = thread_self();
    q->sampled = heap_sample_thread(false);
    q->busy = t ? t->busy : 0;
    if (t && !t->busy)
        t->busy = (uintptr_t)q;
}

void capture_quiet_end(const struct capture_quiet *q)
{
    struct thread *t = thread_self();
    if (t)
        t->busy = q->busy;
    heap_sample_thread(q->sampled);
}
