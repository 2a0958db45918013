#include "cprof.h"

#include "base/clock.h"
#include "base/error.h"
#include "capture/capture.h"
#include "capture/cpu.h"
#include "capture/thread.h"
#include "capture/threadlabels.h"
#include "capture/threads.h"
#include "export/convert.h"
#include "export/index.h"
#include "export/text.h"
#include "harness.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *label(const char *key)
{
    return labelset_value(threadlabels_get(), key);
}

static uint32_t count(void)
{
    return threadlabels_get() ? threadlabels_get()->count : 0;
}

static void start(void)
{
    struct capture_config config = {0};
    ck_assert_int_eq(capture_start(&config, NULL), 0);
}

/* ---- sets -----------------------------------------------------------------------------------------------
 */

START_TEST(sets_are_sorted_and_there_is_one_of_each)
{
    ck_assert_ptr_null(threadlabels_get());
    ck_assert_int_eq(cprof_label_set("route", "/v1"), 0);
    ck_assert_int_eq(cprof_label_set("cache", "hit"), 0);
    const struct label_set *set = threadlabels_get();
    ck_assert_uint_eq(set->count, 2);
    ck_assert_str_eq(set->pairs[0].key, "cache");
    ck_assert_str_eq(set->pairs[1].key, "route");
    ck_assert_int_eq(cprof_label_set("cache", "miss"), 0);
    ck_assert_str_eq(label("cache"), "miss");
    ck_assert_str_eq(label("route"), "/v1");
    ck_assert_uint_eq(count(), 2);
    cprof_label_clear();
    ck_assert_ptr_null(threadlabels_get());
    char key[] = "cache", value[] = "hit";
    ck_assert_int_eq(cprof_label_set(key, value), 0);
    ck_assert_int_eq(cprof_label_set("route", "/v1"), 0);
    memset(key, 'x', 2);
    memset(value, 'x', 2); /* they were copied */
    ck_assert_ptr_eq(threadlabels_get(), set);
    ck_assert_str_eq(label("cache"), "hit");
    ck_assert_int_eq(cprof_label_unset("nothing"), 0);
    ck_assert_ptr_eq(threadlabels_get(), set);
    ck_assert_int_eq(cprof_label_unset("route"), 0);
    ck_assert_uint_eq(count(), 1);
    ck_assert_int_eq(cprof_label_unset("cache"), 0);
    ck_assert_ptr_null(threadlabels_get());
}
END_TEST

START_TEST(wrong_arguments_change_nothing)
{
    char longest[LABELSET_MAX_VALUE + 2];
    static const char *const not_utf8[] = {
        "\x80", "a\xff", "\xc0\xaf", "\xe2\x82", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3"};
    ck_assert_int_eq(cprof_label_set("key", "\xf0\x9f\x90\x9f \xc3\xa9"), 0);
    const struct label_set *set = threadlabels_get();
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    const char *const too_long = longest, *const too_long_key =
                                              longest + sizeof longest - 2 - LABELSET_MAX_KEY;
    const char *const wrong[][2] = {{NULL, "v"}, {"key", NULL}, {NULL, NULL}, {"", "v"}, {"key", ""},
        {"key", too_long}, {too_long_key, "v"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_int_eq(cprof_label_set(wrong[i][0], wrong[i][1]), ERR_INVALID);
    for (size_t i = 0; i < sizeof not_utf8 / sizeof *not_utf8; i++) {
        ck_assert_int_eq(cprof_label_set("key", not_utf8[i]), ERR_INVALID);
        ck_assert_int_eq(cprof_label_set(not_utf8[i], "value"), ERR_INVALID);
    }
    ck_assert_int_eq(cprof_label_unset(NULL), ERR_INVALID);
    ck_assert_int_eq(cprof_label_unset(""), ERR_INVALID);
    ck_assert_int_eq(cprof_label_unset(too_long_key), ERR_INVALID);
    int local = 0;
    ck_assert_int_eq(cprof_label_restore((const void *)&local), ERR_INVALID);
    ck_assert_ptr_eq(threadlabels_get(), set);
    ck_assert_uint_eq(labelset_lost(), 0);
    ck_assert_int_eq(cprof_label_set(too_long_key + 1, too_long + 1), 0); /* the longest there may be */
    ck_assert_str_eq(label(too_long_key + 1), too_long + 1);
}
END_TEST

/* What does not fit is left out and counted; a label is never a wrong one. */
START_TEST(there_is_a_bound)
{
    char text[32];
    ck_assert_int_eq(cprof_label_set("a", "early"), 0);
    const struct cprof_labels *early = cprof_label_save();
    int code = 0, sets = 1;
    for (; sets < 2 * LABELSET_MAX_SETS; sets++) {
        snprintf(text, sizeof text, "%d", sets);
        if ((code = cprof_label_set("request", text)) != 0)
            break;
    }
    ck_assert_int_eq(code, ERR_LIMIT);
    ck_assert_int_eq(sets, LABELSET_MAX_SETS);
    ck_assert_uint_eq(labelset_lost(), 1);
    ck_assert_ptr_null(label("request")); /* and not that of the request before */
    ck_assert_str_eq(label("a"), "early");
    ck_assert_int_eq(cprof_label_set("request", "7"), 0); /* there is such a set */
    ck_assert_str_eq(label("request"), "7");
    ck_assert_int_eq(cprof_label_set("a", "late"), ERR_LIMIT);
    ck_assert_ptr_null(threadlabels_get()); /* there is no set {request: 7} */
    ck_assert_int_eq(cprof_label_restore(early), 0);
    ck_assert_str_eq(label("a"), "early");
    ck_assert_uint_eq(labelset_lost(), 2);
    ck_assert_int_eq(cprof_label_set("a", "\xff"), ERR_INVALID);
    ck_assert_uint_eq(labelset_lost(), 2);
}
END_TEST

START_TEST(there_is_a_bound_of_labels)
{
    char key[32];
    for (int i = 0; i < LABELSET_MAX_LABELS; i++) {
        snprintf(key, sizeof key, "key-%d", 97 * i % 100);
        ck_assert_int_eq(cprof_label_set(key, "v"), 0);
    }
    const struct label_set *full = threadlabels_get();
    ck_assert_uint_eq(full->count, LABELSET_MAX_LABELS);
    for (uint32_t i = 1; i < full->count; i++)
        ck_assert_int_lt(strcmp(full->pairs[i - 1].key, full->pairs[i].key), 0);
    ck_assert_int_eq(cprof_label_set("one-more", "v"), ERR_LIMIT);
    ck_assert_ptr_eq(threadlabels_get(), full);
    ck_assert_int_eq(cprof_label_set("key-0", "other"), 0);
    ck_assert_str_eq(label("key-0"), "other");
    ck_assert_uint_eq(labelset_lost(), 1);
}
END_TEST

enum { RACERS = 8, RACED_SETS = 300 };
static pthread_barrier_t race;
static const struct label_set *raced[RACERS][RACED_SETS];

static void *make_sets(void *number)
{
    char value[32];
    for (int i = 0; i < RACED_SETS; i++) {
        if (i % 50 == 0)
            pthread_barrier_wait(&race);
        snprintf(value, sizeof value, "value-%d", i);
        ck_assert_int_eq(cprof_label_set("key", value), 0);
        raced[(intptr_t)number][i] = threadlabels_get();
    }
    return NULL;
}

START_TEST(threads_that_make_the_same_sets_get_the_same)
{
    pthread_t threads[RACERS];
    pthread_barrier_init(&race, NULL, RACERS);
    for (intptr_t i = 0; i < RACERS; i++)
        pthread_create(&threads[i], NULL, make_sets, (void *)i);
    for (int i = 0; i < RACERS; i++)
        pthread_join(threads[i], NULL);
    for (int k = 0; k < RACED_SETS; k++) {
        char value[32];
        snprintf(value, sizeof value, "value-%d", k);
        ck_assert_str_eq(labelset_value(raced[0][k], "key"), value);
        for (int i = 1; i < RACERS; i++)
            ck_assert_ptr_eq(raced[i][k], raced[0][k]);
    }
    ck_assert_uint_eq(labelset_lost(), 0);
    int made = 0; /* those that were not needed have left no gap: as many as ever fit */
    for (char value[32]; made < 2 * LABELSET_MAX_SETS; made++) {
        snprintf(value, sizeof value, "%d", made);
        if (cprof_label_set("more", value) != 0)
            break;
    }
    ck_assert_int_eq(made, LABELSET_MAX_SETS - RACED_SETS);
}
END_TEST

/* ---- scopes ---------------------------------------------------------------------------------------------
 */

#define BOTH                                            \
    CPROF_LABEL_SCOPE("turn", "odd"); /* on one line */ \
    CPROF_LABEL_SCOPE("other", "too")

static int early_return(int way)
{
    CPROF_LABEL_SCOPE("way", way ? "long" : "short");
    if (!way)
        return (int)count();
    for (int i = 0; i < 3; i++) {
        BOTH;
        if (i == 1)
            continue;
        cprof_label_set("left", "behind");
        ck_assert_uint_eq(count(), 5);
    }
    return (int)count();
}

START_TEST(scopes_nest_and_restore)
{
    cprof_label_set("route", "/outer");
    const struct label_set *outer = threadlabels_get();
    {
        CPROF_LABEL_SCOPE("route", "/inner");
        ck_assert_str_eq(label("route"), "/inner");
        {
            CPROF_LABEL_SCOPE("route", NULL);
            ck_assert_ptr_null(label("route")); /* neither of the outer ones' */
        }
        ck_assert_str_eq(label("route"), "/inner");
    }
    ck_assert_ptr_eq(threadlabels_get(), outer);
    ck_assert_int_eq(early_return(0), 2);
    ck_assert_ptr_eq(threadlabels_get(), outer);
    ck_assert_int_eq(early_return(1), 2);
    ck_assert_ptr_eq(threadlabels_get(), outer);
    const struct cprof_labels *saved = cprof_label_save();
    cprof_label_clear();
    ck_assert_ptr_null(cprof_label_save());
    ck_assert_int_eq(cprof_label_restore(saved), 0);
    ck_assert_ptr_eq(threadlabels_get(), outer);
    ck_assert_int_eq(cprof_label_restore(NULL), 0);
    ck_assert_ptr_null(threadlabels_get());
}
END_TEST

static _Atomic(const struct label_set *) after_cancel;

static void *be_cancelled(void *arg)
{
    CPROF_LABEL_SCOPE("scope", "inner");
    for (;;)
        poll(NULL, 0, 1000);
    return arg;
}

static void note_labels(void *arg)
{
    (void)arg;
    atomic_store(&after_cancel, threadlabels_get());
}

static void *run_cancelled(void *arg)
{
    pthread_cleanup_push(note_labels, NULL);
    cprof_label_set("scope", "outer");
    note_labels(NULL);
    be_cancelled(arg);
    pthread_cleanup_pop(0);
    return NULL;
}

/* Test programs are compiled with -fexceptions no more than most: what the thread leaves behind is whole. */
START_TEST(a_cancelled_scope_leaves_a_whole_set)
{
    pthread_t t;
    pthread_create(&t, NULL, run_cancelled, NULL);
    while (!atomic_load(&after_cancel))
        usleep(1000);
    usleep(20000);
    pthread_cancel(t);
    pthread_join(t, NULL);
    ck_assert_ptr_nonnull(labelset_value(atomic_load(&after_cancel), "scope"));
}
END_TEST

/* ---- threads --------------------------------------------------------------------------------------------
 */

static void *get_label(void *key)
{
    return (void *)label(key);
}

static const char *label_of_new_thread(const char *key)
{
    pthread_t t;
    void *value;
    ck_assert_int_eq(pthread_create(&t, NULL, get_label, (void *)key), 0);
    ck_assert_int_eq(pthread_join(t, &value), 0);
    return value;
}

static void *set_and_end(void *value)
{
    ck_assert_int_eq(cprof_label_set("mine", value), 0);
    return NULL;
}

static void *get_grandchild(void *key)
{
    cprof_label_set("child", "yes");
    return (void *)label_of_new_thread(key);
}

START_TEST(threads_inherit_and_records_do_not_remember)
{
    pthread_t t;
    void *value;
    for (int round = 0; round < 3; round++) { /* before the start, while it runs, after the end */
        cprof_label_clear();
        ck_assert_ptr_null(label_of_new_thread("route"));
        cprof_label_set("route", "/inherited");
        ck_assert_str_eq(label_of_new_thread("route"), "/inherited");
        pthread_create(&t, NULL, get_grandchild, (void *)"route");
        pthread_join(t, &value);
        ck_assert_str_eq(value, "/inherited");
        pthread_create(&t, NULL, get_grandchild, (void *)"child");
        pthread_join(t, &value);
        ck_assert_str_eq(value, "yes");
        ck_assert_ptr_null(label("child"));
        cprof_label_clear();
        uint32_t records = thread_count();
        for (int i = 0; i < 50; i++) {
            pthread_create(&t, NULL, set_and_end, (void *)"secret");
            pthread_join(t, NULL);
            ck_assert_ptr_null(label_of_new_thread("mine"));
        }
        ck_assert_uint_le(thread_count(), records + 2); /* they were the same few records all the time */
        if (round == 0)
            start();
        else
            capture_stop();
    }
}
END_TEST

static const struct thread_info *find(const struct threads_snapshot *s, const char *name)
{
    for (size_t i = 0; i < s->threads.len; i++)
        if (strcmp(s->threads.items[i].name, name) == 0)
            return &s->threads.items[i];
    return NULL;
}

static atomic_int ready;
static atomic_bool stop;

static void *wait_labelled(void *value)
{
    CPROF_LABEL_SCOPE("job", value);
    atomic_fetch_add(&ready, 1);
    while (!atomic_load(&stop))
        poll(NULL, 0, 20);
    return NULL;
}

static void *spin_labelled(void *value)
{
    CPROF_LABEL_SCOPE("job", value);
    atomic_fetch_add(&ready, 1);
    while (!atomic_load(&stop))
        ;
    return NULL;
}

/* Parked, running, and the caller itself. */
START_TEST(a_dump_has_the_labels_of_each_thread)
{
    static char *const jobs[] = {"read", "read", "write", "read", "spin"};
    pthread_t threads[5];
    struct threads_snapshot s;
    struct snapshot grouped;
    start();
    for (int i = 0; i < 5; i++)
        pthread_create(&threads[i], NULL, i < 4 ? wait_labelled : spin_labelled, jobs[i]);
    pthread_setname_np(threads[2], "writer");
    pthread_setname_np(threads[4], "spinner");
    while (atomic_load(&ready) < 5)
        usleep(1000);
    cprof_label_set("job", "dump");
    ck_assert_int_eq(threads_snapshot(&s), 0);
    ck_assert_str_eq(labelset_value(find(&s, "writer")->labels, "job"), "write");
    ck_assert_str_eq(labelset_value(find(&s, "spinner")->labels, "job"), "spin");
    for (size_t i = 0; i < s.threads.len; i++)
        ck_assert_ptr_eq(s.threads.items[i].labels, s.stacks.records.items[s.threads.items[i].record].labels);
    ck_assert_int_eq(feed_group_threads(&s, &grouped), 0);
    int64_t reads = 0, writes = 0, dumps = 0;
    for (size_t i = 0; i < grouped.records.len; i++) {
        const struct snapshot_record *r = &grouped.records.items[i];
        const char *job = labelset_value(r->labels, "job");
        ck_assert_ptr_nonnull(job);
        reads += strcmp(job, "read") == 0 ? r->values[0] : 0;
        writes += strcmp(job, "write") == 0 ? r->values[0] : 0;
        dumps += strcmp(job, "dump") == 0 ? r->values[0] : 0;
    }
    ck_assert_int_eq(reads, 3);
    ck_assert_int_eq(writes, 1); /* a group of its own, though all wait at one place */
    ck_assert_int_eq(dumps, 1);
    snapshot_fini(&grouped);
    threads_snapshot_fini(&s);
    atomic_store(&stop, true);
    for (int i = 0; i < 5; i++)
        pthread_join(threads[i], NULL);
}
END_TEST

/* ---- CPU ------------------------------------------------------------------------------------------------
 */

enum { STORM_NS = 400000000, PAIRS = 7 };
static atomic_int_fast64_t storm_sets;

/* Two labels that always belong together, changed as fast as can be, with nothing and one in between. */
static void *storm(void *number)
{
    char texts[PAIRS][2][32];
    for (int i = 0; i < PAIRS; i++) {
        snprintf(texts[i][0], sizeof texts[i][0], "left-%d-%d", (int)(intptr_t)number, i);
        snprintf(texts[i][1], sizeof texts[i][1], "right-%d-%d", (int)(intptr_t)number, i);
    }
    int64_t until = clock_thread_cpu_ns() + STORM_NS, rounds = 0;
    while (clock_thread_cpu_ns() < until)
        for (int i = 0; i < 20; i++, rounds++) {
            CPROF_LABEL_SCOPE("left", texts[rounds % PAIRS][0]);
            CPROF_LABEL_SCOPE("right", texts[rounds % PAIRS][1]);
            for (volatile int k = 0; k < 1000;)
                k = k + 1;
        }
    atomic_fetch_add(&storm_sets, 2 * rounds);
    return NULL;
}

START_TEST(a_storm_of_samples_never_sees_half_a_set)
{
    pthread_t threads[4];
    struct cpu_session *session;
    struct snapshot s;
    int64_t samples = 0, both = 0;
    start();
    ck_assert_int_eq(cpu_session_start(1000, &session), 0);
    for (intptr_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, storm, (void *)i);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(cpu_session_stop(session, &s), 0);
    for (size_t i = 0; i < s.records.len; i++) {
        const struct snapshot_record *r = &s.records.items[i];
        const char *left = labelset_value(r->labels, "left"), *right = labelset_value(r->labels, "right");
        samples += r->values[0];
        both += left && right ? r->values[0] : 0;
        ck_assert(labelset_is_one(r->labels));
        ck_assert(!right || left);
        ck_assert_uint_eq(r->labels ? r->labels->count : 0, (uint32_t)(left != NULL) + (right != NULL));
        if (right)
            ck_assert_str_eq(left + 4, right + 5);
    }
    printf("storm: %lld labels set under %lld samples, %lld with both\n", (long long)storm_sets,
        (long long)samples, (long long)both);
    ck_assert_int_gt(samples, 4 * STORM_NS / 1000000 / 2);
    ck_assert_int_gt(both, 0);
    ck_assert_uint_eq(s.lost_labels, 0);
    snapshot_fini(&s);
}
END_TEST

static void burn_ms(int ms)
{
    for (int64_t until = clock_thread_cpu_ns() + ms * INT64_C(1000000); clock_thread_cpu_ns() < until;)
        ;
}

/* The same code in two thirds and one third of the time: the labels tell. */
START_TEST(cpu_time_is_divided_by_label)
{
    struct cpu_session *session;
    struct snapshot s;
    double time[2] = {0};
    start();
    ck_assert_int_eq(cpu_session_start(1000, &session), 0);
    for (int i = 0; i < 30; i++) {
        CPROF_LABEL_SCOPE("turn", i % 3 ? "often" : "seldom");
        burn_ms(20);
    }
    ck_assert_int_eq(cpu_session_stop(session, &s), 0);
    for (size_t i = 0; i < s.records.len; i++) {
        const char *turn = labelset_value(s.records.items[i].labels, "turn");
        if (turn)
            time[strcmp(turn, "often") == 0] += (double)s.records.items[i].values[1];
    }
    printf("labelled CPU time: %.0f and %.0f ms of 400 and 200\n", time[1] / 1e6, time[0] / 1e6);
    ck_assert_double_gt(time[1] / time[0], 1.6);
    ck_assert_double_lt(time[1] / time[0], 2.4);
    snapshot_fini(&s);
}
END_TEST

/* ---- forks ----------------------------------------------------------------------------------------------
 */

static int in_child(bool started)
{
    struct threads_snapshot s;
    if (!label("route") || strcmp(label("route"), "/parent") != 0)
        return 1;
    if (cprof_label_set("in", "child") != 0 || strcmp(label_of_new_thread("in"), "child") != 0)
        return 2;
    start();
    if (threads_snapshot(&s) != 0 || s.threads.len != 1 || s.threads.items[0].tid != getpid())
        return 3;
    if (!s.threads.items[0].labels || s.threads.items[0].labels->count != 2)
        return 4;
    threads_snapshot_fini(&s);
    capture_stop();
    return started && !label("in") ? 5 : 0;
}

static void *make_sets_for_good(void *arg)
{
    char value[32];
    for (unsigned i = 0; !atomic_load(&stop); i++) {
        snprintf(value, sizeof value, "%u", i % 1000);
        cprof_label_set("key", value);
    }
    return arg;
}

/* From a process that has never started, that runs, and that has stopped, while others make sets. */
START_TEST(forked_children_keep_the_labels_of_their_thread)
{
    pthread_t others[2];
    cprof_label_set("route", "/parent");
    for (int i = 0; i < 2; i++)
        pthread_create(&others[i], NULL, make_sets_for_good, NULL);
    for (int round = 0; round < 30; round++) {
        int status;
        pid_t child = fork();
        if (child == 0)
            _exit(in_child(round >= 10));
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "round %d: %#x", round, status);
        if (round == 9)
            start();
        if (round == 19)
            capture_stop();
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++)
        pthread_join(others[i], NULL);
    ck_assert_str_eq(label("route"), "/parent");
    ck_assert_ptr_null(label("in"));
}
END_TEST

/* ---- what is said of lost ones ---------------------------------------------------------------------------
 */

START_TEST(lost_labels_are_said)
{
    static const char said[] = "3 labels were lost: there may be 4096 different sets of them, and 16 in each";
    struct buf page = {0}, text = {0};
    struct threads_snapshot threads;
    struct snapshot s, delta;
    struct profile *p;
    ck_assert_int_eq(cprof_start("127.0.0.1:0"), 0);
    ck_assert_int_eq(index_page(&page, NULL), 0);
    ck_assert_ptr_null(strstr(page.data, "labels were lost"));
    buf_fini(&page);
    for (int i = 0; i < 3; i++)
        labelset_lose();
    ck_assert_int_eq(index_page(&page, NULL), 0);
    ck_assert_ptr_nonnull(strstr(page.data, said));
    ck_assert_int_eq(threads_snapshot(&threads), 0);
    ck_assert_int_eq(feed_group_threads(&threads, &s), 0);
    ck_assert_int_eq(text_snapshot(FEED_THREADS, &s, &text, NULL), 0);
    ck_assert_ptr_nonnull(strstr(text.data, said));
    struct snapshot empty = {.nvalues = 1};
    ck_assert_int_eq(snapshot_subtract(&s, &empty, &delta), 0);
    ck_assert_int_eq(convert_snapshot(&delta, feed_get(FEED_THREADS), &p, NULL), 0);
    ck_assert_str_eq(p->comments.items[p->comments.len - 1], said);
    profile_free(p);
    snapshot_fini(&delta);
    snapshot_fini(&s);
    threads_snapshot_fini(&threads);
    buf_fini(&text);
    buf_fini(&page);
    cprof_stop();
}
END_TEST

/* ---- cost -----------------------------------------------------------------------------------------------
 */

enum { TIMED = 10000, BATCHES = 20 };

/* CPU time of one turn, in the batch that was disturbed least. */
#define NS_EACH(name, ...)                                               \
    static double name(const struct cprof_labels *outer)                 \
    {                                                                    \
        double best = 1e9;                                               \
        for (int batch = 0; batch < BATCHES; batch++) {                  \
            int64_t began = clock_thread_cpu_ns();                       \
            for (int i = 0; i < TIMED; i++)                              \
                __VA_ARGS__                                              \
            double ns = (double)(clock_thread_cpu_ns() - began) / TIMED; \
            best = ns < best ? ns : best;                                \
        }                                                                \
        cprof_label_restore(outer);                                      \
        return best;                                                     \
    }
NS_EACH(ns_set, { cprof_label_set("cache", i & 1 ? "hit" : "miss"); })
NS_EACH(ns_set_unset, {
    cprof_label_set("cache", i & 1 ? "hit" : "miss");
    cprof_label_unset("cache");
})
NS_EACH(ns_restore, { cprof_label_restore(outer); })
NS_EACH(ns_scope, { CPROF_LABEL_SCOPE("cache", i & 1 ? "hit" : "miss"); })

static double ns_new(const struct cprof_labels *outer)
{
    enum { NEW = 2000 };
    char values[NEW][8];
    for (int i = 0; i < NEW; i++)
        snprintf(values[i], sizeof values[i], "%d", i);
    int64_t began = clock_thread_cpu_ns();
    for (int i = 0; i < NEW; i++)
        cprof_label_set("new", values[i]);
    double ns = (double)(clock_thread_cpu_ns() - began) / NEW;
    cprof_label_restore(outer);
    return ns;
}

/* Prints what cprof.h says it costs. A label that is known is looked up: no more than some stores. */
START_TEST(cost)
{
    cprof_label_set("route", "/v1/items");
    const struct cprof_labels *outer = cprof_label_save();
    double set = ns_set(outer), restore = ns_restore(outer);
    printf("set %.1f ns, unset %.1f, restore %.1f, scope %.1f; a set that is new %.1f\n", set,
        ns_set_unset(outer) - set, restore, ns_scope(outer), ns_new(outer));
    ck_assert_double_lt(set, 60 * restore);
    ck_assert_ptr_eq(cprof_label_save(), outer);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {sets_are_sorted_and_there_is_one_of_each, wrong_arguments_change_nothing,
        there_is_a_bound, there_is_a_bound_of_labels, threads_that_make_the_same_sets_get_the_same,
        scopes_nest_and_restore, a_cancelled_scope_leaves_a_whole_set,
        threads_inherit_and_records_do_not_remember, a_dump_has_the_labels_of_each_thread,
        a_storm_of_samples_never_sees_half_a_set, cpu_time_is_divided_by_label,
        forked_children_keep_the_labels_of_their_thread, lost_labels_are_said, cost};
    return HARNESS_SUITE("labels", 30, tests);
}
