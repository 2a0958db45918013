#include "stress.h"
#include "holdings.h"

#include "base/clock.h"
#include "capture/cpu.h"
#include "capture/cpu_timer.h"
#include "capture/thread.h"
#include "cprof.h"
#include "export/endpoints.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern int mallctl(const char *name, void *old, size_t *old_bytes, void *value, size_t value_bytes);

/*
 * stress_host [SECONDS]: see stress.h. First cprof_start() with each allocation failing in turn; then two
 * storms of half the time each, after which all must be as it was before: after the second, memory as after
 * the first. Exit: 0, or 1 when something is wrong, which is said.
 */
enum { LACK_US = 60000, PLENTY_US = 140000, START_LIMIT = 2000, HELD_NS = 1000000000 };
static const int64_t HOUR_NS = INT64_C(3600000000000);

struct stress *stress;

void stress_fail(const char *format, ...)
{
    enum { SHOWN = 20 };
    va_list args;
    if (atomic_fetch_add(&stress->failures, 1) >= SHOWN)
        return;
    char text[1024];
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(stderr, "stress: %s\n", text);
}

/* ---- what there is of the program's ---------------------------------------------------------------------
 */

static long allocated_kib(void)
{
    uint64_t epoch = 1;
    size_t bytes = 0, size = sizeof bytes;
    mallctl("epoch", NULL, NULL, &epoch, sizeof epoch);
    mallctl("stats.allocated", &bytes, &size, NULL, 0);
    return (long)(bytes >> 10);
}

struct holdings {
    int threads, descriptors, timers;
    long resident_kib, allocated_kib;
};

static struct holdings take_stock(void)
{
    return (struct holdings){holdings_entries("/proc/self/task"), holdings_entries("/proc/self/fd"),
        holdings_timers(), holdings_status("VmRSS"), allocated_kib()};
}

static void list_descriptors(void)
{
    char path[64], is[256];
    for (int fd = 0; fd < 1024; fd++) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        ssize_t n = readlink(path, is, sizeof is - 1);
        if (n > 0)
            fprintf(stderr, "  %d: %.*s\n", fd, (int)n, is);
    }
}

/* Threads and connections take a moment to go, and a connection that the server takes for idle a minute. */
static void expect_holdings(const char *when, const struct holdings *wanted)
{
    enum { MOMENT_MS = 3000, MOST_MS = 70000 };
    struct holdings now = take_stock();
    int ms = 0;
    for (; ms < MOST_MS && (now.threads > wanted->threads || now.descriptors > wanted->descriptors); ms++) {
        usleep(1000);
        now = take_stock();
    }
    if (ms > MOMENT_MS)
        printf("%s it took %d s until all was given back\n", when, ms / 1000);
    if (now.threads > wanted->threads)
        stress_fail("%s there are %d threads, and not %d", when, now.threads, wanted->threads);
    if (now.descriptors > wanted->descriptors)
        list_descriptors();
    if (now.descriptors > wanted->descriptors)
        stress_fail("%s there are %d descriptors, and not %d", when, now.descriptors, wanted->descriptors);
    if (now.timers > 0)
        stress_fail("%s there are %d timers", when, now.timers);
}

/* ---- a start with too little memory -----------------------------------------------------------------------
 */

/* Each failure says so in one line, and leaves nothing. */
static void start_in_want(void)
{
    struct holdings before = take_stock();
    int said = memfd_create("said", MFD_CLOEXEC), standard = dup(STDERR_FILENO), lines = 0, failed = 0;
    char text[1 << 16];
    dup2(said, STDERR_FILENO);
    for (long n = 1; n < START_LIMIT; n++) {
        faults_fail_nth(n);
        int code = cprof_start("unix:/tmp/cprof-stress.%p");
        bool all = faults_seen() < n;
        faults_fail_nth(0);
        cprof_stop();
        failed += code != 0;
        if (code == 0 && all)
            break;
    }
    dup2(standard, STDERR_FILENO);
    close(standard);
    ssize_t len = pread(said, text, sizeof text, 0);
    for (ssize_t i = 0; i < len; i++)
        lines += text[i] == '\n';
    close(said);
    atomic_store(&stress->starts_failed, failed);
    if (failed == 0 || lines != failed)
        stress_fail("%d starts failed, and said so in %d lines: %.*s", failed, lines, (int)len, text);
    expect_holdings("after starts that failed", &before);
}

/* ---- wants ----------------------------------------------------------------------------------------------
 */

static atomic_bool stopping;

static void begin_lack(enum stress_lack lack)
{
    static struct rlimit whole;
    atomic_store(&stress->lacked, lack);
    atomic_store(&stress->lacks, lack);
    atomic_fetch_add(&stress->changes, 1);
    atomic_fetch_add(&stress->lacking[lack], 1);
    if (lack == LACKS_DESCRIPTORS && getrlimit(RLIMIT_NOFILE, &whole) == 0)
        setrlimit(RLIMIT_NOFILE, &(struct rlimit){3, whole.rlim_max});
    faults_refuse_threads(lack == LACKS_THREADS);
    faults_starve_server(lack == LACKS_MEMORY ? 7 : 0);
}

static void end_lack(enum stress_lack lack)
{
    struct rlimit limit;
    if (lack == LACKS_DESCRIPTORS && getrlimit(RLIMIT_NOFILE, &limit) == 0)
        setrlimit(RLIMIT_NOFILE, &(struct rlimit){limit.rlim_max, limit.rlim_max});
    faults_refuse_threads(false);
    faults_starve_server(0);
    atomic_store(&stress->lacks, LACKS_NOTHING);
    atomic_fetch_add(&stress->changes, 1);
}

static void *withholds(void *arg)
{
    for (int n = 0; !stopping; n++) {
        enum stress_lack lack = (enum stress_lack)(1 + n % (STRESS_LACKS - 1));
        faults_jump_clock((n % 2 ? -1 : 1) * (n % 100) * HOUR_NS);
        begin_lack(lack);
        usleep(LACK_US);
        end_lack(lack);
        usleep(PLENTY_US);
    }
    faults_jump_clock(0);
    return arg;
}

/* ---- storms ---------------------------------------------------------------------------------------------
 */

static int64_t program_cpu_ns(void)
{
    int64_t ns = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID);
    for (uint32_t i = 0; i < thread_count(); i++) {
        struct thread *t = thread_at(i);
        int64_t own = t->is_profiler && t->tid ? cpu_timer_clock_ns(t->tid) : 0;
        ns -= own > 0 ? own : 0;
    }
    return ns;
}

static void *fetches(void *profile)
{
    return (void *)(intptr_t)balance_fetch(profile);
}

static void clients_pause(void)
{
    atomic_store(&stress->on, false);
    for (int i = 0; i < 70000 && atomic_load(&stress->clients); i++)
        usleep(1000);
    if (atomic_load(&stress->clients))
        stress_fail("%d clients wait for ever", (int)stress->clients);
}

/* All that was begun has ended afterwards. A CPU profile is of all of it. */
static void storm(double seconds)
{
    char profile[64];
    pthread_t fetcher, conductor;
    void *fetched;
    struct cpu_session *hold; /* so that the profiler's own thread for sessions is there all the time */
    snprintf(profile, sizeof profile, "profile?seconds=%d", (int)(seconds + 1.5));
    stopping = false;
    if (cpu_session_start(1, &hold))
        stress_fail("there is no CPU session");
    int64_t used = program_cpu_ns();
    long threads = deeds.threads;
    if (!deeds_thread(&fetcher, fetches, profile))
        stress_fail("there is no thread");
    while (cpu_timer_interval_ns > HELD_NS / 8) /* the fetcher's session is not on yet */
        usleep(1000);
    actors_start();
    deeds_thread(&conductor, withholds, NULL);
    atomic_store(&stress->on, true);
    usleep((useconds_t)(seconds * 1e6));
    stopping = true;
    pthread_join(conductor, NULL);
    actors_stop();
    clients_pause();
    pthread_join(fetcher, &fetched);
    used = program_cpu_ns() - used;
    cpu_session_stop(hold, NULL);
    balance_cpu((int)(intptr_t)fetched, used, deeds.threads - threads);
}

static void run(double seconds)
{
    struct holdings served = take_stock(), first, second;
    served.threads += ENDPOINTS_MAX_REQUESTS; /* workers stay */
    storm(seconds / 2);
    expect_holdings("after the first half", &served);
    first = take_stock();
    storm(seconds / 2);
    expect_holdings("after the second half", &served);
    second = take_stock();
    printf("kept: %d threads, %d descriptors, %d timers, %d records; memory %ld KiB, then %ld KiB, resident "
           "%ld KiB, then %ld "
           "KiB\n",
        second.threads, second.descriptors, second.timers, holdings_records(), first.allocated_kib,
        second.allocated_kib, first.resident_kib, second.resident_kib);
    if (second.allocated_kib > first.allocated_kib + 4096)
        stress_fail("memory grew by %ld KiB in the second half", second.allocated_kib - first.allocated_kib);
    if (second.resident_kib > first.resident_kib + 16384)
        stress_fail(
            "what is resident grew by %ld KiB in the second half", second.resident_kib - first.resident_kib);
    balance_check();
}

/* ---- the report -----------------------------------------------------------------------------------------
 */

static void need(const char *what, long n)
{
    if (n == 0)
        stress_fail("nothing was done: %s", what);
}

static void report_answers(enum stress_lack lack, const char *what)
{
    atomic_long *a = stress->answers[lack];
    printf("%s %ld times; answers meanwhile: %ld whole, %ld with 503, %ld with 500, %ld none\n", what,
        (long)stress->lacking[lack], (long)a[ANSWERED], (long)a[REFUSED], (long)a[FAILED], (long)a[SILENT]);
    need(what, stress->lacking[lack]);
    need(what, a[ANSWERED] + a[REFUSED] + a[FAILED] + a[SILENT]);
}

static void report(void)
{
    atomic_long *a = stress->answers[LACKS_NOTHING];
    const struct {
        const char *what;
        long n;
    } done[] = {{"threads born", deeds.threads}, {"libraries loaded", deeds.loads}, {"forks", deeds.forks},
        {"execs", deeds.execs}, {"profiled children", deeds.profiled_children},
        {"mutexes destroyed", deeds.mutexes}, {"clients hung", stress->hung},
        {"clients vanished", stress->vanished}, {"clients reset", stress->reset},
        {"clients stopped reading", stress->slow}, {"no HTTP", stress->garbage},
        {"clock jumps", stress->clock_jumps}, {"threads refused", stress->creations_failed},
        {"failed starts", stress->starts_failed}, {"profiles", stress->profiles},
        {"of a second", stress->deltas}, {"texts", stress->texts},
        {"allocations failed", stress->allocations_failed}, {"maps failed", stress->maps_failed},
        {"names", stress->named}};
    for (size_t i = 0; i < sizeof done / sizeof *done; i++) {
        printf("%s%ld %s", i ? ", " : "did: ", done[i].n, done[i].what);
        need(done[i].what, done[i].n);
    }
    if (actors_can_throw()) {
        printf(", %ld exceptions\n", (long)deeds.exceptions);
        need("exceptions", deeds.exceptions);
    } else {
        printf("; no exceptions: there is no compiler of C++\n");
    }
    printf("answers: %ld whole, %ld with 503\n", (long)a[ANSWERED], (long)a[REFUSED]);
    report_answers(LACKS_DESCRIPTORS, "faults: descriptors ran out");
    report_answers(LACKS_THREADS, "faults: threads ran out");
    report_answers(LACKS_MEMORY, "faults: the server ran out of memory");
    printf("faults: a request's own allocations failed %ld times, each in turn for %ld requests: %ld whole, "
           "%ld with 503, "
           "%ld with 500, %ld none\n",
        (long)(stress->starved[ANSWERED] + stress->starved[REFUSED] + stress->starved[FAILED] +
               stress->starved[SILENT]),
        (long)stress->starved_in_turn, (long)stress->starved[ANSWERED], (long)stress->starved[REFUSED],
        (long)stress->starved[FAILED], (long)stress->starved[SILENT]);
    need("requests without an allocation", stress->starved[FAILED]);
}

/* ---- life -----------------------------------------------------------------------------------------------
 */

static pid_t begin_clients(void)
{
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        clients_run();
    }
    return child;
}

static void end_clients(pid_t clients)
{
    int status = 0;
    atomic_store(&stress->over, true);
    if (waitpid(clients, &status, 0) != clients || status != 0)
        stress_fail("the clients end with %#x", (unsigned)status);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 60;
    setvbuf(stdout, NULL, _IOLBF, 0);
    stress = mmap(NULL, sizeof *stress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (stress == MAP_FAILED || seconds < 2)
        return fprintf(stderr, "usage: stress_host [SECONDS], 2 at least\n"), 2;
    setenv("CPROF_MUTEX_FRACTION", "1", 1);
    setenv("CPROF_BLOCK_RATE", "1", 1);
    setenv("CPROF_HEAP_RATE", "16384", 1); /* a megabyte is sampled for certain */
    faults_init();
    pid_t clients = begin_clients();
    actors_init();
    struct holdings before = take_stock();
    start_in_want();
    if (cprof_start("127.0.0.1:0"))
        return 1;
    snprintf(stress->address, sizeof stress->address, "%s", cprof_address());
    run(seconds);
    end_clients(clients);
    cprof_stop();
    expect_holdings("in the end", &before);
    if (holdings_records() != 1)
        stress_fail("%d records of threads are left", holdings_records());
    report();
    printf("stress: %s\n", stress->failures ? "FAILED" : "all balances, and nothing is left behind");
    return stress->failures > 0;
}
