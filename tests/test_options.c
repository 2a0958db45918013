#include "harness.h"

#include "ui/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WORDS = 16 };

/* Parses a command line given as one string, words separated by spaces. */
static int parse(struct options *o, const char *line, struct error *error)
{
    static char copy[400];
    char *argv[MAX_WORDS] = {"pprof"};
    int argc = 1;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    return options_parse(o, argc, argv, error);
}

static void accept(struct options *o, const char *line)
{
    struct error e = {0};
    ck_assert_msg(parse(o, line, &e) == 0, "%s: %s", line, e.text);
}

START_TEST(formats_options_and_sources)
{
    struct options o;
    accept(&o, "-top --cum -nodecount=7 -focus get -unit ms a.pb.gz b.pb.gz");
    ck_assert_str_eq(o.command->name, "top");
    ck_assert_int_eq(o.settings.config.sort, SORT_CUM);
    ck_assert_int_eq(o.settings.config.nodecount, 7);
    ck_assert_str_eq(o.settings.config.focus, "get");
    ck_assert_str_eq(o.settings.config.unit, "ms");
    ck_assert_uint_eq(o.sources.len, 2);
    ck_assert_str_eq(o.sources.items[1], "b.pb.gz");
    options_fini(&o);
    accept(&o, "-peek=cache_ -lines -noinlines=false -trim=f -nodefraction=0.25 http://h:1/");
    ck_assert_str_eq(o.command->name, "peek");
    ck_assert_str_eq(o.pattern, "cache_");
    ck_assert_int_eq(o.settings.config.granularity, GRANULARITY_LINES);
    ck_assert(!o.settings.config.no_inlines && !o.settings.config.trim);
    ck_assert_double_eq(o.settings.config.nodefraction, 0.25);
    options_fini(&o);
    accept(&o, "-seconds=5 -timeout 9 -base x -base y -add_comment=hi -- -odd-name");
    ck_assert_ptr_null(o.command);
    ck_assert_int_eq(o.seconds, 5);
    ck_assert_int_eq(o.timeout_s, 9);
    ck_assert_uint_eq(o.bases.len, 2); /* all of them, not only the last */
    ck_assert_str_eq(o.comment, "hi");
    ck_assert_str_eq(o.sources.items[0], "-odd-name");
    options_fini(&o);
}
END_TEST

START_TEST(value_switches_choose_the_sample_type)
{
    struct options o;
    accept(&o, "-top -inuse_objects x");
    ck_assert_str_eq(o.settings.config.sample_index, "inuse_objects");
    options_fini(&o);
    accept(&o, "-top -mean_delay x");
    ck_assert_str_eq(o.settings.config.sample_index, "delay");
    ck_assert(o.settings.config.mean);
    options_fini(&o);
    accept(&o, "-top -sample_index=1 -alloc_space x");
    ck_assert_str_eq(o.settings.config.sample_index, "1");
    ck_assert_str_eq(o.warnings.data, "Multiple value selections, ignoring -alloc_space\n");
    options_fini(&o);
}
END_TEST

START_TEST(binaries_and_build_ids_come_first)
{
    struct options o;
    accept(&o, "-top /proc/self/exe x.pb.gz");
    ck_assert_str_eq(o.exec_name, "/proc/self/exe");
    ck_assert_uint_eq(o.sources.len, 1);
    options_fini(&o);
    accept(&o, "-top c0ffee12 x.pb.gz");
    ck_assert_str_eq(o.build_id, "c0ffee12");
    ck_assert_uint_eq(o.sources.len, 1);
    options_fini(&o);
    accept(&o, "-top c0ffee12"); /* alone it is a source */
    ck_assert_str_eq(o.sources.items[0], "c0ffee12");
    options_fini(&o);
}
END_TEST

START_TEST(mistakes_are_explained)
{
    static const char *const cases[][2] = {{"-top", "no profile source"}, {"", "no profile source"},
        {"-bogus x", "-bogus is no option; pprof -help lists them"},
        {"-focs=a x", "-focs is no option; did you mean -focus?"},
        {"--tpo x", "-tpo is no option; did you mean -top?"}, {"-sort=cum x", "-sort is no option"},
        {"x -top", "-top comes after the source x"}, {"x y -cum", "-cum comes after the source x"},
        {"-top -tree x", "not both -top and -tree"}, {"-top -peek=a x", "not both -top and -peek"},
        {"-lines -files x", "one granularity at a time, not both -lines and -files"},
        {"-nodecount=x y", "\"x\" is not a whole number"}, {"-divide_by=z y", "\"z\" is not a number"},
        {"-trim=maybe y", "\"maybe\" is not true or false"}, {"-top=2 y", "\"2\" is not true or false"},
        {"-seconds=-1 y", "not a number of seconds"}, {"-focus", "-focus needs a value"},
        {"-normalize x", "-normalize needs -base"}, {"-base=a -diff_base=b x", "do not go together"},
        {"-http=:1 -top x", "-http and -top do not go together"},
        {"-http=:1 -fail_if total>1 x", "-http and -fail_if do not go together"},
        {"-compare x", "-compare wants two folders"}, {"-compare -base=a x y", "-compare wants two folders"},
        {"-compare -http=: x y", "-compare and -http do not go together"},
        {"-stats=8080 x", "only makes sense with -triage"}, {"-no_browser x", "only makes sense with -http"},
        {"-=x y", "-=x is no option"}, {"-nodecount=99999999999 y", "not a whole number"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct options o;
        struct error e = {0};
        ck_assert_msg(parse(&o, cases[i][0], &e) == ERR_INVALID, "accepted: %s", cases[i][0]);
        ck_assert_msg(strstr(e.text, cases[i][1]) != NULL, "%s: said %s", cases[i][0], e.text);
        ck_assert_ptr_null(strchr(e.text, '\n'));
        options_fini(&o);
    }
}
END_TEST

START_TEST(help_on_one_name)
{
    struct options o;
    struct buf out = {0};
    struct error e = {0};
    accept(&o, "help flame");
    ck_assert(o.help);
    ck_assert_int_eq(options_print_help(o.help_on, &out, &e), 0);
    ck_assert_ptr_nonnull(strstr(out.data, "Draw a flame graph"));
    ck_assert_int_eq(options_print_help("-seconds", &out, &e), 0);
    ck_assert_int_eq(options_print_help("inuse_space", &out, &e), 0);
    ck_assert_int_eq(options_print_help("flaem", &out, &e), ERR_INVALID);
    ck_assert_str_eq(e.text, "flaem is no option; did you mean flame?");
    options_fini(&o);
    accept(&o, "help");
    ck_assert_ptr_null(o.help_on);
    out.len = 0;
    options_print_usage(&out);
    ck_assert_ptr_null(strstr(out.data, "(null)"));
    int lines = 0;
    for (const char *c = out.data; *c; c++)
        lines += *c == '\n';
    ck_assert_int_lt(lines, 60);
    options_fini(&o);
    buf_fini(&out);
}
END_TEST

START_TEST(help_needs_no_source)
{
    struct options o;
    accept(&o, "--help");
    ck_assert(o.help);
    options_fini(&o);
    struct buf usage = {0};
    options_print_all(&usage);
    for (unsigned i = 0; i < n_commands; i++)
        ck_assert_ptr_nonnull(strstr(usage.data, commands[i].name));
    for (unsigned i = 0; i < n_variables; i++)
        ck_assert_ptr_nonnull(strstr(usage.data, variables[i].name));
    buf_fini(&usage);
}
END_TEST

/* Each variable prints what it was set to, and each name is there once. */
START_TEST(variables_print_what_was_set)
{
    struct settings s;
    struct error e;
    settings_init(&s);
    for (unsigned i = 0; i < n_variables; i++) {
        const struct variable *v = &variables[i];
        const char *text = v->kind == VARIABLE_BOOL     ? "true"
                           : v->kind == VARIABLE_INT    ? "-12"
                           : v->kind == VARIABLE_FLOAT  ? "0.125"
                           : v->kind == VARIABLE_CHOICE ? v->choices[1].name
                                                        : "some text";
        struct buf printed = {0};
        int choice;
        ck_assert_ptr_eq(variable_find(v->name, &choice), v);
        ck_assert_msg(variable_set(&s, v, -1, text, &e) == 0, "%s: %s", v->name, e.text);
        variable_print(&s.config, v, &printed);
        ck_assert_str_eq(printed.data, text);
        buf_fini(&printed);
        ck_assert_ptr_null(command_find(v->name));
    }
    settings_fini(&s);
}
END_TEST

Suite *suite(void)
{
    const TTest *tests[] = {formats_options_and_sources, value_switches_choose_the_sample_type,
        binaries_and_build_ids_come_first, mistakes_are_explained, help_needs_no_source, help_on_one_name,
        variables_print_what_was_set};
    return HARNESS_SUITE("options", 10, tests);
}
