#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Suite *harness_suite(const char *name, double timeout_seconds, const TTest *const tests[], size_t ntests)
{
    Suite *s = suite_create(name);
    TCase *cases = tcase_create(name);
    tcase_set_timeout(cases, timeout_seconds);
    for (size_t i = 0; i < ntests; i++)
        tcase_add_test(cases, tests[i]);
    suite_add_tcase(s, cases);
    return s;
}

bool harness_has_debug_file(const char *build_id)
{
    char path[256];
    snprintf(path, sizeof path, "/usr/lib/debug/.build-id/%.2s/%s.debug", build_id, build_id + 2);
    return access(path, R_OK) == 0;
}

/* The whole file, malloc'd. */
static char *read_file(const char *name, size_t *len)
{
    char *text = NULL;
    size_t room = 0;
    FILE *f = fopen(name, "re");
    ck_assert_msg(f != NULL, "%s is missing: run from the top folder", name);
    FILE *memory = open_memstream(&text, &room);
    for (int c; (c = fgetc(f)) != EOF;)
        fputc(c, memory);
    fclose(f);
    fclose(memory);
    *len = room;
    return text;
}

static void write_file(const char *name, const char *text, size_t len)
{
    FILE *f = fopen(name, "we");
    ck_assert_msg(f && fwrite(text, 1, len, f) == len && fclose(f) == 0, "cannot write %s", name);
}

/* Where two texts first differ, to show that line of each. */
static const char *line_at(const char *text, size_t at, char *line, size_t size)
{
    size_t from = at;
    while (from > 0 && text[from - 1] != '\n')
        from--;
    snprintf(line, size, "%.*s", (int)strcspn(text + from, "\n"), text + from);
    return line;
}

void harness_golden(const char *name, const char *text, size_t text_len)
{
    char path[200], got[200], want[200];
    size_t len, at = 0;
    snprintf(path, sizeof path, "tests/golden/%s", name);
    if (getenv("GOLDEN") && strcmp(getenv("GOLDEN"), "update") == 0)
        write_file(path, text, text_len);
    char *golden = read_file(path, &len);
    while (at < len && at < text_len && golden[at] == text[at])
        at++;
    ck_assert_msg(at == len && at == text_len, "%s: byte %zu\n want: %s\n got:  %s", path, at,
        line_at(golden, at, want, sizeof want), line_at(text, at, got, sizeof got));
    free(golden);
}

int main(void)
{
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
