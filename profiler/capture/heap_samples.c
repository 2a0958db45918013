#include "capture/heap_samples.h"

#include "capture/heap_parse.h"
#include "capture/heap_stack.h"
#include "capture/stacks.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* values: objects, in 65536ths, for most samples stand for a broken number of them; bytes. Whoever reads them
 * in this order never finds more alive than there ever were. */
enum { LIVE_OBJECTS, LIVE_BYTES, OBJECTS, BYTES };
enum { SLOTS = 1 << 16, PCS = 1 << 20, OBJECT_SHIFT = 16 };

static _Atomic(struct stacks *) table;
static _Atomic uint32_t users; /* threads that may hold a table they found */
static _Atomic uint32_t generation;

static struct stacks *table_enter(void)
{
    atomic_fetch_add(&users, 1);
    return atomic_load(&table);
}

static void table_leave(void)
{
    atomic_fetch_sub(&users, 1);
}

/* ---- names ----------------------------------------------------------------------------------------------
 */

/* ---- jemalloc's functions -------------------------------------------------------------------------------
 */

/* 5.3.0's, whose comments here are all there is of its structures. */
struct whose {
    uint64_t since;
    uintptr_t name;
    size_t asked;
};

#define JEMALLOC(result, name, ...)                                    \
    extern result __real_je_##name(__VA_ARGS__) __attribute__((weak)); \
    result __wrap_je_##name(__VA_ARGS__)

JEMALLOC(uintptr_t, prof_tctx_create, void *tsd);
JEMALLOC(void, prof_alloc_rollback, void *tsd, uintptr_t name);
JEMALLOC(void, prof_malloc_sample_object, void *tsd, const void *object, size_t asked, size_t size,
    uintptr_t name);
JEMALLOC(void, prof_free_sampled_object, void *tsd, size_t size, const struct whose *whose);
JEMALLOC(void, large_prof_info_set, void *extent, uintptr_t name, size_t asked);
JEMALLOC(bool, prof_recent_alloc_prepare, void *tsd, uintptr_t name);
extern bool je_malloc_mutex_init(void *mutex, const char *name, unsigned rank, int order)
    __attribute__((weak));
extern int mallctl(const char *name, void *old, size_t *old_bytes, void *value, size_t value_bytes)
    __attribute__((weak));
extern size_t je_lg_prof_sample __attribute__((weak));
extern bool je_opt_prof_accum __attribute__((weak));

/* ---- names ----------------------------------------------------------------------------------------------
 */

/* What jemalloc takes for the address of its own figures, and only keeps: no address has the highest bit.
 * Below that: the table's generation, what the rate was, the slot. */
static const uintptr_t OURS = UINT64_C(1) << 63;
enum { RATE_SHIFT = 16, GENERATION_SHIFT = 32 };
_Static_assert(SLOTS == 1 << RATE_SHIFT, "a slot's number is what is below the rate");

static uintptr_t generation_now(void)
{
    return OURS | (uintptr_t)(atomic_load(&generation) & INT32_MAX) << GENERATION_SHIFT;
}

static uintptr_t name_of(uint32_t slot)
{
    return generation_now() | (je_lg_prof_sample & 63) << RATE_SHIFT | slot;
}

/* Between table_enter and table_leave, when there is a table: whether the name is of a slot in it, and not of
 * one that was forgotten. */
static bool is_current(uintptr_t name)
{
    return (name ^ generation_now()) >> GENERATION_SHIFT == 0;
}

/* ---- jemalloc asks --------------------------------------------------------------------------------------
 */

/*
 * Only jemalloc knows where an object's name is kept, and its function that notes it there also adds to the
 * figures of who is named: to these, then, which nobody reads. Their first word leads to a thread's, whose
 * first word leads to the lock that the function takes. A few, so that threads seldom meet at it.
 */
enum { DUMMIES = 16 };
static struct dummy {
    _Alignas(64) struct dummy *thread_or_lock;
    char figures[504], lock[256];
} dummies[DUMMIES], dummy_threads[DUMMIES];
static __thread uintptr_t being_noted __attribute__((tls_model("initial-exec")));

static void make_dummies(void)
{
    for (int i = 0; i < DUMMIES; i++) {
        je_malloc_mutex_init(dummies[i].lock, "cprof", 0, 0);
        dummy_threads[i].thread_or_lock = (struct dummy *)dummies[i].lock;
        dummies[i].thread_or_lock = &dummy_threads[i];
    }
}

void __wrap_je_large_prof_info_set(void *extent, uintptr_t name, size_t asked)
{
    bool is_dummy = name - (uintptr_t)dummies < sizeof dummies;
    __real_je_large_prof_info_set(extent, is_dummy ? being_noted : name, asked);
}

/* Its list of the newest samples would look into what a name leads to. */
bool __wrap_je_prof_recent_alloc_prepare(void *tsd, uintptr_t name)
{
    return !heap_samples_are_on() && __real_je_prof_recent_alloc_prepare(tsd, name);
}

/* For stacks that the table has no room for there are jemalloc's figures: what is alive, not what ever was.
 */
HEAP_STACK_OWN uintptr_t __wrap_je_prof_tctx_create(void *tsd)
{
    static const int64_t nothing[SNAPSHOT_MAX_VALUES];
    if (!heap_samples_are_on())
        return __real_je_prof_tctx_create(tsd);
    struct unwind_stack stack;
    heap_stack_take(tsd, &stack);
    struct stacks *t = table_enter();
    uint32_t slot = t ? stacks_add_sigsafe(t, &stack, nothing) : STACKS_NONE;
    uintptr_t name = slot == STACKS_NONE ? 0 : name_of(slot);
    table_leave();
    return name ? name : __real_je_prof_tctx_create(tsd);
}

void __wrap_je_prof_alloc_rollback(void *tsd, uintptr_t name)
{
    if (!(name & OURS))
        __real_je_prof_alloc_rollback(tsd, name);
}

/* A sample of `size` bytes stands for 1 / (1 - exp(-size / rate)) objects. */
static void add(uintptr_t name, size_t size, int sign, bool new)
{
    struct stacks *t = table_enter();
    if (t && is_current(name)) {
        uint32_t slot = name & (SLOTS - 1);
        unsigned lg_rate = name >> RATE_SHIFT & 63;
        double rate = (double)(UINT64_C(1) << lg_rate);
        double objects = lg_rate ? 1 / -expm1(-(double)size / rate) : 1;
        int64_t parts = (int64_t)(objects * (1 << OBJECT_SHIFT) + 0.5);
        int64_t bytes = (int64_t)(objects * (double)size + 0.5);
        if (new) {
            stacks_bump_sigsafe(t, slot, OBJECTS, parts);
            stacks_bump_sigsafe(t, slot, BYTES, bytes);
        }
        stacks_bump_sigsafe(t, slot, LIVE_OBJECTS, sign * parts);
        stacks_bump_sigsafe(t, slot, LIVE_BYTES, sign * bytes);
    }
    table_leave();
}

void __wrap_je_prof_malloc_sample_object(
    void *tsd, const void *object, size_t asked, size_t size, uintptr_t name)
{
    if (!(name & OURS)) {
        __real_je_prof_malloc_sample_object(tsd, object, asked, size, name);
        return;
    }
    being_noted = name;
    __real_je_prof_malloc_sample_object(
        tsd, object, asked, size, (uintptr_t)&dummies[(uintptr_t)object >> 12 & (DUMMIES - 1)]);
    add(name, size, 1, true);
}

void __wrap_je_prof_free_sampled_object(void *tsd, size_t size, const struct whose *whose)
{
    if (whose->name & OURS)
        add(whose->name, size, -1, false);
    else
        __real_je_prof_free_sampled_object(tsd, size, whose);
}

/* ---- the table ------------------------------------------------------------------------------------------
 */

bool heap_samples_are_possible(void)
{
    const char *version;
    size_t size = sizeof version;
    return mallctl && __real_je_prof_tctx_create && &je_malloc_mutex_init && &je_lg_prof_sample &&
           &je_opt_prof_accum && mallctl("version", &version, &size, NULL, 0) == 0 &&
           strncmp(version, "5.3.0-", 6) == 0;
}

bool heap_samples_are_on(void)
{
    return atomic_load_explicit(&table, memory_order_relaxed) != NULL;
}

/* Names of the old table's slots are of none from here on. While there is none, samples are jemalloc's. */
static void replace(struct stacks *with)
{
    struct stacks *old = atomic_exchange(&table, NULL);
    while (atomic_load(&users) != 0) {
        struct timespec moment = {0, 50000};
        syscall(SYS_nanosleep, &moment, NULL);
    }
    atomic_fetch_add(&generation, 1);
    atomic_store(&table, with);
    stacks_free(old);
}

bool heap_samples_start(const struct snapshot *before)
{
    struct stacks *t = heap_samples_are_possible() ? stacks_new(SLOTS, PCS) : NULL;
    if (!t)
        return false;
    for (size_t i = 0; i < before->records.len; i++) {
        const struct snapshot_record *r = &before->records.items[i];
        struct unwind_stack stack = {.depth = r->depth, .truncated = r->truncated};
        memcpy(stack.pcs, before->pcs.items + r->first_pc, r->depth * sizeof *stack.pcs);
        stacks_add_sigsafe(t, &stack,
            (int64_t[SNAPSHOT_MAX_VALUES]){[OBJECTS] = r->values[0] << OBJECT_SHIFT, [BYTES] = r->values[1]});
    }
    je_opt_prof_accum = false;
    make_dummies();
    replace(t);
    return true;
}

void heap_samples_reset(void)
{
    struct stacks *t = heap_samples_are_on() ? stacks_new(SLOTS, PCS) : NULL;
    if (t)
        replace(t);
}

static int64_t whole(int64_t parts)
{
    return (parts + (1 << (OBJECT_SHIFT - 1))) >> OBJECT_SHIFT;
}

int heap_samples_append(struct snapshot *out)
{
    struct snapshot found = {0};
    struct stacks *t = table_enter();
    int r = t ? stacks_snapshot(t, false, &found) : 0;
    table_leave();
    for (size_t i = 0; !r && i < found.records.len; i++) {
        struct snapshot_record *each = &found.records.items[i];
        int64_t values[SNAPSHOT_MAX_VALUES] = {whole(each->values[OBJECTS]), each->values[BYTES],
            whole(each->values[LIVE_OBJECTS]), each->values[LIVE_BYTES]};
        if (values[0] == 0)
            continue;
        memcpy(each->values, values, sizeof values);
        each->leaf_is_return = true;
        each->block_bytes = heap_block_size(values[1], values[0]);
        r = snapshot_add(out, each, found.pcs.items + each->first_pc);
    }
    out->lost += found.lost;
    snapshot_fini(&found);
    return r;
}

void heap_samples_after_fork(void)
{
    atomic_store(&users, 0);
    if (heap_samples_are_on())
        make_dummies(); /* another thread may have had a lock */
}
