#include "harness.h"

#include "capture/heap.h"
#include "capture/heap_parse.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const char GOOD[] = "heap_v2/4096\n"
                           "  t*: 28: 56637 [0: 0]\n"
                           "  t0: 28: 56637 [0: 0]\n"
                           "@ 0x1010 0x2000 0x3000 0x1020\n"
                           "  t*: 10: 40960 [100: 409600]\n"
                           "  t0: 4: 16384 [60: 245760]\n"
                           "@ 0x5000\n"
                           "  t*: 0: 0 [0: 0]\n"
                           "\n"
                           "MAPPED_LIBRARIES:\n"
                           "anything at all\n";
static const struct heap_range TRIM = {0x1000, 0x2000};

static int parse(const char *text, size_t len, struct snapshot *out, struct error *e)
{
    return heap_parse(text, len, &TRIM, 1, out, e);
}

START_TEST(test_parse)
{
    struct snapshot s;
    ck_assert_int_eq(parse(GOOD, strlen(GOOD), &s, NULL), 0);
    ck_assert_int_eq(s.period, 4096);
    ck_assert_int_eq(s.nvalues, 4);
    ck_assert_uint_eq(s.records.len, 1);
    const struct snapshot_record *r = &s.records.items[0];
    ck_assert_uint_eq(r->depth, 3); /* the leaf is the allocator's; the last is, too, and stays */
    ck_assert_uint_eq(s.pcs.items[r->first_pc], 0x2000);
    ck_assert_uint_eq(s.pcs.items[r->first_pc + 2], 0x1020);
    ck_assert(r->leaf_is_return);
    double scale = 1 / (1 - exp(-1));
    ck_assert_int_eq(r->values[0], llround(100 * scale));
    ck_assert_int_eq(r->values[1], llround(409600 * scale));
    ck_assert_int_eq(r->values[2], llround(10 * scale));
    ck_assert_int_eq(r->values[3], llround(40960 * scale));
    ck_assert_int_eq(r->block_bytes, 4096);
    snapshot_fini(&s);
}
END_TEST

START_TEST(test_rate_1_is_exact)
{
    int64_t objects = 3, bytes = 24;
    heap_unbias(1, &objects, &bytes);
    ck_assert_int_eq(objects, 3);
    ck_assert_int_eq(bytes, 24);
}
END_TEST

START_TEST(test_malformed)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "line 1: not a heap_v2 profile"},
        {"heap_v1/4096\n", "line 1: not a heap_v2 profile"},
        {"heap_v2/0\n", "line 1: not a heap_v2 profile"},
        {"heap_v2/99999999999999999999\n", "line 1: not a heap_v2 profile"},
        {"heap_v2/4096\n@ 0x10 banana\n", "line 2: an address is malformed"},
        {"heap_v2/4096\n@ 0x10000000000000000\n", "line 2: an address is malformed"},
        {"heap_v2/4096\n@ 0x10\n  t*: 1 2 [3: 4]\n", "line 3: counts are malformed"},
        {"heap_v2/4096\n@ 0x10\n  t*: 1: 2 [3 4]\n", "line 3: accumulated counts are malformed"},
        {"heap_v2/4096\nnonsense\n", "line 2: neither a stack nor counts"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct snapshot s;
        struct error e = {0};
        ck_assert_int_eq(parse(cases[i].text, strlen(cases[i].text), &s, &e), ERR_FORMAT);
        ck_assert_msg(strstr(e.text, cases[i].says), "case %zu: %s", i, e.text);
    }
}
END_TEST

/* Every truncation, and every byte changed: an answer or ERR_FORMAT, never more than was there. */
START_TEST(test_garbage)
{
    char text[sizeof GOOD];
    for (size_t len = 0; len < sizeof GOOD; len++) {
        char *exact = malloc(len + 1);
        memcpy(exact, GOOD, len);
        struct snapshot s = {0};
        if (parse(exact, len, &s, NULL) == 0)
            snapshot_fini(&s);
        free(exact);
    }
    for (size_t i = 0; i < sizeof GOOD - 1; i++)
        for (int c = 0; c < 256; c += 3) {
            memcpy(text, GOOD, sizeof text);
            text[i] = (char)c;
            struct snapshot s = {0};
            int r = parse(text, sizeof text - 1, &s, NULL);
            ck_assert(r == 0 || r == ERR_FORMAT);
            if (r == 0)
                snapshot_fini(&s);
        }
}
END_TEST

/* ---- jemalloc itself ------------------------------------------------------------------------------------
 */

enum { LIVE = 2048, CHURN = 20480, BLOCK = 4096 };
static void *live[LIVE];

static __attribute__((noinline, noclone, aligned(1024), section(".text.named"))) void allocate_live(void)
{
    for (int i = 0; i < LIVE; i++)
        live[i] = malloc(BLOCK);
    __asm__ volatile("" ::"r"(live) : "memory");
}

static __attribute__((noinline, noclone, aligned(1024), section(".text.named"))) void churn(void)
{
    for (int i = 0; i < CHURN; i++) {
        void *p = malloc(BLOCK);
        __asm__ volatile("" ::"r"(p) : "memory");
        free(p);
    }
    __asm__ volatile("" ::: "memory");
}

static bool is_in(void (*function)(void), uintptr_t pc)
{
    return pc > (uintptr_t)function && pc < (uintptr_t)function + 1024;
}

/* Sums over stacks whose leaf (once the allocator's frames are trimmed) is in function. */
static struct snapshot_record sum_of(const struct snapshot *s, void (*function)(void))
{
    struct snapshot_record sum = {0};
    for (size_t i = 0; i < s->records.len; i++) {
        const struct snapshot_record *r = &s->records.items[i];
        if (r->depth == 0 || !is_in(function, s->pcs.items[r->first_pc]))
            continue;
        for (int v = 0; v < 4; v++)
            sum.values[v] += r->values[v];
        sum.block_bytes = r->block_bytes;
    }
    return sum;
}

static void assert_near(int64_t value, int64_t expected, double tolerance)
{
    double off = fabs((double)value / (double)expected - 1);
    ck_assert_msg(off <= tolerance, "%lld is not within %.0f%% of %lld", (long long)value, tolerance * 100,
        (long long)expected);
}

static void measure(int64_t rate, double live_tolerance, double churn_tolerance)
{
    struct snapshot s;
    ck_assert_int_eq(heap_start(rate), 0);
    allocate_live();
    churn();
    ck_assert_int_eq(heap_snapshot(&s), 0);
    ck_assert_int_eq(s.period, rate);
    struct snapshot_record l = sum_of(&s, allocate_live), c = sum_of(&s, churn);
    assert_near(l.values[2], LIVE, live_tolerance);
    assert_near(l.values[3], (int64_t)LIVE * BLOCK, live_tolerance);
    assert_near(l.values[1], (int64_t)LIVE * BLOCK, live_tolerance);
    assert_near(c.values[0], CHURN, churn_tolerance);
    assert_near(c.values[1], (int64_t)CHURN * BLOCK, churn_tolerance);
    ck_assert_int_le(c.values[2], CHURN / 1000);
    ck_assert_int_eq(c.block_bytes, BLOCK);
    snapshot_fini(&s);
}

/* At 4 KiB 63% of the blocks are sampled, and jemalloc rounds averages: 1.7% and 0.5% are standard
 * deviations, some 3% the rounding. */
START_TEST(test_known_program)
{
    measure(4096, 0.12, 0.05);
}
END_TEST

START_TEST(test_known_program_exact)
{
    measure(1, 0, 0);
}
END_TEST

/* That our malloc_conf was found at start is what makes any of this possible; so does the default rate. */
START_TEST(test_profiling_is_on_from_the_start)
{
    struct snapshot s;
    ck_assert_int_eq(heap_snapshot(&s), 0);
    ck_assert_int_eq(s.period, 524288);
    snapshot_fini(&s);
    ck_assert_int_eq(heap_start(3000), ERR_INVALID);
    ck_assert_int_eq(heap_start(-1), ERR_INVALID);
}
END_TEST

static void *allocate_excluded(void *arg)
{
    heap_exclude_thread();
    allocate_live();
    return arg;
}

START_TEST(test_excluded_threads)
{
    struct snapshot s;
    pthread_t t;
    ck_assert_int_eq(heap_start(1), 0);
    pthread_create(&t, NULL, allocate_excluded, NULL);
    pthread_join(t, NULL);
    ck_assert_int_eq(heap_snapshot(&s), 0);
    ck_assert_int_eq(sum_of(&s, allocate_live).values[0], 0);
    snapshot_fini(&s);
}
END_TEST

START_TEST(test_rate_0_is_off)
{
    struct snapshot s;
    ck_assert_int_eq(heap_start(1), 0);
    ck_assert_int_eq(heap_start(0), 0);
    churn();
    ck_assert_int_eq(heap_snapshot(&s), 0);
    ck_assert_int_eq(sum_of(&s, churn).values[0], 0);
    snapshot_fini(&s);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {test_parse, test_rate_1_is_exact, test_malformed, test_garbage,
        test_known_program, test_known_program_exact, test_profiling_is_on_from_the_start,
        test_excluded_threads, test_rate_0_is_off};
    return HARNESS_SUITE("heap", 20, tests);
}
