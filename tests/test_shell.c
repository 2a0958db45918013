#include "harness.h"

#include "gateway_profile.h"
#include "ui/session.h"
#include "ui/shell.h"
#include "ui/terminal.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct profile *p;
static struct settings settings;
static struct shell *shell;
static int saved[2];
static FILE *captured[2]; /* standard output and standard error */

static void setup(void)
{
    p = gateway_profile();
    settings_init(&settings);
    settings.config.compact_labels = true;
    ck_assert_int_eq(shell_new(p, &settings, NULL, &shell), 0);
    for (int fd = 1; fd <= 2; fd++) {
        saved[fd - 1] = dup(fd);
        captured[fd - 1] = tmpfile();
    }
}

static void teardown(void)
{
    shell_free(shell);
    settings_fini(&settings);
    profile_free(p);
    fclose(captured[0]);
    fclose(captured[1]);
}

/* What was written since the last time. */
static char *take(int which)
{
    static char text[2][16000];
    rewind(captured[which]);
    size_t n = fread(text[which], 1, sizeof text[which] - 1, captured[which]);
    text[which][n] = '\0';
    rewind(captured[which]);
    ck_assert_int_eq(ftruncate(fileno(captured[which]), 0), 0);
    return text[which];
}

static char *out, *err;

static int run(const char *line)
{
    for (int fd = 1; fd <= 2; fd++)
        dup2(fileno(captured[fd - 1]), fd);
    int code = shell_execute(shell, line);
    fflush(stdout);
    fflush(stderr);
    for (int fd = 1; fd <= 2; fd++)
        dup2(saved[fd - 1], fd);
    out = take(0);
    err = take(1);
    return code;
}

static int lines(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static void expect(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in:\n%s", part, text);
}

START_TEST(counts_come_with_or_without_a_space)
{
    run("top3");
    ck_assert_int_eq(lines(out), 1 + 1 + 1 + 3);
    expect(out, "Showing top 3 nodes out of 10\n");
    run("  top 2 -cum  ");
    expect(out, "Showing top 2 nodes out of 10\n");
    expect(out, "100%  main\n");
    run("top"); /* ten by default, and nothing of the line before is left */
    ck_assert_int_eq(lines(out), 1 + 1 + 10);
    ck_assert_int_eq(settings.config.sort, SORT_FLAT);
}
END_TEST

START_TEST(words_focus_and_ignore)
{
    run("top cache -evict");
    expect(out, "Active filters:\n   focus=cache\n   ignore=evict\n");
    run("top list_move hash_key");
    expect(out, "focus=list_move|hash_key");
    ck_assert_str_eq(settings.config.focus, "");
    run("peek json_object");
    expect(out, "| json_object\n");
    run("tags users");
    ck_assert_ptr_null(strstr(out, "orders"));
    expect(out, "users");
}
END_TEST

START_TEST(options_may_be_of_one_command)
{
    run("top2 -focus=cache -unit=us");
    expect(out, "focus=cache");
    expect(out, "us ");
    ck_assert_str_eq(settings.config.focus, "");
    run("top2 --granularity=files cache");
    expect(out, "demos/lesson6/cache.c");
    ck_assert_int_eq(settings.config.granularity, GRANULARITY_FUNCTIONS);
    run("top2 -nodecount=x");
    expect(err, "\"x\" is not a whole number");
    run("top -route=1"); /* no option: what not to show, as ever */
    expect(out, "ignore=route=1");
}
END_TEST

START_TEST(assignments_last)
{
    run("focus = cache //: a comment");
    ck_assert_str_eq(settings.config.focus, "cache");
    run("sample_index=0");
    ck_assert_str_eq(settings.config.sample_index, "samples");
    run("granularity=lines");
    ck_assert_int_eq(settings.config.granularity, GRANULARITY_LINES);
    run("files=true");
    ck_assert_int_eq(settings.config.granularity, GRANULARITY_FILES);
    run("noinlines");
    ck_assert(settings.config.no_inlines);
    run("noinlines=n");
    ck_assert(!settings.config.no_inlines);
    run(":");
    ck_assert_str_eq(settings.config.focus, "");
    run("mean_cpu");
    ck_assert(settings.config.mean);
    ck_assert_str_eq(settings.config.sample_index, "cpu");
    run("samples");
    ck_assert_str_eq(settings.config.sample_index, "samples");
    run("total_cpu");
    ck_assert(!settings.config.mean);
}
END_TEST

START_TEST(mistakes_are_told_on_standard_error)
{
    static const char *const cases[][2] = {{"nosuch", "unrecognized command: \"nosuch\""},
        {"focus", "please specify a value, e.g. focus=<val>"}, {"lines", "did you mean: granularity=lines"},
        {"nodecount=x", "\"x\" is not a whole number"}, {"sample_index=foo", "must be one of: [samples cpu]"},
        {"peek", "requires an argument"}, {"peek zzz", "no matches found"},
        {"top >", "unexpected end of line after >"}, {"granularity=bad", "one of functions, filefunctions"},
        {"top (", "missing closing parenthesis"}, {"raw > /nonexistent/x", "No such file"},
        {"focus5", "did you mean: focus"}, {"help nosuch", "Unknown command: nosuch"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(run(cases[i][0]), 0);
        ck_assert_str_eq(out, "");
        expect(err, cases[i][1]);
    }
    ck_assert_int_eq(run(""), 0);
    ck_assert_str_eq(err, "");
}
END_TEST

START_TEST(output_goes_to_files_and_commands)
{
    char name[] = "/tmp/pprof-test-XXXXXX", line[100];
    int fd = mkstemp(name);
    snprintf(line, sizeof line, "top2 >%s", name);
    run(line);
    ck_assert_str_eq(out, "");
    expect(err, "Generating report in /tmp/pprof-test-");
    char text[400] = "";
    ck_assert_int_gt(read(fd, text, sizeof text - 1), 0);
    expect(text, "Showing top 2 nodes out of 10\n");
    close(fd);
    unlink(name);
    run("raw | grep -c /srv/gateway");
    ck_assert_str_eq(out, "1\n");
    run("top list_move|hash_key"); /* a bar inside a word is the regexp's */
    expect(out, "focus=list_move|hash_key");
}
END_TEST

START_TEST(leaving_and_help)
{
    ck_assert_int_eq(run("quit"), ERR_CANCELLED);
    ck_assert_int_eq(run(" q "), ERR_CANCELLED);
    ck_assert_int_eq(run("exit"), ERR_CANCELLED);
    ck_assert_int_eq(run("help"), 0);
    expect(err, "peek regexp");
    expect(err, "nodefraction");
    run("help top");
    expect(err, "top10 works as well");
    run("help tagfocus");
    expect(err, "memory=32mb:");
    run("o");
    expect(err, "  sample_index              = cpu                  //: [samples | cpu]\n");
    expect(err, "  granularity               = functions            //: [addresses | filefunctions");
}
END_TEST

static void expect_completion(const char *line, const char *const *want, size_t n)
{
    char *names[20];
    size_t found = session_complete(p, line, names, 20);
    ck_assert_uint_eq(found, n);
    for (size_t i = 0; i < n; i++) {
        ck_assert_str_eq(names[i], want[i]);
        free(names[i]);
    }
}

START_TEST(names_are_completed)
{
    expect_completion("tr", (const char *const[]){"traces", "tree", "trim", "trim_path"}, 4);
    expect_completion("help pe", (const char *const[]){"peek"}, 1);
    expect_completion("list json_", (const char *const[]){"json_write", "json_object", "json_escape"}, 3);
    expect_completion("top main -ev", (const char *const[]){"cache_evict"}, 1);
    expect_completion("sample_index=", (const char *const[]){"samples", "cpu"}, 2);
    expect_completion("granularity=fi", (const char *const[]){"filefunctions", "files"}, 2);
    expect_completion("top -sort=c", (const char *const[]){"cum"}, 1);
    expect_completion("trim=", (const char *const[]){"true", "false"}, 2);
    expect_completion("focus=", NULL, 0);
    expect_completion("zz", NULL, 0);
    char *names[2];
    ck_assert_uint_eq(session_complete(p, "t", names, 2), 2); /* no more than fit */
    free(names[0]);
    free(names[1]);
}
END_TEST

/* Nothing that a name holds acts on the terminal it is shown on: not ESC and what follows, nor the one-byte
 * forms of these; colours, line ends and tabs are our own, and letters of all kinds stay. */
START_TEST(names_do_not_act_on_a_terminal)
{
    static const char *const cases[][2] = {{"main", "main"}, {"a\tb\n", "a\tb\n"},
        {"\033]0;title\007", "?]0;title?"}, {"\033[2J\033[31;1mred\033[m", "?[2J\033[31;1mred\033[m"},
        {"\033[31", "?[31"}, {"\033[", "?["}, {"\033", "?"}, {"a\rb\bc\x7f", "a?b?c?"},
        {"\xc2\x9b"
         "2J caf\xc3\xa9 \xc2\xa0 \xe2\x82\xac",
            "??2J caf\xc3\xa9 \xc2\xa0 \xe2\x82\xac"},
        {"\xc2", "\xc2"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[64];
        snprintf(text, sizeof text, "%s", cases[i][0]);
        terminal_tame(text, strlen(text));
        ck_assert_str_eq(text, cases[i][1]);
    }
}
END_TEST

Suite *suite(void)
{
    const TTest *tests[] = {counts_come_with_or_without_a_space, words_focus_and_ignore,
        options_may_be_of_one_command, assignments_last, mistakes_are_told_on_standard_error,
        output_goes_to_files_and_commands, leaving_and_help, names_are_completed,
        names_do_not_act_on_a_terminal};
    Suite *s = suite_create("shell");
    TCase *cases = tcase_create("shell");
    tcase_add_checked_fixture(cases, setup, teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(cases, tests[i]);
    suite_add_tcase(s, cases);
    return s;
}
