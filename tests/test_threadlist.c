#include "harness.h"

#include "stacks_profile.h"
#include "view/threadlist.h"

#include <string.h>

/* Dumps as C and Go servers send them, and what is none. */

static const char dump[] =
    "# 3 threads: 2 mutex wait, 1 running\n"
    "#\n"
    "thread 11 [mutex wait, for 1.5 s, on 0x55d0, held by 12 \"a, b\", name \"worker\", cpu 32 ms]:\n"
    "___pthread_mutex_lock(...)\n"
    "\t/lib/x86_64-linux-gnu/libc.so.6:0 +0x1f\n"
    "cache_evict(...)\n"
    "\tcache.c:120 +0x2a\n"
    "serve(...)\n"
    "\tgateway.c:7 +0x1\n"
    "created by main\n"
    "\tgateway.c:90 +0x3\n"
    "\n"
    "thread 13 [mutex wait, 3 minutes, on 0x55d0, held by 12 \"a, b\", name \"worker\", labels {\"k, on "
    "7\":\"]\"}]:\n"
    "___pthread_mutex_lock(...)\n"
    "\t/lib/x86_64-linux-gnu/libc.so.6:0 +0x1f\n"
    "cache_evict(...)\n"
    "\tcache.c:120 +0x2a\n"
    "serve(...)\n"
    "\tgateway.c:7 +0x1\n"
    "\n"
    "thread 12 [running, name \"a, b\", cpu 12 us]:\n"
    "(anonymous namespace)::scan(int)(...)\n"
    "\tscan.cc:3 +0x0\n";

static struct threadlist read_text(const char *text, int code)
{
    struct threadlist l;
    int got = threadlist_read_dump(&l, text, strlen(text));
    ck_assert_msg(got == code, "%d: %s", got, text);
    return l;
}

START_TEST(a_dump_of_a_c_program)
{
    struct threadlist l = read_text(dump, 0);
    const struct threadlist_thread *t = l.threads.items;
    ck_assert_uint_eq(l.threads.len, 3);
    ck_assert_int_eq(t[0].id, 11);
    ck_assert_str_eq(t[0].state, "mutex wait");
    ck_assert_int_eq(t[0].waiting_ns, 1500000000);
    ck_assert_str_eq(t[0].waits_on, "0x55d0");
    ck_assert_int_eq(t[0].holder, 12);
    ck_assert_str_eq(t[0].name, "worker");
    ck_assert_int_eq(t[0].cpu_ns, 32000000);
    ck_assert_int_eq(t[1].waiting_ns, INT64_C(180000000000));
    ck_assert_str_eq(t[1].waits_on, "0x55d0"); /* a label's text is no word of the head */
    ck_assert_int_eq(t[1].cpu_ns, -1);
    ck_assert_str_eq(t[2].name, "a, b");
    ck_assert_int_eq(t[2].cpu_ns, 12000);
    ck_assert_int_eq(t[2].holder, 0);
    /* Equal stacks are one, whoever created the thread; its owner is not libc's. */
    ck_assert_uint_eq(t[0].stack, t[1].stack);
    ck_assert_uint_eq(l.stacks.len, 2);
    const struct threadlist_stack *s = &l.stacks.items[t[0].stack];
    ck_assert_uint_eq(s->count, 3);
    ck_assert_str_eq(l.frames.items[s->first + s->owner].name, "cache_evict");
    ck_assert_str_eq(l.frames.items[s->first + s->owner].place, "cache.c:120");
    ck_assert_str_eq(
        l.frames.items[l.stacks.items[t[2].stack].first].name, "(anonymous namespace)::scan(int)");
    threadlist_fini(&l);
}
END_TEST

START_TEST(a_dump_of_a_go_program)
{
    struct threadlist l = read_text("goroutine 18 [semacquire, 3 minutes, locked to thread]:\r\n"
                                    "sync.runtime_SemacquireMutex(0xc000, 0x1)\r\n"
                                    "\t/go/src/runtime/sema.go:77 +0x25\r\n"
                                    "main.(*cache).get(0xc000, {0x1, 0x2})\r\n"
                                    "\t/app/cache.go:12 +0x85\r\n"
                                    "...additional frames elided...\r\n"
                                    "created by main.main in goroutine 1\r\n"
                                    "\t/app/main.go:3 +0x1\r\n"
                                    "\r\n"
                                    "goroutine 1 gp=0xc1 m=0 mp=0x2 [running]:\n",
        0);
    ck_assert_uint_eq(l.threads.len, 2);
    ck_assert_str_eq(l.threads.items[0].state, "semacquire");
    ck_assert_int_eq(l.threads.items[0].waiting_ns, INT64_C(180000000000));
    const struct threadlist_stack *s = &l.stacks.items[l.threads.items[0].stack];
    ck_assert_uint_eq(s->count, 2);
    ck_assert_str_eq(l.frames.items[s->first + s->owner].name, "main.(*cache).get");
    ck_assert_str_eq(l.threads.items[1].state, "running");
    ck_assert_uint_eq(l.stacks.items[l.threads.items[1].stack].count, 0);
    ck_assert_uint_eq(l.stacks.items[l.threads.items[1].stack].owner, NO_INDEX);
    threadlist_fini(&l);
}
END_TEST

START_TEST(a_thread_profile_in_its_place)
{
    static const struct stack_line lines[] = {
        {"start_thread;serve;cache_get;pthread_mutex_lock", 40}, {"main;poll", 2}};
    struct profile *p = stacks_profile("threads", "count", 0, lines, 2);
    struct threadlist l;
    struct buf out = {0};
    ck_assert_int_eq(threadlist_read_profile(&l, p), 0);
    ck_assert_int_eq(l.threads.items[0].count, 40);
    ck_assert_str_eq(l.threads.items[0].state, "waits for a lock");
    ck_assert_str_eq(l.threads.items[1].state, "waits for no lock");
    threadlist_put(&l, &out);
    ck_assert_str_eq(out.data,
        "{\"dump\":false,\"threads\":[[0,\"waits for a lock\",-1,\"\",0,\"\",-1,0,40],"
        "[0,\"waits for no lock\",-1,\"\",0,\"\",-1,1,2]],\"stacks\":["
        "[1,[[\"pthread_mutex_lock\",\"/srv/app\"],[\"cache_get\",\"/srv/app\"],[\"serve\",\"/srv/app\"],"
        "[\"start_thread\",\"/lib/libc.so.6\"]]],[1,[[\"poll\",\"/srv/app\"],[\"main\",\"/srv/app\"]]]]}");
    buf_fini(&out);
    threadlist_fini(&l);
    profile_free(p);
}
END_TEST

START_TEST(what_is_no_dump)
{
    static const char *const texts[] = {"", "\n", "thread", "thread 1 [", "thread x [running]:\n", "[]:\n",
        "thread 1 running:\n\tx\n", "goroutine profile: total 3\n3 @ 0x1 0x2\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct threadlist l = read_text(texts[i], ERR_NOTFOUND);
        threadlist_fini(&l);
    }
    /* Words that make no sense are passed over. */
    struct threadlist l =
        read_text("thread 99999999999999999999999 [, for ever, on , held by nobody, name , "
                  "cpu -1 s, 7 parsecs, for 1e300 s]:\n(\n)\n\t\n\t\nf(...)\nthread 2 [{{{, \"]:\n",
            0);
    ck_assert_uint_eq(l.threads.len, 2);
    ck_assert_str_eq(l.threads.items[0].state, "");
    ck_assert_int_eq(l.threads.items[0].holder, 0);
    ck_assert_int_eq(l.threads.items[0].waiting_ns, -1);
    ck_assert_int_eq(l.threads.items[0].cpu_ns, -1);
    threadlist_fini(&l);
}
END_TEST

/* Whatever a dump was cut down to or turned into, it is read to its end, and what is written is JSON's. */
START_TEST(damaged_dumps)
{
    size_t whole = 0;
    unsigned seed = 7;
    for (size_t len = 0; len < sizeof dump; len++) {
        char copy[sizeof dump];
        struct threadlist l;
        struct buf out = {0};
        memcpy(copy, dump, len);
        copy[len] = '\0';
        for (int k = 0; k < 8 && len % 2; k++)
            copy[(size_t)rand_r(&seed) % len] = "\0\n\t[]:,\"\\{}( 7"[rand_r(&seed) % 14];
        int code = threadlist_read_dump(&l, copy, len);
        ck_assert(code == 0 || code == ERR_NOTFOUND);
        threadlist_put(&l, &out);
        ck_assert(out.data[out.len - 1] == '}' && strlen(out.data) == out.len && !strchr(out.data, '\n'));
        for (size_t i = 0; i < l.threads.len; i++)
            ck_assert_uint_lt(l.threads.items[i].stack, l.stacks.len);
        whole += l.threads.len == 3;
        buf_fini(&out);
        threadlist_fini(&l);
    }
    ck_assert_uint_gt(whole, 10);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {a_dump_of_a_c_program, a_dump_of_a_go_program,
        a_thread_profile_in_its_place, what_is_no_dump, damaged_dumps};
    return HARNESS_SUITE("threadlist", 20, tests);
}
