#include "export/text.h"

#include "export/deadlock.h"
#include "export/threaddump.h"

#include "export/convert.h"
#include "export/names.h"
#include "harness.h"

#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

static uintptr_t return_address(void) __attribute__((noinline));
static uintptr_t return_address(void)
{
    return (uintptr_t)__builtin_return_address(0);
}

static __attribute__((noinline)) uintptr_t inside_gamma(void)
{
    uintptr_t pc = return_address();
    __asm__ volatile("" ::: "memory");
    return pc;
}

static void add(struct snapshot *s, const uintptr_t *pcs, uint16_t depth, const int64_t values[4])
{
    struct snapshot_record r = {.depth = depth, .leaf_is_return = true};
    memcpy(r.values, values, sizeof r.values);
    ck_assert_int_eq(snapshot_add(s, &r, pcs), 0);
}

static void must_match(const char *text, const char *pattern)
{
    regex_t re;
    ck_assert_int_eq(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
    ck_assert_msg(regexec(&re, text, 0, NULL, 0) == 0, "%s\ndoes not match\n%s", text, pattern);
    regfree(&re);
}

static char *text_of(enum feed_id id, const struct snapshot *s)
{
    struct buf out = {0};
    struct error e = {0};
    ck_assert_msg(text_snapshot(id, s, &out, &e) == 0, "%s", e.text);
    return buf_take(&out);
}

/* "#\t0xPC\tinside_gamma+0xOFF\tFILE:LINE": what every frame of ours looks like */
#define GAMMA "#\t0x[0-9a-f]+\tinside_gamma\\+0x[0-9a-f]+\t/[^\n]*/tests/test_textformats\\.c:[0-9]+\n"

START_TEST(counts_by_falling_count)
{
    struct snapshot s = {0};
    uintptr_t pc = inside_gamma(), pcs[] = {pc, 0x2001};
    char first[128], *text;
    add(&s, pcs, 1, (int64_t[4]){2, 9});
    add(&s, pcs, 2, (int64_t[4]){40, 1});
    for (int i = 0; i < 2; i++) {
        text = text_of(i ? FEED_THREADS : FEED_GOROUTINE, &s);
        snprintf(first, sizeof first, "%s profile: total 42\n40 @ 0x%" PRIxPTR " 0x2001\n",
            i ? "threads" : "goroutine", pc);
        ck_assert_msg(strncmp(text, first, strlen(first)) == 0, "%s", text);
        must_match(text, "^[^#]*" GAMMA "#\t0x2000\t0x2000\\+0x0\t\n\n2 @ 0x[0-9a-f]+\n" GAMMA "\n$");
        free(text);
    }
    text = text_of(FEED_THREADCREATE, &s);
    must_match(text,
        "^threadcreate profile: total 10\n9 @ 0x[0-9a-f]+\n# alive: 2\n" GAMMA "\n1 @ [^\n]*\n# alive: 40\n");
    free(text);
    snapshot_fini(&s);
}
END_TEST

START_TEST(offsets_are_those_of_the_call)
{
    struct snapshot s = {0};
    uintptr_t pc = inside_gamma();
    char wanted[128];
    add(&s, &pc, 1, (int64_t[4]){1});
    char *text = text_of(FEED_THREADS, &s);
    snprintf(wanted, sizeof wanted, "#\t0x%" PRIxPTR "\tinside_gamma+0x%" PRIxPTR "\t", pc - 1,
        pc - 1 - (uintptr_t)inside_gamma);
    ck_assert_msg(strstr(text, wanted), "%s", text);
    free(text);
    snapshot_fini(&s);
}
END_TEST

START_TEST(mutex_and_block)
{
    struct snapshot s = {.period = 1, .lost = 3};
    uintptr_t pc = inside_gamma();
    add(&s, &pc, 1, (int64_t[4]){5, 1000});
    add(&s, &pc, 1, (int64_t[4]){1, 70000});
    char *text = text_of(FEED_MUTEX, &s);
    must_match(text, "^--- mutex:\ncycles/second=1000000000\nsampling period=1\n# 3 samples were lost\n"
                     "70000 1 @ 0x[0-9a-f]+\n" GAMMA "\n1000 5 @ 0x[0-9a-f]+\n" GAMMA "\n$");
    free(text);
    s.lost = 0;
    text = text_of(FEED_BLOCK, &s);
    must_match(text, "^--- contention:\ncycles/second=1000000000\n70000 1 @ 0x[0-9a-f]+\n" GAMMA);
    free(text);
    snapshot_fini(&s);
}
END_TEST

START_TEST(heap)
{
    struct snapshot s = {.period = 524288};
    uintptr_t pc = inside_gamma();
    add(&s, &pc, 1, (int64_t[4]){100, 6400, 1, 64});
    add(&s, &pc, 1, (int64_t[4]){10, 1000, 2, 200});
    char *text = text_of(FEED_HEAP, &s);
    must_match(text,
        "^heap profile: 3: 264 \\[110: 7400\\] @ heap/2\n# scaled up from a sample every 524288 bytes\n"
        "2: 200 \\[10: 1000\\] @ 0x[0-9a-f]+\n" GAMMA "\n"
        "1: 64 \\[100: 6400\\] @ 0x[0-9a-f]+\n" GAMMA "\n$");
    free(text);
    snapshot_fini(&s);
}
END_TEST

START_TEST(empty_and_truncated)
{
    struct snapshot s = {0};
    uintptr_t pc = inside_gamma();
    char *text = text_of(FEED_THREADS, &s);
    ck_assert_str_eq(text, "threads profile: total 0\n");
    free(text);
    add(&s, &pc, 1, (int64_t[4]){1});
    s.records.items[0].truncated = true;
    text = text_of(FEED_THREADS, &s);
    must_match(text, GAMMA "#\t\\(the stack goes on\\)\n\n$");
    free(text);
    snapshot_fini(&s);
}
END_TEST

START_TEST(threads_one_by_one)
{
    struct threads_snapshot t = {0};
    uintptr_t pc = inside_gamma(), nowhere = 0x5001;
    add(&t.stacks, &pc, 1, (int64_t[4]){1});
    add(&t.stacks, &nowhere, 1, (int64_t[4]){1});
    struct thread_info waits = {.tid = 101,
        .name = "work]er\n\"1\"",
        .state = THREAD_MUTEX,
        .waiting_ns = INT64_C(185000000000),
        .waits_for = 0xbeef,
        .holder = 102,
        .cpu_ns = 12000000,
        .record = 0,
        .created_record = 0};
    struct thread_info runs = {
        .tid = 102, .name = "holder", .cpu_ns = -1, .record = 1, .created_record = NO_RECORD};
    struct thread_info sleeps = {.tid = 103,
        .state = THREAD_SLEEP,
        .waiting_ns = 1500000000,
        .cpu_ns = -1,
        .record = 1,
        .created_record = NO_RECORD};
    struct thread_info own = {
        .tid = 104, .name = "cprof-http", .is_profiler = true, .created_record = NO_RECORD};
    t.stacks.records.items[1].truncated = true;
    ck_assert(vec_push(&t.threads, waits) && vec_push(&t.threads, runs) && vec_push(&t.threads, sleeps) &&
              vec_push(&t.threads, own));
    for (int i = 0; i < 2; i++) {
        struct buf out = {0};
        ck_assert_int_eq(threaddump_text(i ? FEED_THREADS : FEED_GOROUTINE, &t, &out, NULL), 0);
        must_match(out.data, i ? "^(#[^\n]*\n)+\nthread 101 \\[mutex wait" : "^goroutine 101 \\[mutex wait");
        must_match(out.data,
            " 101 \\[mutex wait, 3 minutes, on 0xbeef, held by 102 \"holder\", name \"work\\?er\\?\\?1\\?\", "
            "cpu 12 ms\\]:\n"
            "inside_gamma\\(\\.\\.\\.\\)\n\t/[^\n]*/tests/test_textformats\\.c:[0-9]+ \\+0x[0-9a-f]+\n"
            "created by inside_gamma\n\t/[^\n]*/tests/test_textformats\\.c:[0-9]+ \\+0x[0-9a-f]+\n\n"
            "[a-z]+ 103 \\[sleep, for 1\\.5 s\\]:\n0x5000\\(\\.\\.\\.\\)\n\t\\?:0 \\+0x0\n"
            "\\.\\.\\.additional frames elided\\.\\.\\.\n\n"
            "[a-z]+ 102 \\[running, name \"holder\"\\]:\n0x5000");
        ck_assert_ptr_null(strstr(out.data, "cprof-http"));
        buf_fini(&out);
    }
    snapshot_fini(&t.stacks);
    vec_fini(&t.threads);
}
END_TEST

/* What Go's %q makes of each, in the order of the quoted strings. */
START_TEST(labels_are_quoted_as_in_go)
{
    static const char *const pairs[][2] = {{"a", "a\"b\\c"}, {"a b", "[\t\n\a\b\f\r\v\x01\x7f]"},
        {"\xc3\xa9", "\xf0\x9f\x90\x9f"}, {"b", "\xc2\xa0 \xc2\xad"},
        {"c", "\xe2\x80\xa8\xf3\xa0\x80\x81\xef\xbb\xbf"}};
    static const char wanted[] =
        "# labels: {\"a b\":\"[\\t\\n\\a\\b\\f\\r\\v\\x01\\x7f]\", \"a\":\"a\\\"b\\\\c\", "
        "\"b\":\"\\u00a0 \\u00ad\", \"c\":\"\\u2028\\U000e0001\\ufeff\", "
        "\"\xc3\xa9\":\"\xf0\x9f\x90\x9f\"}\n#\t0x";
    const struct label_set *set = NULL;
    struct threads_snapshot t = {0};
    struct buf out = {0};
    uintptr_t pc = inside_gamma();
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        ck_assert_int_eq(labelset_with(set, pairs[i][0], pairs[i][1], &set), 0);
    add(&t.stacks, &pc, 1, (int64_t[4]){1});
    add(&t.stacks, &pc, 1, (int64_t[4]){2});
    t.stacks.records.items[0].labels = set;
    char *text = text_of(FEED_GOROUTINE, &t.stacks);
    must_match(text, "^goroutine profile: total 3\n2 @ 0x[0-9a-f]+\n" GAMMA "\n1 @ 0x[0-9a-f]+\n# labels: ");
    ck_assert_msg(strstr(text, wanted), "%s\nlacks\n%s", text, wanted);
    free(text);
    struct thread_info info = {
        .tid = 7, .name = "n", .cpu_ns = -1, .created_record = NO_RECORD, .labels = set};
    ck_assert(vec_push(&t.threads, info));
    ck_assert_int_eq(threaddump_text(FEED_GOROUTINE, &t, &out, NULL), 0);
    must_match(out.data, "^goroutine 7 \\[running, name \"n\", labels \\{\"a "
                         "b\":\"\\\\x5b\\\\t[^]]*\\\\x5d\", \"a\":[^]]*\"\\}\\]:\n");
    buf_fini(&out);
    snapshot_fini(&t.stacks);
    vec_fini(&t.threads);
}
END_TEST

/* A thread that waits for a mutex, named after its number. */
static void add_waiting(struct threads_snapshot *t, pid_t tid, pid_t holder, int64_t waiting_ns)
{
    struct thread_info info = {.tid = tid,
        .state = holder ? THREAD_MUTEX : THREAD_RUNNING,
        .waiting_ns = waiting_ns,
        .waits_for = holder ? 0x1000u + (uintptr_t)holder : 0,
        .holder = holder,
        .still_waits = true,
        .cpu_ns = -1,
        .created_record = NO_RECORD};
    snprintf(info.name, sizeof info.name, "t%d", (int)tid);
    ck_assert(vec_push(&t->threads, info));
}

START_TEST(rings_of_threads_are_found)
{
    struct threads_snapshot t = {0};
    struct deadlocks d;
    ck_assert_int_eq(deadlocks_find(&t, &d), 0);
    ck_assert_uint_eq(d.rings.len, 0);
    deadlocks_fini(&d);
    add_waiting(&t, 1, 2, 1); /* 1 → 2 → 3 → 4 → 2 */
    add_waiting(&t, 2, 3, 1);
    add_waiting(&t, 3, 4, 1);
    add_waiting(&t, 4, 2, 1);
    add_waiting(&t, 5, 1, 1); /* behind 1 */
    add_waiting(&t, 6, 6, 1); /* itself */
    add_waiting(&t, 7, 8, 1); /* 8 runs */
    add_waiting(&t, 8, 0, 0);
    add_waiting(&t, 9, 10, 1); /* would be a ring, but 10 had gone on when 9 was looked at */
    add_waiting(&t, 10, 9, 1);
    add_waiting(&t, 11, 99, 1); /* held by a thread that is not there */
    add_waiting(&t, 12, 6, 1);
    t.threads.items[9].still_waits = false;
    ck_assert_int_eq(deadlocks_find(&t, &d), 0);
    ck_assert_uint_eq(d.rings.len, 2);
    ck_assert_uint_eq(d.members.len, 4);
    ck_assert_uint_eq(d.rings.items[0].count, 3);
    ck_assert_uint_eq(d.rings.items[0].behind, 2);
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_uint_eq(d.members.items[i], i + 1);
    ck_assert_uint_eq(d.rings.items[1].count, 1);
    ck_assert_uint_eq(d.rings.items[1].behind, 1);
    ck_assert_uint_eq(d.members.items[3], 5);
    deadlocks_fini(&d);
    vec_fini(&t.threads);
}
END_TEST

START_TEST(a_summary_comes_first)
{
    struct threads_snapshot t = {0};
    struct buf out = {0};
    uintptr_t pcs[] = {0x5001, inside_gamma()}, other[] = {0x5001, 0x6001};
    add(&t.stacks, pcs, 2, (int64_t[4]){1});
    add(&t.stacks, other, 2, (int64_t[4]){1});
    add_waiting(&t, 1, 2, 2000000000);
    add_waiting(&t, 2, 1, 1000000000);
    for (pid_t tid = 3; tid < 9; tid++)
        add_waiting(&t, tid, 1, tid * INT64_C(1000000000));
    t.threads.items[3].record = 1; /* another place, the same lock */
    add_waiting(&t, 9, 0, 0);
    for (int i = 0; i < 3; i++) { /* nothing to wait for: by place */
        struct thread_info sleeps = {.tid = 10 + i,
            .state = THREAD_SLEEP,
            .waiting_ns = (i + 1) * INT64_C(500000000),
            .record = i == 2,
            .cpu_ns = -1,
            .created_record = NO_RECORD};
        ck_assert(vec_push(&t.threads, sleeps));
    }
    struct thread_info joins = {.tid = 20,
        .name = "joiner",
        .state = THREAD_JOIN,
        .waiting_ns = 1000,
        .holder = 20,
        .still_waits = true,
        .cpu_ns = -1,
        .created_record = NO_RECORD};
    ck_assert(vec_push(&t.threads, joins));
    ck_assert_int_eq(threaddump_text(FEED_THREADS, &t, &out, NULL), 0);
    must_match(out.data,
        "^# 13 threads: 8 mutex wait, 3 sleep, 1 running, 1 thread join\n#\n"
        "# deadlock: 1 \"t1\" waits for mutex 0x1002 held by 2 \"t2\", 2 \"t2\" waits for mutex 0x1001 held "
        "by "
        "1 \"t1\"; 6 more behind them\n"
        "# deadlock: 20 \"joiner\" waits for the end of itself\n#\n"
        "#   longest  threads\n"
        "#     8\\.0 s        7  mutex wait on 0x1001 held by 1 \"t1\"; longest 8 \"t8\" in inside_gamma "
        "test_textformats.c:[0-9]+\n"
        "#     2\\.0 s        1  mutex wait on 0x1002 held by 2 \"t2\"; 1 \"t1\" in inside_gamma [^\n]*\n"
        "#     1\\.5 s        1  sleep; 12 in 0x6000\n"
        "#     1\\.0 s        2  sleep; longest 11 in inside_gamma [^\n]*\n"
        "#      1 us        1  thread join of 20 \"joiner\"; 20 \"joiner\" in inside_gamma [^\n]*\n"
        "#                  1  running; 9 \"t9\" in 0x5000\n\nthread 8 ");
    buf_fini(&out);
    snapshot_fini(&t.stacks);
    vec_fini(&t.threads);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {counts_by_falling_count, offsets_are_those_of_the_call, mutex_and_block,
        heap, empty_and_truncated, threads_one_by_one, labels_are_quoted_as_in_go, rings_of_threads_are_found,
        a_summary_comes_first};
    return HARNESS_SUITE("textformats", 30, tests);
}
