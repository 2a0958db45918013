#include "harness.h"

#include "fuzz.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is kept below tests/fuzz, a folder a target: inputs that fuzzing begins with, and those it once broke
 * something with. */
static const struct {
    const char *name;
    void (*run)(const uint8_t *bytes, size_t len);
} targets[] = {{"proto", fuzz_proto}, {"gzip", fuzz_gzip}, {"heap_v2", fuzz_heap_v2}, {"legacy", fuzz_legacy},
    {"perf", fuzz_perf}, {"shell", fuzz_shell}, {"expressions", fuzz_expressions}, {"http", fuzz_http},
    {"web", fuzz_web}};

enum { N_TARGETS = sizeof targets / sizeof *targets, N_READERS = 5, MAX_BYTES = 1 << 16 };

static int is_input(const struct dirent *e)
{
    return *e->d_name != '.';
}

/* What is done with one file of a target's folder. */
typedef void each_fn(int target, uint8_t *bytes, size_t len);

static void with_file(const char *name, int target, each_fn *each)
{
    FILE *f = fopen(name, "re");
    ck_assert_msg(f != NULL, "%s", name);
    uint8_t *bytes = malloc(MAX_BYTES);
    size_t len = fread(bytes, 1, MAX_BYTES, f);
    ck_assert_msg(len < MAX_BYTES, "%s is no small input", name);
    fclose(f);
    fprintf(stderr, "%s\n", name); /* who breaks says where */
    each(target, bytes, len);
    free(bytes);
}

static void with_files(int target, each_fn *each)
{
    struct dirent **names;
    char path[400];
    snprintf(path, sizeof path, "tests/fuzz/%s", targets[target].name);
    int n = scandir(path, &names, is_input, alphasort);
    ck_assert_msg(n > 0, "nothing in %s", path);
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "tests/fuzz/%s/%s", targets[target].name, names[i]->d_name);
        with_file(path, target, each);
        free(names[i]);
    }
    free(names);
}

static void run(int target, uint8_t *bytes, size_t len)
{
    targets[target].run(bytes, len);
}

START_TEST(kept_inputs_break_nothing)
{
    with_files(_i, run);
}
END_TEST

/* ---- all of them, damaged: a profile, or an error that names the place (see fuzz_check_error) ---- */

static size_t refused;

/* From a copy, so that a sanitizer sees what is read behind its end. */
static void read_copy(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len + !len);
    memcpy(copy, bytes, len);
    refused += !fuzz_reads(copy, len);
    free(copy);
}

enum { PLACES = 500 }; /* of a file, at most */

static size_t step(size_t len)
{
    return len / PLACES + 1;
}

static void cut(int target, uint8_t *bytes, size_t len)
{
    (void)target;
    for (size_t at = 0; at < len; at += step(len))
        read_copy(bytes, at);
}

static void garble(int target, uint8_t *bytes, size_t len)
{
    static const uint8_t garbage[] = {0, 0xff, '9', '\n'};
    (void)target;
    for (size_t at = 0; at < len; at += step(len)) {
        uint8_t was = bytes[at];
        bytes[at] = garbage[at % sizeof garbage];
        read_copy(bytes, len);
        bytes[at] = was;
    }
}

/* Each number of a text, made too big for any. */
static void overflow(int target, uint8_t *bytes, size_t len)
{
    static const char big[] = "99999999999999999999999";
    const size_t more = sizeof big - 1;
    uint8_t *text = malloc(len + more);
    (void)target;
    for (size_t at = 0, end; at < len; at = end + 1) {
        for (end = at; end < len && isdigit(bytes[end]);)
            end++;
        if (end == at)
            continue;
        memcpy(text, bytes, at);
        memcpy(text + at, big, more);
        memcpy(text + at + more, bytes + end, len - end);
        read_copy(text, len + more - (end - at));
    }
    free(text);
}

START_TEST(damaged_files_are_told_with_the_place)
{
    static each_fn *const damages[] = {cut, garble, overflow};
    for (int target = 0; target < N_READERS; target++) {
        refused = 0;
        for (size_t i = 0; i < sizeof damages / sizeof *damages; i++)
            with_files(target, damages[i]);
        ck_assert_msg(
            refused > 100, "%s: of all that was damaged, %zu were refused", targets[target].name, refused);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("corpora");
    TCase *c = tcase_create("corpora");
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, kept_inputs_break_nothing, 0, N_TARGETS);
    tcase_add_test(c, damaged_files_are_told_with_the_place);
    suite_add_tcase(s, c);
    return s;
}
