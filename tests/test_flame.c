#include "harness.h"

#include "gateway_profile.h"
#include "stacks_profile.h"
#include "view/columns.h"
#include "view/combine.h"
#include "view/flame.h"

#include <string.h>

/* The flame graph and the comparison of two profiles: goldens, and what holds for any profile and width. */

static void generate(const struct profile *p, struct report_request q, struct buf *out)
{
    struct buf notes = {0};
    struct error e;
    out->len = 0;
    ck_assert_msg(report_generate(p, &q, out, &notes, &e) == 0, "%s", e.text);
    buf_fini(&notes);
}

static const struct report_request flame_request = {.format = REPORT_FLAME, .config = CONFIG_DEFAULT};

static const char *drawing(const struct buf *out)
{
    return strchr(strstr(out->data, "Drawn: "), '\n') + 1;
}

START_TEST(a_golden_for_pipes)
{
    struct profile *p = gateway_profile();
    struct buf out = {0};
    struct report_request q = flame_request;
    setenv("TZ", "UTC", 1);
    generate(p, q, &out);
    harness_golden("pprof.flame", out.data, out.len);
    q.config.nodecount = 4;
    q.config.focus = "json";
    generate(p, q, &out);
    harness_golden("pprof.flame.nodecount=4.focus=json", out.data, out.len);
    buf_fini(&out);
    profile_free(p);
}
END_TEST

/* Each row is as wide as the room at most, the first just as wide. */
START_TEST(it_fits_any_width)
{
    struct buf out = {0};
    for (unsigned seed = 1; seed < 4; seed++) {
        struct profile *p = random_profile(seed);
        for (int width = 20; width < 140; width += 7) {
            struct report_request q = flame_request;
            q.screen.width = width;
            generate(p, q, &out);
            int rows = 0;
            char *copy = strdup(drawing(&out)), *rest = copy;
            for (char *row; (row = strsep(&rest, "\n")) && *row; rows++) {
                ck_assert(*row == '+' || columns_of(row) <= width);
                if (rows == 0) {
                    ck_assert_int_eq(columns_of(row), width);
                    ck_assert_int_eq(strncmp(row, "[all 100%", 9), 0);
                }
            }
            free(copy);
            ck_assert_int_gt(rows, 5);
        }
        profile_free(p);
    }
    buf_fini(&out);
}
END_TEST

START_TEST(boxes_are_within_their_callers)
{
    struct profile *p = random_profile(7);
    const struct config c = CONFIG_DEFAULT;
    struct report r = {.p = p, .config = c, .value_index = 1};
    struct flame f;
    flame_row row = {0}, next = {0};
    ck_assert_int_eq(flame_init(&f, &r, FLAME_POSITIVE, SIZE_MAX), 0);
    size_t hidden = 0;
    struct flame_box root = {0, 0, 97};
    ck_assert(vec_push(&row, root));
    while (row.len) {
        ck_assert_int_eq(flame_next_row(&f, row.items, row.len, 97, 0, &next, &hidden), 0);
        int at = 0;
        for (size_t i = 0; i < next.len; i++) {
            const struct flame_box *box = &next.items[i], *caller = row.items;
            ck_assert_int_ge(box->x, at); /* none overlaps the one before */
            at = box->x + box->width;
            while (caller->node != f.nodes.items[box->node].parent)
                caller++;
            ck_assert(box->x >= caller->x && at <= caller->x + caller->width);
        }
        flame_row other = row;
        row = next;
        next = other;
    }
    ck_assert_uint_gt(hidden, 0);
    vec_fini(&row);
    vec_fini(&next);
    flame_fini(&f);
    profile_free(p);
}
END_TEST

START_TEST(colour_is_asked_for)
{
    struct profile *p = gateway_profile();
    struct buf out = {0};
    struct report_request q = flame_request;
    generate(p, q, &out);
    ck_assert_ptr_null(strchr(out.data, '\033'));
    q.screen = (struct report_screen){.width = 60, .colour = true};
    generate(p, q, &out);
    ck_assert_ptr_nonnull(strstr(out.data, "\033[30;48;5;"));
    ck_assert_ptr_null(strchr(drawing(&out), ']'));
    buf_fini(&out);
    profile_free(p);
}
END_TEST

START_TEST(what_is_not_drawn_is_counted)
{
    static const struct stack_line lines[] = {{"main;wide", 980}, {"main;a", 7}, {"main;b", 7}, {"main;c", 3},
        {"main;gone", -5}, {"main;wide;d;e;f", 3}};
    struct profile *p = stacks_profile("samples", "count", 1, lines, 6);
    struct buf out = {0};
    generate(p, flame_request, &out);
    ck_assert_ptr_nonnull(strstr(out.data, "+3 more too narrow to draw")); /* d, and two of a, b, c */
    ck_assert_ptr_nonnull(strstr(out.data, "1 samples below zero are left out\n"));
    struct profile *empty = stacks_profile("samples", "count", 1, NULL, 0);
    generate(empty, flame_request, &out);
    ck_assert_ptr_nonnull(strstr(out.data, "Drawn: 0 of 0 total"));
    buf_fini(&out);
    profile_free(p);
    profile_free(empty);
}
END_TEST

/* Callers before callees, the heaviest sibling first, each name once; what is below zero by its magnitude. */
START_TEST(the_tree_is_compact_json)
{
    static const struct stack_line lines[] = {{"main;a;leaf", 200}, {"main;b;leaf", 300}, {"main;\"<b>", 100},
        {"main;a", 600}, {"main;nothing", 0}};
    static const struct stack_line changed[] = {{"main;a", -60}, {"main;b", 90}, {"main;a", 30}};
    static const struct stack_line large[] = {{"main", 1001}, {"main;a", 1}};
    struct profile *p = stacks_profile("samples", "count", 0, lines, 5);
    struct report_request q = {.format = REPORT_FLAMETREE, .config = CONFIG_DEFAULT};
    struct buf out = {0};
    generate(p, q, &out);
    ck_assert_str_eq(out.data, "{\"signed\": false, \"total\": 1200, \"step\": 100, \"count\": 7, "
                               "\"nodes\": \"^^w_^^`^oa^cb`ea^^c`a\","
                               " \"names\": [\"all\",\"main\",\"a\",\"leaf\",\"b\",\"\\\"<b>\"]}");
    q.config.focus = "leaf";
    q.config.divide_by = 2;
    generate(p, q, &out);
    ck_assert_ptr_nonnull(
        strstr(out.data, "\"total\": 600, \"step\": 50, \"count\": 6, \"nodes\": \"^^i_^^`^ea^^b`ca^^\""));
    profile_free(p);
    p = stacks_profile("samples", "count", 0, changed, 3);
    q.config = flame_request.config;
    generate(p, q, &out);
    ck_assert_ptr_nonnull(strstr(out.data, "{\"signed\": true, "));
    ck_assert_ptr_nonnull(strstr(out.data, "\"step\": 30, \"count\": 4, \"nodes\": \"^^kb_^^b`^e_a_ed\""));
    profile_free(p);
    p = stacks_profile("samples", "count", 0, large, 2);
    generate(p, q, &out);
    ck_assert_ptr_nonnull(strstr(out.data, "\"nodes\": \"^^CKs_^^`^a\""));
    buf_fini(&out);
    profile_free(p);
}
END_TEST

/* "main", what it calls, what that calls: n times n stacks, some heavier than others. */
static struct profile *wide_profile(uint32_t n)
{
    struct profile *p = profile_new(NULL);
    profile_add_sample_type(p, profile_string(p, "samples"), profile_string(p, "count"));
    profile_add_mapping(p, &(struct mapping){.file = profile_string(p, "/srv/app")}, NULL);
    for (uint32_t i = 0; i <= n; i++) {
        char name[20];
        snprintf(name, sizeof name, "f%u", i);
        stack_frame(p, name, strlen(name));
    }
    for (uint32_t i = 0; i < n * n; i++) {
        int64_t value = i % n < n / 2 ? 2 : 1;
        profile_add_sample(p, (uint32_t[]){i % n, i / n, n}, 3, &value, NULL, 0);
    }
    return p;
}

static long unpack(const char **at)
{
    long n = 0;
    while (**at >= 'A' && **at <= 'Z')
        n = n * 26 + *(*at)++ - 'A';
    ck_assert(**at >= '^' && **at <= '}');
    return n * 32 + *(*at)++ - '^';
}

/* More than a browser can hold: the lightest are one below who calls them, and no sum is less for it. */
START_TEST(of_a_vast_tree_the_heaviest_are_sent)
{
    enum { N = 720 };
    struct profile *p = wide_profile(N);
    struct report_request q = {.format = REPORT_FLAMETREE, .config = CONFIG_DEFAULT};
    struct buf out = {0}, notes = {0};
    struct error e;
    ck_assert_int_eq(report_generate(p, &q, &out, &notes, &e), 0);
    ck_assert_ptr_nonnull(strstr(notes.data, "more calls than are shown"));
    ck_assert_ptr_nonnull(strstr(out.data, "\"cut\": true, "));
    ck_assert_ptr_nonnull(strstr(out.data, "\"(smaller calls)\""));
    long sum[4] = {0};
    size_t n = 0;
    const char *at = strstr(out.data, "\"nodes\": \"") + 10;
    long value[4] = {0}, depth = 0;
    for (; *at != '"'; n++) {
        unpack(&at); /* the name */
        depth -= unpack(&at);
        ck_assert_int_lt(depth, 4);
        long packed = unpack(&at);
        ck_assert(packed || depth > 0);
        value[depth] = packed ? (packed - 1) / 2 : value[depth - 1];
        sum[depth] += value[depth];
        depth++;
    }
    ck_assert_uint_ge(n, 500000);
    ck_assert_uint_lt(n, 500000 + 2 * N);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(sum[i], N * N + N * N / 2);
    buf_fini(&out);
    buf_fini(&notes);
    profile_free(p);
}
END_TEST

START_TEST(the_heaviest_are_an_expression)
{
    static const struct stack_line lines[] = {{"main;a.(*T).b", 300}, {"main;c|d", 500}, {"main;light", 100}};
    struct profile *p = stacks_profile("samples", "count", 0, lines, 3);
    struct report_request q = {.format = REPORT_HEAVIEST, .config = CONFIG_DEFAULT};
    struct buf out = {0};
    q.config.nodecount = 2;
    generate(p, q, &out);
    ck_assert_str_eq(out.data, "^(?:c\\|d|a\\.\\(\\*T\\)\\.b)$");
    q.config.nodecount = 0;
    generate(p, q, &out);
    ck_assert_str_eq(out.data, "^(?:c\\|d|a\\.\\(\\*T\\)\\.b|light)$"); /* main has no weight of its own */
    buf_fini(&out);
    profile_free(p);
}
END_TEST

START_TEST(growth_has_what_grew_and_what_shrank)
{
    static const struct stack_line before[] = {
        {"main;cache_put;entry_new", 40 << 20}, {"main;tables", 30 << 20}, {"main;log", 5 << 20}};
    static const struct stack_line after[] = {
        {"main;cache_put;entry_new", 65 << 20}, {"main;tables", 30 << 20}, {"main;fresh", 1 << 20}};
    struct profile *p = stacks_profile("inuse_space", "bytes", 0, after, 3), *difference;
    struct profile *base = stacks_profile("inuse_space", "bytes", 0, before, 3);
    struct report_request q = {.format = REPORT_GROWTH, .config = CONFIG_DEFAULT};
    struct buf out = {0}, notes = {0};
    struct error e = {0};
    ck_assert_int_eq(combine_with_base(p, base, true, false, &difference, &e), 0);
    generate(difference, q, &out);
    harness_golden("pprof.growth", out.data, out.len);
    q.config.sort = SORT_CUM;
    q.config.nodecount = 1;
    generate(difference, q, &out);
    harness_golden("pprof.growth.cum.nodecount=1", out.data, out.len);
    ck_assert_int_eq(report_generate(p, &q, &out, &notes, &e), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(e.text, "-diff_base=SOURCE has the earlier one"));
    buf_fini(&out);
    profile_free(p);
    profile_free(base);
    profile_free(difference);
}
END_TEST

Suite *suite(void)
{
    const TTest *tests[] = {a_golden_for_pipes, it_fits_any_width, boxes_are_within_their_callers,
        colour_is_asked_for, what_is_not_drawn_is_counted, the_tree_is_compact_json,
        of_a_vast_tree_the_heaviest_are_sent, the_heaviest_are_an_expression,
        growth_has_what_grew_and_what_shrank};
    return HARNESS_SUITE("flame", 30, tests);
}
