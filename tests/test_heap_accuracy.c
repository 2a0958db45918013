#include "harness.h"

#include "capture/heap.h"
#include "capture/heap_distance.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * What the heap profile says of a program whose allocations are known: 64 MiB alive and 640 MiB churned, in
 * blocks of 4 KiB; every function that allocates; memory that goes from thread to thread, and to children.
 */

/* Each alone in its kilobyte, so that an address says whose it is. */
#define NAMED __attribute__((noinline, noclone, aligned(1024), section(".text.named")))
__asm__(".pushsection .text.named, 1, \"ax\"\n.skip 1024\n.popsection"); /* after the last */
#define USED(p) __asm__ volatile("" ::"r"(p) : "memory")

enum { BLOCK = 4096, LIVE = 16384, CHURN = 163840, DEFAULT_RATE = 524288 };

static void *live[LIVE];

static NAMED void allocate_live(void)
{
    for (int i = 0; i < LIVE; i++)
        live[i] = malloc(BLOCK);
    USED(live);
}

static NAMED void churn(void)
{
    for (int i = 0; i < CHURN; i++) {
        void *p = malloc(BLOCK);
        USED(p);
        free(p);
    }
    USED(live);
}

/* Sums over stacks with a frame in function (1 KiB at most). */
static struct snapshot_record sum_in(const struct snapshot *s, void *function)
{
    struct snapshot_record sum = {0};
    for (size_t i = 0; i < s->records.len; i++) {
        const struct snapshot_record *r = &s->records.items[i];
        bool in = false;
        for (int k = 0; k < r->depth; k++) {
            uintptr_t pc = s->pcs.items[r->first_pc + (size_t)k];
            in |= pc > (uintptr_t)function && pc < (uintptr_t)function + 1024;
        }
        for (int v = 0; in && v < 4; v++)
            sum.values[v] += r->values[v];
        if (in)
            sum.block_bytes = r->block_bytes;
    }
    return sum;
}

static struct snapshot_record now_in(void *function)
{
    struct snapshot s;
    ck_assert_int_eq(heap_snapshot(&s), 0);
    struct snapshot_record sum = sum_in(&s, function);
    snapshot_fini(&s);
    return sum;
}

static void expect(struct snapshot_record r, int64_t allocated, int64_t alive, int64_t block)
{
    ck_assert_int_eq(r.values[0], allocated);
    ck_assert_int_eq(r.values[1], allocated * block);
    ck_assert_int_eq(r.values[2], alive);
    ck_assert_int_eq(r.values[3], alive * block);
    if (allocated)
        ck_assert_int_eq(r.block_bytes, block);
}

/* ---- the known program -----------------------------------------------------------------------------------
 */

START_TEST(test_exact_at_rate_1)
{
    ck_assert_int_eq(heap_start(1), 0);
    allocate_live();
    churn();
    expect(now_in(allocate_live), LIVE, LIVE, BLOCK);
    expect(now_in(churn), CHURN, 0, BLOCK);
    for (int i = 0; i < LIVE; i++)
        free(live[i]);
    expect(now_in(allocate_live), LIVE, 0, BLOCK);
}
END_TEST

extern int mallctl(const char *name, void *old, size_t *old_bytes, void *value, size_t value_bytes);

/* In a process of its own, since the distances between samples are drawn from an address. */
static void run_at_default_rate(void)
{
    struct snapshot s;
    if (heap_start(DEFAULT_RATE) != 0)
        _exit(1);
    allocate_live();
    churn();
    if (heap_snapshot(&s) != 0 || s.period != DEFAULT_RATE)
        _exit(1);
    printf("%lld %lld\n", (long long)sum_in(&s, allocate_live).values[3],
        (long long)sum_in(&s, churn).values[1]);
    fflush(stdout);
    _exit(0);
}

static const char RUN[] = "TEST_HEAP_RUN";

/* Of what there was, what a run found: live and churned bytes. */
static void run_once(double *alive, double *churned)
{
    long long live_bytes, churn_bytes;
    FILE *run = popen("exec \"$TEST_HEAP_RUN\"", "r");
    ck_assert_ptr_nonnull(run);
    ck_assert_int_eq(fscanf(run, "%lld %lld", &live_bytes, &churn_bytes), 2);
    ck_assert_int_eq(pclose(run), 0);
    *alive = (double)live_bytes / ((double)LIVE * BLOCK);
    *churned = (double)churn_bytes / ((double)CHURN * BLOCK);
}

/* 128 samples of what is alive and 1,280 of what is churned are expected in a run, so one standard deviation
 * is 8.8% and 2.8%, and 1.6% and 0.5% of the mean of 30 runs. Five and a half of them are allowed. */
START_TEST(test_default_rate)
{
    enum { RUNS = 30 };
    char self[4096];
    double mean_alive = 0, mean_churned = 0;
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    ck_assert_int_gt(len, 0);
    self[len] = '\0';
    setenv(RUN, self, 1);
    for (int i = 0; i < RUNS; i++) {
        double alive, churned;
        run_once(&alive, &churned);
        ck_assert_double_le(fabs(alive - 1), 0.48);
        ck_assert_double_le(fabs(churned - 1), 0.15);
        mean_alive += alive / RUNS;
        mean_churned += churned / RUNS;
    }
    printf(
        "mean of %d runs: %.3f of what is alive, %.3f of what was churned\n", RUNS, mean_alive, mean_churned);
    ck_assert_double_le(fabs(mean_alive - 1), 0.088);
    ck_assert_double_le(fabs(mean_churned - 1), 0.028);
}
END_TEST

/* ---- functions that allocate -----------------------------------------------------------------------------
 */

static void *kept[8];

static NAMED void by_calloc(void)
{
    kept[0] = calloc(100, 20);
    USED(kept);
}

static NAMED void by_realloc(void)
{
    kept[0] = malloc(64);
    kept[0] = realloc(kept[0], 12000);
    USED(kept);
}

static NAMED void by_realloc_of_nothing(void)
{
    kept[0] = realloc(NULL, 2048);
    USED(kept);
}

static NAMED void by_aligned_alloc(void)
{
    kept[0] = aligned_alloc(64, 1024);
    USED(kept);
}

static NAMED void by_memalign(void)
{
    kept[0] = memalign(64, 1024);
    USED(kept);
}

static NAMED void by_posix_memalign(void)
{
    if (posix_memalign(&kept[0], 256, 1024) != 0)
        abort();
    USED(kept);
}

static NAMED void by_strdup(void)
{
    kept[0] = strdup("a string that is copied inside libc, where no wrapper of ours could see it");
    USED(kept);
}

static NAMED void by_asprintf(void)
{
    if (asprintf((char **)&kept[0], "%200d", 1) != 200)
        abort();
    USED(kept);
}

static void *(*operator_new)(size_t);

static NAMED void by_operator_new(void)
{
    kept[0] = operator_new(3000);
    USED(kept);
}

/* ---- whose stacks ----------------------------------------------------------------------------------------
 */

static void (*hook(void))(void **, unsigned *, unsigned)
{
    void (*now)(void **, unsigned *, unsigned) = NULL;
    size_t size = sizeof now;
    ck_assert_int_eq(mallctl("experimental.hooks.prof_backtrace", &now, &size, NULL, 0), 0);
    return now;
}

static NAMED void nest(int depth)
{
    if (depth > 0)
        nest(depth - 1);
    else
        kept[3] = malloc(5000);
    USED(kept);
}

/* Our own unwinder is asked, and finds what libgcc's does, as deep as jemalloc goes. */
START_TEST(test_stacks_are_ours)
{
    void (*theirs)(void **, unsigned *, unsigned) = hook();
    void *pcs[128];
    unsigned n = 0;
    ck_assert_int_eq(heap_start(1), 0);
    ck_assert(hook() != theirs);
    nest(20);
    expect(now_in(nest), 1, 1, 5120);
    struct snapshot s;
    ck_assert_int_eq(heap_snapshot(&s), 0);
    theirs(pcs, &n, 128);
    for (size_t i = 0; i < s.records.len; i++) {
        const struct snapshot_record *r = &s.records.items[i];
        const uintptr_t *stack = s.pcs.items + r->first_pc;
        if (sum_in(&(struct snapshot){.records = {(struct snapshot_record *)r, 1, 1}, .pcs = s.pcs}, nest)
                .values[0] == 0)
            continue;
        int first = 0; /* below are the allocator's, where it is part of the program */
        while (stack[first] <= (uintptr_t)nest || stack[first] >= (uintptr_t)nest + 1024)
            first++;
        for (int k = first; k < first + 21; k++)
            ck_assert(stack[k] > (uintptr_t)nest && stack[k] < (uintptr_t)nest + 1024);
        for (unsigned k = 1; k <= 3; k++) /* from the root */
            ck_assert_uint_eq(stack[r->depth - k], (uintptr_t)pcs[n - k]);
    }
    snapshot_fini(&s);
}
END_TEST

static char *(*later_crypt)(const char *phrase, const char *setting, void **data, int *size);

static NAMED void by_later_code(void)
{
    int size = 0;
    kept[4] = NULL;
    later_crypt("a", "$1$b", &kept[4], &size);
    USED(kept);
}

/* Code that came after our tables were made is libgcc's to follow. */
START_TEST(test_stacks_through_later_code)
{
    ck_assert_int_eq(heap_start(1), 0);
    ck_assert_ptr_null(dlopen("libcrypt.so.1", RTLD_NOW | RTLD_NOLOAD));
    void *library = dlopen("libcrypt.so.1", RTLD_NOW);
    *(void **)&later_crypt = library ? dlsym(library, "crypt_ra") : NULL;
    if (!later_crypt)
        return;
    by_later_code();
    expect(now_in(by_later_code), 1, 1, 32768);
    struct snapshot s;
    ck_assert_int_eq(heap_snapshot(&s), 0);
    for (size_t i = 0; i < s.records.len; i++) {
        struct snapshot_record *r = &s.records.items[i];
        Dl_info leaf = {.dli_fname = ""};
        if (!sum_in(&(struct snapshot){.records = {r, 1, 1}, .pcs = s.pcs}, by_later_code).values[0])
            continue;
        dladdr((void *)s.pcs.items[r->first_pc], &leaf); /* neither the allocator's nor the profiler's */
        ck_assert_msg(strstr(leaf.dli_fname, "libcrypt") != NULL, "%s: %s", leaf.dli_fname, leaf.dli_sname);
    }
    snapshot_fini(&s);
}
END_TEST

/* Everything that libc or another library allocates comes to the same allocator, and in block sizes. */
START_TEST(test_functions_that_allocate)
{
    static const struct {
        void (*function)(void);
        int allocated, alive, alive_bytes;
    } cases[] = {{by_calloc, 1, 1, 2048}, {by_realloc, 2, 1, 12288}, {by_realloc_of_nothing, 1, 1, 2048},
        {by_aligned_alloc, 1, 1, 1024}, {by_memalign, 1, 1, 1024}, {by_posix_memalign, 1, 1, 1024},
        {by_strdup, 1, 1, 80}, {by_operator_new, 1, 1, 3072}};
    void *cxx = dlopen("libstdc++.so.6", RTLD_NOW);
    operator_new = cxx ? (void *(*)(size_t))dlsym(cxx, "_Znwm") : NULL;
    ck_assert_int_eq(heap_start(1), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (cases[i].function == by_operator_new && !operator_new)
            continue;
        cases[i].function();
        struct snapshot_record r = now_in((void *)cases[i].function);
        ck_assert_msg(r.values[0] == cases[i].allocated && r.values[2] == cases[i].alive &&
                          r.values[3] == cases[i].alive_bytes,
            "case %zu: %d allocated, %d blocks of %d bytes alive", i, (int)r.values[0], (int)r.values[2],
            (int)r.values[3]);
        free(kept[0]);
        r = now_in((void *)cases[i].function);
        ck_assert_msg(r.values[2] == 0 && r.values[3] == 0, "case %zu is not freed", i);
    }
    by_asprintf();
    ck_assert_int_eq(now_in(by_asprintf).values[2], 1);
}
END_TEST

/* ---- threads and children --------------------------------------------------------------------------------
 */

enum { SHARED = 200 };
static void *shared[SHARED];

static NAMED void *allocate_shared(void *arg)
{
    for (int i = 0; i < SHARED; i++)
        shared[i] = malloc(512);
    return arg;
}

static NAMED void *free_shared(void *arg)
{
    for (int i = 0; i < SHARED / 2; i++)
        free(shared[i]);
    return arg;
}

static void in_thread(void *(*function)(void *))
{
    pthread_t t;
    ck_assert_int_eq(pthread_create(&t, NULL, function, NULL), 0);
    pthread_join(t, NULL);
}

/* What a thread allocated stays its stack's when the thread is gone, and another frees it. */
START_TEST(test_freed_by_another_thread)
{
    ck_assert_int_eq(heap_start(1), 0);
    in_thread(allocate_shared);
    expect(now_in(allocate_shared), SHARED, SHARED, 512);
    in_thread(free_shared);
    expect(now_in(allocate_shared), SHARED, SHARED / 2, 512);
    ck_assert_int_eq(now_in(free_shared).values[0], 0);
    in_thread(allocate_shared);
    expect(now_in(allocate_shared), 2 * SHARED, SHARED + SHARED / 2, 512);
}
END_TEST

static NAMED void between(void)
{
    kept[1] = malloc(8192);
    kept[2] = malloc(8192);
    USED(kept);
}

/* A difference has what was allocated in between, and what of that is alive. */
START_TEST(test_difference)
{
    struct snapshot first, second, delta;
    ck_assert_int_eq(heap_start(1), 0);
    between();
    ck_assert_int_eq(heap_snapshot(&first), 0);
    between();
    free(kept[1]);
    ck_assert_int_eq(heap_snapshot(&second), 0);
    ck_assert_int_eq(snapshot_subtract(&second, &first, &delta), 0);
    expect(sum_in(&delta, between), 2, 1, 8192);
    snapshot_fini(&first);
    snapshot_fini(&second);
    snapshot_fini(&delta);
}
END_TEST

/* ---- what is remembered ----------------------------------------------------------------------------------
 */

static NAMED void *live_shortly(void *arg)
{
    for (int i = 0; i < 400; i++) {
        void *p = malloc(BLOCK);
        USED(p);
        free(p);
    }
    return arg;
}

static long resident_kb(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fscanf(f, "%*d %ld", &pages), 1);
    fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

enum { TOGETHER = 50, SHORT = 4000 };

static void live_shortly_together(void)
{
    pthread_t t[TOGETHER];
    for (int i = 0; i < TOGETHER; i++)
        ck_assert_int_eq(pthread_create(&t[i], NULL, live_shortly, NULL), 0);
    for (int i = 0; i < TOGETHER; i++)
        pthread_join(t[i], NULL);
}

/* Most of these threads are sampled, and nothing of them stays but what they allocated: kept by thread it
 * would be 35 MB, and a line for each in every dump. 12,500 samples are expected: 0.9% is a standard
 * deviation of the share. */
START_TEST(test_threads_that_end_are_forgotten)
{
    struct snapshot s;
    ck_assert_int_eq(heap_start(DEFAULT_RATE), 0);
    for (int i = 0; i < 4; i++)
        live_shortly_together();
    long before = resident_kb();
    for (int i = 4; i < SHORT / TOGETHER; i++)
        live_shortly_together();
    long grown = resident_kb() - before;
    ck_assert_msg(grown < 6000, "%ld kB more are resident", grown);
    ck_assert_int_eq(heap_snapshot(&s), 0);
    ck_assert_uint_lt(s.records.len, 100);
    struct snapshot_record r = sum_in(&s, live_shortly);
    double share = (double)r.values[1] / ((double)SHORT * 400 * BLOCK);
    printf(
        "short threads: %ld kB more, %zu stacks, %.2f of what they allocated\n", grown, s.records.len, share);
    ck_assert_double_le(fabs(share - 1), 0.05);
    ck_assert_int_le(r.values[3], 1 << 20);
    snapshot_fini(&s);
}
END_TEST

static NAMED void *allocate_little(void *arg)
{
    for (int i = 0; i < 32; i++) {
        void *p = malloc(BLOCK);
        USED(p);
        free(p);
    }
    return arg;
}

/* Threads one after another, at one and the same address, with a quarter of a sample each: as many are
 * sampled as chance will have it. 1,000 samples are expected in all: 3.2% is a standard deviation, and 5.5 of
 * them are allowed. Were all sampled alike, it would be nothing, or four times as much. */
START_TEST(test_short_threads_are_sampled_independently)
{
    enum { THREADS = 4000 };
    ck_assert_int_eq(heap_start(DEFAULT_RATE), 0);
    for (int i = 0; i < THREADS; i++)
        in_thread(allocate_little);
    double share = (double)now_in(allocate_little).values[1] / ((double)THREADS * 32 * BLOCK);
    printf("threads one after another: %.3f of what they allocated\n", share);
    ck_assert_double_le(fabs(share - 1), 0.175);
}
END_TEST

/* The mean and the spread of the distances: geometric, so as large as the mean. */
START_TEST(test_distances)
{
    enum { N = 200000 };
    double mean = 0, square = 0;
    for (int i = 0; i < N; i++) {
        double d = (double)heap_distance_draw(19);
        ck_assert_double_ge(d, 1);
        mean += d / N;
        square += d * d / N;
    }
    ck_assert_double_le(fabs(mean / DEFAULT_RATE - 1), 0.0125);
    ck_assert_double_le(fabs(sqrt(square - mean * mean) / DEFAULT_RATE - 1), 0.025);
    ck_assert_int_eq(heap_distance_draw(0), 1);
}
END_TEST

/* Memory that was sampled before capture began is in both figures, and at another rate in neither. */
START_TEST(test_what_was_before_the_start)
{
    allocate_live();
    struct snapshot_record before = now_in(allocate_live);
    ck_assert_int_gt(before.values[0], 0);
    ck_assert_int_eq(heap_start(DEFAULT_RATE), 0);
    struct snapshot_record after = now_in(allocate_live);
    for (int v = 0; v < 4; v++)
        ck_assert_int_eq(after.values[v], before.values[v]);
    ck_assert_int_eq(heap_start(1), 0);
    ck_assert_int_eq(now_in(allocate_live).values[0], 0);
    between();
    expect(now_in(between), 2, 2, 8192);
}
END_TEST

static atomic_bool stop;

static void *keep_allocating(void *arg)
{
    while (!atomic_load(&stop)) {
        void *p = malloc(3000);
        USED(p);
        free(p);
    }
    return arg;
}

/* A child knows what it has inherited; no lock of the allocator's or its profiler's is held there. */
START_TEST(test_child_after_fork)
{
    enum { THREADS = 2 };
    pthread_t t[THREADS];
    ck_assert_int_eq(heap_start(1), 0);
    in_thread(allocate_shared);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, keep_allocating, NULL);
    for (int i = 0; i < 10; i++) {
        int status;
        pid_t child = fork();
        if (child == 0) {
            struct snapshot s;
            alarm(10);
            free_shared(NULL);
            bool ok = heap_snapshot(&s) == 0 && sum_in(&s, allocate_shared).values[2] == SHARED / 2;
            _exit(!ok);
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(status, 0);
    }
    expect(now_in(allocate_shared), SHARED, SHARED, 512);
    atomic_store(&stop, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
}
END_TEST

/* jemalloc's own figures, by stack and thread under locks, are not what is kept: of what was sampled since
 * the start its dump has nothing. */
START_TEST(test_figures_are_ours)
{
    char text[64], path[] = "/tmp/cprof-test-XXXXXX";
    int file = mkstemp(path);
    const char *name = path;
    ck_assert_int_eq(heap_start(1), 0);
    in_thread(allocate_shared);
    expect(now_in(allocate_shared), SHARED, SHARED, 512);
    ck_assert_int_eq(mallctl("prof.dump", NULL, NULL, &name, sizeof name), 0);
    ck_assert_int_gt(read(file, text, sizeof text), 0);
    unlink(path);
    ck_assert_msg(strncmp(text, "heap_v2/1\n  t*: 0: 0 [0: 0]\n", 28) == 0, "%.63s", text);
}
END_TEST

/* What a new rate has made it forget is still freed some day, and taken from nobody who has its place now:
 * the same is done twice after a new rate, so that slots are given in the same order. */
START_TEST(test_forgotten_objects_are_freed)
{
    void *forgotten[SHARED];
    ck_assert_int_eq(heap_start(2), 0);
    ck_assert_int_eq(heap_start(1), 0);
    in_thread(allocate_shared);
    memcpy(forgotten, shared, sizeof forgotten);
    ck_assert_int_eq(heap_start(2), 0);
    ck_assert_int_eq(heap_start(1), 0);
    in_thread(allocate_shared);
    for (int i = 0; i < SHARED; i++)
        free(forgotten[i]);
    struct snapshot s;
    ck_assert_int_eq(heap_snapshot(&s), 0);
    for (size_t i = 0; i < s.records.len; i++)
        ck_assert_int_ge(s.records.items[i].values[2], 0);
    snapshot_fini(&s);
    expect(now_in(allocate_shared), SHARED, SHARED, 512);
    free_shared(NULL);
    expect(now_in(allocate_shared), SHARED, SHARED / 2, 512);
}
END_TEST

/* A rate that the program sets, by jemalloc's own means: what was sampled before is freed for what it stood
 * for. */
START_TEST(test_a_rate_of_the_programs_own)
{
    size_t lg_rate = 19;
    ck_assert_int_eq(heap_start(4096), 0);
    in_thread(allocate_shared);
    struct snapshot_record before = now_in(allocate_shared);
    ck_assert_int_gt(before.values[2], 0);
    ck_assert_int_eq(mallctl("prof.reset", NULL, NULL, &lg_rate, sizeof lg_rate), 0);
    for (int i = 0; i < SHARED; i++)
        free(shared[i]);
    struct snapshot_record after = now_in(allocate_shared);
    ck_assert_int_eq(after.values[0], before.values[0]);
    ck_assert_int_eq(after.values[2], 0);
    ck_assert_int_eq(after.values[3], 0);
}
END_TEST

enum { BRANCHES = 17 };
static void *leaves[1 << BRANCHES];

static NAMED void branch(int level, uint32_t path)
{
    if (level == BRANCHES) {
        leaves[path] = malloc(64);
        return;
    }
    branch(level + 1, path << 1);
    __asm__ volatile("");
    branch(level + 1, path << 1 | 1);
    __asm__ volatile("");
}

/* 131,072 stacks, twice as many as the table has room for and more: of each it is known what is alive. */
START_TEST(test_more_stacks_than_there_is_room_for)
{
    struct snapshot s;
    ck_assert_int_eq(heap_start(1), 0);
    branch(0, 0);
    ck_assert_int_eq(heap_snapshot(&s), 0);
    ck_assert_int_eq(sum_in(&s, branch).values[2], 1 << BRANCHES);
    ck_assert_uint_ge(s.records.len, 1 << BRANCHES);
    ck_assert_uint_gt(s.lost, 0);
    snapshot_fini(&s);
    for (int i = 0; i < 1 << BRANCHES; i++)
        free(leaves[i]);
    ck_assert_int_eq(now_in(branch).values[2], 0);
}
END_TEST

/* It is sampled, as all that large is, before there turns out to be no room. */
START_TEST(test_an_allocation_that_fails)
{
    const volatile size_t too_much = (size_t)1 << 60;
    ck_assert_int_eq(heap_start(DEFAULT_RATE), 0);
    void *volatile p = malloc(too_much);
    ck_assert_ptr_null(p);
    ck_assert_int_eq(now_in(test_an_allocation_that_fails_fn).values[0], 0);
}
END_TEST

static NAMED void *reallocate(void *seed)
{
    uint64_t random = (uintptr_t)seed;
    void *p[64] = {NULL};
    for (int i = 0; i < 4000; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        size_t bytes = (size_t)1 << (random >> 33) % 19;
        bytes += (random >> 40) % bytes;
        void *volatile q = realloc(p[i % 64], bytes);
        ck_assert_ptr_nonnull(q);
        p[i % 64] = q;
    }
    for (int i = 0; i < 64; i++)
        free(p[i]);
    return NULL;
}

/* Blocks that grow and shrink, in their place and elsewhere, and of which one is sampled and the next is not:
 * in the end nothing is alive, and nothing less than that. jemalloc's list of the newest samples is on. */
START_TEST(test_reallocation)
{
    static const int64_t rates[] = {1, 4096, DEFAULT_RATE};
    enum { THREADS = 3 };
    ssize_t newest = 100;
    ck_assert_int_eq(heap_start(DEFAULT_RATE), 0);
    ck_assert_int_eq(mallctl("experimental.prof_recent.alloc_max", NULL, NULL, &newest, sizeof newest), 0);
    for (int i = 0; i < 3; i++) {
        pthread_t t[THREADS];
        ck_assert_int_eq(heap_start(rates[i]), 0);
        for (int k = 0; k < THREADS; k++)
            pthread_create(&t[k], NULL, reallocate, (void *)(uintptr_t)(i * THREADS + k + 1));
        for (int k = 0; k < THREADS; k++)
            pthread_join(t[k], NULL);
        struct snapshot_record sum = now_in(reallocate);
        ck_assert_int_gt(sum.values[0], 0);
        ck_assert_int_eq(sum.values[2], 0);
        ck_assert_int_eq(sum.values[3], 0);
    }
}
END_TEST

Suite *suite(void)
{
    if (getenv(RUN))
        run_at_default_rate();
    const TTest *const tests[] = {test_exact_at_rate_1, test_default_rate, test_functions_that_allocate,
        test_stacks_are_ours, test_stacks_through_later_code, test_freed_by_another_thread, test_difference,
        test_threads_that_end_are_forgotten, test_short_threads_are_sampled_independently, test_distances,
        test_what_was_before_the_start, test_child_after_fork, test_figures_are_ours,
        test_forgotten_objects_are_freed, test_a_rate_of_the_programs_own,
        test_more_stacks_than_there_is_room_for, test_an_allocation_that_fails, test_reallocation};
    return HARNESS_SUITE("heap_accuracy", 60, tests);
}
