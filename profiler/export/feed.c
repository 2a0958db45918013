#include "export/feed.h"

#include "base/hash.h"
#include "base/table.h"
#include "capture/contention.h"
#include "capture/heap.h"

#include <string.h>

#define HEAP_TYPES                                                                        \
    {                                                                                     \
        {"alloc_objects", "count"}, {"alloc_space", "bytes"}, {"inuse_objects", "count"}, \
        {                                                                                 \
            "inuse_space", "bytes"                                                        \
        }                                                                                 \
    }
#define CONTENTION_TYPES           \
    {                              \
        {"contentions", "count"},  \
        {                          \
            "delay", "nanoseconds" \
        }                          \
    }

static const struct feed feeds[NFEEDS] = {
    [FEED_CPU] = {"profile", {{"samples", "count"}, {"cpu", "nanoseconds"}}, {0, 1}, {"cpu", "nanoseconds"},
        "",
        "Where CPU time goes, in all threads. ?seconds=N sets how long it samples (30), ?hz=N how often (100 "
        "a second of CPU time). A thread that waits is not in it.",
        true},
    [FEED_HEAP] = {"heap", HEAP_TYPES, {0, 1, 2, 3}, {"space", "bytes"}, "",
        "Memory that is alive, by the stack that allocated it, and all that ever was. A sample of the "
        "allocations, scaled up. ?gc=1 is accepted and changes nothing: C has no garbage.",
        false},
    [FEED_ALLOCS] = {"allocs", HEAP_TYPES, {0, 1, 2, 3}, {"space", "bytes"}, "alloc_space",
        "The same samples, with everything allocated since the start shown first.", false},
    [FEED_THREADS] = {"threads", {{"threads", "count"}}, {0}, {"threads", "count"}, "",
        "Where each thread is now. ?debug=1 groups equal stacks, ?debug=2 lists the threads one by one with "
        "what they wait for.",
        false},
    [FEED_GOROUTINE] = {"goroutine", {{"goroutine", "count"}}, {0}, {"goroutine", "count"}, "",
        "The threads again, for tools that know Go's name.", false},
    [FEED_THREADCREATE] = {"threadcreate", {{"threadcreate", "count"}}, {1}, {"threadcreate", "count"}, "",
        "Stacks that created threads, with how many since the start; ?debug=1 says how many of them live.",
        false},
    [FEED_MUTEX] = {"mutex", CONTENTION_TYPES, {0, 1}, {"contentions", "count"}, "",
        "Who makes others wait: the stacks that unlocked what others were waiting for, with the time those "
        "had waited.",
        false},
    [FEED_BLOCK] = {"block", CONTENTION_TYPES, {0, 1}, {"contentions", "count"}, "",
        "Who waits for locks, conditions, semaphores, barriers and joins, and how long. Sleep, input and "
        "output, and waits that have not ended are not in it.",
        false},
    [FEED_WALL] = {"wall", {{"samples", "count"}, {"time", "nanoseconds"}}, {0, 1},
        {"wallclock", "nanoseconds"}, "",
        "Where the time of every thread goes, waiting and running together. ?seconds=N sets how long it "
        "samples (30), "
        "?hz=N how often at most (99 a second): thousands of threads are sampled less often, never for more "
        "than 5% "
        "of a core. Also served as /debug/fgprof.",
        true},
};

const struct feed *feed_get(enum feed_id id)
{
    return &feeds[id];
}

/* ---- threads --------------------------------------------------------------------------------------------
 */

uint64_t feed_stack_hash(const struct snapshot *s, const struct snapshot_record *r)
{
    return hash_bytes(
               r->depth ? (const void *)(s->pcs.items + r->first_pc) : "", r->depth * sizeof(uintptr_t)) +
           r->leaf_is_return;
}

bool feed_stack_same(const struct snapshot *a, const struct snapshot_record *x, const struct snapshot *b,
    const struct snapshot_record *y)
{
    return x->depth == y->depth && x->leaf_is_return == y->leaf_is_return &&
           (x->depth == 0 || memcmp(a->pcs.items + x->first_pc, b->pcs.items + y->first_pc,
                                 x->depth * sizeof(uintptr_t)) == 0);
}

static int count_stack(
    struct snapshot *out, struct table *index, const struct snapshot *stacks, const struct snapshot_record *r)
{
    const uintptr_t *pcs = stacks->pcs.items + r->first_pc;
    uint64_t hash = feed_stack_hash(stacks, r) + (uintptr_t)r->labels;
    uint32_t found;
    for (size_t at = table_first(index, hash); table_next(index, hash, &at, &found);) {
        struct snapshot_record *known = &out->records.items[found];
        if (known->labels == r->labels && feed_stack_same(out, known, stacks, r)) {
            known->values[0]++;
            known->truncated |= r->truncated;
            return 0;
        }
    }
    struct snapshot_record first = *r;
    memset(first.values, 0, sizeof first.values);
    first.values[0] = 1;
    if (!table_add(index, hash, (uint32_t)out->records.len))
        return ERR_NOMEM;
    return snapshot_add(out, &first, pcs);
}

int feed_group_threads(const struct threads_snapshot *threads, struct snapshot *out)
{
    struct snapshot grouped = {.nvalues = 1,
        .time_ns = threads->stacks.time_ns,
        .period = 1,
        .lost = threads->stacks.lost,
        .lost_labels = threads->stacks.lost_labels};
    struct table index = {0};
    int code = 0;
    for (size_t i = 0; i < threads->threads.len && !code; i++) {
        const struct thread_info *t = &threads->threads.items[i];
        if (!t->is_profiler)
            code = count_stack(&grouped, &index, &threads->stacks, &threads->stacks.records.items[t->record]);
    }
    table_fini(&index);
    if (code)
        snapshot_fini(&grouped);
    else
        *out = grouped;
    return code;
}

static int take_threads(struct snapshot *out)
{
    struct threads_snapshot threads = {0};
    int code = threads_snapshot_stacks(&threads);
    if (code)
        return code;
    code = feed_group_threads(&threads, out);
    threads_snapshot_fini(&threads);
    return code;
}

/* ---- all ------------------------------------------------------------------------------------------------
 */

int feed_take(enum feed_id id, struct snapshot *out, struct error *error)
{
    int code;
    switch (id) {
    case FEED_HEAP:
    case FEED_ALLOCS:
        code = heap_snapshot(out);
        if (code == ERR_UNSUPPORTED)
            return error_set(error, code, "no heap profile: %s", heap_why_unsupported());
        if (code == ERR_IO)
            return error_set(error, code,
                "no heap profile: jemalloc writes it to a memfd in /proc/self/fd, "
                "and the kernel or a sandbox refuses one of them");
        break;
    case FEED_THREADS:
    case FEED_GOROUTINE:
        code = take_threads(out);
        break;
    case FEED_THREADCREATE:
        code = threads_created_snapshot(out);
        break;
    case FEED_MUTEX:
        code = contention_snapshot(CONTENTION_MUTEX, out);
        break;
    case FEED_BLOCK:
        code = contention_snapshot(CONTENTION_BLOCK, out);
        break;
    default:
        code = ERR_UNSUPPORTED;
    }
    return code ? error_set(error, code, "%s", error_text(code)) : 0;
}
