#include "harness.h"

#include "model/check.h"
#include "model/merge.h"
#include "model/sample_types.h"
#include "sample_profile.h"

#include <string.h>

static struct profile *merge(const struct profile *a, const struct profile *b)
{
    struct profile *out = NULL;
    struct error e;
    ck_assert_msg(profile_merge((const struct profile *[]){a, b}, 2, &out, &e) == 0, "%s", e.text);
    ck_assert_msg(profile_check(out, &e) == 0, "%s", e.text);
    return out;
}

START_TEST(same_samples_add_up)
{
    struct profile *a = sample_profile(), *b = sample_profile(); /* two pools */
    a->duration_nanos = 5;
    b->duration_nanos = 6;
    a->time_nanos = 20;
    b->time_nanos = 10;
    b->period = 3;
    profile_add_comment(a, profile_string(a, "one"));
    profile_add_comment(b, profile_string(b, "one"));
    profile_add_comment(b, profile_string(b, "two"));
    struct profile *m = merge(a, b);
    ck_assert_uint_eq(m->samples.len, 2);
    ck_assert_uint_eq(m->functions.len, 2);
    ck_assert_uint_eq(m->locations.len, 2);
    ck_assert_uint_eq(m->locations.items[1].id, 2); /* was 77 */
    ck_assert_uint_eq(m->labels.len, 4);
    ck_assert_int_eq(profile_values(m, 0)[0], 2);
    ck_assert_int_eq(profile_values(m, 1)[1], 40);
    ck_assert_int_eq(m->duration_nanos, 11);
    ck_assert_int_eq(m->time_nanos, 10);
    ck_assert_int_eq(m->period, 3);
    ck_assert_uint_eq(m->comments.len, 2);
    profile_free(a);
    profile_free(b);
    ck_assert_str_eq(m->functions.items[0].name, "inner");
    profile_free(m);
}
END_TEST

START_TEST(labels_keep_samples_apart)
{
    struct profile *a = sample_profile(), *b = sample_profile();
    b->labels.items[0].str = profile_string(b, "other");
    struct profile *m = merge(a, b);
    ck_assert_uint_eq(m->samples.len, 3);
    profile_free(a);
    profile_free(b);
    profile_free(m);
}
END_TEST

START_TEST(moved_mappings_meet)
{
    struct profile *a = sample_profile(), *b = sample_profile();
    uint64_t moved = 0x555500000000;
    b->mappings.items[0].start += moved;
    b->mappings.items[0].limit += moved;
    for (size_t i = 0; i < b->locations.len; i++)
        b->locations.items[i].address += moved;
    struct profile *m = merge(a, b);
    ck_assert_uint_eq(m->mappings.len, 1);
    ck_assert_uint_eq(m->locations.len, 2);
    ck_assert_uint_eq(m->locations.items[0].address, 0x1010);
    ck_assert_uint_eq(m->samples.len, 2);
    profile_free(a);
    profile_free(b);
    profile_free(m);
}
END_TEST

START_TEST(what_cancels_out_is_gone)
{
    struct profile *a = sample_profile(), *b = NULL;
    struct error e;
    ck_assert_int_eq(profile_scale(a, (double[]){-1, -1}, &b, &e), 0);
    ck_assert_int_eq(profile_values(b, 0)[1], -10);
    profile_values(b, 1)[0]++; /* the second sample leaves 1 */
    struct profile *m = merge(a, b);
    ck_assert_uint_eq(m->samples.len, 1);
    ck_assert_int_eq(profile_values(m, 0)[0], 1);
    ck_assert_uint_eq(m->locations.len, 1);
    ck_assert_uint_eq(m->functions.len, 1);
    ck_assert_str_eq(m->functions.items[0].name, "outer");
    profile_free(a);
    profile_free(b);
    profile_free(m);
}
END_TEST

START_TEST(incompatible_profiles_are_refused)
{
    struct profile *a = sample_profile(), *b = sample_profile(), *m = NULL;
    struct error e;
    const struct profile *both[] = {a, b};
    b->sample_types.items[1].unit = profile_string(b, "seconds");
    ck_assert_int_eq(profile_merge(both, 2, &m, &e), ERR_INVALID);
    ck_assert_str_eq(
        e.text, "incompatible sample types [samples/count cpu/nanoseconds] and [samples/count cpu/seconds]");
    b->period_type.type = profile_string(b, "wall");
    ck_assert_int_eq(profile_merge(both, 2, &m, &e), ERR_INVALID);
    ck_assert_msg(strstr(e.text, "period types") != NULL, "%s", e.text);
    ck_assert_ptr_null(m);
    profile_free(a);
    profile_free(b);
}
END_TEST

START_TEST(common_types_are_selected)
{
    struct profile *a = sample_profile(), *b = sample_profile(), *only = NULL;
    struct error e;
    const char **types = NULL;
    size_t n = 0;
    ck_assert_int_eq(profile_select_types(b, (const char *[]){"cpu"}, 1, &only, &e), 0);
    ck_assert_uint_eq(only->values.len, 2);
    ck_assert_int_eq(profile_values(only, 1)[0], 20);
    ck_assert_str_eq(only->default_sample_type, "cpu");
    const struct profile *both[] = {a, only};
    ck_assert_int_eq(profile_common_types(both, 2, &types, &n, &e), 0);
    ck_assert_uint_eq(n, 1);
    ck_assert_str_eq(types[0], "cpu");
    free(types);
    only->sample_types.items[0].type = profile_string(only, "wall");
    ck_assert_int_eq(profile_common_types(both, 2, &types, &n, &e), ERR_INVALID);
    profile_free(a);
    profile_free(b);
    profile_free(only);
}
END_TEST

START_TEST(scaling_rounds_and_drops)
{
    struct profile *a = sample_profile(), *q = NULL;
    struct error e;
    ck_assert_int_eq(profile_scale(a, (double[]){0.25, 0.25}, &q, &e), 0);
    ck_assert_int_eq(profile_values(q, 0)[0], 0);
    ck_assert_int_eq(profile_values(q, 0)[1], 3); /* 2.5 away from zero */
    ck_assert_int_eq(profile_values(q, 1)[0], 1);
    profile_free(q);
    ck_assert_int_eq(profile_scale(a, (double[]){0.25, 0.04}, &q, &e), 0);
    ck_assert_uint_eq(q->samples.len, 1);
    ck_assert_uint_eq(q->samples.items[0].nlocs, 1);
    profile_free(q);
    profile_free(a);
}
END_TEST

START_TEST(normal_ratios_equalize_sums)
{
    struct profile *a = sample_profile(), *b = sample_profile();
    double *ratios = NULL;
    struct error e;
    profile_values(b, 0)[1] = 70;
    ck_assert_int_eq(profile_normal_ratios(a, b, &ratios, &e), 0);
    ck_assert_double_eq(ratios[0], 1);
    ck_assert_double_eq(ratios[1], 3);
    free(ratios);
    profile_free(a);
    profile_free(b);
}
END_TEST

Suite *suite(void)
{
    const TTest *tests[] = {same_samples_add_up, labels_keep_samples_apart, moved_mappings_meet,
        what_cancels_out_is_gone, incompatible_profiles_are_refused, common_types_are_selected,
        scaling_rounds_and_drops, normal_ratios_equalize_sums};
    return HARNESS_SUITE("merge", 10, tests);
}
