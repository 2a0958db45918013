#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
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

int main(void)
{
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
