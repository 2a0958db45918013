#include "harness.h"

#include "gateway_profile.h"
#include "model/codec.h"
#include "stacks_profile.h"
#include "view/report.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Whole reports against tests/golden/pprof.FLAGS, and what must hold of any report. After a change that is
 * meant, GOLDEN=update .build/tests/test_report writes the goldens anew; go_pprof.sh compares with Go's.
 */

struct golden {
    const char *flags; /* of the same report on the command line: the file's name */
    struct report_request request;
};

#define REQUEST(kind, regexp, ...)                                       \
    {                                                                    \
        .format = (kind), .pattern = (regexp), .config = { __VA_ARGS__ } \
    }

static const struct golden goldens[] = {
    {"top", REQUEST(REPORT_TEXT, NULL)},
    {"top.cum", REQUEST(REPORT_TEXT, NULL, .sort = SORT_CUM)},
    {"top.lines", REQUEST(REPORT_TEXT, NULL, .granularity = GRANULARITY_LINES)},
    {"top.files.nodecount=3", REQUEST(REPORT_TEXT, NULL, .granularity = GRANULARITY_FILES, .nodecount = 3)},
    {"top.addresses.noinlines",
        REQUEST(REPORT_TEXT, NULL, .granularity = GRANULARITY_ADDRESSES, .no_inlines = true)},
    {"top.filefunctions.nodefraction=0.1",
        REQUEST(REPORT_TEXT, NULL, .granularity = GRANULARITY_FILEFUNCTIONS, .nodefraction = 0.1)},
    {"top.focus=cache.ignore=evict", REQUEST(REPORT_TEXT, NULL, .focus = "cache", .ignore = "evict")},
    {"top.relative_percentages.focus=json",
        REQUEST(REPORT_TEXT, NULL, .focus = "json", .relative_percentages = true)},
    {"top.sample_index=samples", REQUEST(REPORT_TEXT, NULL, .sample_index = "samples")},
    {"top.unit=ms.divide_by=2", REQUEST(REPORT_TEXT, NULL, .unit = "ms", .divide_by = 2)},
    {"top.mean", REQUEST(REPORT_TEXT, NULL, .mean = true)},
    {"top.tagroot=route.tagfocus=4kb", REQUEST(REPORT_TEXT, NULL, .tagroot = "route", .tagfocus = "4kb")},
    {"tree", REQUEST(REPORT_TREE, NULL)},
    {"tree.edgefraction=0.1", REQUEST(REPORT_TREE, NULL, .edgefraction = 0.1)},
    {"peek=cache", REQUEST(REPORT_PEEK, "cache")},
    {"traces", REQUEST(REPORT_TRACES, NULL)},
    {"traces.lines.hide=serve",
        REQUEST(REPORT_TRACES, NULL, .granularity = GRANULARITY_LINES, .hide = "serve")},
    {"raw", REQUEST(REPORT_RAW, NULL)},
    {"raw.noinlines.tagshow=route", REQUEST(REPORT_RAW, NULL, .no_inlines = true, .tagshow = "route")},
    {"tags", REQUEST(REPORT_TAGS, NULL)},
    {"comments", REQUEST(REPORT_COMMENTS, NULL)},
    {"dot", REQUEST(REPORT_DOT, NULL)},
    {"callgrind", REQUEST(REPORT_CALLGRIND, NULL)},
    {"callgrind.call_tree.focus=json", REQUEST(REPORT_CALLGRIND, NULL, .call_tree = true, .focus = "json")},
    {"weblist=json.source_path=nowhere", REQUEST(REPORT_WEBLIST, "json", .source_path = "/nowhere")},
    {"folded", REQUEST(REPORT_FOLDED, NULL)},
    {"folded.sample_index=samples.focus=cache.ignore=evict",
        REQUEST(REPORT_FOLDED, NULL, .sample_index = "samples", .focus = "cache", .ignore = "evict")},
    {"json", REQUEST(REPORT_JSON, NULL)},
    {"json.cum.nodecount=3", REQUEST(REPORT_JSON, NULL, .sort = SORT_CUM, .nodecount = 3)},
    {"csv", REQUEST(REPORT_CSV, NULL)},
    {"csv.lines.unit=ms.divide_by=2",
        REQUEST(REPORT_CSV, NULL, .granularity = GRANULARITY_LINES, .unit = "ms", .divide_by = 2)},
    {"dot.nodecount=4.call_tree", REQUEST(REPORT_DOT, NULL, .nodecount = 4, .call_tree = true)},
};

enum { N_GOLDENS = sizeof goldens / sizeof *goldens };

/* What the table leaves at zero gets its default. */
static struct report_request complete(struct report_request q)
{
    const struct config d = CONFIG_DEFAULT;
    struct config *c = &q.config;
    const char **strings[] = {&c->output, &c->unit, &c->source_path, &c->trim_path, &c->sample_index,
        &c->tagroot, &c->tagleaf, &c->focus, &c->ignore, &c->prune_from, &c->hide, &c->show, &c->show_from,
        &c->tagfocus, &c->tagignore, &c->tagshow, &c->taghide};
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        if (!*strings[i])
            *strings[i] = strings[i] == &c->unit ? d.unit : "";
    c->trim = true;
    c->nodecount = c->nodecount ? c->nodecount : d.nodecount;
    c->divide_by = c->divide_by != 0 ? c->divide_by : d.divide_by;
    c->nodefraction = c->nodefraction != 0 ? c->nodefraction : d.nodefraction;
    c->edgefraction = c->edgefraction != 0 ? c->edgefraction : d.edgefraction;
    return q;
}

static int generate(
    const struct profile *p, struct report_request q, struct buf *out, struct buf *notes, struct error *e)
{
    struct report_request whole = complete(q);
    out->len = 0;
    return report_generate(p, &whole, out, notes, e);
}

static void expect_golden(const char *flags, const struct buf *out)
{
    char name[200];
    snprintf(name, sizeof name, "pprof.%s", flags);
    harness_golden(name, out->data, out->len);
}

START_TEST(reports_are_as_the_goldens)
{
    setenv("TZ", "UTC", 1);
    struct profile *p = gateway_profile();
    struct buf out = {0}, notes = {0};
    struct error e;
    ck_assert_msg(generate(p, goldens[_i].request, &out, &notes, &e) == 0, "%s", e.text);
    expect_golden(goldens[_i].flags, &out);
    bool without_sources = goldens[_i].request.format == REPORT_WEBLIST; /* which it says */
    ck_assert_msg(
        notes.len == 0 || without_sources || strstr(notes.data, "as range") != NULL, "%s", notes.data);
    buf_fini(&out);
    buf_fini(&notes);
    profile_free(p);
}
END_TEST

static void make_sources(char *dir)
{
    char name[100];
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(name, sizeof name, "%s/src", dir);
    ck_assert_int_eq(mkdir(name, 0755), 0);
    snprintf(name, sizeof name, "%s/src/cache.c", dir);
    FILE *f = fopen(name, "we");
    for (int i = 1; i <= 95; i++)
        fprintf(f, "line %d of the cache%s\n", i, i % 10 ? "" : "\r");
    fclose(f);
}

static void remove_sources(const char *dir)
{
    char name[100];
    snprintf(name, sizeof name, "%s/src/cache.c", dir);
    unlink(name);
    snprintf(name, sizeof name, "%s/src", dir);
    rmdir(name);
    rmdir(dir);
}

START_TEST(list_annotates_source)
{
    char dir[] = "/tmp/pprof-test-XXXXXX", below[100];
    struct profile *p = gateway_profile();
    struct buf out = {0}, notes = {0};
    struct error e;
    make_sources(dir);
    snprintf(below, sizeof below, "%s/src/no/such", dir); /* its parents are searched too */
    struct report_request q = {.format = REPORT_LIST, .pattern = "cache_get"};
    q.config.trim_path = "demos/lesson6";
    q.config.source_path = below;
    ck_assert_msg(generate(p, q, &out, &notes, &e) == 0, "%s", e.text);
    expect_golden("list=cache_get", &out);
    q.config.source_path = "/nonexistent";
    ck_assert_int_eq(generate(p, q, &out, &notes, &e), 0);
    ck_assert_msg(strstr(out.data, " Error: could not find file cache.c on path /nonexistent\n") != NULL,
        "%s", out.data);
    ck_assert_msg(strstr(notes.data, "-source_path=DIR") != NULL, "%s", notes.data);
    remove_sources(dir);
    buf_fini(&notes);
    buf_fini(&out);
    profile_free(p);
}
END_TEST

/* A profile from a stranger may call a pipe that nobody writes to a source, or a device, or what fills
 * memory. */
START_TEST(only_files_are_read_as_sources)
{
    char dir[] = "/tmp/pprof-test-XXXXXX", fifo[64], large[64];
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(fifo, sizeof fifo, "%s/fifo", dir);
    snprintf(large, sizeof large, "%s/large", dir);
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    ck_assert_int_eq(close(creat(large, 0600)), 0);
    ck_assert_int_eq(truncate(large, (off_t)1 << 40), 0);
    const char *const files[][2] = {{fifo, "not a regular file"}, {"/dev/zero", "not a regular file"},
        {dir, "not a regular file"}, {large, "File too large"}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct profile *p = profile_new(NULL);
        struct buf out = {0}, notes = {0};
        struct error e;
        uint32_t function, loc;
        struct function f = {.name = profile_string(p, "f"), .file = profile_string(p, files[i][0])};
        profile_add_sample_type(p, profile_string(p, "samples"), profile_string(p, "count"));
        profile_add_function(p, &f, &function);
        struct line line = {.function = function, .line = 1};
        profile_add_location(p, &(struct location){.mapping = NO_INDEX, .address = 1}, &line, 1, &loc);
        profile_add_sample(p, &loc, 1, (int64_t[]){1}, NULL, 0);
        struct report_request q = {.format = REPORT_LIST, .pattern = "f"};
        ck_assert_msg(generate(p, q, &out, &notes, &e) == 0, "%s", e.text);
        ck_assert_msg(strstr(out.data, files[i][1]), "%s: %s", files[i][0], out.data);
        buf_fini(&notes);
        buf_fini(&out);
        profile_free(p);
    }
    unlink(fifo);
    unlink(large);
    rmdir(dir);
}
END_TEST

static void expect_failure(struct report_request q, int code, const char *text)
{
    struct profile *p = gateway_profile();
    struct buf out = {0}, notes = {0};
    struct error e = {0};
    ck_assert_int_eq(generate(p, q, &out, &notes, &e), code);
    ck_assert_msg(strstr(e.text, text) != NULL, "said: %s", e.text);
    buf_fini(&out);
    buf_fini(&notes);
    profile_free(p);
}

START_TEST(what_cannot_be_reported_is_explained)
{
    static const volatile sig_atomic_t yes = 1;
    expect_failure((struct report_request){.format = REPORT_PEEK, .pattern = "zzz"}, ERR_NOTFOUND,
        "no matches found for regexp: zzz");
    expect_failure(
        (struct report_request){.format = REPORT_LIST, .pattern = "zzz"}, ERR_NOTFOUND, "no matches found");
    expect_failure((struct report_request){.format = REPORT_LIST, .pattern = "("}, ERR_FORMAT,
        "parsing argument regexp (");
    expect_failure((struct report_request){.format = REPORT_TEXT, .config.sample_index = "x"}, ERR_INVALID,
        "sample_index \"x\" must be one of: [samples cpu]");
    expect_failure(
        (struct report_request){.format = REPORT_TEXT, .config.sample_index = "2"}, ERR_INVALID, "[0..1]");
    expect_failure((struct report_request){.format = REPORT_TEXT, .config.hide = "["}, ERR_FORMAT,
        "parsing hide regexp");
    for (int format = REPORT_TEXT; format <= REPORT_RAW; format++)
        if (format != REPORT_PEEK)
            expect_failure((struct report_request){.format = (enum report_format)format, .cancel = &yes},
                ERR_CANCELLED, "cancelled");
}
END_TEST

START_TEST(a_profile_written_reads_the_same)
{
    struct profile *p = random_profile(3), *q;
    struct buf first = {0}, second = {0}, proto = {0}, notes = {0};
    struct error e;
    ck_assert_int_eq(generate(p, (struct report_request){.format = REPORT_PROTO}, &proto, &notes, &e), 0);
    ck_assert_msg(profile_decode(proto.data, proto.len, 0, &q, &e) == 0, "%s", e.text);
    for (int format = REPORT_TEXT; format <= REPORT_COMMENTS; format++) {
        const char *pattern = format == REPORT_PEEK || format == REPORT_LIST ? "cache" : NULL;
        struct report_request r = {.format = (enum report_format)format, .pattern = pattern};
        ck_assert_int_eq(generate(p, r, &first, &notes, &e), 0);
        ck_assert_int_eq(generate(q, r, &second, &notes, &e), 0);
        ck_assert_str_eq(first.data, second.data);
    }
    profile_free(p);
    profile_free(q);
    buf_fini(&first);
    buf_fini(&second);
    buf_fini(&proto);
}
END_TEST

START_TEST(topproto_holds_the_top)
{
    struct profile *p = gateway_profile(), *q;
    struct buf out = {0}, notes = {0};
    struct error e;
    ck_assert_int_eq(generate(p, (struct report_request){.format = REPORT_TOPPROTO, .config.nodecount = 2},
                         &out, &notes, &e),
        0);
    ck_assert_msg(profile_decode(out.data, out.len, 0, &q, &e) == 0, "%s", e.text);
    ck_assert_uint_eq(q->samples.len, 2);
    ck_assert_str_eq(q->sample_types.items[1].type, "flat");
    ck_assert_str_eq(q->sample_types.items[1].unit, "ms");
    ck_assert_str_eq(q->functions.items[0].name, "list_move");
    ck_assert_int_eq(profile_values(q, 0)[1], 450);
    profile_free(q);
    profile_free(p);
    buf_fini(&out);
}
END_TEST

START_TEST(empty_and_negative_profiles_report)
{
    struct profile *p = gateway_profile(), *empty = profile_derive(p);
    struct buf out = {0}, notes = {0};
    struct error e;
    for (size_t i = 0; i < p->values.len; i++)
        p->values.items[i] = i % 3 ? -p->values.items[i] : INT64_MIN;
    for (int format = REPORT_TEXT; format <= REPORT_CSV; format++) {
        struct report_request r = {
            .format = (enum report_format)format, .pattern = format == REPORT_PEEK ? "main" : NULL};
        if (format == REPORT_LIST || format == REPORT_PEEK || format == REPORT_DISASM ||
            format == REPORT_WEBLIST)
            continue;
        ck_assert_msg(generate(empty, r, &out, &notes, &e) == 0, "%d: %s", format, e.text);
        ck_assert_msg(generate(p, r, &out, &notes, &e) == 0, "%d: %s", format, e.text);
    }
    profile_free(p);
    profile_free(empty);
    buf_fini(&out);
}
END_TEST

/* Names as C++, templates and strangers have them. */
START_TEST(names_do_not_break_the_formats_of_programs)
{
    static const struct stack_line odd[] = {{"main;f<a, \"b\">::g\xff\\\n\x01", 7}, {"main", 1}};
    struct profile *p = stacks_profile("samples", "count", 1, odd, 2);
    struct buf out = {0}, notes = {0};
    struct error e;
    ck_assert_int_eq(generate(p, (struct report_request){.format = REPORT_JSON}, &out, &notes, &e), 0);
    ck_assert_ptr_nonnull(
        strstr(out.data, "\"name\": \"f<a, \\\"b\\\">::g\xef\xbf\xbd\\\\\\u000a\\u0001\", \"inline\""));
    ck_assert_int_eq(generate(p, (struct report_request){.format = REPORT_CSV}, &out, &notes, &e), 0);
    ck_assert_ptr_nonnull(strstr(out.data, ",count,\"f<a, \"\"b\"\">::g\xff\\\n\x01\",\r\n"));
    ck_assert_int_eq(generate(p, (struct report_request){.format = REPORT_FOLDED}, &out, &notes, &e), 0);
    ck_assert_str_eq(out.data, "main 1\nmain;f<a, \"b\">::g\xff\\   7\n");
    struct function *named = &p->functions.items[1];
    named->name = profile_string(p, "a;b c");
    ck_assert_int_eq(generate(p, (struct report_request){.format = REPORT_FOLDED}, &out, &notes, &e), 0);
    ck_assert_str_eq(out.data, "main 1\nmain;a:b c 7\n");
    profile_free(p);
    buf_fini(&out);
    buf_fini(&notes);
}
END_TEST

/* The rows of -json and -csv are those of -top, in the same order. */
/* callgrind adds up what has the same name: of a call tree's functions those that are called twice have a
 * number. */
START_TEST(callgrind_tells_namesakes_apart)
{
    static const struct stack_line twice[] = {{"main;cache;leaf", 2}, {"main;json;leaf", 1}};
    struct profile *p = stacks_profile("samples", "count", 1, twice, 2);
    struct report_request q = {.format = REPORT_CALLGRIND, .config = {.call_tree = true}};
    struct buf out = {0}, notes = {0};
    struct error e;
    ck_assert_msg(generate(p, q, &out, &notes, &e) == 0, "%s", e.text);
    ck_assert_ptr_nonnull(strstr(out.data, " leaf [1/2]\n"));
    ck_assert_ptr_nonnull(strstr(out.data, " leaf [2/2]\n"));
    ck_assert_ptr_null(strstr(out.data, "main ["));
    buf_fini(&out);
    buf_fini(&notes);
    profile_free(p);
}
END_TEST

START_TEST(tables_have_the_rows_of_top)
{
    for (unsigned seed = 1; seed < 6; seed++) {
        struct profile *p = random_profile(seed);
        struct buf top = {0}, json = {0}, csv = {0}, notes = {0};
        struct error e;
        ck_assert_int_eq(generate(p, (struct report_request){.format = REPORT_TEXT}, &top, &notes, &e), 0);
        ck_assert_int_eq(generate(p, (struct report_request){.format = REPORT_JSON}, &json, &notes, &e), 0);
        ck_assert_int_eq(generate(p, (struct report_request){.format = REPORT_CSV}, &csv, &notes, &e), 0);
        char *row = strstr(top.data, "cum%\n") + 5, *object = json.data, *record = strchr(csv.data, '\n');
        for (; *row; row = strchr(row, '\n') + 1) {
            char name[100];
            ck_assert_int_eq(sscanf(row, " %*s %*s %*s %*s %*s %99s", name), 1);
            object = strstr(object, "\"name\": \"") + 9;
            ck_assert_int_eq(strncmp(object, name, strlen(name)), 0);
            record = strstr(record, ",nanoseconds,") + 13;
            ck_assert_int_eq(strncmp(record, name, strlen(name)), 0);
        }
        ck_assert_ptr_null(strstr(object, "\"name\""));
        ck_assert_ptr_null(strstr(record, ",nanoseconds,"));
        profile_free(p);
        buf_fini(&top);
        buf_fini(&json);
        buf_fini(&csv);
    }
}
END_TEST

/* Whatever decodes can be reported on: numbers at their limits, odd references, cycles. */
START_TEST(damaged_profiles_report)
{
    struct profile *p = gateway_profile(), *q;
    struct buf bytes = {0}, out = {0}, notes = {0};
    struct error e;
    unsigned seed = 99;
    int reported = 0;
    ck_assert_int_eq(profile_encode(p, false, &bytes, &e), 0);
    for (int round = 0; round < 1500; round++) {
        char *copy = malloc(bytes.len);
        memcpy(copy, bytes.data, bytes.len);
        for (int flips = 1 + rand_r(&seed) % 3; flips; flips--)
            copy[(size_t)rand_r(&seed) % bytes.len] = (char)rand_r(&seed);
        int code = profile_decode(copy, bytes.len, 0, &q, &e);
        free(copy);
        if (code)
            continue;
        for (size_t i = 0; i < q->values.len; i += 1 + (size_t)rand_r(&seed) % 8)
            q->values.items[i] = (int64_t[]){INT64_MIN, INT64_MAX, -1, 0}[rand_r(&seed) % 4];
        for (int format = REPORT_TEXT; format <= REPORT_CSV; format++) {
            const char *pattern = format == REPORT_PEEK || format == REPORT_LIST ? "." : NULL;
            bool is_late =
                format > REPORT_CALLGRIND; /* those for programs share the graph: fewer rounds do */
            if (format == REPORT_DISASM || format == REPORT_WEBLIST || (is_late && round % 8))
                continue;
            struct report_request r = {.format = (enum report_format)format, .pattern = pattern};
            r.config.mean = round % 2;
            r.config.call_tree = round % 3 == 0;
            r.config.granularity = round % 5;
            reported += generate(q, r, &out, &notes, &e) == 0;
        }
        profile_free(q);
    }
    ck_assert_int_gt(reported, 1000);
    profile_free(p);
    buf_fini(&bytes);
    buf_fini(&out);
    buf_fini(&notes);
}
END_TEST

Suite *suite(void)
{
    const TTest *tests[] = {list_annotates_source, only_files_are_read_as_sources,
        what_cannot_be_reported_is_explained, a_profile_written_reads_the_same, topproto_holds_the_top,
        names_do_not_break_the_formats_of_programs, callgrind_tells_namesakes_apart,
        tables_have_the_rows_of_top, empty_and_negative_profiles_report, damaged_profiles_report};
    Suite *s = HARNESS_SUITE("report", 10, tests);
    TCase *loop = tcase_create("goldens");
    tcase_add_loop_test(loop, reports_are_as_the_goldens, 0, N_GOLDENS);
    suite_add_tcase(s, loop);
    return s;
}
