/*
 * Checks of lesson 5: what a stopwatch says that can be believed. Its clock, its calls and its requests are
 * simulated, so that the right figures are known; noise comes from fixed seeds. Any design that keeps the
 * promises of demos/lesson5/measure.h passes; how it is written is not looked at.
 *
 *   lesson5 TITLE FLAWED MODULE      as exercises/engine/module.h says; nothing here is relative to FLAWED
 */
#include "counted.h"
#include "measure_limits.h"
#include "measure_rig.h"
#include "module.h"
#include "verdict.h"

#include "base/hash.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static struct measure_module module, counted;

static bool is_about(double figure, double truth)
{
    return fabs(figure - truth) <= FIGURE_OFF_MAX * truth;
}

/* ---- calls: a subject that takes 2 µs, with something in its way ---- */

enum {
    CALL_NS = 2000,
    WARM_UP_NS = 2000000,
    RUN_NS = 1000000,
    RUNS = 11,
    COLD_TIMES = 20,      /* what a call takes in the warm-up */
    NEIGHBOUR_TIMES = 40, /* and while a neighbour has the processor */
};

static int64_t steadily_ns(int64_t since_ns)
{
    (void)since_ns;
    return CALL_NS;
}

static int64_t cold_at_first_ns(int64_t since_ns)
{
    return since_ns < WARM_UP_NS * 9 / 10 ? COLD_TIMES * CALL_NS : CALL_NS;
}

/* Three of the eleven runs, wherever a run begins. */
static int64_t with_a_neighbour_ns(int64_t since_ns)
{
    int64_t run_ns = since_ns - WARM_UP_NS;
    return run_ns >= 2 * RUN_NS && run_ns < 5 * RUN_NS ? NEIGHBOUR_TIMES * CALL_NS : CALL_NS;
}

static struct calls calls_of(int64_t (*takes_ns)(int64_t since_ns), size_t runs)
{
    struct subject subject = {takes_ns};
    struct calls_plan plan = {.subject = &subject, .warm_up_ns = WARM_UP_NS, .run_ns = RUN_NS, .runs = runs};
    return rig_calls(&module, &plan);
}

static void every_call_is_made(void)
{
    struct calls calls = calls_of(steadily_ns, RUNS);
    double fitting = (double)RUNS * RUN_NS / CALL_NS;
    if (calls.made == 0 || calls.made > rig_calls_made)
        verdict(false, "every call that is counted is made",
            "measure_calls counts %llu calls at %.1f ns; %llu were made, of %d ns each",
            (unsigned long long)calls.made, calls.typical_ns, (unsigned long long)rig_calls_made, CALL_NS);
    if ((double)calls.made < (1 - FIGURE_OFF_MAX) * fitting)
        verdict(false, "each run goes on for run_ns at least",
            "measure_calls counts %llu calls, and %.0f fit into %d runs", (unsigned long long)calls.made,
            fitting, RUNS);
    verdict(true, "every call that is counted is made", "%llu calls counted, %llu made with the warm-up",
        (unsigned long long)calls.made, (unsigned long long)rig_calls_made);
}

static int64_t cold_service_ns(uint64_t n, int64_t from_ns)
{
    return from_ns + (n < 450 ? 1900000 : 95000 + (int64_t)(hash_u64(n) % 10000));
}

static const struct service cold_service = {"cold", 500, 500, 1000, cold_service_ns};

static void warm_up_does_not_count(void)
{
    struct calls calls = calls_of(cold_at_first_ns, RUNS);
    for (size_t i = 0; i < calls.runs && i < MEASURE_RUNS_MAX; i++)
        if (!is_about(calls.run_ns[i], CALL_NS))
            verdict(false, "what is cold is over before the first run begins",
                "calls take %d ns, and %d ns while cold, which is less than the warm-up; run %zu says %.0f "
                "ns",
                CALL_NS, COLD_TIMES * CALL_NS, i, calls.run_ns[i]);
    struct latencies truth = service_truth(&cold_service),
                     latencies = rig_requests(&module, &cold_service, NULL);
    if (latencies.requests != cold_service.requests ||
        !is_about((double)latencies.p95_ns, (double)truth.p95_ns))
        verdict(false, "the requests of the warm-up are in no figure",
            "the first 450 requests take 1.9 ms, the others 0.1 ms; of %zu after a warm-up of %zu the p95 is "
            "%.2f ms",
            latencies.requests, cold_service.warm_up, (double)latencies.p95_ns / 1e6);
    verdict(true, "nothing of the warm-up is in a figure",
        "cold calls take %d times as long, and none of %zu runs shows it; nor does the p95 of requests",
        COLD_TIMES, calls.runs);
}

static void typical_is_the_median(void)
{
    struct calls calls = calls_of(with_a_neighbour_ns, RUNS);
    if (calls.runs != RUNS)
        verdict(false, "as many runs as planned, each with a figure of its own",
            "of %d runs that were planned measure_calls made %zu", RUNS, calls.runs);
    if (!is_about(calls.typical_ns, CALL_NS))
        verdict(false, "the median of the runs, which a few bad ones do not move",
            "8 of %d runs take %d ns a call, and 3 beside a busy neighbour %d ns; typical_ns says %.0f", RUNS,
            CALL_NS, NEIGHBOUR_TIMES * CALL_NS, calls.typical_ns);
    calls = calls_of(steadily_ns, 1);
    if (!is_about(calls.typical_ns, CALL_NS) || calls.run_ns[0] != calls.typical_ns)
        verdict(false, "the median of one run is that run", "one run of %.0f ns a call; typical_ns says %.0f",
            calls.run_ns[0], calls.typical_ns);
    verdict(true, "the median of the runs", "%d ns with 3 of %d runs disturbed", CALL_NS, RUNS);
}

/* ---- comparisons, on noise of four kinds ---- */

enum { SAMPLE_RUNS = 20 };

static uint64_t random_state;

static double uniform(void)
{
    return (double)(hash_u64(++random_state) >> 11) / (double)(UINT64_C(1) << 53);
}

static double gaussian(void)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += uniform();
    return sum;
}

static double quiet(void)
{
    return 1 + 0.005 * gaussian();
}

static double loud(void)
{
    return exp(0.1 * gaussian());
}

static double with_neighbours(void)
{
    double shared = uniform() < 0.1 ? 2 + 2 * uniform() : 1;
    return shared * (1 + 0.01 * gaussian());
}

static double at_two_speeds(void)
{
    double slow = uniform() < 0.5 ? 1.15 : 1;
    return slow * (1 + 0.005 * gaussian());
}

static const struct noise {
    const char *name;
    double (*next)(void);
    double apart; /* how much longer what is different takes */
} noises[] = {
    {"on a quiet machine", quiet, 1.02},
    {"on a loud one", loud, 1.4},
    {"beside neighbours that come and go", with_neighbours, 1.05},
    {"on a processor with two speeds", at_two_speeds, 1.4},
};
enum { NOISES = sizeof noises / sizeof *noises };

static int by_time(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct calls noisy_calls(const struct noise *noise, double call_ns)
{
    struct calls calls = {.made = 1000 * SAMPLE_RUNS, .runs = SAMPLE_RUNS};
    double sorted[SAMPLE_RUNS];
    for (size_t i = 0; i < SAMPLE_RUNS; i++)
        sorted[i] = calls.run_ns[i] = call_ns * noise->next();
    qsort(sorted, SAMPLE_RUNS, sizeof *sorted, by_time);
    calls.typical_ns = (sorted[SAMPLE_RUNS / 2 - 1] + sorted[SAMPLE_RUNS / 2]) / 2;
    return calls;
}

/* Of COMPARISONS with the right answer `differ`, how many are lost; *worst says where most are. */
static int comparisons_lost(bool differ, const struct noise **worst, int *lost_there)
{
    int all = 0;
    *lost_there = -1;
    random_state = differ ? UINT64_C(1) << 40 : 0;
    for (const struct noise *noise = noises; noise < noises + NOISES; noise++) {
        int lost = 0;
        for (int i = 0; i < COMPARISONS / NOISES; i++) {
            struct calls a = noisy_calls(noise, CALL_NS);
            struct calls b = noisy_calls(noise, differ ? noise->apart * CALL_NS : CALL_NS);
            module_enter("measure_differ");
            lost += (i % 2 ? module.differ(&a, &b) : module.differ(&b, &a)) != differ;
            module_leave();
        }
        all += lost;
        if (lost > *lost_there) {
            *lost_there = lost;
            *worst = noise;
        }
    }
    return all;
}

static void comparisons(bool differ, const char *right, const char *wrong)
{
    const struct noise *worst = noises;
    int lost_there, lost = comparisons_lost(differ, &worst, &lost_there);
    char allowed[160];
    snprintf(allowed, sizeof allowed, "19 of 20 are right, chance allowed for: at least %d of %d",
        COMPARISONS - COMPARISONS_LOST_MAX, COMPARISONS);
    if (lost > COMPARISONS_LOST_MAX)
        verdict(false, allowed, "%s: \"%s\" %d times of %d; most of them (%d of %d) %s", right, wrong, lost,
            COMPARISONS, lost_there, COMPARISONS / NOISES, worst->name);
    verdict(true, allowed, "%s: right %d times of %d", right, COMPARISONS - lost, COMPARISONS);
}

static void same_against_itself(void)
{
    comparisons(false, "one and the same thing measured twice", "different");
}

static void different_from_another(void)
{
    comparisons(true, "two things that differ by four times the noise", "same");
}

/* ---- requests, to three services ---- */

enum { STALL_EVERY_NS = 2000000000, STALL_NS = 400000000 };

static int64_t service_time_ns(uint64_t n)
{
    return 100000 + (int64_t)(hash_u64(n) % 100000);
}

static int64_t evenly_ns(uint64_t n, int64_t from_ns)
{
    return from_ns + service_time_ns(n);
}

/* Answers to nobody for a while, every two seconds. */
static int64_t stalling_ns(uint64_t n, int64_t from_ns)
{
    int64_t into_ns = from_ns % STALL_EVERY_NS, stall_from_ns = STALL_EVERY_NS / 2;
    if (into_ns >= stall_from_ns && into_ns < stall_from_ns + STALL_NS)
        from_ns += stall_from_ns + STALL_NS - into_ns;
    return from_ns + service_time_ns(n);
}

/* Needs longer than there is from one request to the next. */
static int64_t overloaded_ns(uint64_t n, int64_t from_ns)
{
    return from_ns + 2400000 + service_time_ns(n);
}

static const struct service services[] = {
    {"one that stalls for 400 ms every 2 s", 500, 250, 5000, stalling_ns},
    {"one that is overloaded by a quarter", 500, 250, 5000, overloaded_ns},
    {"one that answers evenly", 500, 250, 5000, evenly_ns},
    {"one that is asked a single time", 500, 0, 1, evenly_ns},
};
enum { SERVICES = sizeof services / sizeof *services };

static void leave_when_due(const struct service *service)
{
    struct sent sent;
    size_t planned = service->warm_up + service->requests;
    rig_requests(&module, service, &sent);
    if (sent.count != planned)
        verdict(false, "every request of the plan is sent, late or not",
            "to %s %zu requests were sent; %zu were planned, with the warm-up", service->name, sent.count,
            planned);
    for (size_t n = 0; n < planned; n++) {
        int64_t due_ns = (int64_t)((double)n * 1e9 / service->rate);
        int64_t free_ns = n > 0 && sent.answered_ns[n - 1] > due_ns ? sent.answered_ns[n - 1] : due_ns;
        if (sent.at_ns[n] < due_ns - LATE_MAX_NS || sent.at_ns[n] > free_ns + LATE_MAX_NS)
            verdict(false, "each leaves when it is due, or as soon as the one before it is answered",
                "to %s request %zu left at %.1f ms; it was due at %.1f ms, and the one before it was "
                "answered at %.1f ms",
                service->name, n, (double)sent.at_ns[n] / 1e6, (double)due_ns / 1e6,
                n > 0 ? (double)sent.answered_ns[n - 1] / 1e6 : 0.0);
    }
    sent_fini(&sent);
}

static void requests_leave_when_due(void)
{
    for (size_t i = 0; i < SERVICES; i++)
        leave_when_due(&services[i]);
    verdict(true, "each leaves when it is due, or as soon as the one before it is answered",
        "5,250 requests to each of three services, stalls and overload among them: every one left when due");
}

static void latency_from_when_due(void)
{
    struct latencies stalled = {0};
    for (size_t i = 0; i < SERVICES; i++) {
        const struct service *service = &services[i];
        struct latencies truth = service_truth(service), said = rig_requests(&module, service, NULL);
        if (i == 0)
            stalled = said;
        if (!is_about((double)said.p50_ns, (double)truth.p50_ns) ||
            !is_about((double)said.p95_ns, (double)truth.p95_ns) ||
            !is_about((double)said.p99_ns, (double)truth.p99_ns))
            verdict(false, "what those who came when they came had to wait",
                "%s: p50 %.2f ms, p95 %.2f ms, p99 %.2f ms; true are %.2f ms, %.2f ms and %.2f ms",
                service->name, (double)said.p50_ns / 1e6, (double)said.p95_ns / 1e6,
                (double)said.p99_ns / 1e6, (double)truth.p50_ns / 1e6, (double)truth.p95_ns / 1e6,
                (double)truth.p99_ns / 1e6);
    }
    verdict(true, "within 5% of the truth",
        "%s: p50 %.2f ms, p95 %.1f ms, p99 %.1f ms, and right for the others, too", services[0].name,
        (double)stalled.p50_ns / 1e6, (double)stalled.p95_ns / 1e6, (double)stalled.p99_ns / 1e6);
}

/* ---- tidiness ---- */

static void leaves_nothing_behind(void)
{
    struct subject subject = {steadily_ns};
    struct calls_plan plan = {.subject = &subject, .warm_up_ns = WARM_UP_NS, .run_ns = RUN_NS, .runs = RUNS};
    int64_t before_bytes = counted_live_bytes();
    struct calls calls = rig_calls(&counted, &plan);
    counted.differ(&calls, &calls);
    rig_requests(&counted, &services[0], NULL);
    int64_t left_bytes = counted_live_bytes() - before_bytes;
    verdict(left_bytes == 0, "none: what is allocated is freed", "%lld bytes are left after a whole report",
        (long long)left_bytes);
}

/* ---------------------------------------------------------------------------------------------------------
 */

#define RUN "exercises/lesson5/run.sh --build yours"

static const struct verdict_case cases[] = {
    {"every_call_is_made", every_call_is_made,
        "cpu: what takes the time below measure_calls, and what is not there",
        RUN "; then ./profiler/pprof -top -focus=measure_calls on its cpu.pb.gz"},
    {"warm_up_does_not_count", warm_up_does_not_count, "none: a profile does not know what you count",
        "read measure.c: where does the plan's warm_up_ns go, where its warm_up?"},
    {"typical_is_the_median", typical_is_the_median, "none: a mean is no sample of a profile",
        "read measure.c: what does one bad run of eleven do to typical_ns?"},
    {"same_against_itself", same_against_itself, "none; the report's line \"against itself\"", RUN},
    {"different_from_another", different_from_another, "none; the report's line \"against the next list\"",
        RUN},
    {"requests_leave_when_due", requests_leave_when_due, "block: requests that wait for rates_refresh",
        RUN "; then ./profiler/pprof -top -cum on its block.pb.gz"},
    {"latency_from_when_due", latency_from_when_due, "mutex: who makes requests wait, whatever the p99 says",
        RUN "; its p99 beside the load's"},
    {"leaves_nothing_behind", leaves_nothing_behind, "heap, inuse_space",
        "./profiler/pprof -top -inuse_space http://127.0.0.1:6060/debug/pprof/heap"},
};

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: lesson5 TITLE FLAWED MODULE\n");
        return 2;
    }
    if (!measure_module_load(&module, argv[3], ".so") ||
        !measure_module_load(&counted, argv[3], ".counted.so"))
        return 2;
    return verdict_run(argv[1], cases, sizeof cases / sizeof *cases, WATCHDOG_S) > 0 ? 1 : 0;
}
