/*
 * Checks of lesson 4: what repaired statistics must do, measured by rendezvous, in exact figures and against
 * the flawed original. Any design passes that keeps the promises of demos/lesson4/stats.h; how it is written
 * is not looked at.
 */
#include "counted.h"
#include "module.h"
#include "stats_limits.h"
#include "trial.h"
#include "verdict.h"

#include "base/clock.h"
#include "lesson4/stats.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct stats_module {
    struct stats *(*create)(const struct stats_config *config);
    void (*destroy)(struct stats *stats);
    void (*begin)(struct stats *stats, const char *client);
    void (*end)(struct stats *stats, const char *client, bool refused);
    void (*totals)(struct stats *stats, struct stats_figures *out);
    void (*client)(struct stats *stats, const char *client, struct stats_figures *out);
};

static const char *const names[] = {
    "stats_new", "stats_free", "stats_begin", "stats_end", "stats_totals", "stats_client", NULL};

static struct stats_module module, counted, flawed;

static void nap_us(long us)
{
    nanosleep(&(struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000}, NULL);
}

/* ---- statistics under test ------------------------------------------------------------------------------
 */

static const struct stats_module *under_test;
static struct stats *stats;
static void (*on_append)(const char *line, size_t len); /* what the log does; NULL: nothing */
static _Thread_local int64_t in_append_ns;              /* wall minus CPU time of this thread's appends */

static void append(void *log, const char *line, size_t len)
{
    (void)log;
    int64_t cpu_ns = clock_thread_cpu_ns(), wall_ns = clock_monotonic_ns();
    if (on_append)
        on_append(line, len);
    wall_ns = clock_monotonic_ns() - wall_ns;
    in_append_ns += wall_ns - (clock_thread_cpu_ns() - cpu_ns);
}

static void open_stats(const struct stats_module *m, void (*log)(const char *line, size_t len))
{
    const struct stats_config config = {.append = append};
    on_append = log;
    under_test = m;
    module_enter("stats_new");
    stats = m->create(&config);
    module_leave();
    if (!stats)
        verdict(false, "statistics", "stats_new returned NULL");
}

static void close_stats(void)
{
    module_enter("stats_free");
    under_test->destroy(stats);
    module_leave();
}

static const char *name_of(int client, char name[STATS_CLIENT_MAX])
{
    snprintf(name, STATS_CLIENT_MAX, "client-%d", client);
    return name;
}

/* What the calling thread has waited inside calls that count requests, apart from the writing of its own
 * lines. */
static _Thread_local int64_t waited_ns;

static int64_t enter(const char *function)
{
    int64_t before_ns = module_waited_ns() - in_append_ns;
    module_enter(function);
    return before_ns;
}

static void leave(int64_t before_ns)
{
    module_leave();
    waited_ns += module_waited_ns() - in_append_ns - before_ns;
}

static void begin(int client)
{
    char name[STATS_CLIENT_MAX];
    name_of(client, name);
    int64_t before_ns = enter("stats_begin");
    under_test->begin(stats, name);
    leave(before_ns);
    memset(name, '?', sizeof name - 1); /* the name was only lent */
}

static void end(int client, bool refused)
{
    char name[STATS_CLIENT_MAX];
    name_of(client, name);
    int64_t before_ns = enter("stats_end");
    under_test->end(stats, name, refused);
    leave(before_ns);
    memset(name, '?', sizeof name - 1);
}

static struct stats_figures read_totals(void)
{
    struct stats_figures figures;
    module_enter("stats_totals");
    under_test->totals(stats, &figures);
    module_leave();
    return figures;
}

static struct stats_figures read_client(int client)
{
    char name[STATS_CLIENT_MAX];
    struct stats_figures figures;
    module_enter("stats_client");
    under_test->client(stats, name_of(client, name), &figures);
    module_leave();
    return figures;
}

/* ---- a line that is held in the log ---------------------------------------------------------------------
 */

static sem_t held, may_go;
static atomic_bool armed;

/* The first line stays until it may go, all others pass. */
static void hold_first(const char *line, size_t len)
{
    (void)line, (void)len;
    if (!atomic_exchange(&armed, false))
        return;
    sem_post(&held);
    while (sem_wait(&may_go) != 0)
        ;
}

static void arm(void)
{
    sem_init(&held, 0, 0);
    sem_init(&may_go, 0, 0);
    atomic_store(&armed, true);
}

enum { HELD_CLIENT = 1000000 };

static void *refuse_held(void *argument)
{
    (void)argument;
    begin(HELD_CLIENT);
    end(HELD_CLIENT, true);
    return NULL;
}

static void start(pthread_t *thread, void *(*run)(void *), void *argument)
{
    if (pthread_create(thread, NULL, run, argument) != 0)
        abort();
}

/* ---- append_outside_lock --------------------------------------------------------------------------------
 */

enum { VISITED = 200 };

static sem_t visitor_done;
static const char *volatile visitor_in; /* the call that the other thread is in */

static void *visit(void *argument)
{
    (void)argument;
    for (int client = 0; client < VISITED; client++) {
        visitor_in = "stats_begin of another client";
        begin(client);
        visitor_in = client % 4 ? "stats_end of another client" : "stats_end of another client, a refusal,";
        end(client, client % 4 == 0);
        visitor_in = "stats_client of another client";
        read_client(client);
    }
    visitor_in = "stats_client of that client";
    read_client(HELD_CLIENT);
    visitor_in = "stats_totals";
    read_totals();
    visitor_in = NULL;
    sem_post(&visitor_done);
    return NULL;
}

/* A line is held in the log, and another thread comes: whether that one gets through. Then let_go(). */
static pthread_t holder, visitor;

static bool visit_while_held(void)
{
    arm();
    sem_init(&visitor_done, 0, 0);
    start(&holder, refuse_held, NULL);
    if (!trial_wait(&held, RENDEZVOUS_S))
        verdict(false, "each refusal goes to the log", "a client was refused, and no line was written");
    start(&visitor, visit, NULL);
    return trial_wait(&visitor_done, RENDEZVOUS_S);
}

static void let_go(void)
{
    sem_post(&may_go);
    pthread_join(visitor, NULL);
    pthread_join(holder, NULL);
}

static void append_outside_lock(void)
{
    open_stats(&module, hold_first);
    bool through = visit_while_held();
    const char *stuck_in = visitor_in;
    let_go();
    close_stats();
    static const char allowed[] = "others get through while a line is written, however long that takes";
    if (!through)
        verdict(false, allowed,
            "while one client's line was being written, another thread's %s did not return within %d s",
            stuck_in ? stuck_in : "call", RENDEZVOUS_S);
    verdict(true, allowed,
        "while a line was being written, another thread got through for %d clients, with refusals and "
        "figures",
        VISITED);
}

/* ---- waiting_against_flawed -----------------------------------------------------------------------------
 */

enum {
    WAITING_THREADS = 6,
    WAITING_REQUESTS = 40, /* by each thread */
    WAITING_PAUSE_US = 3000,
    WAITING_REFUSED_ONE_IN = 12,
    WAITING_APPEND_US = 3000, /* one thread that writes all lines keeps up with them */
};

static void append_slowly(const char *line, size_t len)
{
    (void)line, (void)len;
    nap_us(WAITING_APPEND_US);
}

struct waiting_worker {
    pthread_t thread;
    int number;
    int64_t waited_ns;
};

static void *waiting_run(void *argument)
{
    struct waiting_worker *w = argument;
    uint32_t random = (uint32_t)w->number + 1;
    for (int i = 0; i < WAITING_REQUESTS; i++) {
        int client = w->number * 1000 + i % 20;
        nap_us(WAITING_PAUSE_US);
        begin(client);
        end(client, trial_random(&random) % WAITING_REFUSED_ONE_IN == 0);
    }
    w->waited_ns = waited_ns;
    return NULL;
}

/* How long callers waited for anything but their own lines. */
static double waiting_ms_in(const void *m)
{
    struct waiting_worker workers[WAITING_THREADS];
    int64_t together_ns = 0;
    open_stats(m, append_slowly);
    for (int i = 0; i < WAITING_THREADS; i++) {
        workers[i] = (struct waiting_worker){.number = i};
        start(&workers[i].thread, waiting_run, &workers[i]);
    }
    for (int i = 0; i < WAITING_THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        together_ns += workers[i].waited_ns;
    }
    close_stats();
    return (double)together_ns / 1e6;
}

static void waiting_against_flawed(void)
{
    struct trial_waiting w = trial_waiting(waiting_ms_in, &flawed, &module, WAITING_SHARE_MAX);
    char allowed[80];
    snprintf(allowed, sizeof allowed, "at most %.0f%% of the flawed one's waiting", 100 * WAITING_SHARE_MAX);
    verdict(w.share <= WAITING_SHARE_MAX, allowed,
        "%d threads waited %.1f ms a round, those on the flawed statistics %.1f ms: %.1f%% (second best of "
        "%d rounds)",
        WAITING_THREADS, w.mine_ms, w.flawed_ms, 100 * w.share, w.rounds);
}

/* ---- totals_exact ---------------------------------------------------------------------------------------
 */

enum {
    TOTALS_THREADS = 4,
    TOTALS_CLIENTS = 8,
    TOTALS_REQUESTS = 800
}; /* clients and requests: of each thread */

/* A thread has clients of its own: for one client, one call comes after the other. */
struct client_thread {
    pthread_t thread;
    int first_client;
    int refused_one_in;
    struct stats_figures expected[TOTALS_CLIENTS];
};

static void *request_run(void *argument)
{
    struct client_thread *t = argument;
    uint32_t random = (uint32_t)t->first_client + 17;
    for (int i = 0; i < TOTALS_REQUESTS; i++) {
        int which = (int)(trial_random(&random) % TOTALS_CLIENTS);
        bool refused = trial_random(&random) % (unsigned)t->refused_one_in == 0;
        begin(t->first_client + which);
        end(t->first_client + which, refused);
        t->expected[which].requests++;
        t->expected[which].refused += refused;
    }
    /* The last client asks once more, and is not answered yet. */
    begin(t->first_client + TOTALS_CLIENTS - 1);
    t->expected[TOTALS_CLIENTS - 1].requests++;
    t->expected[TOTALS_CLIENTS - 1].in_flight++;
    return NULL;
}

static void run_clients(struct client_thread threads[TOTALS_THREADS], int refused_one_in)
{
    for (int i = 0; i < TOTALS_THREADS; i++) {
        threads[i] =
            (struct client_thread){.first_client = i * TOTALS_CLIENTS, .refused_one_in = refused_one_in};
        start(&threads[i].thread, request_run, &threads[i]);
    }
    for (int i = 0; i < TOTALS_THREADS; i++)
        pthread_join(threads[i].thread, NULL);
}

static void expect_figures(
    const char *whose, const struct stats_figures *found, const struct stats_figures *expected)
{
    if (memcmp(found, expected, sizeof *found) != 0)
        verdict(false, "each request counts once, and so does each refusal",
            "after %d threads, %s: %" PRIu64 " requests, %" PRIu64 " refused, %" PRIu64
            " in flight; it were %" PRIu64 ", %" PRIu64 " and %" PRIu64,
            TOTALS_THREADS, whose, found->requests, found->refused, found->in_flight, expected->requests,
            expected->refused, expected->in_flight);
}

static void totals_exact(void)
{
    struct client_thread threads[TOTALS_THREADS];
    struct stats_figures all = {0}, found;
    int64_t before_bytes = counted_live_bytes();
    open_stats(&counted, NULL);
    counted_shuffle(true);
    run_clients(threads, 4);
    counted_shuffle(false);
    for (int i = 0; i < TOTALS_THREADS; i++)
        for (int j = 0; j < TOTALS_CLIENTS; j++) {
            const struct stats_figures *expected = &threads[i].expected[j];
            char name[STATS_CLIENT_MAX];
            found = read_client(threads[i].first_client + j);
            expect_figures(name_of(threads[i].first_client + j, name), &found, expected);
            all.requests += expected->requests;
            all.refused += expected->refused;
            all.in_flight += expected->in_flight;
        }
    found = read_totals();
    expect_figures("all clients", &found, &all);
    found = read_client(HELD_CLIENT);
    expect_figures("a client that never came", &found, &(struct stats_figures){0});
    close_stats();
    int64_t left_bytes = counted_live_bytes() - before_bytes;
    if (left_bytes != 0)
        verdict(false, "none: what is allocated is freed", "%ld bytes are left after stats_free",
            (long)left_bytes);
    verdict(true, "each counts once",
        "%" PRIu64
        " requests by %d threads, switched in mid-operation: all figures exact, of each client and in total",
        all.requests, TOTALS_THREADS);
}

/* ---- lines_complete_in_order ----------------------------------------------------------------------------
 */

/* The last client comes when all others are gone, and its lines take long: they are there when stats_free is
 * called. */
enum { LAST_CLIENT = TOTALS_THREADS * TOTALS_CLIENTS, LINES_CLIENTS, LAST_LINES = 3, LAST_LINE_US = 50000 };

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t lines_of[LINES_CLIENTS]; /* guarded by log_lock, as the rest */
static uint64_t lines_total;
static char torn_line[80], unordered_line[80];
static uint64_t expected_number;

static void keep_first(char kept[80], const char *line)
{
    if (!kept[0])
        snprintf(kept, 80, "%.*s", (int)strcspn(line, "\n"), line);
}

/* Some lines take longer than others, so that they overtake each other wherever they can. */
static void read_line(const char *line, size_t len)
{
    static atomic_uint calls;
    unsigned call = atomic_fetch_add(&calls, 1);
    if (call % 3 == 0)
        nap_us(call % 7 * 100);
    int client, used = 0;
    uint64_t number;
    char text[STATS_CLIENT_MAX + 40] = "";
    if (len < sizeof text)
        memcpy(text, line, len);
    if (sscanf(text, "client-%d", &client) == 1 && client == LAST_CLIENT)
        nap_us(LAST_LINE_US);
    pthread_mutex_lock(&log_lock);
    if (sscanf(text, "client-%d refused %" SCNu64 "%n", &client, &number, &used) != 2 ||
        strcmp(text + used, "\n") != 0 || client < 0 || client >= LINES_CLIENTS) {
        keep_first(torn_line, *text ? text : "(nothing)");
    } else {
        lines_total++;
        if (number != ++lines_of[client] && !unordered_line[0]) {
            expected_number = lines_of[client];
            keep_first(unordered_line, text);
        }
    }
    pthread_mutex_unlock(&log_lock);
}

static void lines_complete_in_order(void)
{
    struct client_thread threads[TOTALS_THREADS];
    uint64_t refused = LAST_LINES;
    open_stats(&module, read_line);
    run_clients(threads, 2);
    for (int i = 0; i < LAST_LINES; i++) {
        begin(LAST_CLIENT);
        end(LAST_CLIENT, true);
    }
    close_stats();
    if (torn_line[0])
        verdict(false, "\"CLIENT refused N\", as stats.h says", "a line of the log says \"%s\"", torn_line);
    for (int i = 0; i < TOTALS_THREADS; i++)
        for (int j = 0; j < TOTALS_CLIENTS; j++)
            refused += threads[i].expected[j].refused;
    if (lines_total != refused)
        verdict(false, "one line for each refusal, all there when stats_free returns",
            "%" PRIu64 " refusals, and %" PRIu64 " lines in the log", refused, lines_total);
    if (unordered_line[0])
        verdict(false, "the lines of one client are in the order of its refusals",
            "the log says \"%s\" where that client's number %" PRIu64 " should be", unordered_line,
            expected_number);
    verdict(true, "one line each, a client's in order",
        "%" PRIu64 " refusals of %d clients: as many lines, each client's in order", refused, LINES_CLIENTS);
}

/* ---- pending_lines_bounded ------------------------------------------------------------------------------
 */

enum { PENDING_TRIES = 20 * STATS_LINES_MAX, PENDING_STILL_MS = 400 };

static atomic_int accepted;
static pthread_mutex_t gate_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_opened = PTHREAD_COND_INITIALIZER;
static bool gate_open; /* guarded by gate_lock */

static void wait_at_gate(const char *line, size_t len)
{
    (void)line, (void)len;
    pthread_mutex_lock(&gate_lock);
    while (!gate_open)
        pthread_cond_wait(&gate_opened, &gate_lock);
    pthread_mutex_unlock(&gate_lock);
}

static void *refuse_many(void *argument)
{
    (void)argument;
    for (int i = 0; i < PENDING_TRIES; i++) {
        begin(i % 500);
        end(i % 500, true);
        atomic_fetch_add(&accepted, 1);
    }
    return NULL;
}

/* The log is shut: whoever keeps lines for later has to make callers wait some time. */
static void pending_lines_bounded(void)
{
    pthread_t refuser;
    int most = 0;
    open_stats(&module, wait_at_gate);
    start(&refuser, refuse_many, NULL);
    for (int still_ms = 0; still_ms < PENDING_STILL_MS && most < PENDING_TRIES; still_ms++) {
        int now = atomic_load(&accepted);
        if (now > most)
            still_ms = 0;
        most = now;
        nap_us(1000);
    }
    pthread_mutex_lock(&gate_lock);
    gate_open = true;
    pthread_cond_broadcast(&gate_opened);
    pthread_mutex_unlock(&gate_lock);
    pthread_join(refuser, NULL);
    close_stats();
    char allowed[80];
    snprintf(allowed, sizeof allowed, "at most %d, then callers wait", STATS_LINES_MAX);
    verdict(most <= STATS_LINES_MAX, allowed, "with a log that took no line, %d refusals were kept for later",
        most);
}

/* ---- sleeps_while_waiting -------------------------------------------------------------------------------
 */

static uint64_t blocks_meanwhile(void)
{
    nap_us(SLEEP_MS * 1000); /* for what there is still to do */
    uint64_t before = counted_work();
    nap_us(SLEEP_MS * 1000);
    return counted_work() - before;
}

/* With a line held, and somebody who has come meanwhile: who got through is done, who did not waits. */
static void sleeps_while_waiting(void)
{
    open_stats(&counted, hold_first);
    uint64_t idle = blocks_meanwhile();
    visit_while_held();
    uint64_t held_up = blocks_meanwhile();
    let_go();
    uint64_t rest = blocks_meanwhile();
    close_stats();
    uint64_t most = idle > held_up ? idle : held_up;
    most = rest > most ? rest : most;
    char allowed[80];
    snprintf(allowed, sizeof allowed, "at most %d: who waits sleeps", BLOCKS_WHILE_WAITING_MAX);
    verdict(most <= BLOCKS_WHILE_WAITING_MAX, allowed,
        "%" PRIu64 " basic blocks in %d ms without requests, %" PRIu64 " while a line was held, %" PRIu64
        " afterwards",
        idle, SLEEP_MS, held_up, rest);
}

/* ---------------------------------------------------------------------------------------------------------
 */

#define PROFILES "http://127.0.0.1:6060/debug/pprof/"

static const struct verdict_case cases[] = {
    {"append_outside_lock", append_outside_lock, "mutex, delay: who holds what others wait for",
        "./profiler/pprof -peek 'stats_|window_' -sample_index=delay " PROFILES "mutex"},
    {"waiting_against_flawed", waiting_against_flawed, "block: who waits, and for how long",
        "./profiler/pprof -peek 'stats_|window_' " PROFILES "block"},
    {"totals_exact", totals_exact, "none: a missing lock leaves no waiting; it leaves wrong figures",
        "read stats.c: which shared fields are touched without the lock?"},
    {"lines_complete_in_order", lines_complete_in_order, "none: the log is wrong, not slow",
        "read stats.c: what becomes of a line between the lock and the log?"},
    {"pending_lines_bounded", pending_lines_bounded, "heap, inuse_space: lines that nobody has written yet",
        "./profiler/pprof -top -inuse_space " PROFILES "heap"},
    {"sleeps_while_waiting", sleeps_while_waiting, "cpu: a thread that spins is all there is to see",
        "./profiler/pprof -top '" PROFILES "profile?seconds=5'"},
};

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: lesson4 TITLE FLAWED MODULE\n");
        return 2;
    }
    if (!module_load(&flawed, names, argv[2], ".so") || !module_load(&module, names, argv[3], ".so") ||
        !module_load(&counted, names, argv[3], ".counted.so"))
        return 2;
    return verdict_run(argv[1], cases, sizeof cases / sizeof *cases, WATCHDOG_S) > 0 ? 1 : 0;
}
