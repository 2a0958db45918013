#include "harness.h"

#include <stdlib.h>

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

int main(void)
{
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
