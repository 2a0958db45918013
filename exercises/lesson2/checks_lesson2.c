/*
 * Checks of lesson 2: what a repaired session_table.c and session_report.c must do, in exact counts of bytes.
 * Any design passes that keeps the promises of the two headers in demos/lesson2; how it is written is not
 * looked at. Each module is checked without the other.
 *
 *   lesson2 TITLE FLAWED_SESSION SESSION FLAWED_REPORT REPORT
 */
#include "counted.h"
#include "module.h"
#include "session_limits.h"
#include "session_rig.h"
#include "trial.h"
#include "verdict.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct session_module session, session_counted;
static struct report_module report, report_counted;

/* ---- calls, watched -------------------------------------------------------------------------------------
 */

static struct sessions *table_with(const struct session_module *m)
{
    module_enter("sessions_new");
    struct sessions *all = m->create();
    module_leave();
    if (!all)
        verdict(false, "a table", "sessions_new returned NULL, with memory to spare");
    return all;
}

static void free_table(const struct session_module *m, struct sessions *all)
{
    module_enter("sessions_free");
    m->destroy(all);
    module_leave();
}

/* Settings that begin with their owner's token, so that one can tell whose they are. */
enum { SETTINGS_BYTES = 1000 };

static bool login(const struct session_module *m, struct sessions *all, const char *token)
{
    char settings[SETTINGS_BYTES];
    memset(settings, 's', sizeof settings - 1);
    memcpy(settings, token, strlen(token));
    settings[strlen(token)] = '=';
    settings[sizeof settings - 1] = '\0';
    module_enter("sessions_login");
    bool done = m->login(all, token, settings);
    module_leave();
    return done;
}

static bool note(const struct session_module *m, struct sessions *all, const char *token, const char *page)
{
    module_enter("sessions_note");
    bool done = m->note(all, token, page);
    module_leave();
    return done;
}

static bool logout(const struct session_module *m, struct sessions *all, const char *token)
{
    module_enter("sessions_logout");
    bool done = m->logout(all, token);
    module_leave();
    return done;
}

static struct sessions_stats stats_of(const struct session_module *m, struct sessions *all)
{
    struct sessions_stats stats;
    module_enter("sessions_stats");
    m->stats(all, &stats);
    module_leave();
    return stats;
}

static void visit_all(const struct session_module *m, struct sessions *all,
    void (*visit)(void *closure, const struct session_view *session), void *closure)
{
    module_enter("sessions_visit");
    for (size_t shelf = 0; shelf < m->shelves(all); shelf++)
        m->visit(all, shelf, visit, closure);
    module_leave();
}

/* ---- live_bytes_flat ------------------------------------------------------------------------------------
 */

enum { BATCH = 100, STAYING = 50 };

/* So many people log in, look at more pages than are remembered, and log out again. */
static void batch_comes_and_goes(struct sessions *all)
{
    char token[32], page[32];
    for (int i = 0; i < BATCH; i++) {
        snprintf(token, sizeof token, "visitor-%04d", i);
        login(&session_counted, all, token);
        for (int p = 0; p < SESSION_PAGES + 4; p++) {
            snprintf(page, sizeof page, "/page/%04d", i + p);
            note(&session_counted, all, token, page);
        }
    }
    for (int i = 0; i < BATCH; i++) {
        snprintf(token, sizeof token, "visitor-%04d", i);
        if (!logout(&session_counted, all, token))
            verdict(false, "true for each that is logged in", "sessions_logout returned false for %s", token);
    }
}

/* Whoever frees in a thread of its own is given the time to. */
static int64_t live_bytes_at_rest(int64_t expected)
{
    for (int tries = 0; tries < 1000 * RENDEZVOUS_S && counted_live_bytes() > expected; tries++)
        usleep(1000);
    return counted_live_bytes();
}

static void live_bytes_flat(void)
{
    int64_t before = counted_live_bytes();
    struct sessions *all = table_with(&session_counted);
    char token[32];
    for (int i = 0; i < STAYING; i++) {
        snprintf(token, sizeof token, "member-%04d", i);
        login(&session_counted, all, token);
    }
    batch_comes_and_goes(all);
    batch_comes_and_goes(all);
    int64_t early = live_bytes_at_rest(before);
    for (int i = 2; i < 10; i++)
        batch_comes_and_goes(all);
    int64_t late = live_bytes_at_rest(early);
    free_table(&session_counted, all);
    verdict(late == early, "the same, to the byte: those who stay are as many",
        "%ld bytes alive when 200 sessions had come and gone, %ld when 1,000 had, with %d logged in each "
        "time",
        (long)(early - before), (long)(late - before), STAYING);
}

/* ---- the_others_stay ------------------------------------------------------------------------------------
 */

enum { TOKENS = 60, STEPS = 20000 };

/* What must be there, as plain as can be. */
struct oracle {
    bool logged_in[TOKENS];
    int pages[TOKENS][SESSION_PAGES], npages[TOKENS];
    int seen[TOKENS];
    const char *problem; /* the first one */
    int problem_token;
};

static void oracle_note(struct oracle *o, int n, int page)
{
    if (o->npages[n] == SESSION_PAGES)
        memmove(o->pages[n], o->pages[n] + 1, sizeof o->pages[n] - sizeof o->pages[n][0]);
    else
        o->npages[n]++;
    o->pages[n][o->npages[n] - 1] = page;
}

static void compare_with_oracle(void *closure, const struct session_view *view)
{
    struct oracle *o = closure;
    char expected[32];
    int n = -1;
    const char *problem = NULL;
    if (sscanf(view->token, "token-%d", &n) != 1 || n < 0 || n >= TOKENS || !o->logged_in[n])
        problem = "is shown, and is not logged in";
    else if (o->seen[n]++)
        problem = "is shown twice";
    else if (strncmp(view->settings, view->token, strlen(view->token)) != 0 ||
             strlen(view->settings) != SETTINGS_BYTES - 1)
        problem = "has not its own settings";
    else if (view->npages != (size_t)o->npages[n])
        problem = "has not as many pages as were noted";
    for (int i = 0; !problem && i < o->npages[n]; i++) {
        snprintf(expected, sizeof expected, "/p/%d", o->pages[n][i]);
        if (strcmp(view->pages[i], expected) != 0)
            problem = "has other pages than those that were noted";
    }
    if (problem && !o->problem) {
        o->problem = problem;
        o->problem_token = n;
    }
}

static void expect_all_as(struct sessions *all, struct oracle *o, int step)
{
    memset(o->seen, 0, sizeof o->seen);
    visit_all(&session, all, compare_with_oracle, o);
    for (int n = 0; n < TOKENS && !o->problem; n++) {
        if (o->logged_in[n] && !o->seen[n]) {
            o->problem = "is logged in, and is not shown";
            o->problem_token = n;
        }
    }
    if (o->problem)
        verdict(false, "who is logged in stays so, unchanged, whoever else logs out",
            "after %d random steps, token-%d %s", step + 1, o->problem_token, o->problem);
}

/* One step of module and oracle; whether the two agree on what came of it. */
static bool agree_on(struct sessions *all, struct oracle *o, int n, int kind, int page)
{
    char token[32], name[32];
    snprintf(token, sizeof token, "token-%d", n);
    snprintf(name, sizeof name, "/p/%d", page);
    bool was_in = o->logged_in[n];
    if (kind == 0) {
        o->logged_in[n] = true;
        o->npages[n] = was_in ? o->npages[n] : 0;
        return login(&session, all, token) == !was_in;
    }
    if (kind == 1) {
        o->logged_in[n] = false;
        return logout(&session, all, token) == was_in;
    }
    if (was_in)
        oracle_note(o, n, page);
    return note(&session, all, token, name) == was_in;
}

static void the_others_stay(void)
{
    static const char *const KINDS[] = {
        "sessions_login", "sessions_logout", "sessions_note", "sessions_note"};
    struct sessions *all = table_with(&session);
    struct oracle o = {0};
    uint32_t random = 5;
    for (int step = 0; step < STEPS; step++) {
        int n = (int)(trial_random(&random) % TOKENS), kind = (int)(trial_random(&random) % 4);
        if (!agree_on(all, &o, n, kind, step))
            verdict(false, "true when it could be done, else false",
                "%s returned the wrong one of true and false for token-%d, after %d random steps",
                KINDS[kind], n, step + 1);
        if (step % 50 == 49)
            expect_all_as(all, &o, step);
    }
    free_table(&session, all);
    verdict(true, "as the oracle", "%d random steps, and everybody logged in is there with their own", STEPS);
}

/* ---- totals_under_threads -------------------------------------------------------------------------------
 */

enum { THREADS = 4, THREAD_STEPS = 1500, THREAD_ROUNDS = 3, SHARED_TOKENS = 24 };

static const char totals_allowed[] = "logins less logouts are those who are there, in every account of it";

struct worker {
    pthread_t thread;
    struct sessions *all;
    uint32_t random;
    uint64_t logins, logouts;
    atomic_int *garbled;
};

static void look_for_garbled(void *closure, const struct session_view *view)
{
    if (strncmp(view->settings, view->token, strlen(view->token)) != 0)
        atomic_fetch_add((atomic_int *)closure, 1);
}

static void *worker_run(void *argument)
{
    struct worker *w = argument;
    for (int i = 0; i < THREAD_STEPS; i++) {
        char token[32];
        snprintf(token, sizeof token, "shared-%u", trial_random(&w->random) % SHARED_TOKENS);
        switch (trial_random(&w->random) % 3) {
        case 0:
            w->logins += login(&session_counted, w->all, token);
            break;
        case 1:
            w->logouts += logout(&session_counted, w->all, token);
            break;
        default:
            note(&session_counted, w->all, token, "/inbox");
        }
        if (i % 300 == 299)
            visit_all(&session_counted, w->all, look_for_garbled, w->garbled);
    }
    return NULL;
}

static void count_one(void *closure, const struct session_view *view)
{
    (void)view;
    ++*(uint64_t *)closure;
}

/* One round of four threads; ends the check if it finds anything wrong. */
static void four_threads_at_once(uint64_t *logins, uint64_t *logouts)
{
    struct worker workers[THREADS];
    atomic_int garbled = 0;
    uint64_t shown = 0;
    struct sessions *all = table_with(&session_counted);
    *logins = *logouts = 0;
    counted_shuffle(true);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.all = all, .random = (uint32_t)i * 7919 + 17, .garbled = &garbled};
        if (pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]) != 0)
            abort();
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        *logins += workers[i].logins;
        *logouts += workers[i].logouts;
    }
    counted_shuffle(false);
    struct sessions_stats stats = stats_of(&session_counted, all);
    visit_all(&session_counted, all, count_one, &shown);
    free_table(&session_counted, all);
    if (garbled > 0)
        verdict(false, "none: what a visit shows is not freed meanwhile",
            "%d visits saw a session whose settings were not its own", garbled);
    if (stats.logins != *logins || stats.logouts != *logouts || stats.active != *logins - *logouts ||
        shown != stats.active)
        verdict(false, totals_allowed,
            "of %d threads: %lu logins and %lu logouts; sessions_stats has %lu, %lu and %zu active; %lu are "
            "shown",
            THREADS, (unsigned long)*logins, (unsigned long)*logouts, (unsigned long)stats.logins,
            (unsigned long)stats.logouts, stats.active, (unsigned long)shown);
}

/* A table without a lock gets through a round in a hundred or two unharmed: its slips must fall on one token.
 */
static void totals_under_threads(void)
{
    uint64_t logins = 0, logouts = 0;
    for (int round = 0; round < THREAD_ROUNDS; round++)
        four_threads_at_once(&logins, &logouts);
    verdict(true, totals_allowed,
        "of %d threads, in each of %d rounds: all accounts agree (in the last, %lu logins and %lu logouts)",
        THREADS, THREAD_ROUNDS, (unsigned long)logins, (unsigned long)logouts);
}

/* ---- reports, watched -----------------------------------------------------------------------------------
 */

static struct report *report_with(const struct report_module *m, struct sessions *table)
{
    module_enter("report_new");
    struct report *r = m->create(table);
    module_leave();
    if (!r)
        verdict(false, "a report", "report_new returned NULL, with memory to spare");
    return r;
}

static size_t read_some(const struct report_module *m, struct report *r, char *to, size_t cap)
{
    module_enter("report_read");
    long n = m->read(r, to, cap);
    module_leave();
    if (n < 0 || (size_t)n > cap)
        verdict(
            false, "from 0 to the number asked for", "report_read returned %ld, asked for %zu bytes", n, cap);
    return (size_t)n;
}

static void free_report(const struct report_module *m, struct report *r)
{
    module_enter("report_free");
    m->destroy(r);
    module_leave();
}

/* ---- same_report ----------------------------------------------------------------------------------------
 */

/* Reads to the end in bites of cap bytes, and compares with what must come. */
static void expect_report(size_t nsessions, size_t cap)
{
    struct sessions *table = rig_table_new(nsessions);
    struct report *r = report_with(&report, table);
    char *bite = malloc(cap), line[RIG_LINE_BYTES];
    size_t n = 0, len = 0, at = 0, total = 0, came;
    if (!bite)
        abort();
    while ((came = read_some(&report, r, bite, cap)) > 0) {
        for (size_t i = 0; i < came; i++, total++) {
            if (at == len && n < nsessions)
                at = 0, len = rig_table_line(n++, line);
            if (at == len || bite[i] != line[at++])
                verdict(false, "the bytes that the header promises",
                    "of %zu sessions, read in bites of %zu bytes, byte %zu of the report is wrong (in line "
                    "%zu)",
                    nsessions, cap, total, n);
        }
    }
    if (n < nsessions || at < len)
        verdict(false, "a line for each session",
            "of %zu sessions, read in bites of %zu bytes, the report ends in line %zu", nsessions, cap, n);
    if (read_some(&report, r, bite, cap) != 0)
        verdict(false, "0 at the end, however often", "report_read found more after the end");
    free(bite);
    free_report(&report, r);
    rig_table_free(table);
}

static void same_report(void)
{
    static const struct {
        size_t cap, sessions;
    } READERS[] = {{1, 100}, {7, 300}, {100, 1500}, {4096, 1500}, {32768, 1500}, {1000000, 1500}};
    for (size_t i = 0; i < sizeof READERS / sizeof *READERS; i++) {
        expect_report(0, READERS[i].cap);
        expect_report(1, READERS[i].cap);
        expect_report(READERS[i].sessions, READERS[i].cap);
    }
    verdict(true, "byte for byte what the header promises",
        "reports on 0, 1 and 1,500 sessions, read in bites of 1 to 1,000,000 bytes: all as they should be");
}

/* ---- report_at_once -------------------------------------------------------------------------------------
 */

static int64_t most_at_once(size_t nsessions)
{
    static char bite[32768]; /* as large as the server's */
    struct sessions *table = rig_table_new(nsessions);
    int64_t before = counted_live_bytes();
    counted_peak_restart();
    struct report *r = report_with(&report_counted, table);
    while (read_some(&report_counted, r, bite, sizeof bite) > 0)
        ;
    free_report(&report_counted, r);
    rig_table_free(table);
    return counted_peak_bytes() - before;
}

static void report_at_once(void)
{
    int64_t small = most_at_once(2000), large = most_at_once(16000);
    char allowed[100];
    snprintf(allowed, sizeof allowed, "at most %d bytes, however many sessions there are", REPORT_BYTES_MAX);
    verdict(small <= REPORT_BYTES_MAX && large <= REPORT_BYTES_MAX, allowed,
        "%ld bytes allocated at once for a report on 2,000 sessions, %ld for one on 16,000", (long)small,
        (long)large);
}

/* ---- report_while_they_leave ----------------------------------------------------------------------------
 */

enum { LEAVING = 400, BITE = 700 };

/* Every third logs out, the last ones first, while the report is read; the others must be in it once. */
static void report_while_they_leave(void)
{
    static char text[LEAVING * RIG_LINE_BYTES];
    struct sessions *table = rig_table_new(LEAVING);
    struct report *r = report_with(&report, table);
    size_t len = 0, came, next = LEAVING - 1;
    while ((came = read_some(&report, r, text + len, BITE)) > 0) {
        len += came;
        if (len > sizeof text - 1 - BITE)
            verdict(false, "once", "the report has more lines than there ever were sessions");
        if (next >= 3) {
            rig_table_leave(table, next);
            next -= 3;
        }
    }
    text[len] = '\0';
    for (size_t n = 0; n < LEAVING; n++) {
        char line[RIG_LINE_BYTES];
        size_t line_len = rig_table_line(n, line), times = 0;
        for (const char *at = text; (at = strstr(at, line)); at += line_len)
            times += at == text || at[-1] == '\n';
        if (times > 1 || (times == 0 && rig_table_has(table, n)))
            verdict(false, "once, for each who is there all the time",
                "while others log out, the line of session rig-%zu is in the report %zu times", n, times);
    }
    free_report(&report, r);
    rig_table_free(table);
    verdict(true, "who is there all the time is in it once",
        "%d sessions, a third of which left meanwhile: "
        "each of the others is in the report once",
        LEAVING);
}

/* ---- everything_given_back ------------------------------------------------------------------------------
 */

static void expect_nothing_left(int64_t before, const char *after)
{
    int64_t left = live_bytes_at_rest(before) - before;
    if (left != 0)
        verdict(false, "none", "%ld bytes are left after %s", (long)left, after);
}

static void everything_given_back(void)
{
    int64_t before = counted_live_bytes();
    struct sessions *all = table_with(&session_counted);
    batch_comes_and_goes(all);
    login(&session_counted, all, "somebody");
    login(&session_counted, all, "somebody");
    note(&session_counted, all, "somebody", "/inbox");
    note(&session_counted, all, "nobody", "/inbox");
    free_table(&session_counted, all);
    expect_nothing_left(before, "sessions_free");

    char bite[1000];
    struct sessions *table = rig_table_new(300);
    struct report *r = report_with(&report_counted, table);
    while (read_some(&report_counted, r, bite, sizeof bite) > 0)
        ;
    free_report(&report_counted, r);
    expect_nothing_left(before, "report_free of a report that was read");
    r = report_with(&report_counted, table);
    read_some(&report_counted, r, bite, sizeof bite);
    free_report(&report_counted, r);
    rig_table_free(table);
    expect_nothing_left(before, "report_free of a report whose reader went away");
    verdict(true, "none", "0 bytes are left after sessions_free and report_free");
}

/* ---------------------------------------------------------------------------------------------------------
 */

#define HEAP "http://127.0.0.1:6060/debug/pprof/heap"

static const struct verdict_case cases[] = {
    {"live_bytes_flat", live_bytes_flat, "heap, the difference of two inuse_space: what came and stayed",
        "./profiler/pprof -top -cum '" HEAP "?seconds=10'"},
    {"the_others_stay", the_others_stay, "none: memory freed too early shows in wrong answers, or in a crash",
        "./.build/fetch http://127.0.0.1:8080/report | sort | uniq -d, while ./demos/load runs"},
    {"totals_under_threads", totals_under_threads,
        "none: a missing lock leaves no waiting; it leaves wrong totals",
        "read session_table.c: which of what the threads share is touched without the lock?"},
    {"same_report", same_report, "none: a report that leaves something out is cheap",
        "./.build/fetch http://127.0.0.1:8080/report | wc, from ./demos/sessions and from yours"},
    {"report_at_once", report_at_once, "heap, inuse_space, while a report is read",
        "exercises/lesson2/spike.sh"},
    {"report_while_they_leave", report_while_they_leave,
        "none: a session remembered from an earlier visit may be gone",
        "read sessions_visit in demos/lesson2/session_table.h: how long is what it shows valid?"},
    {"everything_given_back", everything_given_back, "heap, the difference of two inuse_space",
        "./profiler/pprof -top -cum '" HEAP "?seconds=10'"},
};

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: lesson2 TITLE FLAWED_SESSION SESSION FLAWED_REPORT REPORT\n");
        return 2;
    }
    if (!session_module_load(&session, argv[3], ".so") ||
        !session_module_load(&session_counted, argv[3], ".counted.so") ||
        !report_module_load(&report, argv[5], ".so") ||
        !report_module_load(&report_counted, argv[5], ".counted.so"))
        return 2;
    return verdict_run(argv[1], cases, sizeof cases / sizeof *cases, WATCHDOG_S) > 0 ? 1 : 0;
}
