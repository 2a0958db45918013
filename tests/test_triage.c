#include "harness.h"

#include "stacks_profile.h"
#include "view/columns.h"
#include "view/machinery.h"
#include "view/triage.h"

#include <string.h>

/*
 * Rules, on profiles made by hand: who is named the cause, and who is not. The golden is the whole text.
 */

#define SECOND INT64_C(1000000000)
#define MIB INT64_C(1048576)
#define COUNT(lines) (sizeof(lines) / sizeof *(lines))

/* A cache whose eviction holds the lock, beside an encoder that is only busy. */
static const struct stack_line cpu[] = {
    {"start_thread;serve;reply;json_write;memcpy", 2 * SECOND},
    {"start_thread;serve;reply;json_write", 3 * SECOND},
    {"start_thread;serve;cache_put;cache_evict;oldest", 2 * SECOND},
    {"start_thread;serve;cache_put;cache_evict", SECOND / 10},
    {"start_thread;serve;parse", SECOND / 4},
};
static const struct stack_line heap_start[] = {
    {"start_thread;serve;cache_put;entry_new;malloc", 40 * MIB}, {"main;tables", 30 * MIB}};
static const struct stack_line heap[] = {
    {"start_thread;serve;cache_put;entry_new;malloc", 60 * MIB}, {"main;tables", 30 * MIB}};
static const struct stack_line threads[] = {
    {"start_thread;serve;cache_put;cache_evict;pthread_mutex_lock", 70},
    {"start_thread;serve;cache_get;pthread_mutex_lock", 20},
    {"start_thread;serve;poll", 10},
};
static const struct stack_line mutex[] = {
    {"start_thread;serve;cache_put;cache_evict;pthread_mutex_unlock", 590 * SECOND},
    {"start_thread;serve;cache_get;cache_evict;pthread_mutex_unlock", 200 * SECOND},
    {"start_thread;serve;cache_get;pthread_mutex_unlock", 10 * SECOND},
};
static const struct stack_line block[] = {
    {"start_thread;serve;cache_put;cache_evict;pthread_mutex_lock", 600 * SECOND},
    {"start_thread;serve;cache_get;pthread_mutex_lock", 190 * SECOND},
    {"start_thread;worker;pthread_cond_wait", 100 * SECOND},
};

static struct triage_input whole_input(void)
{
    struct triage_input in = {.source = "Triage of http://127.0.0.1:6060/debug/pprof, 10 s"};
    in.profiles[LENS_CPU] = stacks_profile("cpu", "nanoseconds", 10, cpu, COUNT(cpu));
    in.profiles[LENS_HEAP_START] = stacks_profile("inuse_space", "bytes", 0, heap_start, COUNT(heap_start));
    in.profiles[LENS_HEAP] = stacks_profile("inuse_space", "bytes", 0, heap, COUNT(heap));
    in.profiles[LENS_THREADS] = stacks_profile("threads", "count", 0, threads, COUNT(threads));
    in.profiles[LENS_MUTEX] = stacks_profile("delay", "nanoseconds", 10, mutex, COUNT(mutex));
    in.profiles[LENS_BLOCK] = stacks_profile("delay", "nanoseconds", 10, block, COUNT(block));
    return in;
}

static void input_fini(struct triage_input *in)
{
    for (int i = 0; i < N_LENSES; i++)
        profile_free((struct profile *)in->profiles[i]);
}

static const struct triage_row *row_of(const struct triage *t, const char *name)
{
    for (size_t i = 0; i < t->rows.len; i++)
        if (strcmp(t->rows.items[i].name, name) == 0)
            return &t->rows.items[i];
    ck_abort_msg("no row %s", name);
    return NULL;
}

static void read_all(struct triage *t, const struct triage_input *in)
{
    struct error e = {0};
    ck_assert_msg(triage_init(t, in, &e) == 0, "%s", e.text);
}

START_TEST(the_cause_is_first_and_the_busy_is_blameless)
{
    struct triage_input in = whole_input();
    struct triage t;
    read_all(&t, &in);
    ck_assert_str_eq(t.rows.items[t.order.items[0]].name, "cache_evict");
    ck_assert_int_eq(row_of(&t, "cache_evict")->verdict, VERDICT_CAUSE);
    ck_assert_int_eq(row_of(&t, "oldest")->verdict, VERDICT_PART);
    ck_assert_int_eq(row_of(&t, "cache_get")->verdict, VERDICT_WAITS);
    ck_assert_int_eq(row_of(&t, "entry_new")->verdict, VERDICT_GROWS);
    ck_assert_int_eq(row_of(&t, "json_write")->verdict, VERDICT_BUSY);
    ck_assert(row_of(&t, "json_write")->blameless);
    ck_assert_int_eq(row_of(&t, "tables")->verdict, VERDICT_HOLDS);
    ck_assert_int_eq(row_of(&t, "parse")->verdict, VERDICT_NONE);
    ck_assert_int_eq(row_of(&t, "serve")->verdict, VERDICT_NONE); /* everything goes through it: no owner */
    triage_fini(&t);
    input_fini(&in);
}
END_TEST

START_TEST(figures_are_those_of_top)
{
    struct triage_input in = whole_input();
    struct triage t;
    read_all(&t, &in);
    const struct triage_row *json = row_of(&t, "json_write"), *evict = row_of(&t, "cache_evict");
    ck_assert_int_eq(json->flat[LENS_CPU], 3 * SECOND);
    ck_assert_int_eq(json->cum[LENS_CPU], 5 * SECOND);
    ck_assert_int_eq(json->own[LENS_CPU], 5 * SECOND); /* memcpy is its doing */
    ck_assert_int_eq(evict->own[LENS_MUTEX], 790 * SECOND);
    ck_assert_int_eq(evict->stuck, 70);
    ck_assert_int_eq(evict->stuck_ns, 600 * SECOND);
    ck_assert_int_eq(row_of(&t, "serve")->cum[LENS_THREADS], 100);
    ck_assert_int_eq(t.stuck, 90);
    ck_assert_int_eq(t.stuck_ns, 790 * SECOND); /* idle workers wait for no lock */
    ck_assert_str_eq(t.rows.items[t.paths[0].row].name, "cache_put");
    ck_assert_int_eq(t.paths[1].ns, 200 * SECOND);
    triage_fini(&t);
    input_fini(&in);
}
END_TEST

/* Shares of next to nothing accuse nobody. */
START_TEST(a_little_delay_has_no_cause)
{
    static const struct stack_line little[] = {{"main;serve;reserve;pthread_mutex_unlock", SECOND / 2}};
    struct triage_input in = {.source = ""};
    struct triage t;
    in.profiles[LENS_MUTEX] = stacks_profile("delay", "nanoseconds", 10, little, 1);
    read_all(&t, &in);
    ck_assert_uint_eq(t.order.len, 0);
    triage_fini(&t);
    input_fini(&in);
    in.profiles[LENS_MUTEX] = stacks_profile("delay", "nanoseconds", 1, little, 1);
    read_all(&t, &in);
    ck_assert_int_eq(row_of(&t, "reserve")->verdict, VERDICT_CAUSE);
    triage_fini(&t);
    input_fini(&in);
}
END_TEST

/* Threads stuck in a function say who waits; the cause is the mutex profile's to name. */
START_TEST(without_the_mutex_profile_nobody_is_the_cause)
{
    struct triage_input in = whole_input();
    struct triage_style style = {.width = 80};
    struct buf out = {0};
    struct triage t;
    profile_free((struct profile *)in.profiles[LENS_MUTEX]);
    in.profiles[LENS_MUTEX] = NULL;
    in.missing[LENS_MUTEX] = "server response: 404 Not Found";
    read_all(&t, &in);
    ck_assert_int_eq(row_of(&t, "cache_evict")->verdict, VERDICT_WAITS);
    ck_assert(!row_of(&t, "json_write")->blameless);
    triage_put(&t, &style, &out);
    ck_assert_ptr_nonnull(strstr(out.data, "not there: server response: 404 Not Found."));
    ck_assert_ptr_nonnull(strstr(out.data, "Without the mutex profile"));
    buf_fini(&out);
    triage_fini(&t);
    input_fini(&in);
}
END_TEST

START_TEST(growth_within_sampling_noise_does_not_count)
{
    struct triage_input in = whole_input();
    struct triage t;
    struct profile *end = (struct profile *)in.profiles[LENS_HEAP];
    end->period_type = (struct value_type){profile_string(end, "space"), profile_string(end, "bytes")};
    end->period = 512 * 1024; /* 60 MiB: two deviations are 15.5 MiB, and it grew by 20 */
    read_all(&t, &in);
    ck_assert_int_eq(row_of(&t, "entry_new")->verdict, VERDICT_GROWS);
    triage_fini(&t);
    end->period = 1024 * 1024; /* 21.9 MiB */
    read_all(&t, &in);
    ck_assert_int_eq(row_of(&t, "entry_new")->verdict, VERDICT_HOLDS);
    triage_fini(&t);
    input_fini(&in);
}
END_TEST

/* Wrappers of locks are nobody's cause; with nothing else in the stack they are what there is. */
START_TEST(locks_are_charged_to_who_takes_them)
{
    static const struct stack_line wrapped[] = {
        {"main;assoc_insert;item_unlock;pthread_mutex_unlock", 50 * SECOND},
        {"main;Cache::put(int);Spin::unlock();pthread_spin_unlock", 40 * SECOND},
        {"item_lock;pthread_mutex_lock", 10 * SECOND},
    };
    struct triage_input in = {.source = ""};
    struct triage t;
    in.profiles[LENS_MUTEX] = stacks_profile("delay", "nanoseconds", 10, wrapped, COUNT(wrapped));
    read_all(&t, &in);
    ck_assert_int_eq(row_of(&t, "assoc_insert")->own[LENS_MUTEX], 50 * SECOND);
    ck_assert_int_eq(row_of(&t, "Cache::put(int)")->own[LENS_MUTEX], 40 * SECOND);
    ck_assert_int_eq(row_of(&t, "item_lock")->own[LENS_MUTEX], 10 * SECOND);
    triage_fini(&t);
    input_fini(&in);
    ck_assert_int_eq(machinery_of("pthread_mutex_lock", "", "/srv/app"), MACHINERY_LOCK);
    ck_assert_int_eq(machinery_of("pthread_mutex_unlock", "", "/srv/app"), MACHINERY_PLAIN);
    ck_assert_int_eq(machinery_of("sync.(*Mutex).Lock", "", "/srv/app"), MACHINERY_LOCK);
    ck_assert_int_eq(machinery_of("qsort", "", "/lib/x86_64-linux-gnu/libc.so.6"), MACHINERY_PLAIN);
    ck_assert_int_eq(machinery_of("recv_all", "", "/srv/app"), MACHINERY_NONE);
    ck_assert_int_eq(machinery_of("deflate", "", "/lib/libz.so.1"), MACHINERY_NONE);
}
END_TEST

static int longest_line(const char *text)
{
    int longest = 0;
    while (*text) {
        size_t len = strcspn(text, "\n");
        char *line = strndup(text, len);
        int width = columns_of(line);
        free(line);
        longest = width > longest ? width : longest;
        text += len + (text[len] == '\n');
    }
    return longest;
}

START_TEST(it_fits_any_width)
{
    static const struct stack_line odd[] = {
        {"main;\xe7\xbc\x93\xe5\xad\x98::"
         "\xe9\xa9\xb1\xe9\x80\x90\xe4\xb8\x80\xe4\xb8\xaa\xe6\x97\xa7\xe6\x9d\xa1"
         "\xe7\x9b\xae\xe7\x84\xb6\xe5\x90\x8e;pthread_mutex_unlock",
            50 * SECOND},
        {"main;\033[2Jname\xff with everything in it that a terminal should not see;pthread_mutex_unlock",
            40 * SECOND},
    };
    struct triage_input in = whole_input();
    struct buf out = {0};
    struct triage t;
    profile_free((struct profile *)in.profiles[LENS_MUTEX]);
    in.profiles[LENS_MUTEX] = stacks_profile("delay", "nanoseconds", 10, odd, 2);
    read_all(&t, &in);
    for (int width = 60; width < 200; width++) {
        struct triage_style style = {.width = width, .rows = 3};
        out.len = 0;
        triage_put(&t, &style, &out);
        ck_assert_msg(longest_line(out.data) <= width, "%d columns of %d:\n%s", longest_line(out.data), width,
            out.data);
        ck_assert_ptr_null(strchr(out.data, '\033'));
        ck_assert_ptr_nonnull(strstr(out.data, " more\n"));
    }
    buf_fini(&out);
    triage_fini(&t);
    input_fini(&in);
}
END_TEST

/* Where the width does not do for all columns, what says least of the cause goes first. */
START_TEST(columns_go_in_their_order)
{
    static const char *const titles[] = {
        " live", " flat", " suffers", " growth", " cum", " threads", " causes"};
    struct triage_input in = whole_input();
    struct buf out = {0};
    struct triage t;
    size_t gone = 0;
    read_all(&t, &in);
    for (int width = 200; width >= 60; width--) {
        struct triage_style style = {.width = width, .rows = 3};
        out.len = 0;
        triage_put(&t, &style, &out);
        char *end = strstr(out.data, "  function\n");
        ck_assert_ptr_nonnull(end);
        *end = '\0';
        const char *line = strrchr(out.data, '\n');
        while (gone < COUNT(titles) && !strstr(line, titles[gone]))
            gone++;
        for (size_t i = 0; i < COUNT(titles); i++)
            ck_assert_msg(!strstr(line, titles[i]) == (i < gone), "%d columns:%s", width, line);
        ck_assert(width < 200 || gone == 0);
    }
    ck_assert_uint_eq(gone, 3); /* and names have room enough */
    buf_fini(&out);
    triage_fini(&t);
    input_fini(&in);
}
END_TEST

START_TEST(nothing_to_read_is_said)
{
    struct triage_input in = {.source = ""};
    struct triage t;
    struct error e = {0};
    ck_assert_int_eq(triage_init(&t, &in, &e), ERR_INVALID);
    triage_fini(&t);
    in.profiles[LENS_CPU] = stacks_profile("cpu", "nanoseconds", 0, NULL, 0);
    struct triage_style style = {.width = 80};
    struct buf out = {0};
    read_all(&t, &in);
    triage_put(&t, &style, &out);
    ck_assert_ptr_nonnull(strstr(out.data, "Nothing stands out"));
    buf_fini(&out);
    triage_fini(&t);
    input_fini(&in);
}
END_TEST

START_TEST(the_whole_text)
{
    struct triage_input in = whole_input();
    struct triage_style style = {.width = 80, .rows = 12};
    struct buf out = {0};
    struct triage t;
    read_all(&t, &in);
    triage_put(&t, &style, &out);
    harness_golden("pprof.triage", out.data, out.len);
    style.colour = true;
    out.len = 0;
    triage_put(&t, &style, &out);
    ck_assert_ptr_nonnull(strstr(out.data, "\033[1;31mcause\033[0m"));
    buf_fini(&out);
    triage_fini(&t);
    input_fini(&in);
}
END_TEST

Suite *suite(void)
{
    const TTest *tests[] = {the_cause_is_first_and_the_busy_is_blameless, figures_are_those_of_top,
        a_little_delay_has_no_cause, without_the_mutex_profile_nobody_is_the_cause,
        growth_within_sampling_noise_does_not_count, locks_are_charged_to_who_takes_them, it_fits_any_width,
        nothing_to_read_is_said, columns_go_in_their_order, the_whole_text};
    return HARNESS_SUITE("triage", 10, tests);
}
