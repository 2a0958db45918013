#include "capture/thread.h"

#include "base/hash.h"
#include "base/vec.h"
#include "capture/cpu_timer.h"
#include "capture/rawlock.h"
#include "capture/region.h"
#include "capture/signals.h"
#include "capture/ticks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

__thread struct thread *thread_tls __attribute__((tls_model("initial-exec")));
struct stacks *thread_created_table;

static struct thread *pool;        /* THREAD_MAX records; set once */
static _Atomic uint32_t used;      /* records ever taken */
static _Atomic uint64_t free_list; /* a tag against ABA in the high half, record number + 1 in the low */
static _Atomic int32_t live;       /* records with a tid */
static _Atomic bool initialized;
static pthread_key_t exit_key;
static _Atomic bool enumerating;
static _Atomic uint32_t found_ever;   /* records made by enumeration */
static _Atomic bool stale_names;      /* a thread was renamed that does not know its record yet */
static struct rawlock enumerate_lock; /* guard: who may read /proc and drop records */
static struct rawlock init_lock;      /* guard: thread_init */

enum { CREATED_PCS = 1 << 17, CREATED_LIVE = 0, CREATED_EVER = 1 };

/* ---- the pool -------------------------------------------------------------------------------------------
 */

static struct thread *record_take(void)
{
    if (!atomic_load_explicit(&initialized, memory_order_acquire))
        return NULL;
    uint64_t head = atomic_load(&free_list);
    while ((uint32_t)head) {
        struct thread *t = &pool[(uint32_t)head - 1];
        uint64_t next = ((head >> 32) + 1) << 32 | atomic_load_explicit(&t->next_free, memory_order_relaxed);
        if (atomic_compare_exchange_weak(&free_list, &head, next))
            return t;
    }
    uint32_t at = atomic_load(&used);
    while (at < THREAD_MAX)
        if (atomic_compare_exchange_weak(&used, &at, at + 1))
            return &pool[at];
    return NULL;
}

static void record_put(struct thread *t)
{
    uint64_t head = atomic_load(&free_list), mine;
    do {
        atomic_store_explicit(&t->next_free, (uint32_t)head, memory_order_relaxed);
        mine = ((head >> 32) + 1) << 32 | ((uint32_t)(t - pool) + 1);
    } while (!atomic_compare_exchange_weak(&free_list, &head, mine));
}

static void record_reset(struct thread *t)
{
    uint32_t sequence = atomic_load(&t->parked.sequence);
    atomic_store(&t->parked.sequence, (sequence | 1) + 1);
    t->is_profiler = false;
    t->busy = 0;
    t->bucket = NULL;
    t->waiting = NULL;
    t->random = hash_mix((uintptr_t)t, (uint64_t)clock_monotonic_ns()) | 1;
    t->stack_lo = t->stack_hi = 0;
    t->name[0] = 0;
    t->self = 0;
    atomic_store_explicit(&t->labels, NULL, memory_order_relaxed);
    t->created_slot = STACKS_NONE;
    t->start = NULL;
    t->destructor_rounds = 0;
}

static void record_release(struct thread *t)
{
    cpu_timer_stop(t); /* while it still has its tid, by which its clocks are read */
    if (t->created_slot != STACKS_NONE)
        stacks_bump_sigsafe(thread_created_table, t->created_slot, CREATED_LIVE, -1);
    t->created_slot = STACKS_NONE;
    uint32_t sequence = atomic_load(&t->parked.sequence);
    atomic_store(&t->parked.sequence, (sequence | 1) + 1);
    if (atomic_exchange(&t->tid, 0) != 0)
        atomic_fetch_sub(&live, 1);
    cpu_timer_stop(t); /* a session may have found it with a tid and given it another timer */
    record_put(t);
}

static void record_publish(struct thread *t, pid_t tid)
{
    atomic_fetch_add(&live, 1);
    atomic_store(&t->tid, tid);
}

/* One of two records of a thread, which its maker and the thread itself may both want to be rid of. */
static void record_drop(struct thread *t, pid_t tid)
{
    if (!atomic_compare_exchange_strong(&t->tid, &tid, 0))
        return;
    atomic_fetch_sub(&live, 1);
    cpu_timer_stop(t);
    record_put(t);
}

uint32_t thread_count(void)
{
    return atomic_load(&used);
}

struct thread *thread_at(uint32_t i)
{
    return &pool[i];
}

/* ---- names ----------------------------------------------------------------------------------------------
 */

/*
 * Kept in the record, so that a dump need not ask the kernel. Others may rename a thread while it looks its
 * own name up, and the kernel's answer may be written after theirs: who renames tells the kernel first, then
 * counts, then writes; who reads writes what the kernel says until the count stood still meanwhile.
 */
static void read_own_name(struct thread *t)
{
    uint32_t renames;
    do {
        renames = atomic_load(&t->renames);
        prctl(PR_GET_NAME, t->name);
    } while (atomic_load(&t->renames) != renames);
}

/* What /proc says of another thread; what is known stays when that is nothing. */
static void read_name(struct thread *t, pid_t tid)
{
    char path[64], name[sizeof t->name] = "";
    uint32_t renames;
    snprintf(path, sizeof path, "/proc/self/task/%d/comm", (int)tid);
    do {
        renames = atomic_load(&t->renames);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? 0 : read(fd, name, sizeof name - 1);
        if (fd >= 0)
            close(fd);
        if (n <= 0)
            return;
        name[n] = 0;
        name[strcspn(name, "\n")] = 0;
        memcpy(t->name, name, sizeof name);
    } while (atomic_load(&t->renames) != renames);
}

void thread_renamed(pthread_t thread, const char *name)
{
    for (uint32_t i = 0, n = thread_count(); i < n; i++)
        if (pool[i].self == thread && atomic_load(&pool[i].tid)) {
            atomic_fetch_add(&pool[i].renames, 1);
            snprintf(pool[i].name, sizeof pool[i].name, "%s", name);
            return;
        }
    atomic_store(&stale_names, true);
}

void thread_renamed_self(void)
{
    struct thread *t = thread_self();
    if (t)
        read_own_name(t);
}

/* ---- beginning and end ----------------------------------------------------------------------------------
 */

static pid_t own_tid(void)
{
    return (pid_t)syscall(SYS_gettid);
}

/* Runs among the thread's TLS destructors. Those of others may still run code worth sampling, so we ask to be
 * called again until the last round. */
static void thread_end(void *record)
{
    struct thread *t = record;
    if (++t->destructor_rounds < PTHREAD_DESTRUCTOR_ITERATIONS && pthread_setspecific(exit_key, t) == 0)
        return;
    thread_tls = THREAD_GONE;
    record_release(t);
}

/* glibc keeps a thread's control block, which is what pthread_self() points to, at the top of its stack. */
static void find_stack(struct thread *t, size_t stack_bytes)
{
    extern void *__libc_stack_end;
    enum { SPARE = 65536, MAIN_BYTES = 8 << 20 };
    if (getpid() == atomic_load(&t->tid)) {
        t->stack_hi = (uintptr_t)__libc_stack_end;
        t->stack_lo = t->stack_hi - MAIN_BYTES;
        return;
    }
    t->stack_hi = (uintptr_t)pthread_self();
    /* The guard page and the static TLS are in the size as well: leave a margin at the deep end, where reads
     * then go through the kernel. */
    size_t spare = stack_bytes / 2 < SPARE ? stack_bytes / 2 : SPARE;
    t->stack_lo = stack_bytes ? t->stack_hi - stack_bytes + spare : t->stack_hi;
}

void thread_probe_stack_sigsafe(struct thread *t, uintptr_t sp)
{
    enum { PAGE = 4096, PAGES = 64, MOST = 1 << 20 };
    uintptr_t first = sp & -(uintptr_t)PAGE, known = (t->stack_lo + PAGE - 1) & -(uintptr_t)PAGE;
    if (sp >= t->stack_lo || t->stack_lo - sp > MOST)
        return; /* deep, or another stack */
    int saved = errno;
    while (known > first) {
        char bytes[PAGES];
        struct iovec to = {bytes, 0}, from[PAGES];
        for (; known > first && to.iov_len < PAGES; to.iov_len++)
            from[to.iov_len] = (struct iovec){(void *)(known -= PAGE), 1};
        if (process_vm_readv(getpid(), &to, 1, from, to.iov_len, 0) != (ssize_t)to.iov_len)
            break; /* a guard page is in between: another stack */
        t->stack_lo = known;
    }
    errno = saved;
}

static struct thread *find_by_tid(pid_t tid)
{
    for (uint32_t i = 0, n = thread_count(); i < n; i++)
        if (atomic_load_explicit(&pool[i].tid, memory_order_relaxed) == tid)
            return &pool[i];
    return NULL;
}

static void attach(struct thread *t, size_t stack_bytes)
{
    thread_tls = t;
    t->self = pthread_self();
    find_stack(t, stack_bytes);
    pthread_setspecific(exit_key, t); /* an early key: a store, no allocation */
    atomic_fetch_add(&t->renames, 1); /* a renaming from before we were known by self */
    read_own_name(t);
}

/*
 * A record for the calling thread, which may get another in two ways while we make it: from an enumeration
 * that finds no record of it yet (each publishes its own first and looks for the other's then, so at least
 * one sees both), or in a handler of ours on top of us, which has settled it when we go on.
 */
static struct thread *make_own(pid_t tid)
{
    struct thread *t = record_take();
    if (!t)
        return NULL;
    record_reset(t);
    read_own_name(t);
    record_publish(t, tid);
    if (*(struct thread *volatile *)&thread_tls) {
        record_drop(t, tid);
        return thread_tls;
    }
    for (uint32_t i = 0, n = thread_count(); i < n; i++)
        if (&pool[i] != t)
            record_drop(&pool[i], tid);
    cpu_timer_start(t);
    return t;
}

struct thread *thread_self_slow_sigsafe(void)
{
    if (!atomic_load_explicit(&initialized, memory_order_acquire))
        return NULL;
    int saved = errno;
    pid_t tid = own_tid();
    struct thread *t = find_by_tid(tid);
    if (!t)
        t = make_own(tid);
    if (t) {
        attach(t, 0);
        signals_open_self(); /* it may have blocked everything before our wrappers minded */
    }
    errno = saved;
    return t;
}

struct thread *thread_adopt_sigsafe(struct thread *expected)
{
    struct thread *t = thread_tls;
    if ((uintptr_t)t > (uintptr_t)THREAD_GONE)
        return t;
    if (t == THREAD_GONE || !expected || atomic_load(&expected->tid) != own_tid())
        return NULL;
    attach(expected, 0);
    return expected;
}

static uint32_t add_creation(struct thread *creator, const struct unwind_regs *here)
{
    struct unwind_stack stack;
    struct unwind_memory memory = thread_memory(creator, here->rsp);
    unwind_here_sigsafe(here, &memory, &stack);
    return stacks_add_sigsafe(
        thread_created_table, &stack, (int64_t[SNAPSHOT_MAX_VALUES]){[CREATED_LIVE] = 1, [CREATED_EVER] = 1});
}

struct thread *thread_prepare(const struct unwind_regs *here, const pthread_attr_t *attr)
{
    struct thread *t = record_take();
    if (!t)
        return NULL;
    record_reset(t);
    t->found_before = atomic_load(&found_ever);
    struct thread *creator = thread_self();
    t->is_profiler = creator && creator->is_profiler; /* from its first instruction on */
    if (creator && !t->is_profiler)
        atomic_store_explicit(&t->labels, atomic_load(&creator->labels), memory_order_relaxed);
    if (here && !t->is_profiler)
        t->created_slot = add_creation(creator, here);
    size_t bytes = 0;
    pthread_attr_t defaults;
    if (attr) {
        pthread_attr_getstacksize(attr, &bytes);
    } else if (pthread_getattr_default_np(&defaults) == 0) {
        pthread_attr_getstacksize(&defaults, &bytes);
        pthread_attr_destroy(&defaults);
    }
    t->stack_lo = bytes; /* until the thread itself knows where it is */
    return t;
}

/* An enumeration that ran between our creation and now may have found us in /proc and made us a second
 * record: it did not yet know whose this one is. Either it saw our tid, or we see that it ran. And a handler
 * of the program's that waited on top of us made one itself. */
static void drop_twin(const struct thread *t, bool had_one)
{
    if (!had_one && !atomic_load(&enumerating) && atomic_load(&found_ever) == t->found_before)
        return;
    rawlock_lock(&enumerate_lock);
    for (uint32_t i = 0, n = thread_count(); i < n; i++)
        if (&pool[i] != t && atomic_load(&pool[i].tid) == atomic_load(&t->tid))
            record_release(&pool[i]);
    rawlock_unlock(&enumerate_lock);
}

void thread_begin(struct thread *t)
{
    size_t stack_bytes = t->stack_lo;
    t->stack_lo = 0;
    bool had_one = thread_tls != NULL;
    atomic_store(&t->tid, own_tid());
    attach(t, stack_bytes);
    drop_twin(t, had_one);
    record_publish(t, own_tid());
    cpu_timer_start(t);
}

void thread_abandon(struct thread *t)
{
    if (t->created_slot != STACKS_NONE)
        stacks_bump_sigsafe(thread_created_table, t->created_slot, CREATED_EVER, -1);
    record_release(t);
}

void thread_exclude_self(void)
{
    struct thread *t = thread_self();
    if (!t || t->is_profiler)
        return;
    t->is_profiler = true;
    atomic_store(&t->labels, NULL);
    cpu_timer_stop(t);
    if (t->created_slot == STACKS_NONE)
        return;
    stacks_bump_sigsafe(thread_created_table, t->created_slot, CREATED_LIVE, -1);
    stacks_bump_sigsafe(thread_created_table, t->created_slot, CREATED_EVER, -1);
    t->created_slot = STACKS_NONE;
}

/* ---- threads we did not see begin -----------------------------------------------------------------------
 */

typedef VEC(pid_t) tid_list;

static int by_tid(const void *a, const void *b)
{
    pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;
    return (x > y) - (x < y);
}

static bool has_tid(const tid_list *list, pid_t tid)
{
    return list->len && bsearch(&tid, list->items, list->len, sizeof tid, by_tid);
}

static int list_tasks(tid_list *out)
{
    DIR *tasks = opendir("/proc/self/task");
    if (!tasks)
        return ERR_IO;
    int r = 0;
    for (struct dirent *e; !r && (e = readdir(tasks));)
        if (e->d_name[0] != '.' && !vec_push(out, atoi(e->d_name)))
            r = ERR_NOMEM;
    closedir(tasks);
    if (out->len)
        qsort(out->items, out->len, sizeof *out->items, by_tid);
    return r;
}

static int list_records(tid_list *out)
{
    for (uint32_t i = 0, n = thread_count(); i < n; i++) {
        pid_t tid = atomic_load(&pool[i].tid);
        if (tid && !vec_push(out, tid))
            return ERR_NOMEM;
    }
    if (out->len)
        qsort(out->items, out->len, sizeof *out->items, by_tid);
    return 0;
}

static bool find_other(const struct thread *t, pid_t tid)
{
    for (uint32_t i = 0, n = thread_count(); i < n; i++)
        if (&pool[i] != t && atomic_load(&pool[i].tid) == tid)
            return true;
    return false;
}

static void add_found(pid_t tid)
{
    struct thread *t = record_take();
    if (!t)
        return;
    record_reset(t);
    read_name(t, tid);
    record_publish(t, tid);
    if (find_other(t, tid) && !t->self) /* it came by itself meanwhile, and did not take to ours */
        record_drop(t, tid);
    else
        cpu_timer_start(t);
    atomic_fetch_add(&found_ever, 1);
}

static bool is_gone(pid_t tid)
{
    return syscall(SYS_tgkill, getpid(), tid, 0) != 0 && errno == ESRCH;
}

static void read_stale_names(void)
{
    for (uint32_t i = 0, n = thread_count(); i < n; i++) {
        pid_t tid = atomic_load(&pool[i].tid);
        if (tid && !pool[i].self)
            read_name(&pool[i], tid);
    }
}

static int enumerate_locked(void)
{
    tid_list tasks = {0}, records = {0};
    int r = list_records(&records);
    if (!r)
        r = list_tasks(&tasks);
    for (size_t i = 0; !r && i < tasks.len; i++)
        if (!has_tid(&records, tasks.items[i]))
            add_found(tasks.items[i]);
    for (uint32_t i = 0, n = thread_count(); !r && i < n; i++) {
        pid_t tid = atomic_load(&pool[i].tid);
        if (tid && !has_tid(&tasks, tid) && is_gone(tid) && atomic_load(&pool[i].tid) == tid)
            record_release(&pool[i]);
    }
    vec_fini(&tasks);
    vec_fini(&records);
    return r;
}

int thread_enumerate(bool forced)
{
    struct stat s;
    int32_t known = atomic_load(&live);
    bool stale = atomic_exchange(&stale_names, false);
    if (!forced && !stale && stat("/proc/self/task", &s) == 0 && (int64_t)s.st_nlink - 2 == known)
        return 0;
    int saved = errno;
    rawlock_lock(&enumerate_lock);
    atomic_store(&enumerating, true);
    int r = enumerate_locked();
    if (stale)
        read_stale_names();
    atomic_store(&enumerating, false);
    rawlock_unlock(&enumerate_lock);
    errno = saved;
    return r;
}

/* ---- start and fork -------------------------------------------------------------------------------------
 */

static int init_locked(void)
{
    if (atomic_load(&initialized))
        return 0;
    ticks_init();
    if (!pool)
        pool = region_map(THREAD_MAX * sizeof *pool);
    if (!thread_created_table)
        thread_created_table = stacks_new(THREAD_CREATED_SLOTS, CREATED_PCS);
    if (!pool || !thread_created_table || pthread_key_create(&exit_key, thread_end) != 0)
        return ERR_NOMEM;
    atomic_store_explicit(&initialized, true, memory_order_release);
    return 0;
}

int thread_init(void)
{
    if (atomic_load(&initialized))
        return 0;
    rawlock_lock(&init_lock);
    int r = init_locked();
    rawlock_unlock(&init_lock);
    return r;
}

void thread_after_fork(void)
{
    rawlock_reset(&init_lock);
    rawlock_reset(&enumerate_lock);
    atomic_store(&enumerating, false);
    if (!atomic_load(&initialized))
        return;
    struct thread *self = thread_tls;
    for (uint32_t i = 0, n = thread_count(); i < n; i++) {
        struct thread *t = &pool[i];
        if (atomic_load(&t->tid) == 0)
            continue;
        atomic_store(&t->timer_state, CPU_TIMER_NONE);
        if (t != self)
            record_release(t);
        else
            atomic_store(&t->tid, own_tid());
    }
}
