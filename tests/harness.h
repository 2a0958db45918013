#ifndef TESTS_HARNESS_H
#define TESTS_HARNESS_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>

/* Check tells its parent of each assertion that holds, by a system call. From the thousandth on, one in a
 * thousand is enough. */
static inline void harness_mark(const char *file, int line)
{
    static _Thread_local unsigned marks;
    if (++marks < 1000 || marks % 1000 == 0)
        _mark_point(file, line);
}
#define _mark_point(file, line) harness_mark(file, line)

/*
 * Every tests/test_NAME.c includes this, defines suite(), and is linked with harness.c, whose main() runs
 * it: each test in a forked child with Check's time-out as the watchdog. Run one by hand with
 * `.build/tests/test_NAME`, without forking under a debugger with CK_FORK=no.
 */
Suite *suite(void);

/* A suite of one test case from an array of tests, with a time-out in seconds for each. */
Suite *harness_suite(const char *name, double timeout_seconds, const TTest *const tests[], size_t ntests);
#define HARNESS_SUITE(name, timeout, tests) \
    harness_suite((name), (timeout), (tests), sizeof(tests) / sizeof *(tests))

/* Whether this machine has the separate debug file of what has that build ID, as libc6-dbg installs libc's.
 */
bool harness_has_debug_file(const char *build_id);

/* That text is what tests/golden/NAME holds; GOLDEN=update in the environment writes it anew. */
void harness_golden(const char *name, const char *text, size_t len);

#endif
