/*
 * Checks of lesson 7: what a repaired tile_store.c and tile_code.c must do together, in exact counts of work
 * and of bytes, on a trace that is the same on every machine. Any policy and any encoding passes that keeps
 * the promises of the two headers in demos/lesson7 and stays below both limits; how it is written is not
 * looked at.
 *
 *   lesson7 TITLE FLAWED_STORE STORE FLAWED_CODE CODE
 */
#include "counted.h"
#include "module.h"
#include "tile_limits.h"
#include "tile_rig.h"
#include "trial.h"
#include "verdict.h"

#include "base/hash.h"
#include "common/zipf.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct store_module store_module, store_counted;
static struct code_module code_module, code_counted;

/* ---- a store under test, and what is expected of each tile ----------------------------------------------
 */

static const struct store_module *under_test;
static struct tile_store *store;
static struct rig_renderer renderer;
static int64_t bytes_before; /* counted, before there was a store */

static void open_store(const struct store_module *m, const struct code_module *code, size_t budget_bytes)
{
    const struct tile_store_config config = {
        .budget_bytes = budget_bytes, .render = rig_render, .renderer = &renderer};
    rig_use_code(code);
    atomic_store(&renderer.rendered, 0);
    renderer.on_render = NULL;
    under_test = m;
    bytes_before = counted_live_bytes();
    counted_peak_restart();
    module_enter("tile_store_new");
    store = m->create(&config);
    module_leave();
    if (!store)
        verdict(false, "a store", "tile_store_new returned NULL, with memory to spare");
}

static void close_store(void)
{
    module_enter("tile_store_free");
    under_test->destroy(store);
    module_leave();
}

static void get(uint64_t tile, unsigned char pixels[TILE_BYTES])
{
    module_enter("tile_store_get");
    under_test->get(store, tile, pixels);
    module_leave();
}

static struct tile_store_stats stats_of_store(void)
{
    struct tile_store_stats stats;
    module_enter("tile_store_stats");
    under_test->stats(store, &stats);
    module_leave();
    return stats;
}

static bool is_tile(uint64_t tile, const unsigned char pixels[TILE_BYTES])
{
    unsigned char expected[TILE_BYTES];
    rig_draw(tile, expected);
    return memcmp(pixels, expected, TILE_BYTES) == 0;
}

/* Whether the store gives the tile's own pixels. */
static bool gives(uint64_t tile)
{
    unsigned char pixels[TILE_BYTES];
    memset(pixels, 0xee, sizeof pixels);
    get(tile, pixels);
    return is_tile(tile, pixels);
}

static int64_t allowed_bytes(size_t budget_bytes)
{
    return (int64_t)(budget_bytes + budget_bytes / 4) + TILE_STORE_SPARE_BYTES;
}

/* ---- the trace ------------------------------------------------------------------------------------------
 */

/* What is on the tile of a place: two in ten are one colour, one in ten as good as random. */
static uint64_t place(uint32_t season, size_t rank)
{
    static const enum rig_kind KINDS[] = {RIG_RUNS, RIG_RUNS, RIG_RANDOM, RIG_RUNS, RIG_PLAIN, RIG_RUNS,
        RIG_RUNS, RIG_PLAIN, RIG_RUNS, RIG_RUNS};
    uint32_t n = season * 100000 + (uint32_t)rank;
    return rig_tile(KINDS[hash_u64(n) % 10], n);
}

/* In each season other places are the popular ones. Pixels are looked at elsewhere, so that one fault has one
 * name. */
static void ask_for(uint32_t season, int ntiles)
{
    unsigned char pixels[TILE_BYTES];
    struct zipf *zipf = zipf_new(TRACE_PLACES);
    uint32_t random = 2463534242U + season;
    for (int i = 0; zipf && i < ntiles; i++)
        get(place(season, zipf_rank(zipf, trial_random(&random))), pixels);
    zipf_free(zipf);
}

struct cost {
    uint64_t rendered, work; /* work: with that of rendering */
};

static struct cost cost_of(uint32_t season, int ntiles)
{
    uint64_t rendered = atomic_load(&renderer.rendered), work = counted_work();
    ask_for(season, ntiles);
    rendered = atomic_load(&renderer.rendered) - rendered;
    return (struct cost){.rendered = rendered, .work = counted_work() - work + rendered * RENDER_WORK};
}

static void judge_work(struct cost cost, const char *when)
{
    char allowed[120];
    uint64_t a_tile = cost.work / TRACE_ASKED;
    snprintf(allowed, sizeof allowed, "at most %d blocks a tile; rendering one takes %d", WORK_A_TILE_MAX,
        RENDER_WORK);
    verdict(a_tile <= WORK_A_TILE_MAX, allowed,
        "%" PRIu64
        " blocks for each of %d tiles asked for%s: %.1f%% were rendered, and all else took %" PRIu64
        " a tile",
        a_tile, TRACE_ASKED, when, 100.0 * (double)cost.rendered / TRACE_ASKED,
        (cost.work - cost.rendered * RENDER_WORK) / TRACE_ASKED);
}

static void work_on_trace(void)
{
    open_store(&store_counted, &code_counted, TRACE_BUDGET_BYTES);
    struct cost cost = cost_of(0, TRACE_ASKED);
    close_store();
    judge_work(cost, "");
}

static void work_after_a_change(void)
{
    open_store(&store_counted, &code_counted, TRACE_BUDGET_BYTES);
    ask_for(0, TRACE_ASKED);
    struct cost cost = cost_of(1, TRACE_ASKED);
    close_store();
    judge_work(cost, " once other places had become popular");
}

static void peak_bytes_on_trace(void)
{
    char allowed[120];
    open_store(&store_counted, &code_counted, TRACE_BUDGET_BYTES);
    ask_for(0, TRACE_ASKED);
    int64_t peak = counted_peak_bytes() - bytes_before, most = allowed_bytes(TRACE_BUDGET_BYTES);
    struct tile_store_stats stats = stats_of_store();
    close_store();
    snprintf(allowed, sizeof allowed,
        "at most %" PRId64 " kB: the budget of %d kB, a quarter more, and %d kB", most / 1024,
        TRACE_BUDGET_BYTES / 1024, TILE_STORE_SPARE_BYTES / 1024);
    verdict(peak <= most, allowed,
        "%" PRId64 " kB allocated at most while %d tiles were asked for, %zu kept at the end", peak / 1024,
        TRACE_ASKED, stats.kept);
}

/* ---- within_any_budget ----------------------------------------------------------------------------------
 */

static void ask_within(size_t budget_bytes, enum rig_kind kind, const char *what, int ntiles)
{
    unsigned char pixels[TILE_BYTES];
    char allowed[120];
    int64_t most = allowed_bytes(budget_bytes);
    snprintf(allowed, sizeof allowed,
        "at most %" PRId64 " kB, whatever the tiles: the budget, a quarter more, and %d kB", most / 1024,
        TILE_STORE_SPARE_BYTES / 1024);
    open_store(&store_counted, &code_module, budget_bytes);
    for (int i = 0; i < ntiles; i++) {
        get(rig_tile(kind, (uint32_t)i), pixels);
        int64_t peak = counted_peak_bytes() - bytes_before;
        if (peak > most)
            verdict(false, allowed, "with a budget of %zu kB, %" PRId64 " kB allocated after %d tiles %s",
                budget_bytes / 1024, peak / 1024, i + 1, what);
    }
    struct tile_store_stats stats = stats_of_store();
    close_store();
    if (budget_bytes == 0 && stats.kept > 0)
        verdict(false, "with a budget of 0, none", "with a budget of 0, %zu tiles kept", stats.kept);
}

static void within_any_budget(void)
{
    static const size_t BUDGETS[] = {0, 64 * 1024, 1024 * 1024};
    for (size_t i = 0; i < sizeof BUDGETS / sizeof *BUDGETS; i++) {
        ask_within(BUDGETS[i], RIG_RANDOM, "that no code makes shorter", 800);
        ask_within(BUDGETS[i], RIG_PLAIN, "of one colour", 12000);
        ask_within(BUDGETS[i], RIG_RUNS, "in runs", 2000);
    }
    verdict(true, "the budget, a quarter more, and the spare bytes, whatever the tiles",
        "within budgets of 0, 64 and 1,024 kB, with tiles of one colour, in runs, and random ones");
}

/* ---- own_pixels -----------------------------------------------------------------------------------------
 */

/* One tile there and back, in room that is watched at its end. */
static void expect_survival(const unsigned char pixels[TILE_BYTES], const char *what)
{
    static const char allowed[] = "the very same pixels, from 1 to 32,768 bytes";
    enum { GUARD = 64 };
    static unsigned char packed[TILE_PACKED_MAX + GUARD], back[TILE_BYTES + GUARD];
    memset(packed, 0xa5, sizeof packed);
    memset(back, 0xa5, sizeof back);
    module_enter("tile_pack");
    size_t len = code_module.pack(pixels, packed);
    module_leave();
    if (len < 1 || len > TILE_PACKED_MAX)
        verdict(false, allowed, "tile_pack returned %zu for %s", len, what);
    unsigned char *exact = malloc(len); /* so that a sanitizer sees who reads beyond it */
    memcpy(exact, packed, len);
    module_enter("tile_unpack");
    code_module.unpack(exact, len, back);
    module_leave();
    free(exact);
    for (int i = 0; i < GUARD; i++)
        if (packed[TILE_PACKED_MAX + i] != 0xa5 || back[TILE_BYTES + i] != 0xa5)
            verdict(false, allowed, "with %s, bytes were written beyond the end", what);
    if (memcmp(back, pixels, TILE_BYTES) != 0)
        verdict(false, allowed, "%s came back with other pixels", what);
}

static void try_codes(void)
{
    unsigned char pixels[TILE_BYTES];
    char what[60];
    for (size_t run = 1; run <= TILE_BYTES; run += run < 300 ? 1 : 997) {
        for (size_t i = 0; i < TILE_BYTES; i++)
            pixels[i] = (unsigned char)(i / run * 77);
        snprintf(what, sizeof what, "a tile in runs of %zu", run);
        expect_survival(pixels, what);
    }
    for (int kind = RIG_PLAIN; kind <= RIG_RANDOM; kind++)
        for (uint32_t n = 0; n < 60; n++) {
            rig_draw(rig_tile((enum rig_kind)kind, n), pixels);
            expect_survival(pixels, kind == RIG_PLAIN  ? "a tile of one colour"
                                    : kind == RIG_RUNS ? "a tile in runs"
                                                       : "a random tile");
        }
    memset(pixels, 255, sizeof pixels);
    expect_survival(pixels, "a tile all of 255");
}

enum { LOOKALIKES = 6 };

/* Tiles whose numbers are easily taken for another's: by their low bits, by the sum of column and row, and by
 * the hash that the table was given with. */
static void list_lookalikes(uint32_t n, uint64_t tiles[LOOKALIKES])
{
    uint64_t tile = rig_tile(RIG_RUNS, n);
    tiles[0] = tile;
    tiles[1] = tile + (UINT64_C(1) << 40);
    tiles[2] = tile + (UINT64_C(1) << 52);
    tiles[3] = tile + 8192;
    tiles[4] = rig_tile(RIG_RUNS, (n % 4096) * 4096 + n / 4096);
    tiles[5] = tile + 1;
    while ((hash_u64(tiles[5]) ^ hash_u64(tile)) & 8191)
        tiles[5]++;
}

static void try_lookalikes(size_t budget_bytes, int *asked)
{
    uint64_t tiles[LOOKALIKES];
    uint32_t random = 88172645;
    open_store(&store_module, &code_module, budget_bytes);
    for (int i = 0; i < 300; i++) {
        list_lookalikes(1000 + trial_random(&random) % 30 * 7919, tiles);
        for (int j = 0; j < 2 * LOOKALIKES; j++, ++*asked) {
            uint64_t tile = tiles[trial_random(&random) % LOOKALIKES];
            if (!gives(tile))
                verdict(false, "each tile's own pixels, whatever else is kept",
                    "tile 0x%" PRIx64 " came with other pixels than its own, the %d. that was asked for",
                    tile, *asked + 1);
        }
    }
    close_store();
}

static void own_pixels(void)
{
    static const size_t BUDGETS[] = {0, 64 * 1024, 400 * 1024, 16 * 1024 * 1024};
    int asked = 0;
    try_codes();
    for (size_t i = 0; i < sizeof BUDGETS / sizeof *BUDGETS; i++)
        try_lookalikes(BUDGETS[i], &asked);
    verdict(true, "each tile's own pixels",
        "%d tiles with numbers alike, all with their own pixels; each form came back as it was", asked);
}

/* ---- others_meanwhile -----------------------------------------------------------------------------------
 */

static sem_t held, may_go, visitor_done;
static uint64_t held_tile;

static void hold(uint64_t tile)
{
    if (tile != held_tile)
        return;
    sem_post(&held);
    while (sem_wait(&may_go) != 0)
        ;
}

static void start(pthread_t *thread, void *(*run)(void *), void *argument)
{
    if (pthread_create(thread, NULL, run, argument) != 0)
        abort();
}

static void *get_held(void *unused)
{
    gives(held_tile);
    return unused;
}

enum { VISITED = 40 };

static void *visit(void *unused)
{
    for (uint32_t n = 0; n < VISITED; n++)
        gives(rig_tile(n % 2 ? RIG_RUNS : RIG_RANDOM, n));
    stats_of_store();
    sem_post(&visitor_done);
    return unused;
}

static void others_meanwhile(void)
{
    pthread_t holder, visitor;
    open_store(&store_module, &code_module, TRACE_BUDGET_BYTES);
    for (uint32_t n = 0; n < VISITED / 2; n++) /* some are kept, maybe, and some have to be rendered */
        gives(rig_tile(n % 2 ? RIG_RUNS : RIG_RANDOM, n));
    sem_init(&held, 0, 0);
    sem_init(&may_go, 0, 0);
    sem_init(&visitor_done, 0, 0);
    held_tile = rig_tile(RIG_RUNS, 99999);
    renderer.on_render = hold;
    start(&holder, get_held, NULL);
    if (!trial_wait(&held, RENDEZVOUS_S))
        verdict(false, "a tile that nobody has asked for is rendered",
            "a new tile was asked for, and not rendered");
    start(&visitor, visit, NULL);
    bool through = trial_wait(&visitor_done, RENDEZVOUS_S);
    sem_post(&may_go);
    pthread_join(visitor, NULL);
    pthread_join(holder, NULL);
    close_store();
    static const char allowed[] = "others get through while a tile is rendered, however long that takes";
    if (!through)
        verdict(false, allowed,
            "while one tile was being rendered, another thread did not get %d others within %d s", VISITED,
            RENDEZVOUS_S);
    verdict(true, allowed, "while one tile was being rendered, another thread got %d others", VISITED);
}

/* ---- right_under_threads --------------------------------------------------------------------------------
 */

enum { THREADS = 4, GETS = 400, CODED = 40 }; /* of each thread */

struct worker {
    pthread_t thread;
    uint32_t random;
    int wrong;
};

static void *get_many(void *argument)
{
    struct worker *w = argument;
    for (int i = 0; i < GETS; i++) {
        uint32_t n = trial_random(&w->random) % 40;
        w->wrong += !gives(rig_tile(n % 4 ? RIG_RUNS : RIG_RANDOM, n));
    }
    return NULL;
}

static void *code_many(void *argument)
{
    struct worker *w = argument;
    unsigned char *packed = malloc(TILE_PACKED_MAX), pixels[TILE_BYTES];
    for (int i = 0; i < CODED; i++) {
        uint64_t tile = rig_tile(i % 4 ? RIG_RUNS : RIG_RANDOM, trial_random(&w->random));
        rig_draw(tile, pixels);
        size_t len = code_counted.pack(pixels, packed);
        memset(pixels, 0xee, sizeof pixels);
        code_counted.unpack(packed, len < TILE_PACKED_MAX ? len : TILE_PACKED_MAX, pixels);
        w->wrong += !is_tile(tile, pixels);
    }
    free(packed);
    return NULL;
}

/* How many tiles came out wrong. */
static int run_threads(void *(*run)(void *))
{
    struct worker workers[THREADS];
    int wrong = 0;
    counted_shuffle(true);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.random = (uint32_t)i * 7919 + 17};
        start(&workers[i].thread, run, &workers[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        wrong += workers[i].wrong;
    }
    counted_shuffle(false);
    return wrong;
}

/* ---- a tile that is given up while it is unpacked ---- */

static atomic_bool unpack_armed;

/* The first to unpack waits until another thread has asked for so many other tiles that this one is given up;
 * or until it is clear that nobody gets through meanwhile, which is allowed. */
static void hold_unpack(void)
{
    if (!atomic_exchange(&unpack_armed, false))
        return;
    sem_post(&held);
    trial_wait(&visitor_done, RENDEZVOUS_S);
}

static void *ask_for_others(void *unused)
{
    while (sem_wait(&held) != 0)
        ;
    for (uint32_t n = 100; n < 400; n++)
        gives(rig_tile(RIG_RUNS, n));
    sem_post(&visitor_done);
    return unused;
}

static bool survives_being_given_up(void)
{
    pthread_t others;
    uint64_t tile = rig_tile(RIG_RUNS, 7);
    open_store(&store_module, &code_module, 128 * 1024);
    bool right = gives(tile);
    sem_init(&held, 0, 0);
    sem_init(&visitor_done, 0, 0);
    atomic_store(&unpack_armed, true);
    rig_on_unpack(hold_unpack);
    start(&others, ask_for_others, NULL);
    right = gives(tile) && right;
    sem_post(&held); /* who was never held in tile_unpack has an encoding of its own */
    pthread_join(others, NULL);
    rig_on_unpack(NULL);
    close_store();
    return right;
}

/* The two modules apart, so that most of the naps are in the one that is looked at. */
static void right_under_threads(void)
{
    static const char allowed[] = "each tile's own pixels, and each counted once";
    open_store(&store_counted, &code_module, 192 * 1024);
    int wrong = run_threads(get_many);
    struct tile_store_stats stats = stats_of_store();
    uint64_t rendered = atomic_load(&renderer.rendered);
    close_store();
    int64_t left_bytes = counted_live_bytes() - bytes_before;
    if (wrong > 0)
        verdict(false, allowed, "of %d tiles that %d threads asked for at once, %d came with wrong pixels",
            THREADS * GETS, THREADS, wrong);
    if (stats.asked != THREADS * GETS || stats.rendered != rendered)
        verdict(false, allowed,
            "%d tiles were asked for by %d threads and %" PRIu64 " rendered; the store says %" PRIu64
            " and %" PRIu64,
            THREADS * GETS, THREADS, rendered, stats.asked, stats.rendered);
    if (left_bytes != 0)
        verdict(false, "none: what is allocated is freed once",
            "%" PRId64 " bytes are left after tile_store_free", left_bytes);
    if (!survives_being_given_up())
        verdict(false, allowed,
            "a tile came with wrong pixels that was given up, for others, while one thread was unpacking it");
    wrong = run_threads(code_many);
    if (wrong > 0)
        verdict(false, allowed, "of %d tiles that %d threads packed and unpacked at once, %d came out wrong",
            THREADS * CODED, THREADS, wrong);
    verdict(true, allowed, "%d threads, switched in mid-operation: %d tiles, all right and all counted",
        THREADS, THREADS * (GETS + CODED));
}

/* ---- everything_given_back ------------------------------------------------------------------------------
 */

static void everything_given_back(void)
{
    static const size_t BUDGETS[] = {0, 64 * 1024, TRACE_BUDGET_BYTES};
    for (size_t i = 0; i < sizeof BUDGETS / sizeof *BUDGETS; i++) {
        open_store(&store_counted, &code_counted, BUDGETS[i]);
        ask_for(0, 600);
        close_store();
        int64_t left_bytes = counted_live_bytes() - bytes_before;
        if (left_bytes != 0)
            verdict(false, "none",
                "%" PRId64 " bytes are left after tile_store_free of a store with a budget of %zu kB",
                left_bytes, BUDGETS[i] / 1024);
    }
    verdict(true, "none", "0 bytes are left after tile_store_free");
}

/* ---------------------------------------------------------------------------------------------------------
 */

#define PPROF "./profiler/pprof -top "
#define URL "http://127.0.0.1:6060/debug/pprof/"

static const struct verdict_case cases[] = {
    {"own_pixels", own_pixels, "none: a wrong tile is as quick as a right one, and as small",
        "http://127.0.0.1:8080/map/item-0 in a browser, from ./demos/tiles and from yours"},
    {"peak_bytes_on_trace", peak_bytes_on_trace, "heap, inuse_space: what is kept; cpu does not show it",
        PPROF "-inuse_space " URL "heap"},
    {"within_any_budget", within_any_budget, "heap, inuse_space: sizes differ, and a count is no budget",
        PPROF "-inuse_space " URL "heap"},
    {"work_on_trace", work_on_trace, "cpu: terrain_render, and what packs and unpacks; heap does not show it",
        PPROF "-cum '" URL "profile?seconds=10'"},
    {"work_after_a_change", work_after_a_change,
        "cpu, minutes later: what was popular stays kept, and nobody asks for it",
        PPROF "-cum '" URL "profile?seconds=10'"},
    {"others_meanwhile", others_meanwhile,
        "mutex: who holds the lock of the store, and threads: in terrain_render", PPROF "-cum " URL "mutex"},
    {"right_under_threads", right_under_threads,
        "none: a missing lock leaves no waiting; it leaves wrong tiles",
        "read your files: which of what the threads share is touched without the lock?"},
    {"everything_given_back", everything_given_back, "heap, the difference of two inuse_space",
        PPROF "-cum '" URL "heap?seconds=10'"},
};

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: lesson7 TITLE FLAWED_STORE STORE FLAWED_CODE CODE\n");
        return 2;
    }
    if (!store_module_load(&store_module, argv[3], ".so") ||
        !store_module_load(&store_counted, argv[3], ".counted.so") ||
        !code_module_load(&code_module, argv[5], ".so") ||
        !code_module_load(&code_counted, argv[5], ".counted.so"))
        return 2;
    return verdict_run(argv[1], cases, sizeof cases / sizeof *cases, WATCHDOG_S) > 0 ? 1 : 0;
}
