/*
 * Checks of lesson 3: what a repaired pool must do, measured in tasks, threads and basic blocks, never by the
 * clock. Any design passes that keeps the promises of demos/lesson3/pool.h; how it is written is not looked
 * at.
 *
 * A "request" is here what the server does for a page: a task that asks for parts, and then is finished.
 */
#include "counted.h"
#include "module.h"
#include "pool_limits.h"
#include "trial.h"
#include "verdict.h"

#include "common/limits.h"
#include "lesson3/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct pool_module {
    struct pool *(*create)(const struct pool_config *config);
    void (*destroy)(struct pool *pool);
    bool (*submit)(struct pool *pool, struct task task);
    bool (*all)(struct pool *pool, const struct task *tasks, size_t ntasks, struct task then);
};

static const char *const names[] = {"pool_new", "pool_free", "pool_submit", "pool_all", NULL};

static struct pool_module module, counted;

static void nap_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* ---- a pool under test ----------------------------------------------------------------------------------
 */

static const struct pool_module *under_test;
static struct pool *pool;
static atomic_int told_late, told_left, inside_all;

static void late(size_t left)
{
    atomic_store(&told_left, (int)left);
    atomic_fetch_add(&told_late, 1);
}

static void open_pool(const struct pool_module *m, size_t workers, long limit_ms)
{
    const struct pool_config config = {.workers = workers, .limit_ms = limit_ms, .late = late};
    under_test = m;
    atomic_store(&told_late, 0);
    module_enter("pool_new");
    pool = m->create(&config);
    module_leave();
    if (!pool)
        verdict(false, "a pool", "pool_new returned NULL for %zu workers", workers);
}

static void close_pool(void)
{
    module_enter("pool_free");
    under_test->destroy(pool);
    module_leave();
}

/* ---- requests -------------------------------------------------------------------------------------------
 */

enum { PARTS_MAX = 8, NEVER_LATE_MS = 60000 };

struct request;

struct part {
    struct request *request;
    atomic_int runs;
};

struct request {
    int nparts;
    void (*begin)(struct request *r); /* before it asks for the parts; may be NULL */
    void (*work)(struct part *part);  /* may be NULL */
    struct part parts[PARTS_MAX];
    atomic_int ended_parts, finished, parts_at_finish;
};

static atomic_int finished_requests;
static atomic_int steps; /* counts up whenever a task begins or is told that others are through */

static void run_part(void *argument)
{
    struct part *part = argument;
    atomic_fetch_add(&steps, 1);
    atomic_fetch_add(&part->runs, 1);
    if (part->request->work)
        part->request->work(part);
    atomic_fetch_add(&part->request->ended_parts, 1);
}

static void finish(void *argument)
{
    struct request *r = argument;
    atomic_fetch_add(&steps, 1);
    atomic_store(&r->parts_at_finish, atomic_load(&r->ended_parts));
    atomic_fetch_add(&r->finished, 1);
    atomic_fetch_add(&finished_requests, 1);
}

static void ask_for_parts(struct request *r)
{
    struct task tasks[PARTS_MAX];
    for (int i = 0; i < r->nparts; i++) {
        r->parts[i].request = r;
        tasks[i] = (struct task){run_part, &r->parts[i]};
    }
    atomic_fetch_add(&inside_all, 1);
    module_enter("pool_all");
    bool taken = under_test->all(pool, tasks, (size_t)r->nparts, (struct task){finish, r});
    module_leave();
    atomic_fetch_sub(&inside_all, 1);
    memset(tasks, 0, sizeof tasks); /* the pool has its copy */
    if (!taken)
        abort();
}

static void run_request(void *argument)
{
    struct request *r = argument;
    atomic_fetch_add(&steps, 1);
    if (r->begin)
        r->begin(r);
    ask_for_parts(r);
}

static struct request *requests_new(int n, int nparts)
{
    struct request *all = calloc((size_t)n, sizeof *all);
    if (!all)
        abort();
    for (int i = 0; i < n; i++)
        all[i].nparts = nparts;
    atomic_store(&finished_requests, 0);
    return all;
}

static void submit(struct request *r)
{
    module_enter("pool_submit");
    bool taken = under_test->submit(pool, (struct task){run_request, r});
    module_leave();
    if (!taken)
        verdict(false, "true, with memory to spare", "pool_submit returned false");
}

/* True when the figure reaches `goal`; false once nothing at all has got done for too long. On a busy machine
 * 160 requests may well all begin before one is finished. */
static bool reaches(atomic_int *figure, int goal)
{
    int last = -1;
    for (int still_ms = 0; still_ms < STANDSTILL_S * 1000; still_ms++) {
        int now = atomic_load(&steps) + atomic_load(figure);
        if (atomic_load(figure) >= goal)
            return true;
        if (now != last)
            still_ms = 0;
        last = now;
        nap_ms(1);
    }
    return false;
}

static void expect_finished(int n, const char *allowed)
{
    if (!reaches(&finished_requests, n))
        verdict(false, allowed,
            "%d of %d requests were finished, then nothing more; %d calls of pool_all are still waiting",
            atomic_load(&finished_requests), n, atomic_load(&inside_all));
}

/* One after the other. */
static void run_requests(struct request *all, int n)
{
    for (int i = 0; i < n; i++) {
        submit(&all[i]);
        if (!reaches(&all[i].finished, 1))
            verdict(false, "every request is finished", "request %d, alone in the pool, was never finished",
                i + 1);
    }
}

/* ---- nested_requests_finish -----------------------------------------------------------------------------
 */

enum { NESTED_TIMES = 20 };

static atomic_int begun, to_begin;

/* Until as many have begun as there are workers. */
static void begin_together(struct request *r)
{
    (void)r;
    atomic_fetch_add(&begun, 1);
    reaches(&begun, atomic_load(&to_begin));
}

static void nested_at(int workers)
{
    int n = NESTED_TIMES * workers;
    struct request *all = requests_new(n, 3);
    open_pool(&module, (size_t)workers, NEVER_LATE_MS);
    atomic_store(&begun, 0);
    atomic_store(&to_begin, workers);
    for (int i = 0; i < n; i++) {
        all[i].begin = begin_together;
        submit(&all[i]);
    }
    char allowed[120];
    snprintf(allowed, sizeof allowed,
        "all %d, with %d workers: who waits for a task leaves its worker to others", n, workers);
    expect_finished(n, allowed);
    close_pool();
    free(all);
}

/* A part that is a request itself, down to a depth. */
struct branch {
    int depth;
};

static atomic_int leaves, joints;

static void end_joint(void *argument)
{
    free(argument);
    atomic_fetch_add(&steps, 1);
    atomic_fetch_add(&joints, 1);
}

static void run_branch(void *argument)
{
    struct branch *branch = argument;
    atomic_fetch_add(&steps, 1);
    if (branch->depth == 0) {
        free(branch);
        atomic_fetch_add(&leaves, 1);
        return;
    }
    struct task tasks[2];
    for (int i = 0; i < 2; i++) {
        struct branch *next = malloc(sizeof *next);
        if (!next)
            abort();
        next->depth = branch->depth - 1;
        tasks[i] = (struct task){run_branch, next};
    }
    module_enter("pool_all");
    if (!under_test->all(pool, tasks, 2, (struct task){end_joint, branch}))
        abort();
    module_leave();
}

static void nested_deep(int workers)
{
    enum { DEPTH = 6, LEAVES = 1 << DEPTH };
    struct branch *trunk = malloc(sizeof *trunk);
    if (!trunk)
        abort();
    trunk->depth = DEPTH;
    atomic_store(&leaves, 0);
    atomic_store(&joints, 0);
    open_pool(&module, (size_t)workers, NEVER_LATE_MS);
    under_test->submit(pool, (struct task){run_branch, trunk});
    if (!reaches(&joints, LEAVES - 1))
        verdict(false, "tasks may ask for tasks that ask for tasks",
            "with %d workers and tasks that ask for tasks, %d deep, %d of %d were finished", workers, DEPTH,
            atomic_load(&joints), LEAVES - 1);
    close_pool();
}

static void nested_requests_finish(void)
{
    nested_at(4); /* first, as its figures are the ones to read */
    nested_at(1);
    nested_at(8);
    nested_deep(3);
    nested_deep(1);
    verdict(true, "every request is finished, however many come at once",
        "%d requests finished with 4 workers, all of which were taken at once, %d with 8, %d with 1",
        4 * NESTED_TIMES, 8 * NESTED_TIMES, NESTED_TIMES);
}

/* ---- threads_at_rest ------------------------------------------------------------------------------------
 */

static int threads_before;

static int threads_of_pool(void)
{
    return (int)limits_threads_now() - threads_before;
}

/* What is left once it has had time to end. */
static int threads_settle(int most)
{
    int n = threads_of_pool();
    for (int tries = 0; tries < STANDSTILL_S * 1000 && n > most; tries++) {
        nap_ms(1);
        n = threads_of_pool();
    }
    return n;
}

static void threads_at_rest(void)
{
    enum { WORKERS = 4, FEW = 8, MANY = 64, MOST = WORKERS + POOL_SPARE_THREADS };
    struct request *all = requests_new(FEW + MANY, 3);
    threads_before = (int)limits_threads_now();
    open_pool(&module, WORKERS, NEVER_LATE_MS);
    int at_start = threads_of_pool();
    run_requests(all, FEW);
    int after_few = threads_of_pool();
    run_requests(all + FEW, MANY);
    int after_many = threads_settle(MOST);
    char allowed[120];
    snprintf(allowed, sizeof allowed, "%d, for %d workers, however many requests there were", MOST, WORKERS);
    if (after_many > MOST)
        verdict(false, allowed, "%d threads at the start, %d at rest after %d requests, %d after %d",
            at_start, after_few, FEW, after_many, FEW + MANY);
    free(all);

    /* And many at once, for which a pool may well have grown. */
    all = requests_new(MANY, 3);
    for (int i = 0; i < MANY; i++)
        submit(&all[i]);
    expect_finished(MANY, "every request is finished");
    int after_rush = threads_settle(MOST);
    if (after_rush > MOST)
        verdict(false, allowed, "%d threads at rest after %d requests at once", after_rush, MANY);
    close_pool();
    free(all);
    int left = threads_settle(0);
    verdict(left == 0, left == 0 ? allowed : "none: pool_free ends them all",
        left == 0 ? "%d threads at the start, %d at rest after %d requests, %d after %d"
                  : "after pool_free there are %d threads left",
        left == 0 ? at_start : left, after_few, FEW, after_many, FEW + MANY);
}

/* ---- tasks at the same time -----------------------------------------------------------------------------
 */

static atomic_int running, most_running, to_meet;

/* Counts this task among those that run, until leave_running. */
static void enter_running(void)
{
    int now = atomic_fetch_add(&running, 1) + 1, most = atomic_load(&most_running);
    while (now > most && !atomic_compare_exchange_weak(&most_running, &most, now))
        ;
}

static void leave_running(void)
{
    atomic_fetch_sub(&running, 1);
}

/* Stays until as many parts as are to meet have been here at the same time, or nobody comes any more. */
static void meet(struct part *part)
{
    (void)part;
    enter_running();
    reaches(&most_running, atomic_load(&to_meet));
    leave_running();
}

static void parts_run_together(void)
{
    enum { WORKERS = 5, PARTS = WORKERS - 1 };
    struct request *r = requests_new(1, PARTS);
    open_pool(&module, WORKERS, NEVER_LATE_MS);
    r->work = meet;
    atomic_store(&to_meet, PARTS);
    submit(r);
    reaches(&most_running, PARTS);
    int together = atomic_load(&most_running);
    verdict(together == PARTS, "all, while there are workers: the page takes as long as its slowest part",
        "%d of a request's %d parts ran at the same time, with %d workers", together, PARTS, WORKERS);
    expect_finished(1, "every request is finished");
    close_pool();
    free(r);
}

static void work_a_moment(struct part *part)
{
    (void)part;
    enter_running();
    nap_ms(1);
    leave_running();
}

/* No more requests at a time than leave a worker for the parts, so that this is about their number alone. */
static void at_most_workers_run(void)
{
    enum { WORKERS = 3, ROUNDS = 20, AT_ONCE = WORKERS - 1, PARTS = 6 };
    struct request *all = requests_new(ROUNDS * AT_ONCE, PARTS);
    open_pool(&module, WORKERS, NEVER_LATE_MS);
    for (int i = 0; i < ROUNDS * AT_ONCE; i++) {
        all[i].work = work_a_moment;
        submit(&all[i]);
        if (i % AT_ONCE == AT_ONCE - 1)
            expect_finished(i + 1, "every request is finished");
    }
    close_pool();
    free(all);
    int most = atomic_load(&most_running);
    verdict(most <= WORKERS, "at most as many tasks at the same time as there are workers",
        "%d tasks ran at the same time at most, with %d workers", most, WORKERS);
}

/* ---- each_part_once_then_finish -------------------------------------------------------------------------
 */

enum { ONCE_FEEDERS = 3, ONCE_REQUESTS = 150, ONCE_PARTS = 5 };

static void expect_complete(const struct request *r)
{
    for (int i = 0; i < r->nparts; i++)
        if (atomic_load(&r->parts[i].runs) != 1)
            verdict(false, "each exactly once", "part %d of a request ran %d times", i + 1,
                atomic_load(&r->parts[i].runs));
    if (atomic_load(&r->finished) != 1)
        verdict(false, "exactly once", "a request was finished %d times", atomic_load(&r->finished));
    if (atomic_load(&r->parts_at_finish) != r->nparts)
        verdict(false, "all of them: only then is there something to finish",
            "a request was finished when %d of its %d parts had ended", atomic_load(&r->parts_at_finish),
            r->nparts);
}

/* Each feeder has one request at a time in the pool, so that there is always a worker left for the parts. */
static void *feed(void *argument)
{
    struct request *all = argument;
    for (int i = 0; i < ONCE_REQUESTS; i++) {
        submit(&all[i]);
        reaches(&all[i].finished, 1);
    }
    return NULL;
}

static void work_long(struct part *part)
{
    (void)part;
    nap_ms(SLEEP_MS);
}

static void each_part_once_then_finish(void)
{
    pthread_t feeders[ONCE_FEEDERS];
    struct request *all = requests_new(ONCE_FEEDERS * ONCE_REQUESTS, ONCE_PARTS);
    open_pool(&counted, ONCE_FEEDERS + 1, NEVER_LATE_MS);
    counted_shuffle(true);
    for (int i = 0; i < ONCE_FEEDERS; i++)
        if (pthread_create(&feeders[i], NULL, feed, all + i * ONCE_REQUESTS) != 0)
            abort();
    for (int i = 0; i < ONCE_FEEDERS; i++)
        pthread_join(feeders[i], NULL);
    counted_shuffle(false);
    for (int i = 0; i < ONCE_FEEDERS * ONCE_REQUESTS; i++)
        expect_complete(&all[i]);

    /* And one whose parts take their time. */
    struct request *slow = requests_new(1, 2);
    slow->work = work_long;
    submit(slow);
    expect_finished(1, "every request is finished");
    expect_complete(slow);
    close_pool();
    free(slow);
    free(all);
    verdict(true, "each part once, and then, once, what comes afterwards",
        "%d requests of %d parts, switched in mid-operation: each part ran once, each request was finished "
        "once, after its parts",
        ONCE_FEEDERS * ONCE_REQUESTS, ONCE_PARTS);
}

/* ---- late_is_told_once ----------------------------------------------------------------------------------
 */

static atomic_int held, may_go;

/* Of a request's parts, one stays. */
static void hold_one(struct part *part)
{
    if (part != &part->request->parts[part->request->nparts - 1])
        return;
    atomic_store(&held, 1);
    while (!atomic_load(&may_go))
        nap_ms(1);
}

static void hold_a_request(struct request *r)
{
    atomic_store(&held, 0);
    atomic_store(&may_go, 0);
    r->work = hold_one;
    submit(r);
    reaches(&r->ended_parts, r->nparts - 1);
}

static void late_is_told_once(void)
{
    enum { WORKERS = 4, PROMPT = 20 };
    struct request *prompt = requests_new(PROMPT, 3);
    open_pool(&module, WORKERS, NEVER_LATE_MS);
    run_requests(prompt, PROMPT);
    close_pool();
    int told_of_prompt = atomic_load(&told_late);
    free(prompt);
    if (told_of_prompt > 0)
        verdict(false, "none", "of %d requests that were in time, %d were said to be late", PROMPT,
            told_of_prompt);

    struct request *r = requests_new(1, 3);
    open_pool(&module, WORKERS, SLEEP_MS);
    hold_a_request(r);
    bool told = reaches(&told_late, 1);
    nap_ms(2 * SLEEP_MS);
    int times = atomic_load(&told_late), left = atomic_load(&told_left);
    bool early = atomic_load(&r->finished) > 0;
    atomic_store(&may_go, 1);
    expect_finished(1, "every request is finished, late or not");
    close_pool();
    free(r);
    if (!told)
        verdict(false, "late() is told when the time is up",
            "a request took %d ms longer than it may, and nobody was told", STANDSTILL_S * 1000);
    if (early)
        verdict(false, "it is finished when its last part has ended",
            "a late request was finished without its last part");
    verdict(times == 1 && left == 1, "once, and of one part",
        "late() was told %d time(s) of a request of which one part was held, and of %d part(s) left", times,
        left);
}

/* ---- sleeps_while_waiting -------------------------------------------------------------------------------
 */

static uint64_t blocks_meanwhile(void)
{
    nap_ms(SLEEP_MS); /* for what there is still to do */
    uint64_t before = counted_work();
    nap_ms(SLEEP_MS);
    return counted_work() - before;
}

static void sleeps_while_waiting(void)
{
    enum { WORKERS = 3 };
    struct request *r = requests_new(1, 3);
    open_pool(&counted, WORKERS, NEVER_LATE_MS);
    uint64_t idle = blocks_meanwhile();
    hold_a_request(r);
    uint64_t held_up = blocks_meanwhile();
    atomic_store(&may_go, 1);
    expect_finished(1, "every request is finished");
    uint64_t rest = blocks_meanwhile();
    close_pool();
    free(r);
    uint64_t most = idle > held_up ? idle : held_up;
    most = rest > most ? rest : most;
    char allowed[120];
    snprintf(allowed, sizeof allowed, "at most %d: who waits sleeps", BLOCKS_WHILE_WAITING_MAX);
    verdict(most <= BLOCKS_WHILE_WAITING_MAX, allowed,
        "%lu basic blocks in %d ms without requests, %lu while a part was held, %lu afterwards",
        (unsigned long)idle, SLEEP_MS, (unsigned long)held_up, (unsigned long)rest);
}

/* ---------------------------------------------------------------------------------------------------------
 */

#define PROFILES "http://127.0.0.1:6060/debug/pprof/"

static const struct verdict_case cases[] = {
    {"nested_requests_finish", nested_requests_finish, "threads: every worker inside pool_all, waiting",
        "./profiler/pprof -peek 'pool_all$' " PROFILES "threads"},
    {"threads_at_rest", threads_at_rest, "threads: hundreds with one and the same stack",
        "./profiler/pprof -traces " PROFILES "threads"},
    {"parts_run_together", parts_run_together, "wall: how long a request stands in each part",
        "./profiler/pprof -top -cum '" PROFILES "wall?seconds=5'"},
    {"at_most_workers_run", at_most_workers_run, "threads: how many stand in page_part",
        "./profiler/pprof -peek page_part " PROFILES "threads"},
    {"each_part_once_then_finish", each_part_once_then_finish,
        "none: a missing lock leaves no waiting; it leaves wrong answers",
        "read pool.c: which shared fields are touched without the lock?"},
    {"late_is_told_once", late_is_told_once, "none: the figure \"late\" in /stats",
        "GET http://127.0.0.1:8080/stats"},
    {"sleeps_while_waiting", sleeps_while_waiting, "cpu: a thread that spins is all there is to see",
        "./profiler/pprof -top '" PROFILES "profile?seconds=5'"},
};

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: lesson3 TITLE FLAWED MODULE\n");
        return 2;
    }
    if (!module_load(&module, names, argv[3], ".so") || !module_load(&counted, names, argv[3], ".counted.so"))
        return 2;
    return verdict_run(argv[1], cases, sizeof cases / sizeof *cases, WATCHDOG_S) > 0 ? 1 : 0;
}
