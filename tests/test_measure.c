#include "harness.h"

#include "view/duration.h"
#include "view/measure.h"
#include "view/path.h"

static void expect_label(int64_t value, const char *from, const char *to, const char *want)
{
    struct buf b = {0};
    measure_put(&b, value, from, to);
    ck_assert_str_eq(b.data, want);
    buf_fini(&b);
}

START_TEST(values_scale_to_the_unit_asked_for)
{
    expect_label(1536, "bytes", "kb", "1.50kB");
    expect_label(1536, "Bytes", "KILOBYTES", "1.50kB");
    expect_label(1 << 20, "b", "MB", "1MB");
    expect_label(2500, "ms", "s", "2.50s");
    expect_label(90, "seconds", "hrs", "0.03hrs");
    expect_label(1, "seconds", "bytes", "1s"); /* another family: the family's own default */
    expect_label(7, "count", "count", "7");
    expect_label(7, "widgets", "gadgets", "7gadgets");
    expect_label(1500, "milligcu", "gcu", "1.50GCU");
}
END_TEST

START_TEST(automatic_units_are_the_largest_that_fit)
{
    expect_label(1023, "bytes", "auto", "1023B");
    expect_label(1024, "bytes", "minimum", "1kB");
    expect_label((int64_t)5 << 50, "bytes", "auto", "5PB");
    expect_label(999, "ns", "auto", "999ns");
    expect_label(61000000000, "ns", "auto", "61s");
    expect_label(3600000000000, "ns", "auto", "1hrs");
    expect_label(0, "ns", "auto", "0");
    expect_label(-2048, "bytes", "auto", "-2kB");
    expect_label(INT64_MIN, "widgets", "auto", "-9223372036854775808");
}
END_TEST

START_TEST(trailing_zeros_go_and_zero_has_no_unit)
{
    expect_label(1000, "ms", "s", "1s");
    expect_label(1100, "ms", "s", "1.10s");
    expect_label(1, "ns", "s", "0"); /* ".00" is cut, and zero prints bare */
}
END_TEST

static void expect_percent(int64_t value, int64_t total, const char *want)
{
    struct buf b = {0};
    measure_put_percent(&b, value, total);
    ck_assert_str_eq(b.data, want);
    buf_fini(&b);
}

START_TEST(percentages)
{
    expect_percent(1, 1, "  100%");
    expect_percent(99950, 100000, "  100%");
    expect_percent(9994, 10000, "99.94%");
    expect_percent(25, 1000, " 2.50%");
    expect_percent(-25, 1000, " 2.50%");
    expect_percent(1, 10000, " 0.01%");
    expect_percent(123, 1000000, "0.012%");
    expect_percent(1, 100000000, "1e-06%");
    expect_percent(0, 5, "    0%");
    expect_percent(5, 0, "    0%");
    expect_percent(3, 1, "300.00%");
}
END_TEST

START_TEST(a_common_unit_is_the_smallest)
{
    const char *unit = NULL;
    struct error e;
    struct value_type same[] = {{"delay", "ms"}, {"delays", "ns"}, {"delay", "s"}};
    ck_assert_int_eq(measure_common_unit(same, 3, &unit, &e), 0);
    ck_assert_str_eq(unit, "ns");
    struct value_type apart[] = {{"delay", "ms"}, {"delay", "bytes"}};
    ck_assert_int_eq(measure_common_unit(apart, 2, &unit, &e), ERR_INVALID);
    ck_assert_str_eq(e.text, "incompatible types: delay/ms and delay/bytes");
    ck_assert_int_eq(measure_common_unit(same, 1, &unit, &e), 0);
    ck_assert_ptr_null(unit);
}
END_TEST

START_TEST(conversion_out_of_range_is_the_smallest_integer)
{
    ck_assert_int_eq(measure_int(1e30), INT64_MIN);
    ck_assert_int_eq(measure_int(-1e30), INT64_MIN);
    ck_assert_int_eq(measure_int(0.0 / 0.0), INT64_MIN);
    ck_assert_int_eq(measure_int(-2.9), -2);
}
END_TEST

START_TEST(durations_print_as_go_prints_them)
{
    static const struct {
        int64_t ns;
        const char *want;
    } cases[] = {{0, "0s"}, {1, "1ns"}, {1500, "1.5µs"}, {2000000, "2ms"}, {1500000000, "1.5s"},
        {60000000000, "1m0s"}, {3723000000001, "1h2m3.000000001s"}, {-1500000, "-1.5ms"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[DURATION_TEXT];
        duration_format(cases[i].ns, text);
        ck_assert_str_eq(text, cases[i].want);
    }
}
END_TEST

static void expect_path(void (*put)(const char *, struct buf *), const char *path, const char *want)
{
    struct buf b = {0};
    put(path, &b);
    ck_assert_str_eq(b.data, want);
    buf_fini(&b);
}

START_TEST(paths_are_cleaned_as_go_cleans_them)
{
    static const char *const cases[][2] = {{"", "."}, {"/", "/"}, {"a//b/./c", "a/b/c"}, {"a/../b", "b"},
        {"../../a/..", "../.."}, {"/../a", "/a"}, {"./", "."}, {"/a/b/../../..", "/"}, {"a/b/..", "a"},
        {"..a/b", "..a/b"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_path(path_put_clean, cases[i][0], cases[i][1]);
    expect_path(path_put_base, "/usr/lib/libc.so", "libc.so");
    expect_path(path_put_base, "a/b//", "b");
    expect_path(path_put_base, "", ".");
    expect_path(path_put_base, "///", "/");
}
END_TEST

START_TEST(paths_are_trimmed)
{
    ck_assert_str_eq(path_trim("/home/me/src/a.c", "/home/me", ""), "src/a.c");
    ck_assert_str_eq(path_trim("/home/me/src/a.c", "/x:/home/me/", ""), "src/a.c");
    ck_assert_str_eq(path_trim("/home/meadow/a.c", "/home/me", ""), "/home/meadow/a.c");
    ck_assert_str_eq(path_trim("/build/7/project/src/a.c", "", "/here/project"), "src/a.c");
    ck_assert_str_eq(
        path_trim("/build/7/project/src/a.c", "/none", "/here/project"), "/build/7/project/src/a.c");
    ck_assert_str_eq(path_trim("/proc/self/cwd/a.c", "", ""), "a.c");
}
END_TEST

Suite *suite(void)
{
    const TTest *tests[] = {values_scale_to_the_unit_asked_for, automatic_units_are_the_largest_that_fit,
        trailing_zeros_go_and_zero_has_no_unit, percentages, a_common_unit_is_the_smallest,
        conversion_out_of_range_is_the_smallest_integer, durations_print_as_go_prints_them,
        paths_are_cleaned_as_go_cleans_them, paths_are_trimmed};
    return HARNESS_SUITE("measure", 10, tests);
}
