#include "base/clock.h"
#include "harness.h"
#include "lesson6/answer.h"
#include "lesson6/catalogue.h"
#include "lesson6/upstream.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct upstream *start(long delay_ms)
{
    struct upstream *u = NULL;
    struct error error = {0};
    ck_assert_msg(upstream_start(delay_ms, &u, &error) == 0, "%s", error.text);
    return u;
}

START_TEST(records_come_as_the_catalogue_has_them)
{
    struct upstream *u = start(0);
    static const char *const keys[] = {"item-1", "new-9f-12", "seller-3"};
    for (int now = 0; now < 2; now++) {
        for (size_t i = 0; i < 3; i++) {
            struct buf got = {0}, expected = {0};
            ck_assert_int_eq(upstream_fetch(u, keys[i], now, &got), 0);
            catalogue_write(&expected, keys[i]);
            ck_assert_uint_eq(got.len, expected.len);
            ck_assert_mem_eq(got.data, expected.data, got.len);
            struct answer *answer = answer_new(got.data, got.len);
            ck_assert_ptr_nonnull(answer);
            answer_release(answer);
            buf_fini(&got);
            buf_fini(&expected);
        }
    }
    upstream_free(u);
}
END_TEST

static size_t lines_of(const char *key)
{
    struct buf text = {0};
    size_t n = 0;
    catalogue_write(&text, key);
    for (const char *p = text.data; (p = strchr(p, '\n')); p++)
        n++;
    buf_fini(&text);
    return n;
}

START_TEST(records_have_twenty_fields_and_more)
{
    ck_assert_uint_ge(lines_of("item-1"), 20);
    ck_assert_uint_ge(lines_of("seller-1"), 20);
}
END_TEST

START_TEST(only_keys_may_be_asked_for)
{
    static const char *const bad[] = {"", "a b", "a\n", "a/b", "caf\xc3\xa9", "%41",
        "x1234567890123456789012345678901234567890123456789012345678901234"};
    struct upstream *u = start(0);
    struct buf out = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(upstream_fetch(u, bad[i], true, &out) == ERR_INVALID, "\"%s\"", bad[i]);
    ck_assert_uint_eq(out.len, 0);
    ck_assert(upstream_key_ok("1234567890123456789012345678901234567890123456789012345678901234"));
    ck_assert_int_eq(upstream_fetch(u, "Az_09-", true, &out), 0);
    buf_fini(&out);
    upstream_free(u);
}
END_TEST

struct fetcher {
    struct upstream *u;
    pthread_t thread;
    int code;
    size_t len;
};

static void *fetch(void *argument)
{
    struct fetcher *f = argument;
    struct buf out = {0};
    f->code = upstream_fetch(f->u, "item-7", false, &out);
    f->len = out.len;
    buf_fini(&out);
    return NULL;
}

static void start_fetchers(struct fetcher *fetchers, int n, struct upstream *u)
{
    for (int i = 0; i < n; i++) {
        fetchers[i] = (struct fetcher){.u = u, .code = -99};
        ck_assert_int_eq(pthread_create(&fetchers[i].thread, NULL, fetch, &fetchers[i]), 0);
    }
}

/* Every answer takes the delay, and all wait at the same time: one after the other would be 40 delays. */
START_TEST(answers_take_their_time_side_by_side)
{
    enum { N = 40, DELAY_MS = 200 };
    struct upstream *u = start(DELAY_MS);
    struct fetcher fetchers[N];
    int64_t began_ns = clock_monotonic_ns();
    start_fetchers(fetchers, N, u);
    for (int i = 0; i < N; i++) {
        pthread_join(fetchers[i].thread, NULL);
        ck_assert_int_eq(fetchers[i].code, 0);
        ck_assert_uint_gt(fetchers[i].len, 1000);
    }
    int64_t took_ms = (clock_monotonic_ns() - began_ns) / 1000000;
    ck_assert_int_ge(took_ms, DELAY_MS);
    ck_assert_int_lt(took_ms, N * DELAY_MS / 2);
    upstream_free(u);
}
END_TEST

START_TEST(stopping_frees_those_who_wait)
{
    enum { N = 8 };
    struct upstream *u = start(3600 * 1000);
    struct fetcher fetchers[N];
    struct buf out = {0};
    start_fetchers(fetchers, N, u);
    ck_assert_int_eq(upstream_fetch(u, "item-1", true, &out), 0); /* it is up */
    upstream_stop(u);
    for (int i = 0; i < N; i++) {
        pthread_join(fetchers[i].thread, NULL);
        ck_assert_int_lt(fetchers[i].code, 0);
        ck_assert_uint_eq(fetchers[i].len, 0);
    }
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
    ck_assert_int_eq(errno, ECHILD);
    size_t len = out.len;
    ck_assert_int_lt(upstream_fetch(u, "item-1", true, &out), 0);
    ck_assert_uint_eq(out.len, len);
    buf_fini(&out);
    upstream_free(u);
}
END_TEST

/* The process holds the write end of a pipe, which therefore ends when it does. */
START_TEST(the_process_does_not_outlive_a_killed_parent)
{
    int ends[2], code;
    char byte;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t parent = fork();
    if (parent == 0) {
        close(ends[0]);
        start(1000);
        if (write(ends[1], "x", 1) != 1)
            _exit(1);
        pause();
    }
    close(ends[1]);
    ck_assert_int_eq(read(ends[0], &byte, 1), 1);
    kill(parent, SIGKILL);
    ck_assert_int_eq(waitpid(parent, &code, 0), parent);
    ck_assert_int_eq(read(ends[0], &byte, 1), 0);
    close(ends[0]);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {records_come_as_the_catalogue_has_them, records_have_twenty_fields_and_more,
        only_keys_may_be_asked_for, answers_take_their_time_side_by_side, stopping_frees_those_who_wait,
        the_process_does_not_outlive_a_killed_parent};
    return HARNESS_SUITE("upstream", 30, tests);
}
