#include "harness.h"

#include "model/check.h"
#include "model/profile.h"
#include "sample_profile.h"

#include <string.h>

START_TEST(empty_strings_are_one_pointer)
{
    struct profile *p = profile_new(NULL);
    char empty[] = "";
    profile_add_mapping(p, &(struct mapping){.file = empty}, NULL);
    ck_assert_ptr_eq(p->mappings.items[0].file, intern_empty);
    ck_assert_ptr_eq(p->mappings.items[0].build_id, intern_empty);
    ck_assert_ptr_eq(profile_string(p, NULL), intern_empty);
    ck_assert_ptr_eq(profile_string(p, ""), intern_empty);
    ck_assert_ptr_eq(intern_bytes(p->strings, "", 0), intern_empty);
    profile_free(p);
}
END_TEST

START_TEST(ids_number_from_one_unless_given)
{
    struct profile *p = sample_profile();
    ck_assert_uint_eq(p->locations.items[0].id, 1);
    ck_assert_uint_eq(p->locations.items[1].id, 77);
    ck_assert_uint_eq(p->functions.items[1].id, 2);
    ck_assert_int_eq(profile_check(p, NULL), 0);
    profile_free(p);
}
END_TEST

START_TEST(labels_are_sorted_text_first_and_stable)
{
    struct profile *p = sample_profile();
    const char *want[] = {"ant", "zoo", "zoo", "size"};
    for (int i = 0; i < 4; i++)
        ck_assert_str_eq(p->labels.items[i].key, want[i]);
    ck_assert_str_eq(p->labels.items[1].str, "b");
    ck_assert_str_eq(p->labels.items[2].str, "a");
    profile_free(p);
}
END_TEST

START_TEST(derived_profiles_share_strings_and_own_tables)
{
    struct profile *p = sample_profile(), *q = profile_derive(p), *r = profile_copy(p);
    ck_assert_uint_eq(q->samples.len, 0);
    ck_assert_uint_eq(r->samples.len, 2);
    ck_assert_ptr_eq(q->functions.items[0].name, p->functions.items[0].name);
    profile_free(p); /* the pool lives on */
    ck_assert_str_eq(q->functions.items[0].name, "inner");
    ck_assert_int_eq(profile_values(r, 1)[1], 20);
    profile_pop_sample(r);
    ck_assert_uint_eq(r->samples.len, 1);
    ck_assert_uint_eq(r->locs.len, 2);
    ck_assert_int_eq(profile_check(r, NULL), 0);
    profile_free(q);
    profile_free(r);
}
END_TEST

static void expect_bad(struct profile *p, const char *what)
{
    struct error e = {0};
    ck_assert_int_eq(profile_check(p, &e), ERR_FORMAT);
    ck_assert_msg(strstr(e.text, what) != NULL, "said: %s", e.text);
    profile_free(p);
}

START_TEST(check_finds_what_is_wrong)
{
    struct profile *p = sample_profile();
    p->sample_types.len = 0;
    expect_bad(p, "sample type");
    p = sample_profile();
    p->values.len--;
    expect_bad(p, "3 values");
    p = sample_profile();
    p->locs.items[0] = 9;
    expect_bad(p, "unknown location");
    p = sample_profile();
    p->locations.items[1].id = 1;
    expect_bad(p, "multiple locations with the id 1");
    p = sample_profile();
    p->functions.items[1].id = 0;
    expect_bad(p, "reserved id 0");
    p = sample_profile();
    p->mappings.items[0].id = 0;
    expect_bad(p, "mapping 0");
    p = sample_profile();
    p->lines.items[0].function = NO_INDEX;
    expect_bad(p, "without a known function");
    p = sample_profile();
    p->locations.items[0].mapping = 4;
    expect_bad(p, "unknown mapping");
}
END_TEST

Suite *suite(void)
{
    const TTest *tests[] = {empty_strings_are_one_pointer, ids_number_from_one_unless_given,
        labels_are_sorted_text_first_and_stable, derived_profiles_share_strings_and_own_tables,
        check_finds_what_is_wrong};
    return HARNESS_SUITE("profile", 10, tests);
}
