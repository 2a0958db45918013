/*
 * A stopwatch whose figures can be believed: what is timed is done; what is cold does not count; of several
 * runs the median; a request's latency begins when it was due; and a difference is one when the noise does
 * not explain it.
 */
#include "lesson5/measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- calls ---- */

/* Answers go here. The compiler may not leave out a store to what is volatile, and so none of the calls
 * either. */
static volatile uint64_t answer;

/* Calls from *n on until the clock says end_ns or later. Returns when that was. */
static int64_t call_until(
    const struct measure_clock *clock, const struct subject *subject, int64_t end_ns, uint64_t *n)
{
    int64_t now_ns;
    do {
        answer = subject_call(subject, *n);
        ++*n;
        now_ns = clock->now_ns();
    } while (now_ns < end_ns);
    return now_ns;
}

static int by_time(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void sort_runs(const struct calls *calls, double *sorted_ns)
{
    memcpy(sorted_ns, calls->run_ns, calls->runs * sizeof *sorted_ns);
    qsort(sorted_ns, calls->runs, sizeof *sorted_ns, by_time);
}

static double median_of_runs(const struct calls *calls)
{
    double sorted_ns[MEASURE_RUNS_MAX];
    size_t n = calls->runs;
    sort_runs(calls, sorted_ns);
    return (sorted_ns[(n - 1) / 2] + sorted_ns[n / 2]) / 2;
}

void measure_calls(const struct measure_clock *clock, const struct calls_plan *plan, struct calls *out)
{
    uint64_t n = 0;
    *out = (struct calls){.runs = plan->runs};
    int64_t now_ns = call_until(clock, plan->subject, clock->now_ns() + plan->warm_up_ns, &n);
    for (size_t i = 0; i < plan->runs; i++) {
        uint64_t first = n;
        int64_t began_ns = now_ns;
        now_ns = call_until(clock, plan->subject, began_ns + plan->run_ns, &n);
        out->run_ns[i] = (double)(now_ns - began_ns) / (double)(n - first);
        out->made += n - first;
    }
    out->typical_ns = median_of_runs(out);
}

/* ---- the comparison ---- */

struct interval {
    double low, high;
};

/*
 * Where the true median lies, in 19 of 20 cases. Each run is above it or below it as a coin falls, so that
 * those below are n/2 of n, give or take 1.96 * sqrt(n)/2: the runs of these ranks are the ends, whatever
 * shape the noise has.
 */
static struct interval median_lies_in(const struct calls *calls)
{
    double sorted_ns[MEASURE_RUNS_MAX], n = (double)calls->runs;
    sort_runs(calls, sorted_ns);
    size_t off = (size_t)floor(fmax(0, (n - 1.96 * sqrt(n)) / 2));
    return (struct interval){sorted_ns[off], sorted_ns[calls->runs - 1 - off]};
}

bool measure_differ(const struct calls *a, const struct calls *b)
{
    struct interval of_a = median_lies_in(a), of_b = median_lies_in(b);
    return of_a.high < of_b.low || of_b.high < of_a.low;
}

/* ---- requests ---- */

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The smallest of the sorted values that `percent` of them do not exceed. */
static int64_t percentile(const int64_t *sorted, size_t n, double percent)
{
    size_t rank = (size_t)ceil((double)n * percent / 100);
    return sorted[rank > 0 ? rank - 1 : 0];
}

bool measure_requests(
    const struct measure_clock *clock, const struct requests_plan *plan, struct latencies *out)
{
    int64_t *took_ns = malloc(plan->requests * sizeof *took_ns);
    if (!took_ns)
        return false;
    int64_t began_ns = clock->now_ns();
    for (size_t n = 0; n < plan->warm_up + plan->requests; n++) {
        int64_t due_ns = began_ns + (int64_t)((double)n * 1e9 / plan->rate);
        clock->sleep_until_ns(due_ns);
        plan->request(plan->closure, n);
        if (n >= plan->warm_up)
            took_ns[n - plan->warm_up] = clock->now_ns() - due_ns; /* who comes during a stall waits, too */
    }
    qsort(took_ns, plan->requests, sizeof *took_ns, by_size);
    *out = (struct latencies){.requests = plan->requests,
        .p50_ns = percentile(took_ns, plan->requests, 50),
        .p95_ns = percentile(took_ns, plan->requests, 95),
        .p99_ns = percentile(took_ns, plan->requests, 99)};
    free(took_ns);
    return true;
}
