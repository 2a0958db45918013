#include "harness.h"

#include "stacks_profile.h"
#include "view/limit.h"
#include "view/report.h"

#include <string.h>

static const struct stack_line lines[] = {
    {"main;json_write;json_escape", 30}, {"main;json_write;json_write", 10}, {"main;cache_get", 60}};

/* What a limit measures on the profile above, and whether it fails. */
static bool fails(const char *text, double measured)
{
    struct profile *p = stacks_profile("cpu", "ms", 1, lines, 3);
    struct limit l;
    struct error e = {0};
    struct buf out = {0}, notes = {0};
    ck_assert_msg(limit_parse(&l, text, &e) == 0, "%s", e.text);
    struct report_request q = {
        .format = REPORT_LIMITS, .config = CONFIG_DEFAULT, .limits = &l, .n_limits = 1};
    ck_assert_msg(report_generate(p, &q, &out, &notes, &e) == 0, "%s", e.text);
    ck_assert_msg(l.measured == measured, "%s measured %g, not %g", text, l.measured, measured);
    bool failed = l.failed;
    ck_assert_int_eq(strncmp(out.data, failed ? "FAILED " : "ok ", failed ? 7 : 3), 0);
    limit_fini(&l);
    buf_fini(&out);
    buf_fini(&notes);
    profile_free(p);
    return failed;
}

START_TEST(flat_cum_and_total_are_measured)
{
    ck_assert(fails("json>39%", 40)); /* of all functions that match, together */
    ck_assert(!fails("json>40%", 40));
    ck_assert(fails("json>=40%", 40));
    ck_assert(fails("flat(json_write)>=10ms", 10));
    ck_assert(fails("cum(json_write)>0.039s", 0.04)); /* a sample counts once, recursion or not */
    ck_assert(fails(" cum( json_write|cache_get ) > 99 % ", 0) == false); /* spaces are the regexp's */
    ck_assert(fails("cum(json_write|cache_get) > 99 %", 100));
    ck_assert(fails("total>99000us", 100000));
    ck_assert(!fails("nothing_like_it>0%", 0));
    ck_assert(fails("cache_get<61%", 60));
    ck_assert(fails("cache_get<=60ms", 60));
}
END_TEST

static void refused(const char *text, const char *why)
{
    struct limit l;
    struct error e = {0};
    ck_assert_msg(limit_parse(&l, text, &e) == ERR_FORMAT, "%s was taken", text);
    ck_assert_msg(strstr(e.text, why) != NULL, "%s: %s", text, e.text);
    limit_fini(&l);
}

START_TEST(mistakes_have_a_position)
{
    refused("", "position 1: expected a comparison");
    refused("json", "position 5: expected a comparison");
    refused("json>", "position 6: expected a number");
    refused("json>x%", "position 6: expected a number");
    refused("json>inf", "position 6: expected a number");
    refused("json>5% or so", "position 7: expected % or a unit");
    refused("json>5averylongunitname", "position 7: expected % or a unit");
    refused(">5%", "position 1: expected a function");
    refused("cum(json>5%", "position 9: expected a closing parenthesis");
    refused("flat()>5%", "position 6: expected a function between");
    refused("cum([)>5%", "position 5: missing terminating ]");
}
END_TEST

START_TEST(a_regexp_may_have_comparisons)
{
    struct limit l;
    struct error e;
    ck_assert_int_eq(limit_parse(&l, "cum(vector<int>::push)>5%", &e), 0);
    ck_assert_str_eq(regex_pattern(l.function), "vector<int>::push");
    ck_assert_double_eq(l.bound, 5);
    limit_fini(&l);
}
END_TEST

START_TEST(units_are_the_profiles)
{
    struct profile *p = stacks_profile("space", "bytes", 1, lines, 3);
    struct error e = {0};
    struct buf out = {0}, notes = {0};
    static const char *const wrong[] = {"main>5ms", "main>5", "main>5parsecs"};
    for (int i = 0; i < 3; i++) {
        struct limit l;
        ck_assert_int_eq(limit_parse(&l, wrong[i], &e), 0);
        struct report_request q = {
            .format = REPORT_LIMITS, .config = CONFIG_DEFAULT, .limits = &l, .n_limits = 1};
        ck_assert_int_eq(report_generate(p, &q, &out, &notes, &e), ERR_INVALID);
        ck_assert_ptr_nonnull(strstr(e.text, "position 7: expected % or a unit of space (bytes)"));
        limit_fini(&l);
    }
    buf_fini(&out);
    buf_fini(&notes);
    profile_free(p);
}
END_TEST

Suite *suite(void)
{
    const TTest *tests[] = {flat_cum_and_total_are_measured, mistakes_have_a_position,
        a_regexp_may_have_comparisons, units_are_the_profiles};
    return HARNESS_SUITE("limit", 5, tests);
}
