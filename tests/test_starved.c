#include "harness.h"

#include "libdw_tables.h"
#include "model/profile.h"
#include "symbol/symbol.h"
#include "ui/web_saved.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Memory or descriptors that run out while names are looked up: the answer may be less, the program goes on,
 * and the next time all of it is there. Of settings, which are written again, nothing may be missing,
 * and a profile that is being made says so.
 */

/* ---- allocations that fail ------------------------------------------------------------------------------
 */

/* glibc's, beside the ones below, which all libraries in this process call. */
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t n, size_t bytes);
extern void *__libc_realloc(void *block, size_t bytes);

static long left; /* allocations up to the one that fails; 0: none does */

static bool fails(size_t bytes, void *caller)
{
    if (left == 0 || (left == 1 && is_libdws_table(bytes, caller)) || --left > 0)
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t bytes)
{
    return fails(bytes, __builtin_return_address(0)) ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t n, size_t bytes)
{
    return fails(n * bytes, __builtin_return_address(0)) ? NULL : __libc_calloc(n, bytes);
}

void *realloc(void *block, size_t bytes)
{
    return fails(bytes, __builtin_return_address(0)) ? NULL : __libc_realloc(block, bytes);
}

/* ---- what is asked --------------------------------------------------------------------------------------
 */

static inline __attribute__((always_inline)) uintptr_t within(void)
{
    uintptr_t here;
    __asm__ volatile("lea (%%rip), %0" : "=r"(here));
    return here - 1;
}

static __attribute__((noinline)) uintptr_t is_asked_about(void)
{
    uintptr_t here = within();
    __asm__ volatile("" ::: "memory");
    return here;
}

struct answer {
    size_t n;
    struct symbol_frame frames[SYMBOL_MAX_INLINE];
};

static struct answer ask(struct symbolizer *s, uintptr_t address)
{
    struct answer a;
    symbolizer_refresh(s);
    a.n = symbolizer_frames(s, address, a.frames, SYMBOL_MAX_INLINE);
    return a;
}

static void expect_all(struct symbolizer *s, const char *when)
{
    struct answer a = ask(s, is_asked_about());
    ck_assert_msg(symbolizer_last_end(s) == EFFORT_DONE, "%s: not all could be read", when);
    ck_assert_msg(a.n == 2, "%s: %zu frames, and not 2", when, a.n);
    ck_assert_str_eq(a.frames[0].function, "within");
    ck_assert_str_eq(a.frames[1].function, "is_asked_about");
    ck_assert_msg(a.frames[1].line > 0 && strstr(a.frames[1].file, "test_starved.c"), "%s: no line", when);
    a = ask(s, (uintptr_t)malloc + 1);
    ck_assert_str_eq(a.frames[0].function, "malloc");
    symbolizer_rest(s);
}

static struct symbolizer *new_symbolizer(void)
{
    struct symbolizer *s;
    struct intern *strings = intern_new();
    ck_assert_int_eq(symbolizer_new_self(strings, &s, NULL), 0);
    intern_unref(strings);
    return s;
}

/* ---- tests ----------------------------------------------------------------------------------------------
 */

/* One after the other up to the hundredth, then some. */
START_TEST(each_allocation_fails_in_turn)
{
    bool all = false;
    int lesser = 0;
    for (long n = 1; !all; n += n < 100 ? 1 : 29) {
        char when[64];
        struct symbolizer *s = new_symbolizer();
        left = n;
        struct answer a = ask(s, is_asked_about());
        symbolizer_rest(s);
        all = left > 0;
        left = 0;
        lesser += a.n < 2;
        snprintf(when, sizeof when, "after allocation %ld failed", n);
        expect_all(s, when);
        symbolizer_free(s);
    }
    ck_assert_int_ge(lesser, 10);
}
END_TEST

START_TEST(descriptors_run_out)
{
    struct rlimit whole, none;
    struct symbolizer *s = new_symbolizer();
    int lowest = dup(0);
    close(lowest);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &whole), 0);
    none = (struct rlimit){(rlim_t)lowest, whole.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    struct answer a = ask(s, is_asked_about());
    symbolizer_rest(s);
    ck_assert_uint_eq(a.n, 0);
    ck_assert_int_eq(symbolizer_last_end(s), EFFORT_STARVED);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &whole), 0);
    expect_all(s, "when there are descriptors again");
    symbolizer_free(s);
}
END_TEST

/* Each part of a sample: 0, or what came of it. */
static int add_a_sample(struct profile *p)
{
    static const struct line lines[40] = {{.line = 7}};
    uint32_t location, function, mapping;
    int code = profile_add_mapping(p, &(struct mapping){.start = 1, .limit = 2}, &mapping);
    if (!code)
        code = profile_add_function(p, &(struct function){.id = 1}, &function);
    if (!code)
        code = profile_add_location(p, &(struct location){.address = 1}, lines, 40, &location);
    if (!code)
        code = profile_add_sample(p, &location, 1, (int64_t[]){1}, NULL, 0);
    return code;
}

START_TEST(a_profile_lacks_what_it_says_it_lacks)
{
    long n = 1;
    for (bool all = false; !all; n++) {
        struct profile *p = profile_new(NULL);
        profile_add_sample_type(p, profile_string(p, "samples"), profile_string(p, "count"));
        left = n;
        int code = add_a_sample(p);
        all = left > 0;
        left = 0;
        ck_assert_int_eq(code, all ? 0 : ERR_NOMEM);
        ck_assert_uint_eq(p->samples.len, all);
        ck_assert_uint_le(p->lines.len, 40);
        profile_free(p);
    }
    ck_assert_int_ge(n, 5);
}
END_TEST

/* Text that is longer than a buffer is at first, of every kind. */
static const char settings[] = "{\"configs\": [{\"name\": \"the json alone\", \"focus\": "
                               "\"json_[a-z]*_that_is_called_from_the_gateway_and_nowhere_else\", "
                               "\"trim\": true, \"later\": {\"a\": [1, \"}\"]}}], \"other\": [{}, null]}";

START_TEST(settings_are_read_whole_or_not_at_all)
{
    char home[] = "/tmp/test-starved-XXXXXX", file[100], command[100];
    struct saved all, some;
    struct error error = {0};
    struct buf menu = {0}, again = {0};
    ck_assert_ptr_nonnull(mkdtemp(home));
    ck_assert_int_eq(setenv("XDG_CONFIG_HOME", home, 1), 0);
    snprintf(file, sizeof file, "%s/pprof", home);
    ck_assert_int_eq(mkdir(file, 0700), 0);
    snprintf(file, sizeof file, "%s/pprof/settings.json", home);
    FILE *f = fopen(file, "we");
    ck_assert(f && fputs(settings, f) >= 0 && fclose(f) == 0);
    ck_assert_msg(saved_load(&all, &error) == 0, "%s", error.text);
    saved_put_menu(&all, &menu);
    long n = 1;
    for (bool whole = false; !whole; n++) {
        left = n;
        int code = saved_load(&some, &error);
        whole = left > 0;
        left = 0;
        ck_assert_msg(code == 0 || code == ERR_NOMEM || code == ERR_IO, "%ld: %s", n, error.text);
        again.len = 0;
        saved_put_menu(&some, &again);
        if (code == 0)
            ck_assert_str_eq(again.data, menu.data);
        saved_fini(&some);
    }
    ck_assert_int_ge(n, 10);
    saved_fini(&all);
    buf_fini(&menu);
    buf_fini(&again);
    snprintf(command, sizeof command, "rm -r %s", home);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {each_allocation_fails_in_turn, descriptors_run_out,
        a_profile_lacks_what_it_says_it_lacks, settings_are_read_whole_or_not_at_all};
    return HARNESS_SUITE("starved", 30, tests);
}
