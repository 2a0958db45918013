/*
 * Checks of lesson 6: what a repaired cache must do, measured in counts and by rendezvous, not by the clock.
 * Any design passes that keeps the promises of demos/lesson6/cache.h; how it is written is not looked at.
 *
 *   lesson6 TITLE FLAWED MODULE      as exercises/engine/module.h says
 */
#include "cache_limits.h"
#include "cache_rig.h"
#include "counted.h"
#include "lru_oracle.h"
#include "module.h"
#include "trial.h"
#include "verdict.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct cache_module module, counted, flawed;

static void expect_tidy_values(const char *when)
{
    if (rig_values.misused > 0)
        verdict(false, "each reference taken is given back once",
            "%s, %d values were retained after their last release or released once too often", when,
            rig_values.misused);
}

/* ---- bound_after_every_operation ------------------------------------------------------------------------
 */

/* A cache may well leave the freeing to a thread of its own, which a busy machine lets fall behind. */
static bool values_fall_to(size_t most)
{
    for (int tries = 0; tries < 1000 * RENDEZVOUS_S; tries++) {
        if ((size_t)rig_values.live <= most)
            return true;
        usleep(1000);
    }
    return false;
}

static void bound_at(size_t capacity)
{
    struct rig rig;
    uint32_t random = 1;
    size_t operations = 6 * capacity + 200;
    rig_values_init(operations);
    rig_open(&rig, &module, capacity);
    for (size_t i = 0; i < operations; i++) {
        int key = (int)(trial_random(&random) % (4 * capacity + 8));
        trial_clock_advance(7);
        if (trial_random(&random) % 4 == 0)
            rig_get(&rig, key);
        else
            rig_put(&rig, key);
        size_t entries = rig_stats(&rig).entries;
        if (entries > capacity)
            verdict(false, "never more entries than the capacity, after any operation",
                "%zu entries after %zu operations, with a capacity of %zu", entries, i + 1, capacity);
        if (!values_fall_to(entries + VALUES_ON_THEIR_WAY(capacity)))
            verdict(false, "the values held are those of its entries, and a few on their way out",
                "the cache says %zu entries but holds %ld values after %zu operations", entries,
                rig_values.live, i + 1);
    }
    rig_close(&rig);
    rig_values_fini();
}

static void bound_after_every_operation(void)
{
    bound_at(1000); /* first, as its figures are the ones to read */
    bound_at(10);
    bound_at(1);
    verdict(true, "never more than the capacity",
        "never more than 1, 10 and 1,000 entries with those capacities");
}

/* ---- keeps_what_fits ------------------------------------------------------------------------------------
 */

static void expect_full(struct rig *rig, int keys, int capacity, const char *when)
{
    int found = 0;
    for (int key = 0; key < keys; key++)
        found += rig_get(rig, key);
    if (found < capacity)
        verdict(false,
            "as many as the capacity: one entry goes for one that comes, and none before it is full",
            "%s, %d entries are found, with a capacity of %d", when, found, capacity);
}

static void keeps_what_fits(void)
{
    enum { CAPACITY = 500 };
    struct rig rig;
    rig_values_init(4 * CAPACITY);
    rig_open(&rig, &module, CAPACITY);
    int key = 0;
    for (; key < CAPACITY; key++, trial_clock_advance(1))
        rig_put(&rig, key);
    expect_full(&rig, key, CAPACITY, "after as many keys as fit");
    for (; key < 2 * CAPACITY + 1; key++, trial_clock_advance(1))
        rig_put(&rig, key);
    expect_full(&rig, key, CAPACITY, "after twice as many keys as fit");
    rig_close(&rig);
    rig_values_fini();
    verdict(true, "all that fit", "%d entries are found, with a capacity of %d", CAPACITY, CAPACITY);
}

/* ---- least_recently_used_order --------------------------------------------------------------------------
 */

static size_t order_on_trace(size_t capacity, uint32_t seed)
{
    struct rig rig;
    struct lru_oracle oracle;
    uint32_t random = seed * 2654435761u + 1;
    size_t operations = 12 * capacity + 300, compared = 0;
    int keys = (int)(2 * capacity + 3);
    rig_values_init(operations);
    rig_open(&rig, &module, capacity);
    lru_oracle_init(&oracle, capacity);
    for (size_t i = 0; i < operations; i++) {
        int a = (int)(trial_random(&random) % (unsigned)keys),
            b = (int)(trial_random(&random) % (unsigned)keys);
        int key = a < b ? a : b; /* low keys more often, as in life */
        trial_clock_advance(1 + (trial_random(&random) % 64 == 0 ? 12000 : 0));
        if (trial_random(&random) % 2) {
            rig_put(&rig, key);
            lru_oracle_put(&oracle, key);
            continue;
        }
        int rank = lru_oracle_rank(&oracle, key);
        bool expected = lru_oracle_get(&oracle, key), found = rig_get(&rig, key);
        compared++;
        if (expected && !found)
            verdict(false, "the one evicted is the one unused for longest",
                "/item/%d was evicted, though only %d of %zu entries were used since (capacity %zu, seed %u, "
                "operation %zu)",
                key, rank, oracle.count, capacity, seed, i);
        if (!expected && found)
            verdict(false, "the one evicted is the one unused for longest",
                "/item/%d was kept, though %zu other keys were used since (capacity %zu, seed %u, operation "
                "%zu)",
                key, capacity, capacity, seed, i);
    }
    rig_close(&rig);
    rig_values_fini();
    return compared;
}

static void least_recently_used_order(void)
{
    static const size_t capacities[] = {1, 2, 3, 16, 200};
    size_t compared = 0;
    for (size_t i = 0; i < sizeof capacities / sizeof *capacities; i++)
        for (uint32_t seed = 1; seed <= 8; seed++)
            compared += order_on_trace(capacities[i], seed);
    verdict(true, "as the oracle", "%zu lookups on 40 random traces, each as the oracle says", compared);
}

/* ---- books_balance --------------------------------------------------------------------------------------
 */

static void books_balance(void)
{
    enum { CAPACITY = 300, OPERATIONS = 4000 };
    struct rig rig;
    uint32_t random = 7;
    rig_values_init(OPERATIONS);
    int64_t before_bytes = counted_live_bytes();
    rig_open(&rig, &counted, CAPACITY);
    uint64_t new_keys = 0;
    for (int i = 0; i < OPERATIONS; i++) {
        int key = (int)(trial_random(&random) % (3 * CAPACITY));
        trial_clock_advance(5);
        if (!rig_get(&rig, key))
            new_keys++;
        rig_put(&rig, key);
    }
    struct cache_stats stats = rig_stats(&rig);
    if (stats.bytes != stats.entries * RIG_VALUE_BYTES)
        verdict(false, "bytes is the sum over the entries that are there",
            "cache_stats says %zu bytes for %zu entries of %d", stats.bytes, stats.entries, RIG_VALUE_BYTES);
    if (stats.evictions != new_keys - stats.entries)
        verdict(false, "every key that came and is gone was evicted, and is counted once",
            "cache_stats says %lu evictions; %lu keys came, %zu are there", (unsigned long)stats.evictions,
            (unsigned long)new_keys, stats.entries);
    rig_close(&rig);
    expect_tidy_values("at the end");
    int64_t left_bytes = counted_live_bytes() - before_bytes;
    if (rig_values.live != 0)
        verdict(false, "none: cache_free gives every reference back",
            "%ld values are still held after cache_free", rig_values.live);
    if (left_bytes != 0)
        verdict(false, "none: what the cache allocates it frees", "%ld bytes are left after cache_free",
            (long)left_bytes);
    rig_values_fini();
    verdict(true, "nothing left, nothing twice", "%d values and %lu evictions: 0 values and 0 bytes left",
        OPERATIONS, (unsigned long)stats.evictions);
}

/* ---- work_per_operation ---------------------------------------------------------------------------------
 */

/*
 * Basic blocks an operation takes in a full cache: half lookups of keys that are likely there, half new keys.
 * The clock goes fast, so that whatever the cache does now and then falls due many times; and there are
 * enough operations to spread what it does once in a while, unless it is so much that the answer is plain
 * already.
 */
static double blocks_per_operation(int capacity)
{
    static const uint64_t plain_enough = 60000000;
    struct rig rig;
    uint32_t random = 3;
    int newest = 0, operations = 0;
    rig_values_init(3 * (size_t)capacity);
    rig_open(&rig, &counted, (size_t)capacity);
    for (; newest < capacity; newest++)
        rig_put(&rig, newest);
    uint64_t before = counted_work(), blocks = 0;
    for (; operations < 4 * capacity && blocks < plain_enough; operations++) {
        trial_clock_advance(100);
        if (operations % 2)
            rig_put(&rig, newest++);
        else
            rig_get(&rig, newest - 1 - (int)(trial_random(&random) % (unsigned)capacity));
        blocks = counted_work() - before;
    }
    rig_close(&rig);
    rig_values_fini();
    return (double)blocks / operations;
}

static void work_per_operation(void)
{
    double small = blocks_per_operation(1000), large = blocks_per_operation(8000);
    char allowed[80];
    snprintf(allowed, sizeof allowed, "at most %.1f times the work for 8 times the entries", WORK_GROWTH_MAX);
    verdict(large <= WORK_GROWTH_MAX * small, allowed,
        "%.1f basic blocks an operation with 1,000 entries, %.1f with 8,000: %.2f times", small, large,
        large / small);
}

/* ---- totals_under_threads -------------------------------------------------------------------------------
 */

enum { TOTALS_THREADS = 4, TOTALS_OPERATIONS = 1500 };

struct totals_worker {
    pthread_t thread;
    struct rig *rig;
    uint32_t random;
    int keys;
};

static void *totals_run(void *argument)
{
    struct totals_worker *w = argument;
    for (int i = 0; i < TOTALS_OPERATIONS; i++) {
        int key = (int)(trial_random(&w->random) % (unsigned)w->keys);
        trial_clock_advance(1);
        if (trial_random(&w->random) % 2)
            rig_put(w->rig, key);
        else
            rig_get(w->rig, key);
    }
    return NULL;
}

static void run_workers(struct rig *rig, int keys)
{
    struct totals_worker workers[TOTALS_THREADS];
    for (int i = 0; i < TOTALS_THREADS; i++) {
        workers[i] = (struct totals_worker){.rig = rig, .random = (uint32_t)i * 7919 + 17, .keys = keys};
        if (pthread_create(&workers[i].thread, NULL, totals_run, &workers[i]) != 0)
            abort();
    }
    for (int i = 0; i < TOTALS_THREADS; i++)
        pthread_join(workers[i].thread, NULL);
}

static void totals_at(size_t capacity, int keys)
{
    struct rig rig;
    rig_values_init(TOTALS_THREADS * TOTALS_OPERATIONS);
    rig_open(&rig, &counted, capacity);
    counted_shuffle(true);
    run_workers(&rig, keys);
    counted_shuffle(false);

    expect_tidy_values("with four threads at once");
    struct cache_stats stats = rig_stats(&rig);
    size_t found = 0;
    for (int key = 0; key < keys; key++)
        found += rig_get(&rig, key);
    if (found != stats.entries || stats.bytes != found * RIG_VALUE_BYTES || (size_t)rig_values.live < found)
        verdict(false, "the three agree",
            "after four threads: cache_stats says %zu entries of %zu bytes, %zu keys are found, %ld values "
            "are held",
            stats.entries, stats.bytes, found, rig_values.live);
    rig_close(&rig);
    expect_tidy_values("at cache_free after four threads");
    if (rig_values.live != 0)
        verdict(
            false, "none", "after four threads and cache_free, %ld values are still held", rig_values.live);
    rig_values_fini();
}

static void totals_under_threads(void)
{
    totals_at(24, 64);
    totals_at(2, 5); /* so small that a value is often gone a moment after it was found */
    verdict(true, "entries, bytes and references agree",
        "%d operations by four threads, switched in mid-operation: entries, bytes and references agree",
        2 * TOTALS_THREADS * TOTALS_OPERATIONS);
}

/* ---- release_outside_lock -------------------------------------------------------------------------------
 */

/* One thread puts until a value is released, and is held there. Another then looks up, stores and asks
 * for figures: it gets through if and only if the lock is free meanwhile. */
static sem_t release_entered, release_may_end, visitor_done;
static atomic_bool release_armed;
static const char *volatile visitor_in; /* the call the other thread is in */

static void hold_first_release(void)
{
    if (!atomic_exchange(&release_armed, false))
        return;
    sem_post(&release_entered);
    while (sem_wait(&release_may_end) != 0)
        ;
}

enum { RELEASE_CAPACITY = 100, RELEASE_PUTS = 400, VISITOR_KEY = 1000000 };

struct releaser {
    struct rig rig;
    bool replacing; /* the value released is one replaced under its key, not a victim */
};

static void *releaser_run(void *argument)
{
    struct releaser *r = argument;
    if (r->replacing)
        rig_put(&r->rig, 0);
    for (int key = 1; key <= RELEASE_PUTS && !r->replacing; key++) {
        trial_clock_advance(1000);
        rig_put(&r->rig, key);
    }
    return NULL;
}

static void *visitor_run(void *argument)
{
    struct releaser *r = argument;
    visitor_in = "cache_get";
    rig_get(&r->rig, VISITOR_KEY);
    visitor_in = "cache_put";
    rig_put(&r->rig, VISITOR_KEY + 1);
    visitor_in = "cache_stats";
    rig_stats(&r->rig);
    visitor_in = NULL;
    sem_post(&visitor_done);
    return NULL;
}

static void release_with_visitor(bool replacing)
{
    const char *what = replacing ? "a replaced value" : "a victim";
    struct releaser r = {.replacing = replacing};
    pthread_t releaser, visitor;
    rig_values_init(2 * RELEASE_PUTS);
    rig_open(&r.rig, &module, RELEASE_CAPACITY);
    rig_put(&r.rig, 0);
    rig_put(&r.rig, VISITOR_KEY);
    sem_init(&release_entered, 0, 0);
    sem_init(&release_may_end, 0, 0);
    sem_init(&visitor_done, 0, 0);
    rig_on_cache_release = hold_first_release;
    atomic_store(&release_armed, true);
    pthread_create(&releaser, NULL, releaser_run, &r);
    bool entered = trial_wait(&release_entered, RENDEZVOUS_S);
    bool through = false;
    const char *stuck_in = NULL;
    if (entered) {
        pthread_create(&visitor, NULL, visitor_run, &r);
        through = trial_wait(&visitor_done, RENDEZVOUS_S);
        stuck_in = visitor_in;
        sem_post(&release_may_end);
        pthread_join(visitor, NULL);
    }
    atomic_store(&release_armed, false);
    pthread_join(releaser, NULL);
    if (!entered)
        verdict(false, "entries beyond the capacity are released",
            "%d puts into a cache of %d released nothing", RELEASE_PUTS, RELEASE_CAPACITY);
    if (!through)
        verdict(false, "the lock is free while a value is released, however long that takes",
            "while %s was being released, another thread's %s did not return within %d s", what,
            stuck_in ? stuck_in : "call", RENDEZVOUS_S);
    rig_close(&r.rig);
    rig_values_fini();
}

static void release_outside_lock(void)
{
    release_with_visitor(false);
    release_with_visitor(true);
    verdict(true, "another thread gets through meanwhile",
        "get, put and stats of another thread got through while a victim was released, and a replaced value");
}

/* ---- waiting_against_flawed -----------------------------------------------------------------------------
 */

enum {
    WAITING_THREADS = 6,
    WAITING_CAPACITY = 10000,
    WAITING_OPERATIONS = 100, /* by each thread */
    WAITING_PAUSE_US = 300,
    WAITING_STEP_MS = 45 /* the clock's step for each operation: the flawed sweep falls due now and then */
};

struct waiting_worker {
    pthread_t thread;
    struct rig *rig;
    uint32_t random;
    int first_new;
    int64_t waited_ns;
};

static void *waiting_run(void *argument)
{
    struct waiting_worker *w = argument;
    int next_new = w->first_new;
    for (int i = 0; i < WAITING_OPERATIONS; i++) {
        usleep(WAITING_PAUSE_US);
        trial_clock_advance(WAITING_STEP_MS);
        if (i % 2)
            rig_put(w->rig, next_new++);
        else
            rig_get(w->rig, (int)(trial_random(&w->random) % WAITING_CAPACITY));
    }
    w->waited_ns = module_waited_ns();
    return NULL;
}

static double waiting_ms_in(const void *m)
{
    struct waiting_worker workers[WAITING_THREADS];
    struct rig rig;
    int64_t waited_ns = 0;
    rig_values_init(WAITING_CAPACITY + WAITING_THREADS * WAITING_OPERATIONS);
    rig_open(&rig, m, WAITING_CAPACITY);
    for (int key = 0; key < WAITING_CAPACITY; key++)
        rig_put(&rig, key);
    for (int i = 0; i < WAITING_THREADS; i++) {
        workers[i] = (struct waiting_worker){
            .rig = &rig, .random = (uint32_t)i + 1, .first_new = (i + 1) * 2 * WAITING_CAPACITY};
        if (pthread_create(&workers[i].thread, NULL, waiting_run, &workers[i]) != 0)
            abort();
    }
    for (int i = 0; i < WAITING_THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        waited_ns += workers[i].waited_ns;
    }
    rig_close(&rig);
    rig_values_fini();
    return (double)waited_ns / 1e6;
}

static void waiting_against_flawed(void)
{
    struct trial_waiting w = trial_waiting(waiting_ms_in, &flawed, &module, WAITING_SHARE_MAX);
    char allowed[80];
    snprintf(allowed, sizeof allowed, "at most %.0f%% of the flawed one's waiting", 100 * WAITING_SHARE_MAX);
    verdict(w.share <= WAITING_SHARE_MAX, allowed,
        "%d threads waited %.1f ms a round, those on the flawed cache %.1f ms: %.1f%% (second best of %d "
        "rounds)",
        WAITING_THREADS, w.mine_ms, w.flawed_ms, 100 * w.share, w.rounds);
}

/* ---------------------------------------------------------------------------------------------------------
 */

#define PROFILES "http://127.0.0.1:6060/debug/pprof/"

static const struct verdict_case cases[] = {
    {"bound_after_every_operation", bound_after_every_operation, "heap, inuse_space: who owns what is alive",
        "./profiler/pprof -top -inuse_space " PROFILES "heap; cache_entries in http://127.0.0.1:8080/stats"},
    {"keeps_what_fits", keeps_what_fits, "threads: misses stand in recv, waiting for the upstream",
        "./profiler/pprof -top " PROFILES "threads"},
    {"least_recently_used_order", least_recently_used_order,
        "threads: popular keys that were evicted become misses", "./profiler/pprof -top " PROFILES "threads"},
    {"books_balance", books_balance, "heap, inuse_space: what nobody gives back stays",
        "./profiler/pprof -top -inuse_space " PROFILES "heap"},
    {"work_per_operation", work_per_operation, "cpu: the scan, below JSON",
        "./profiler/pprof -top '" PROFILES "profile?seconds=10'"},
    {"totals_under_threads", totals_under_threads,
        "none: a missing lock leaves no waiting; it leaves wrong totals",
        "read cache.c: which shared fields are touched without the lock?"},
    {"release_outside_lock", release_outside_lock, "mutex: who makes others wait",
        "./profiler/pprof -peek cache_ " PROFILES "mutex"},
    {"waiting_against_flawed", waiting_against_flawed, "mutex (who holds) and block (who waits)",
        "./profiler/pprof -top " PROFILES "mutex"},
};

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: lesson6 TITLE FLAWED MODULE\n");
        return 2;
    }
    if (!cache_module_load(&flawed, argv[2], ".so") || !cache_module_load(&module, argv[3], ".so") ||
        !cache_module_load(&counted, argv[3], ".counted.so"))
        return 2;
    return verdict_run(argv[1], cases, sizeof cases / sizeof *cases, WATCHDOG_S) > 0 ? 1 : 0;
}
