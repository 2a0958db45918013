/*
 * A right stopwatch with seams. Each wrong fix in this folder defines a seam, includes this, and is wrong in
 * just that; its first comment names the check that must fail, and those that may fail as well because the
 * mistake cannot be seen by one alone. The right designs in tests/right define one, too.
 */
#include "lesson5/measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifndef KEEP /* what becomes of an answer */
static volatile uint64_t kept;
#define KEEP(answer) (kept = (answer))
#endif
#ifndef CALLS_WARM_UP_NS
#define CALLS_WARM_UP_NS(plan) ((plan)->warm_up_ns)
#endif
#ifndef TYPICAL
#define TYPICAL(calls) median_of((calls)->run_ns, (calls)->runs)
#endif
#ifndef DIFFER
#define DIFFER(a, b) medians_apart((a), (b))
#endif
#ifndef DUE_NS /* when request n leaves, if the one before it has been answered */
#define DUE_NS(plan, began_ns, n) ((began_ns) + (int64_t)((double)(n)*1e9 / (plan)->rate))
#endif
#ifndef SINCE_NS /* when a latency begins */
#define SINCE_NS(due_ns, sent_ns) (due_ns)
#endif
#ifndef LEAVES /* whether a request is sent at all */
#define LEAVES(due_ns, now_ns) true
#endif
#ifndef COUNTS /* whether request n is in the figures */
#define COUNTS(plan, n) ((n) >= (plan)->warm_up)
#endif
#ifndef PERCENTILE
#define PERCENTILE(sorted, n, percent) nearest_rank((sorted), (n), (percent))
#endif
#ifndef GIVE_BACK
#define GIVE_BACK(p) free(p)
#endif

static int by_time(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static inline double median_of(const double *values, size_t n)
{
    double sorted[MEASURE_RUNS_MAX];
    memcpy(sorted, values, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_time);
    return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
}

static inline bool medians_apart(const struct calls *a, const struct calls *b)
{
    double of_a[MEASURE_RUNS_MAX], of_b[MEASURE_RUNS_MAX];
    size_t n = a->runs, off = (size_t)fmax(0, ((double)n - 1.96 * sqrt((double)n)) / 2);
    memcpy(of_a, a->run_ns, n * sizeof *of_a);
    memcpy(of_b, b->run_ns, n * sizeof *of_b);
    qsort(of_a, n, sizeof *of_a, by_time);
    qsort(of_b, n, sizeof *of_b, by_time);
    return of_a[n - 1 - off] < of_b[off] || of_b[n - 1 - off] < of_a[off];
}

static int64_t call_until(
    const struct measure_clock *clock, const struct subject *subject, int64_t end_ns, uint64_t *n)
{
    int64_t now_ns;
    do {
        KEEP(subject_call(subject, *n));
        ++*n;
    } while ((now_ns = clock->now_ns()) < end_ns);
    return now_ns;
}

void measure_calls(const struct measure_clock *clock, const struct calls_plan *plan, struct calls *out)
{
    uint64_t n = 0, first;
    int64_t now_ns = clock->now_ns(), began_ns;
    if (CALLS_WARM_UP_NS(plan) > 0)
        now_ns = call_until(clock, plan->subject, now_ns + CALLS_WARM_UP_NS(plan), &n);
    *out = (struct calls){.runs = plan->runs};
    for (size_t i = 0; i < plan->runs; i++) {
        first = n, began_ns = now_ns;
        now_ns = call_until(clock, plan->subject, began_ns + plan->run_ns, &n);
        out->run_ns[i] = (double)(now_ns - began_ns) / (double)(n - first);
        out->made += n - first;
    }
    out->typical_ns = TYPICAL(out);
}

bool measure_differ(const struct calls *a, const struct calls *b)
{
    return DIFFER(a, b);
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static inline int64_t nearest_rank(const int64_t *sorted, size_t n, double percent)
{
    return sorted[(size_t)ceil((double)n * percent / 100) - 1];
}

bool measure_requests(
    const struct measure_clock *clock, const struct requests_plan *plan, struct latencies *out)
{
    int64_t *took_ns = malloc((plan->warm_up + plan->requests) * sizeof *took_ns);
    int64_t began_ns = clock->now_ns();
    size_t counted = 0;
    for (size_t n = 0; n < plan->warm_up + plan->requests; n++) {
        int64_t due_ns = DUE_NS(plan, began_ns, n);
        clock->sleep_until_ns(due_ns);
        int64_t sent_ns = clock->now_ns();
        if (!LEAVES(due_ns, sent_ns))
            continue;
        plan->request(plan->closure, n);
        int64_t now_ns = clock->now_ns();
        if (COUNTS(plan, n))
            took_ns[counted++] = now_ns - SINCE_NS(due_ns, sent_ns);
        (void)due_ns, (void)sent_ns;
    }
    qsort(took_ns, counted, sizeof *took_ns, by_size);
    *out = (struct latencies){.requests = counted,
        .p50_ns = PERCENTILE(took_ns, counted, 50),
        .p95_ns = PERCENTILE(took_ns, counted, 95),
        .p99_ns = PERCENTILE(took_ns, counted, 99)};
    GIVE_BACK(took_ns);
    return true;
}
