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
    static const char *const cases[][2] = {{"(", "missing closing )"}, {")", "unexpected )"},
        {"a)b", "unexpected )"}, {"[a", "missing closing ]"}, {"[z-a]", "invalid character class range"},
        {"*a", "missing argument to repetition"}, {"a**", "invalid nested repetition"},
        {"a{2000}", "invalid repeat count"}, {"a{3,2}", "invalid repeat count"}, {"\\", "trailing backslash"},
        {"\\y", "invalid escape sequence"}, {"\\x{110000}", "invalid escape"}, {"\\pL", "invalid escape"},
        {"(?z)", "invalid or unsupported"}, {"(?", "missing argument"},
        {"[[:foo:]]", "invalid character class range"}, {"((a{1000}){1000}){1000}", "too large"},
        {"((()"
         "{1000}){1000}){1000}",
            "too large"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct regex *re = NULL;
        struct error e = {0};
        ck_assert_msg(regex_new(cases[i][0], &re, &e) < 0, "%s was accepted", cases[i][0]);
        ck_assert_ptr_null(re);
        ck_assert_msg(strstr(e.text, cases[i][1]) != NULL, "%s: said %s", cases[i][0], e.text);
    }
}
END_TEST

/* What takes a backtracking matcher 2^n steps is done before the watchdog wakes. */
START_TEST(hostile_patterns_take_linear_time)
{
    char pattern[200] = "", text[2001];
    for (int i = 0; i < 40; i++)
        strcat(pattern, "a?");
    memset(text, 'a', 2000);
    text[2000] = '\0';
    strcat(pattern, "b");
    ck_assert(!match(pattern, text));
    ck_assert(!match("(a+)+$b", text));
    ck_assert(!match("(a|aa)+b", text));
    ck_assert(match("(x+x+)+|a{1000}", text));
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
    ck_assert_msg(strstr(e.text, "nests too deeply") != NULL, "%s", e.text);
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
        hostile_patterns_take_linear_time, deep_nesting_is_refused, garbage_never_crashes};
    return HARNESS_SUITE("regex", 20, tests);
}
