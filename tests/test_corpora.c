#include "harness.h"

#include "fuzz.h"

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
    {"perf", fuzz_perf}, {"shell", fuzz_shell}, {"expressions", fuzz_expressions}};

enum { N_TARGETS = sizeof targets / sizeof *targets, MAX_BYTES = 1 << 16 };

static int is_input(const struct dirent *e)
{
    return *e->d_name != '.';
}

static void run_file(const char *name, void (*run)(const uint8_t *bytes, size_t len))
{
    FILE *f = fopen(name, "re");
    ck_assert_msg(f != NULL, "%s", name);
    uint8_t *bytes = malloc(MAX_BYTES);
    size_t len = fread(bytes, 1, MAX_BYTES, f);
    ck_assert_msg(len < MAX_BYTES, "%s is no small input", name);
    fclose(f);
    fprintf(stderr, "%s\n", name); /* who breaks says where */
    run(bytes, len);
    free(bytes);
}

START_TEST(kept_inputs_break_nothing)
{
    struct dirent **names;
    char path[400];
    snprintf(path, sizeof path, "tests/fuzz/%s", targets[_i].name);
    int n = scandir(path, &names, is_input, alphasort);
    ck_assert_msg(n > 0, "nothing in %s", path);
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "tests/fuzz/%s/%s", targets[_i].name, names[i]->d_name);
        run_file(path, targets[_i].run);
        free(names[i]);
    }
    free(names);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("corpora");
    TCase *c = tcase_create("corpora");
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, kept_inputs_break_nothing, 0, N_TARGETS);
    suite_add_tcase(s, c);
    return s;
}
