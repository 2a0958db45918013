#include "harness.h"

#include "view/columns.h"

#include <string.h>

static const char *clipped(const char *text, int width)
{
    static struct buf out;
    out.len = 0;
    buf_append(&out, "", 0);
    int used = columns_put(&out, text, width);
    ck_assert_int_le(used, width);
    ck_assert_int_eq(used, columns_of(out.data));
    return out.data;
}

START_TEST(long_text_ends_in_an_ellipsis)
{
    ck_assert_str_eq(clipped("cache_evict", 11), "cache_evict");
    ck_assert_str_eq(clipped("cache_evict", 10), "cache_evi…");
    ck_assert_str_eq(clipped("cache_evict", 1), "…");
    ck_assert_str_eq(clipped("cache_evict", 0), "");
    ck_assert_str_eq(clipped("", 5), "");
}
END_TEST

START_TEST(characters_are_as_wide_as_they_are_drawn)
{
    ck_assert_int_eq(columns_of("naïve"), 5);
    ck_assert_int_eq(columns_of("e\xcc\x81"), 1);                              /* e and an accent */
    ck_assert_int_eq(columns_of("\xe7\xbc\x93\xe5\xad\x98"), 4);               /* two ideographs */
    ck_assert_str_eq(clipped("\xe7\xbc\x93\xe5\xad\x98", 3), "\xe7\xbc\x93…"); /* none is cut in half */
    ck_assert_str_eq(clipped("\xe7\xbc\x93\xe5\xad\x98", 2), "…");
}
END_TEST

/* Names come from strangers. */
START_TEST(nothing_moves_the_cursor)
{
    ck_assert_str_eq(clipped("a\033[2Jb\r\n\x7f", 20), "a?[2Jb???");
    ck_assert_str_eq(clipped("a\xff\xc3", 20), "a\xef\xbf\xbd\xef\xbf\xbd");
    ck_assert_str_eq(clipped("\xe2\x80\xae"
                             "evil",
                         20),
        "?evil"); /* right to left from here */
    ck_assert_str_eq(clipped("\xc2\x9b"
                             "2J",
                         20),
        "?2J");
}
END_TEST

START_TEST(paragraphs_break_between_words)
{
    struct buf out = {0};
    columns_put_wrapped(&out, "one two three four", 2, 10);
    ck_assert_str_eq(out.data, "one two\n  three\n  four\n");
    out.len = 0;
    columns_put_wrapped(&out, "a_word_longer_than_the_line b", 2, 10);
    ck_assert_str_eq(out.data, "a_word_…\n  b\n");
    out.len = 0;
    columns_put_left(&out, "ab", 4);
    columns_put_right(&out, "cd", 4);
    ck_assert_str_eq(out.data, "ab    cd");
    buf_fini(&out);
}
END_TEST

Suite *suite(void)
{
    const TTest *tests[] = {long_text_ends_in_an_ellipsis, characters_are_as_wide_as_they_are_drawn,
        nothing_moves_the_cursor, paragraphs_break_between_words};
    return HARNESS_SUITE("columns", 5, tests);
}
