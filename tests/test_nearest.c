#include "harness.h"

#include "base/nearest.h"
#include "stacks_profile.h"
#include "view/suggest.h"

#include <string.h>

static const char *const names[] = {
    "top", "text", "tree", "focus", "nodecount", "nodefraction", "flat", "flame"};

static const char *nearest_to(const char *typed)
{
    struct nearest n = nearest_begin(typed);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        nearest_offer(&n, names[i]);
    return n.best ? n.best : "";
}

START_TEST(the_nearest_name_is_found)
{
    ck_assert_str_eq(nearest_to("tpo"), "top");
    ck_assert_str_eq(nearest_to("focs"), "focus");
    ck_assert_str_eq(nearest_to("Fcous"), "focus");
    ck_assert_str_eq(nearest_to("nodecuont"), "nodecount");
    ck_assert_str_eq(nearest_to("nodefractoin"), "nodefraction");
    ck_assert_str_eq(nearest_to("flaem"), "flame");
    ck_assert_str_eq(nearest_to("xfocus"), "focus");
    ck_assert_str_eq(nearest_to("tpo"), "top"); /* whatever was compared before */
}
END_TEST

START_TEST(what_is_far_is_not_offered)
{
    char longest[300];
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    ck_assert_str_eq(nearest_to("bogus"), "");
    ck_assert_str_eq(nearest_to("to"), "");
    ck_assert_str_eq(nearest_to(""), "");
    ck_assert_str_eq(nearest_to(longest), "");
    struct nearest n = nearest_begin("abc");
    nearest_offer(&n, "");
    nearest_offer(&n, longest);
    ck_assert_ptr_null(n.best);
}
END_TEST

START_TEST(functions_are_found_by_their_parts)
{
    static const struct stack_line lines[] = {{"main;cache_evict;Cache::lookup_all(int)", 1}};
    struct profile *p = stacks_profile("cpu", "count", 1, lines, 1);
    ck_assert_str_eq(suggest_function(p, "cache_evcit"), "cache_evict");
    ck_assert_str_eq(suggest_function(p, "evcit"), "cache_evict");
    ck_assert_str_eq(suggest_function(p, "lokup"), "Cache::lookup_all(int)");
    ck_assert_ptr_null(suggest_function(p, "json"));
    ck_assert_ptr_null(suggest_function(p, "evcit|main"));
    ck_assert_ptr_null(suggest_function(p, "^evcit$"));
    profile_free(p);
}
END_TEST

Suite *suite(void)
{
    const TTest *tests[] = {
        the_nearest_name_is_found, what_is_far_is_not_offered, functions_are_found_by_their_parts};
    return HARNESS_SUITE("nearest", 5, tests);
}
