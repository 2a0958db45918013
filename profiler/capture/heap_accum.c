#include "capture/heap_accum.h"

#include "capture/heap_parse.h"
#include "capture/stacks.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* values: objects, in 65536ths, for most samples stand for a broken number of them; bytes. */
enum { SLOTS = 1 << 14, PCS = 1 << 19, OBJECTS = 0, BYTES = 1, OBJECT_SHIFT = 16 };

/* jemalloc 5.3.0's: the thread, the object, what was asked for, what it got, and whose sample it is. */
typedef void note_sample(void *tsd, const void *object, size_t asked, size_t size, void *stack_of_thread);
extern note_sample __real_je_prof_malloc_sample_object __attribute__((weak));
note_sample __wrap_je_prof_malloc_sample_object;
extern bool je_opt_prof_accum __attribute__((weak));
extern size_t je_lg_prof_sample __attribute__((weak));

static _Atomic(struct stacks *) table;
static _Atomic uint32_t users; /* threads that may hold a table they found */

struct pending {
    struct stacks *table;
    uint32_t slot;
};
static __thread struct pending pending __attribute__((tls_model("initial-exec")));

static struct stacks *table_enter(void)
{
    atomic_fetch_add(&users, 1);
    return atomic_load(&table);
}

static void table_leave(void)
{
    atomic_fetch_sub(&users, 1);
}

/* ---- samples --------------------------------------------------------------------------------------------
 */

void heap_accum_stack_sigsafe(const struct unwind_stack *stack)
{
    static const int64_t nothing[SNAPSHOT_MAX_VALUES];
    struct stacks *t = table_enter();
    pending = (struct pending){t, t ? stacks_add_sigsafe(t, stack, nothing) : STACKS_NONE};
    table_leave();
}

/* A sample of `size` bytes stands for 1 / (1 - exp(-size / rate)) objects. */
static void add(struct stacks *t, uint32_t slot, size_t size, size_t lg_rate)
{
    double objects = lg_rate ? 1 / -expm1(-(double)size / (double)(UINT64_C(1) << lg_rate)) : 1;
    stacks_bump_sigsafe(t, slot, OBJECTS, (int64_t)(objects * (1 << OBJECT_SHIFT) + 0.5));
    stacks_bump_sigsafe(t, slot, BYTES, (int64_t)(objects * (double)size + 0.5));
}

void __wrap_je_prof_malloc_sample_object(
    void *tsd, const void *object, size_t asked, size_t size, void *stack_of_thread)
{
    __real_je_prof_malloc_sample_object(tsd, object, asked, size, stack_of_thread);
    struct pending sample = pending;
    pending.slot = STACKS_NONE;
    struct stacks *t = table_enter();
    if (t && sample.table == t && sample.slot != STACKS_NONE)
        add(t, sample.slot, size, je_lg_prof_sample);
    table_leave();
}

/* ---- the table ------------------------------------------------------------------------------------------
 */

bool heap_accum_is_possible(void)
{
    return __real_je_prof_malloc_sample_object && &je_opt_prof_accum && &je_lg_prof_sample;
}

bool heap_accum_is_on(void)
{
    return atomic_load(&table) != NULL;
}

static void replace(struct stacks *with)
{
    struct stacks *old = atomic_exchange(&table, with);
    while (old && atomic_load(&users) != 0) {
        struct timespec moment = {0, 50000};
        syscall(SYS_nanosleep, &moment, NULL);
    }
    stacks_free(old);
}

bool heap_accum_start(const struct snapshot *before)
{
    struct stacks *t = heap_accum_is_possible() ? stacks_new(SLOTS, PCS) : NULL;
    if (!t)
        return false;
    for (size_t i = 0; i < before->records.len; i++) {
        const struct snapshot_record *r = &before->records.items[i];
        struct unwind_stack stack = {.depth = r->depth, .truncated = r->truncated};
        memcpy(stack.pcs, before->pcs.items + r->first_pc, r->depth * sizeof *stack.pcs);
        stacks_add_sigsafe(
            t, &stack, (int64_t[SNAPSHOT_MAX_VALUES]){r->values[0] << OBJECT_SHIFT, r->values[1]});
    }
    je_opt_prof_accum = false;
    replace(t);
    return true;
}

void heap_accum_reset(void)
{
    struct stacks *t = heap_accum_is_on() ? stacks_new(SLOTS, PCS) : NULL;
    if (t)
        replace(t);
}

int heap_accum_append(struct snapshot *out)
{
    struct snapshot found = {0};
    struct stacks *t = table_enter();
    int r = t ? stacks_snapshot(t, false, &found) : 0;
    table_leave();
    for (size_t i = 0; !r && i < found.records.len; i++) {
        struct snapshot_record *each = &found.records.items[i];
        int64_t objects = (each->values[OBJECTS] + (1 << (OBJECT_SHIFT - 1))) >> OBJECT_SHIFT;
        if (objects == 0)
            continue;
        each->values[0] = objects;
        each->leaf_is_return = true;
        each->block_bytes = heap_block_size(each->values[BYTES], objects);
        r = snapshot_add(out, each, found.pcs.items + each->first_pc);
    }
    out->lost += found.lost;
    snapshot_fini(&found);
    return r;
}

void heap_accum_after_fork(void)
{
    atomic_store(&users, 0);
}
