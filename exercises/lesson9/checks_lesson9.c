/*
 * Checks of lesson 9: all that a right module of any case does, in counts and by rendezvous, with a check for
 * each of the flaws there are. They know nothing of a case's names, and how a module is written is not looked
 * at.
 *
 *   lesson9 TITLE FLAWED MODULE
 */
#include "counted.h"
#include "incident_limits.h"
#include "incident_rig.h"
#include "module.h"
#include "trial.h"
#include "verdict.h"

#include "common/limits.h"

#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static struct incident_module module, counted, flawed;
static const char SHORT[] = "two words";

static void start(pthread_t *thread, void *(*run)(void *), void *argument)
{
    if (pthread_create(thread, NULL, run, argument) != 0)
        abort();
}

/* ---- same_answers ---- */

enum { ANSWERS = 60 };

static void list_answers(const struct incident_module *m, char *answers[ANSWERS])
{
    char client[32];
    rig_open(m, 2);
    for (int i = 0; i < ANSWERS; i++) {
        size_t n = (size_t)i * 13, different = 1 + (size_t)i * 5;
        char *text =
            i == 1 ? strdup("  a  aa a aa  a ") : rig_text(n, different < n ? different : n + 1, (uint32_t)i);
        if (i % 7 == 0)
            rig_refresh((uint32_t)i);
        snprintf(client, sizeof client, "c%d", i % 9);
        answers[i] = rig_handle(client, text);
        free(text);
    }
    rig_close();
}

static void same_answers(void)
{
    char *expected[ANSWERS], *answers[ANSWERS];
    list_answers(&flawed, expected);
    list_answers(&module, answers);
    for (int i = 0; i < ANSWERS; i++) {
        if (strcmp(answers[i], expected[i]) != 0)
            verdict(false, "what the original answers", "the %d. of %d answers differs: \"%.40s...\"", i + 1,
                ANSWERS, answers[i]);
        free(answers[i]);
        free(expected[i]);
    }
    verdict(true, "what the original answers", "%d texts, %d answers like the original's", ANSWERS, ANSWERS);
}

/* ---- totals_under_threads ---- */

enum { THREADS = 4, JOBS = 40, WORDS = 6 };

struct client_thread {
    pthread_t thread;
    int which;
    const char *text;
    uint64_t score;
    unsigned long numbers[JOBS];
};

static void *be_client(void *argument)
{
    struct client_thread *t = argument;
    char client[32];
    for (int i = 0; i < JOBS; i++) {
        snprintf(client, sizeof client, "c%d", (t->which + i) % 3);
        char *answer = rig_handle(client, t->text);
        if (sscanf(answer, "%*s %lu", &t->numbers[i]) != 1)
            t->numbers[i] = 0;
        t->score += rig_score(client, t->text);
        free(answer);
        if (i % 8 == 0)
            rig_refresh((uint32_t)i);
    }
    return NULL;
}

static int by_size(const void *a, const void *b)
{
    unsigned long x = *(const unsigned long *)a, y = *(const unsigned long *)b;
    return (x > y) - (x < y);
}

static void expect_numbers(const struct client_thread *threads)
{
    unsigned long all[THREADS * JOBS];
    for (int i = 0; i < THREADS; i++)
        memcpy(all + i * JOBS, threads[i].numbers, sizeof threads[i].numbers);
    qsort(all, THREADS * JOBS, sizeof *all, by_size);
    for (int i = 0; i < THREADS * JOBS; i++)
        if (all[i] != (unsigned long)i + 1)
            verdict(false, "each number once, from 1 on", "of %d jobs' numbers, the %d. by size is %lu",
                THREADS * JOBS, i + 1, all[i]);
}

static void totals_under_threads(void)
{
    struct client_thread threads[THREADS] = {0};
    char *text = rig_text(WORDS, WORDS / 2, 1);
    uint64_t score = 0, jobs = THREADS * JOBS;
    rig_open(&counted, 3);
    counted_shuffle(true);
    for (int i = 0; i < THREADS; i++) {
        threads[i].which = i;
        threads[i].text = text;
        start(&threads[i].thread, be_client, &threads[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i].thread, NULL);
        score += threads[i].score;
    }
    counted_shuffle(false);
    struct incident_figures f = rig_stats();
    for (int tries = 0; tries < 1000 * RENDEZVOUS_S && f.told < jobs; tries++) {
        rig_nap_ms(1);
        f = rig_stats();
    }
    rig_close();
    free(text);
    uint64_t archived = atomic_load(&rig_archived);
    expect_numbers(threads);
    verdict(f.jobs == jobs && f.score == score && f.words == jobs * WORDS && f.told == jobs &&
                archived + f.given_up == jobs,
        "of each job all, exactly, and its line archived or counted as given up",
        "%" PRIu64 " jobs of %d threads: %" PRIu64 " examined, %" PRIu64 " of %" PRIu64
        " words, score %" PRIu64 " of %" PRIu64 ", %" PRIu64 " told, %" PRIu64 " lines archived and %" PRIu64
        " given up",
        jobs, THREADS, f.jobs, f.words, jobs * WORDS, f.score, score, f.told, archived, f.given_up);
}

/* ---- work_with_size ---- */

static uint64_t work_for(size_t words)
{
    char *text = rig_text(words, words, 3);
    rig_open(&counted, 2);
    uint64_t before = counted_thread_work();
    rig_job(1, text);
    uint64_t work = counted_thread_work() - before;
    rig_close();
    free(text);
    return work;
}

static void work_with_size(void)
{
    enum { FEW = 400 };
    uint64_t few = work_for(FEW), many = work_for(8 * FEW);
    double growth = (double)many / (double)(few > 5 * FEW ? few : 5 * FEW);
    char allowed[80];
    snprintf(allowed, sizeof allowed, "at most %d times as many for 8 times the words", WORK_GROWTH_MAX);
    verdict(growth <= WORK_GROWTH_MAX, allowed,
        "%" PRIu64 " basic blocks for a text of %d words, %" PRIu64 " for one of %d: %.1f times", few, FEW,
        many, 8 * FEW, growth);
}

/* ---- memory_flat and memory_turned_over ---- */

/* What is still pending goes away by itself. */
static int64_t live_bytes_fall_to(int64_t most)
{
    for (int tries = 0; tries < 1000 * RENDEZVOUS_S && counted_live_bytes() > most; tries++)
        rig_nap_ms(1);
    return counted_live_bytes();
}

static void memory_flat(void)
{
    enum { CYCLE = 400 };
    int64_t before = counted_live_bytes(), answers = 0; /* allocated there, and freed here */
    rig_open(&counted, 2);
    int64_t empty = counted_live_bytes();
    for (int i = 0; i < CYCLE; i++) {
        char client[32];
        snprintf(client, sizeof client, "c%d", i);
        char *answer = rig_handle(client, SHORT);
        answers += (int64_t)malloc_usable_size(answer);
        free(answer);
    }
    int64_t grown = live_bytes_fall_to(empty + answers + GROWN_BYTES_MAX) - empty - answers;
    rig_close();
    int64_t left = counted_live_bytes() - before - answers;
    char allowed[80];
    snprintf(allowed, sizeof allowed, "at most %d kB, and none once it is freed", GROWN_BYTES_MAX / 1024);
    verdict(grown <= GROWN_BYTES_MAX && left <= 0, allowed,
        "%" PRId64 " kB are alive more after %d jobs, and %" PRId64 " bytes once it is freed", grown / 1024,
        CYCLE, left);
}

static void memory_turned_over(void)
{
    enum { MANY = 50, LINES = 40 };
    char *text = rig_text(LINES, LINES, 5);
    rig_open(&counted, 2);
    uint64_t before = counted_allocated_bytes();
    for (int i = 0; i < MANY; i++)
        rig_job(i, text);
    uint64_t each = (counted_allocated_bytes() - before) / MANY;
    rig_close();
    free(text);
    char allowed[80];
    snprintf(allowed, sizeof allowed, "at most %d kB", ALLOCATED_A_JOB_MAX / 1024);
    verdict(each <= ALLOCATED_A_JOB_MAX, allowed,
        "%" PRIu64 " kB allocated for each job with %d words, all in all", each / 1024, LINES);
}

/* ---- threads_at_rest ---- */

static void threads_at_rest(void)
{
    enum { MANY = 200 };
    rig_open(&module, 2);
    int restless = rig_restless();
    rig_job(0, SHORT);
    rig_rest(restless);
    long before = limits_threads_now();
    for (int i = 0; i < MANY; i++) {
        rig_job(i, SHORT);
        rig_rest(restless);
    }
    long more = limits_threads_now() - before;
    rig_close();
    char allowed[80];
    snprintf(allowed, sizeof allowed, "at most %d", THREADS_MORE_MAX);
    verdict(
        more <= THREADS_MORE_MAX, allowed, "%ld threads are there more, at rest, after %d jobs", more, MANY);
}

/* ---- others_while_examining and others_while_confirming ---- */

static sem_t held, may_go, through;
static atomic_int holders;

static void hold_first(void)
{
    if (atomic_fetch_add(&holders, 1) > 0)
        return;
    sem_post(&held);
    while (sem_wait(&may_go) != 0)
        ;
}

static void hold_examine(const char *client)
{
    (void)client;
    hold_first();
}

static void hold_confirm(uint64_t number)
{
    (void)number;
    hold_first();
}

enum { UNTIL_CONFIRMED = 64, VISITS = 12 };

static void *do_jobs(void *argument)
{
    for (int i = 0; i < UNTIL_CONFIRMED && atomic_load(&holders) == 0; i++)
        rig_job(i, argument);
    return NULL;
}

static void *visit(void *argument)
{
    for (int i = 0; i < VISITS; i++)
        rig_job(100 + i, argument);
    sem_post(&through);
    return NULL;
}

static void others_while(const char *what)
{
    pthread_t holder, visitor;
    char text[] = "some words", allowed[100];
    start(&holder, do_jobs, text);
    snprintf(
        allowed, sizeof allowed, "others get through while one job is %s, however long that takes", what);
    if (!trial_wait(&held, RENDEZVOUS_S))
        verdict(false, "each job is examined, and some are confirmed", "of %d jobs, none was %s",
            UNTIL_CONFIRMED, what);
    start(&visitor, visit, text);
    bool got_through = trial_wait(&through, RENDEZVOUS_S);
    sem_post(&may_go);
    pthread_join(visitor, NULL);
    pthread_join(holder, NULL);
    rig_close();
    if (!got_through)
        verdict(false, allowed, "while one job was %s, %d others were not done within %d s", what, VISITS,
            RENDEZVOUS_S);
    verdict(true, allowed, "%d other jobs were done while one was %s", VISITS, what);
}

static void get_ready(void)
{
    rig_open(&module, 4);
    sem_init(&held, 0, 0);
    sem_init(&may_go, 0, 0);
    sem_init(&through, 0, 0);
    atomic_store(&holders, 0);
}

static void others_while_examining(void)
{
    get_ready();
    rig_hooks.examine = hold_examine;
    others_while("being examined");
}

static void others_while_confirming(void)
{
    get_ready();
    rig_hooks.confirm = hold_confirm;
    others_while("being confirmed");
}

/* ---- refresh_gets_through ---- */

static sem_t inside[READERS_IN_A_CHAIN + 1], may_leave[READERS_IN_A_CHAIN + 1];

static void stay_inside(const char *client)
{
    int which = atoi(client + 1);
    sem_post(&inside[which]);
    while (sem_wait(&may_leave[which]) != 0)
        ;
}

static void *read_rate(void *argument)
{
    rig_job((int)(intptr_t)argument, SHORT);
    return NULL;
}

static void *write_rate(void *unused)
{
    rig_refresh(9);
    sem_post(&through);
    return unused;
}

/* Each reader comes before the last one goes, unless readers are held back while one waits to write: which is
 * as good. How many had come and gone when the writer was through; or all. */
static int readers_before_the_writer(void)
{
    enum { A_MOMENT_S = 1 };
    pthread_t readers[READERS_IN_A_CHAIN + 1], writer;
    bool wrote = false;
    int gone = 0, came = 1;
    start(&readers[0], read_rate, (void *)0);
    trial_wait(&inside[0], RENDEZVOUS_S);
    start(&writer, write_rate, NULL);
    rig_nap_ms(20); /* until it waits, or is through */
    while (!wrote && gone < READERS_IN_A_CHAIN) {
        start(&readers[came], read_rate, (void *)(intptr_t)came);
        trial_wait(&inside[came], A_MOMENT_S);
        came++;
        sem_post(&may_leave[gone]);
        pthread_join(readers[gone++], NULL);
        for (int tries = 0; tries < 30 && !wrote; tries++) {
            wrote = sem_trywait(&through) == 0;
            if (!wrote)
                rig_nap_ms(1);
        }
    }
    int before = wrote ? gone : READERS_IN_A_CHAIN + 1;
    for (; gone < came; gone++) {
        sem_post(&may_leave[gone]);
        pthread_join(readers[gone], NULL);
    }
    pthread_join(writer, NULL);
    return before;
}

static void refresh_gets_through(void)
{
    get_ready();
    for (int i = 0; i <= READERS_IN_A_CHAIN; i++) {
        sem_init(&inside[i], 0, 0);
        sem_init(&may_leave[i], 0, 0);
    }
    rig_hooks.quote = stay_inside;
    int before = readers_before_the_writer();
    rig_close();
    static const char allowed[] = "it gets through, however many jobs come one after the other";
    if (before > READERS_IN_A_CHAIN)
        verdict(false, allowed,
            "incident_refresh was not through when %d jobs had been quoted that came later",
            READERS_IN_A_CHAIN - 1);
    verdict(
        true, allowed, "incident_refresh was through when at most %d of the jobs had been quoted", before);
}

/* ---- pending_bounded ---- */

enum { CROWD = 20 * INCIDENT_PENDING_MAX, STILL_MS = 400 };

static atomic_int accepted, kept;
static int accepted_when_shut;
static pthread_mutex_t gate_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_opened = PTHREAD_COND_INITIALIZER;
static bool gate_open; /* guarded by gate_lock */

static void wait_at_gate(const char *line)
{
    pthread_mutex_lock(&gate_lock);
    while (!gate_open)
        pthread_cond_wait(&gate_opened, &gate_lock);
    pthread_mutex_unlock(&gate_lock);
    if (atoi(line + 1) < accepted_when_shut)
        atomic_fetch_add(&kept, 1);
}

static void *come_all(void *unused)
{
    for (int i = 0; i < CROWD; i++) {
        rig_job(i, SHORT);
        atomic_fetch_add(&accepted, 1);
    }
    return unused;
}

static void pending_bounded(void)
{
    pthread_t crowd;
    rig_open(&module, 2);
    rig_hooks.archive = wait_at_gate;
    start(&crowd, come_all, NULL);
    int most = 0;
    for (int still_ms = 0; still_ms < STILL_MS && most < CROWD; still_ms++, rig_nap_ms(1)) {
        int now = atomic_load(&accepted);
        if (now > most)
            still_ms = 0;
        most = now;
    }
    pthread_mutex_lock(&gate_lock);
    accepted_when_shut = most;
    gate_open = true;
    pthread_cond_broadcast(&gate_opened);
    pthread_mutex_unlock(&gate_lock);
    pthread_join(crowd, NULL);
    rig_close();
    char allowed[100];
    snprintf(
        allowed, sizeof allowed, "about %d: then lines are given up, or jobs wait", INCIDENT_PENDING_MAX);
    verdict(atomic_load(&kept) <= KEPT_LINES_MAX, allowed,
        "with an archive that took nothing, the lines of %d of %d jobs were kept", atomic_load(&kept), most);
}

/* ---- idle_when_idle ---- */

static uint64_t blocks_meanwhile(void)
{
    rig_nap_ms(SLEEP_MS); /* for what there is still to do */
    uint64_t before = counted_work();
    rig_nap_ms(SLEEP_MS);
    return counted_work() - before;
}

static void idle_when_idle(void)
{
    rig_open(&counted, 4);
    uint64_t at_first = blocks_meanwhile();
    for (int i = 0; i < 20; i++)
        rig_job(i, SHORT);
    uint64_t afterwards = blocks_meanwhile(), most = at_first > afterwards ? at_first : afterwards;
    int restless = rig_restless();
    rig_close();
    char allowed[100];
    snprintf(allowed, sizeof allowed, "at most %d, and no thread that never sleeps", IDLE_BLOCKS_MAX);
    verdict(most <= IDLE_BLOCKS_MAX && restless == 0, allowed,
        "%" PRIu64 " basic blocks in %d ms before the first job, %" PRIu64
        " after the last; %d threads that never sleep",
        at_first, SLEEP_MS, afterwards, restless);
}

/* ---- wakeups_per_job ---- */

static long sleeps_of(int who)
{
    struct rusage usage;
    getrusage(who, &usage);
    return usage.ru_nvcsw;
}

/* How often the other threads have gone to sleep, for a job. */
static double sleeps_a_job(size_t workers)
{
    enum { MANY = 12 };
    rig_open(&module, workers);
    int restless = rig_restless();
    rig_job(0, SHORT);
    rig_rest(restless);
    long before = sleeps_of(RUSAGE_SELF) - sleeps_of(RUSAGE_THREAD);
    for (int i = 0; i < MANY; i++) {
        rig_job(i, SHORT);
        rig_rest(restless);
    }
    long sleeps = sleeps_of(RUSAGE_SELF) - sleeps_of(RUSAGE_THREAD) - before;
    rig_close();
    return (double)sleeps / MANY;
}

static void wakeups_per_job(void)
{
    enum { FEW = 4, MANY = 84 };
    double few = sleeps_a_job(FEW), many = sleeps_a_job(MANY), each = (many - few) / (MANY - FEW);
    char allowed[80];
    snprintf(allowed, sizeof allowed, "at most %.1f for each thread more: one is woken for what one can do",
        WAKEUPS_MAX);
    verdict(each <= WAKEUPS_MAX, allowed,
        "for a job, threads go to sleep again %.1f times with %d that stand by, %.1f times with %d: %.2f for "
        "each more",
        few, FEW, many, MANY, each);
}

/* ---- all of them ---- */

#define PROFILES "http://127.0.0.1:6060/debug/pprof/"
#define OURS "./profiler/pprof -top -show=incident.c "

static const struct verdict_case cases[] = {
    {"same_answers", same_answers, "none: a wrong answer can be quick",
        "./.build/fetch http://127.0.0.1:8080/job/KEY, from ./demos/mystery and from yours"},
    {"totals_under_threads", totals_under_threads,
        "none: a missing lock leaves no waiting; it leaves wrong figures",
        "read incident.c: which shared fields are touched without the lock?"},
    {"work_with_size", work_with_size, "cpu: your own functions", OURS "'" PROFILES "profile?seconds=5'"},
    {"memory_flat", memory_flat, "heap, inuse_space: it grows from one look to the next",
        OURS "-inuse_space " PROFILES "heap"},
    {"memory_turned_over", memory_turned_over, "heap, alloc_space", OURS "-alloc_space " PROFILES "heap"},
    {"threads_at_rest", threads_at_rest, "threads: hundreds with one and the same stack",
        OURS PROFILES "threads"},
    {"others_while_examining", others_while_examining, "mutex, delay: who holds what others wait for",
        OURS "-sample_index=delay " PROFILES "mutex"},
    {"others_while_confirming", others_while_confirming, "mutex, delay: who holds what others wait for",
        OURS "-sample_index=delay " PROFILES "mutex"},
    {"refresh_gets_through", refresh_gets_through, "block, delay: who waits",
        OURS "-ignore=pthread_cond -relative_percentages -sample_index=delay " PROFILES "block"},
    {"pending_bounded", pending_bounded, "heap, inuse_space: what nobody has come to yet",
        OURS "-inuse_space " PROFILES "heap"},
    {"idle_when_idle", idle_when_idle, "cpu: without a single request",
        OURS "'" PROFILES "profile?seconds=5'"},
    {"wakeups_per_job", wakeups_per_job, "block, contentions: how often somebody waits",
        OURS "-sample_index=contentions " PROFILES "block"},
};

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: lesson9 TITLE FLAWED MODULE\n");
        return 2;
    }
    if (!incident_module_load(&flawed, argv[2], ".so") || !incident_module_load(&module, argv[3], ".so") ||
        !incident_module_load(&counted, argv[3], ".counted.so"))
        return 2;
    return verdict_run(argv[1], cases, sizeof cases / sizeof *cases, WATCHDOG_S) > 0 ? 1 : 0;
}
