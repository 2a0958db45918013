#include "harness.h"

#include "view/regex.h"

#include <stdlib.h>
#include <string.h>

static bool match(const char *pattern, const char *text)
{
    struct regex *re = NULL;
    struct error e;
    ck_assert_msg(regex_new(pattern, &re, &e) == 0, "%s: %s", pattern, e.text);
    bool matched = regex_match(re, text);
    ck_assert_str_eq(regex_pattern(re), pattern);
    regex_free(re);
    return matched;
}

START_TEST(what_matches)
{
    static const char *const cases[][2] = {{"", ""}, {"", "x"}, {"cache", "the_cache_get"},
        {"^cache", "cache_get"}, {"get$", "cache_get"}, {"a|b|", "z"}, {"foo|bar", "xbarx"},
        {"f(o|u)+$", "fououo"}, {"\\.", "a.b"}, {"^main\\.|^sort", "sort.Ints"}, {"[12]00", "line200"},
        {"[^a-y]", "z"}, {"[]x]", "]"}, {"[a\\]b]+$", "]a"}, {"a{2,3}$", "aaa"}, {"a{2}", "aa"},
        {"a{2,}", "aaaa"}, {"a{,2}", "a{,2}"}, {"x*?y+?z??$", "xxyyz"}, {"(?i)CACHE", "my_Cache"},
        {"(?i)[a-c]+$", "AbC"}, {"a(?i)b(?-i)c", "aBc"}, {"(?i:x)y", "Xy"},
        {"(?P<name>a)(?<other>b)(?:c)", "abc"}, {"\\d+\\s\\w", "12 x"}, {"^\\D\\S\\W$", "ab-"},
        {"\\bget\\b", "a get b"}, {"\\Bget", "budget"}, {"\\Aa\\z", "a"}, {"\\Qa.b(\\E+", "xa.b((("},
        {"\\x41\\x{42}\\103", "ABC"}, {"\\t", "\t"}, {"[[:alpha:]]+[[:digit:]]", "ab1"},
        {"[[:^digit:]]", "a"},
        {"a.c", "a\xc3\xa9"
                "c"},
        {"^...$", "日本語"}, {"[é-ü]", "ö"}, {"(?s)a.b", "a\nb"}, {"(?m)^b$", "a\nb\nc"}, {".", "\xff"},
        {"operator\\(\\)", "T::operator()"}, {"(a*)*", ""}, {"(|a)+b", "aab"}, {"\\*", "*"}, {"}", "}"},
        {"x{1", "x{1"}, {"[-a]", "-"}, {"[a-]", "-"}, {"\\_", "_"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(match(cases[i][0], cases[i][1]), "%s does not match %s", cases[i][0], cases[i][1]);
}
END_TEST

START_TEST(what_does_not)
{
    static const char *const cases[][2] = {{"cache", "cash"}, {"^get", "cache_get"}, {"cache$", "cache_get"},
        {".", ""}, {"a.b", "a\nb"}, {"^b$", "a\nb\nc"}, {"[^a]", "a"}, {"a{3}", "aa"}, {"^a{2,3}$", "aaaa"},
        {"\\bget\\b", "budget"}, {"(?i)(?-i)A", "a"}, {"[[:digit:]]", "x"}, {"\\D", "5"}, {"\\S", " "},
        {"x+", ""}, {"a$", "a\n"}, {"(?i:x)y", "XY"}, {"^..$", "é"}, {"\\z.", "ab"}, {"a\\.b", "axb"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(!match(cases[i][0], cases[i][1]), "%s matches %s", cases[i][0], cases[i][1]);
}
END_TEST

START_TEST(errors_say_what_is_wrong)
{
    static const char *const cases[][2] = {{"(", "missing closing parenthesis at offset 1: `(`"},
        {")", "unmatched closing parenthesis at offset 0"}, {"a)b", "at offset 1"},
        {"[a", "missing terminating ]"}, {"[z-a]", "range out of order"},
        {"*a", "does not follow a repeatable item at offset 0"}, {"a**", "at offset 2"},
        {"a{70000}", "number too big"}, {"a{3,2}", "numbers out of order"}, {"\\", "\\ at end"},
        {"\\y", "unrecognized character follows \\"}, {"\\x{110000}", "too large"},
        {"\\pQ", "unknown property"}, {"\\C", "disabled"}, {"(?z)", "unrecognized character"},
        {"(?", "missing closing parenthesis at offset 2"}, {"(a)\\1", "non-existent"},
        {"[[:foo:]]", "unknown POSIX class"}, {"a\xff", "UTF-8"}, {"((a{1000}){1000}){1000}", "too large"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct regex *re = NULL;
        struct error e = {0};
        ck_assert_msg(regex_new(cases[i][0], &re, &e) < 0, "%s was accepted", cases[i][0]);
        ck_assert_ptr_null(re);
        ck_assert_msg(strstr(e.text, cases[i][1]) != NULL, "%s: said %s", cases[i][0], e.text);
    }
}
END_TEST

START_TEST(letters_are_those_of_unicode)
{
    ck_assert(match("^\\pL+$", "Größe日本"));
    ck_assert(!match("\\pL", "12 -"));
    ck_assert(match("\\p{Greek}", "xλ"));
    ck_assert(match("(?i)GRÖSSE", "grösse"));
    ck_assert(!match("GRÖSSE", "grösse"));
    ck_assert(match("^a.{2}b$", "a\xc3\xc3"
                                "b"));
    ck_assert(match("^\\x{fffd}{3}$", "\xed\xa0\x80"));     /* a surrogate is no character */
    ck_assert(match("^\\x{fffd}{4}$", "\xf4\x90\x80\x80")); /* nor is what is beyond the last */
}
END_TEST

START_TEST(laziness_changes_no_answer)
{
    ck_assert(match("(?U)^a+b*c$", "aabbc"));
    ck_assert(match("^a+?$", "aaa"));
    ck_assert(!match("(?U)^a+$", "aab"));
}
END_TEST

START_TEST(lookaround_works)
{
    ck_assert(match("(?<=cache_)get", "cache_get"));
    ck_assert(!match("(?<!cache_)get", "cache_get"));
    ck_assert(match("get(?!_all)", "get_one"));
    ck_assert(!match("(?<=b)(a+)+$|c", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}
END_TEST

/* What takes a backtracking matcher 2^n steps is done before the watchdog wakes. */
START_TEST(hostile_patterns_are_answered)
{
    char pattern[200] = "", text[401];
    for (int i = 0; i < 40; i++)
        strcat(pattern, "a?");
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    strcat(pattern, "(b|c)");
    ck_assert(!match(pattern, text));
    ck_assert(!match("(a+)+(b|c)", text));
    ck_assert(!match("(a|aa)+(b|c)", text));
    ck_assert(!match("(a+)+$\\Qb", text));
    ck_assert(!match("x|^(a*)*\\z.", text));
    ck_assert(match("(x+x+)+|a{400}", text));
    text[sizeof text - 2] = 'b';
    ck_assert(!match("(a+)+$", text));
    ck_assert(match("(a+)+$|(a|aa)+b$", text));
}
END_TEST

/* However long the text: in linear time, or given up. */
START_TEST(hostile_texts_are_done_with)
{
    static const char *const patterns[] = {"(a+)+$", "^(a*)*$", "(a|aa)+$", "(\\w+\\w+)+$", "(a?){40}a{40}$",
        "(?=(a+)+$)b", "(?P<x>a+)+(?P=x)$", "((?:a|(?R))+)+$"};
    static char text[20001];
    memset(text, 'a', sizeof text - 2);
    text[sizeof text - 2] = '-';
    int given_up = 0;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        struct regex *re = NULL;
        struct error e = {0};
        ck_assert_msg(regex_new(patterns[i], &re, &e) == 0, "%s", e.text);
        ck_assert_msg(!regex_match(re, text), "%s", patterns[i]);
        given_up += regex_check(re, &e) != 0;
        regex_free(re);
    }
    ck_assert_int_gt(given_up, 0);
    ck_assert_int_lt(given_up, (int)(sizeof patterns / sizeof *patterns));
}
END_TEST

/* A back reference needs backtracking: what cannot be had in few steps is given up, and said. */
START_TEST(giving_up_is_said)
{
    struct regex *re = NULL;
    struct error e = {0};
    ck_assert_int_eq(regex_new("^(?P<x>a+)+(?P=x)(b|d)", &re, &e), 0);
    ck_assert(regex_match(re, "aab"));
    ck_assert(!regex_match(re, "ac"));
    ck_assert_int_eq(regex_check(re, &e), 0);
    ck_assert(!regex_match(re, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac"));
    ck_assert_int_eq(regex_check(re, &e), ERR_LIMIT);
    ck_assert_msg(strstr(e.text, "given up") && strstr(e.text, "^(?P<x>a+)+(?P=x)(b|d)"), "%s", e.text);
    ck_assert(!strchr(e.text, '\n'));
    ck_assert(!regex_match(re, "aab")); /* for good */
    regex_free(re);
    ck_assert_int_eq(regex_check(NULL, &e), 0);
}
END_TEST

START_TEST(deep_nesting_is_refused)
{
    char pattern[4001];
    memset(pattern, '(', 2000);
    memset(pattern + 2000, ')', 2000);
    pattern[4000] = '\0';
    struct regex *re = NULL;
    struct error e;
    ck_assert_int_eq(regex_new(pattern, &re, &e), ERR_FORMAT);
    ck_assert_msg(strstr(e.text, "too deeply nested") != NULL, "%s", e.text);
}
END_TEST

START_TEST(garbage_never_crashes)
{
    static const char alphabet[] = "()[]{}*+?|\\^$.-a1,:PQEdwxi<>\xc3\xff";
    unsigned seed = 7;
    int accepted = 0;
    for (int round = 0; round < 30000; round++) {
        char pattern[24];
        size_t n = (size_t)rand_r(&seed) % sizeof pattern;
        for (size_t i = 0; i < n; i++)
            pattern[i] = alphabet[(size_t)rand_r(&seed) % (sizeof alphabet - 1)];
        pattern[n < sizeof pattern ? n : n - 1] = '\0';
        struct regex *re = NULL;
        struct error e = {0};
        if (regex_new(pattern, &re, &e) == 0) {
            accepted++;
            regex_match(re, "aa1(x)\xc3\xa9\xff[]");
            regex_free(re);
        } else {
            ck_assert(e.text[0] != '\0');
        }
    }
    ck_assert_int_gt(accepted, 1000);
}
END_TEST

Suite *suite(void)
{
    const TTest *tests[] = {what_matches, what_does_not, errors_say_what_is_wrong,
        letters_are_those_of_unicode, laziness_changes_no_answer, lookaround_works,
        hostile_patterns_are_answered, hostile_texts_are_done_with, giving_up_is_said,
        deep_nesting_is_refused, garbage_never_crashes};
    return HARNESS_SUITE("regex", 20, tests);
}
