#include "common/histogram.h"
#include "harness.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static struct histogram h;

START_TEST(empty_is_nothing)
{
    ck_assert_uint_eq(histogram_count(&h), 0);
    ck_assert_uint_eq(histogram_percentile_us(&h, 95), 0);
}
END_TEST

START_TEST(percentiles_are_exact_to_three_percent)
{
    for (int64_t us = 1; us <= 1000000; us++)
        histogram_add(&h, us);
    static const double percents[] = {1, 25, 50, 75, 90, 95, 99, 99.9};
    for (size_t i = 0; i < sizeof percents / sizeof *percents; i++) {
        double truth = percents[i] * 10000, got = (double)histogram_percentile_us(&h, percents[i]);
        ck_assert_double_ge(got, truth);
        ck_assert_double_le(got, truth * (1 + 1.0 / 32));
    }
    ck_assert_uint_eq(histogram_percentile_us(&h, 100), 1000000);
    ck_assert_uint_eq(histogram_count(&h), 1000000);
}
END_TEST

START_TEST(small_values_are_exact)
{
    for (int64_t us = 0; us < 64; us++) {
        histogram_clear(&h);
        histogram_add(&h, us);
        histogram_add(&h, 100);
        ck_assert_uint_eq(histogram_percentile_us(&h, 50), (uint64_t)us);
    }
}
END_TEST

/* Neither end of the range falls out of the table. */
START_TEST(extremes_are_kept)
{
    histogram_add(&h, -5);
    ck_assert_uint_eq(histogram_percentile_us(&h, 100), 0);
    histogram_add(&h, INT64_MAX);
    ck_assert_uint_eq(histogram_percentile_us(&h, 100), INT64_MAX);
    for (int bit = 0; bit < 38; bit++) {
        struct histogram *one = calloc(1, sizeof *one);
        histogram_add(one, INT64_C(1) << bit);
        histogram_add(one, INT64_MAX);
        ck_assert_uint_le(histogram_percentile_us(one, 50), (UINT64_C(1) << bit) + (UINT64_C(1) << bit) / 32);
        free(one);
    }
}
END_TEST

START_TEST(merging_adds_counts_and_keeps_the_largest)
{
    struct histogram *other = calloc(1, sizeof *other);
    for (int i = 0; i < 90; i++)
        histogram_add(&h, 10);
    for (int i = 0; i < 10; i++)
        histogram_add(other, 5000);
    histogram_merge(&h, other);
    ck_assert_uint_eq(histogram_count(&h), 100);
    ck_assert_uint_eq(histogram_percentile_us(&h, 90), 10);
    ck_assert_uint_ge(histogram_percentile_us(&h, 91), 5000);
    ck_assert_uint_eq(h.max_us, 5000);
    free(other);
}
END_TEST

static void *add_many(void *unused)
{
    for (int i = 0; i < 100000; i++)
        histogram_add(&h, i);
    return unused;
}

START_TEST(threads_lose_nothing)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, add_many, NULL), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(histogram_count(&h), 400000);
    ck_assert_uint_eq(h.max_us, 99999);
}
END_TEST

START_TEST(the_window_forgets)
{
    static struct latency_window w;
    const int64_t second = 1000000000;
    window_init(&w, 10 * second);
    ck_assert_uint_eq(window_percentile_us(&w, 0, 95), 0);
    window_add(&w, 100 * second, 7000);
    window_add(&w, 105 * second, 20);
    ck_assert_uint_eq(window_percentile_us(&w, 105 * second, 100), 7000);
    ck_assert_uint_eq(window_percentile_us(&w, 111 * second, 100), 20);
    ck_assert_uint_eq(window_percentile_us(&w, 130 * second, 100), 0);
    window_add(&w, 150 * second, 3); /* into the slot of 100 */
    ck_assert_uint_eq(window_percentile_us(&w, 150 * second, 100), 3);
}
END_TEST

START_TEST(the_drawing_shows_every_request)
{
    for (int i = 0; i < 75; i++)
        histogram_add(&h, 1000);
    for (int i = 0; i < 25; i++)
        histogram_add(&h, 1600000);
    char *text = NULL;
    size_t len;
    FILE *to = open_memstream(&text, &len);
    histogram_print(&h, to, 80);
    fclose(to);
    ck_assert_ptr_nonnull(strstr(text, "      75  75.0% ##"));
    ck_assert_ptr_nonnull(strstr(text, "      25  25.0% ##"));
    for (char *line = text; line; line = strchr(line + 1, '\n'))
        ck_assert_uint_le(strcspn(line + 1, "\n"), 80);
    free(text);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {empty_is_nothing, percentiles_are_exact_to_three_percent,
        small_values_are_exact, extremes_are_kept, merging_adds_counts_and_keeps_the_largest,
        threads_lose_nothing, the_window_forgets, the_drawing_shows_every_request};
    return HARNESS_SUITE("histogram", 20, tests);
}
