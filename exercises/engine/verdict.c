/*
 * Runs a lesson's checks and words their verdicts. The child in which a check runs and the parent that
 * reports share one page of memory: that way a check that crashed or hung can still say how far it came.
 */
#include "verdict.h"

#include "watchdog.h"

#include "base/clock.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    CALLS_MAX = 64,
    HUNG = 99 /* the child's exit code when its watchdog ended it */
};

struct record {
    char measured[400], allowed[200], hung[300];
};

static struct record *records, *record;
static const struct verdict_case *running;

/* ---- which call each thread is in -----------------------------------------------------------------------
 */

struct call {
    const char *volatile function; /* NULL: in none */
    volatile int64_t since_ns;
};

static struct call calls[CALLS_MAX];
static _Atomic int ncalls;
static _Thread_local struct call *mine;

void verdict_enter(const char *function)
{
    if (!mine) {
        int slot = ncalls++;
        mine = &calls[slot < CALLS_MAX ? slot : CALLS_MAX - 1];
    }
    mine->since_ns = clock_monotonic_ns();
    mine->function = function;
}

void verdict_leave(void)
{
    mine->function = NULL;
}

/* Perhaps in a signal handler: it only reads, and formats into the shared page. */
static void end_hung(void)
{
    int64_t now_ns = clock_monotonic_ns();
    size_t used = 0, size = sizeof record->hung;
    for (int i = 0; i < CALLS_MAX && used < size - 40; i++) {
        const char *function = calls[i].function;
        if (function)
            used += (size_t)snprintf(record->hung + used, size - used, "%s%s for %.1f s", used ? ", " : "",
                function, (double)(now_ns - calls[i].since_ns) / 1e9);
    }
    if (used == 0)
        snprintf(record->hung, size, "none; the check itself was too slow");
    _exit(HUNG);
}

/* ---- a case ---------------------------------------------------------------------------------------------
 */

void verdict(bool ok, const char *allowed, const char *measured, ...)
{
    va_list arguments;
    va_start(arguments, measured);
    vsnprintf(record->measured, sizeof record->measured, measured, arguments);
    va_end(arguments);
    snprintf(record->allowed, sizeof record->allowed, "%s", allowed);
    if (!ok)
        ck_abort_msg("%s", record->measured);
}

static unsigned watchdog_s;
static int stacks_fd; /* of a case that hung: where its threads stood */

START_TEST(run_case)
{
    record = &records[_i];
    const char *fork = getenv("CK_FORK");
    if (!fork || strcmp(fork, "no") != 0) { /* under a debugger nobody is in a hurry */
        watchdog_start(watchdog_s, stacks_fd, end_hung);
    }
    running[_i].run();
    ck_assert_msg(record->measured[0], "the check gave no verdict");
}
END_TEST

/* ---- the report -----------------------------------------------------------------------------------------
 */

/* How to run one case again under a debugger, as it was run here. */
static void print_debug_command(const char *name)
{
    char arguments[4096];
    FILE *f = fopen("/proc/self/cmdline", "r");
    size_t n = f ? fread(arguments, 1, sizeof arguments - 1, f) : 0;
    if (f)
        fclose(f);
    arguments[n] = '\0';
    printf("CK_FORK=no VERDICT_ONLY=%s gdb --args", name);
    for (const char *a = arguments; a < arguments + n; a += strlen(a) + 1)
        printf(" '%s'", a);
    printf("\n");
}

static void print_failure(const struct verdict_case *c, const struct record *r, TestResult *result)
{
    printf("FAIL  %s\n", c->name);
    if (r->hung[0])
        printf(
            "        measured  no answer after %u s; calls that never came back: %s\n", watchdog_s, r->hung);
    else if (tr_rtype(result) == CK_ERROR)
        printf("        measured  the program died: %s\n", tr_msg(result));
    else
        printf("        measured  %s\n", tr_msg(result));
    bool died = r->hung[0] || tr_rtype(result) == CK_ERROR;
    const char *allowed = died ? "it survives" : r->allowed;
    if (r->hung[0])
        allowed = "every call returns; a deadlock, or a list that became a ring?";
    printf("        allowed   %s\n", allowed);
    printf("        shows in  %s\n        look      ", c->shows);
    if (died)
        print_debug_command(c->name);
    else
        printf("%s\n", c->look);
    if (r->hung[0])
        watchdog_print(stacks_fd);
}

static void print_verdict(const struct verdict_case *c, const struct record *r, TestResult *result)
{
    bool passed = tr_rtype(result) == CK_PASS;
    if (getenv("VERDICT_TERSE"))
        printf("%s %s\n", passed ? "ok" : "FAIL", c->name);
    else if (passed)
        printf("ok    %s\n        measured  %s\n        allowed   %s\n        shows in  %s\n", c->name,
            r->measured, r->allowed, c->shows);
    else
        print_failure(c, r, result);
}

int verdict_run(const char *title, const struct verdict_case *cases, size_t ncases, unsigned watchdog_seconds)
{
    size_t bytes = ncases * sizeof *records;
    records = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (records == MAP_FAILED) {
        perror("checks: mmap");
        return 1;
    }
    stacks_fd = memfd_create("stacks", MFD_CLOEXEC);
    running = cases;
    const char *watchdog = getenv("VERDICT_WATCHDOG_S");
    watchdog_s = watchdog && atoi(watchdog) > 0 ? (unsigned)atoi(watchdog) : watchdog_seconds;
    if (!getenv("VERDICT_TERSE"))
        printf("%s\n", title);

    const char *only = getenv("VERDICT_ONLY");
    int failed = 0;
    for (size_t i = 0; i < ncases; i++) {
        if (only && strcmp(only, cases[i].name) != 0)
            continue;
        Suite *suite = suite_create(cases[i].name);
        TCase *tcase = tcase_create(cases[i].name);
        tcase_set_timeout(tcase, watchdog_s + 8); /* ours speaks first, and says more */
        tcase_add_loop_test(tcase, run_case, (int)i, (int)i + 1);
        suite_add_tcase(suite, tcase);
        SRunner *runner = srunner_create(suite);
        fflush(stdout);
        if (ftruncate(stacks_fd, 0) == 0)
            lseek(stacks_fd, 0, SEEK_SET);
        srunner_run_all(runner, CK_SILENT);
        failed += srunner_ntests_failed(runner);
        TestResult **results = srunner_results(runner);
        print_verdict(&cases[i], &records[i], results[0]);
        free(results);
        srunner_free(runner);
    }
    close(stacks_fd);
    munmap(records, bytes);
    return failed;
}
