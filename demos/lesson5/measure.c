/*
 * The team's stopwatch, as it has been since the first release. Each of its three figures once decided
 * something: the price list's layout, the number of threads, and whether a release goes out.
 */
#include "lesson5/measure.h"

#include <math.h>
#include <stdlib.h>

/* ---- calls ---- */

void measure_calls(const struct measure_clock *clock, const struct calls_plan *plan, struct calls *out)
{
    int64_t began_ns = clock->now_ns(), now_ns;
    int64_t end_ns = began_ns + (int64_t)plan->runs * plan->run_ns; /* one long run is as good as many */
    uint64_t n = 0;
    do {
        (void)subject_call(plan->subject, n); /* what it answers is of no interest here */
        n++;
        now_ns = clock->now_ns();
    } while (now_ns < end_ns);
    double mean_ns = (double)(now_ns - began_ns) / (double)n;
    *out = (struct calls){.made = n, .runs = 1, .run_ns = {mean_ns}, .typical_ns = mean_ns};
}

bool measure_differ(const struct calls *a, const struct calls *b)
{
    static const double rounding = 0.001; /* what we measure is in milliseconds, and we count nanoseconds */
    return fabs(b->typical_ns - a->typical_ns) > rounding * a->typical_ns;
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
    int64_t pause_ns = (int64_t)(1e9 / plan->rate);
    for (size_t n = 0; n < plan->requests; n++) {
        int64_t sent_ns = clock->now_ns();
        plan->request(plan->closure, n);
        int64_t answered_ns = clock->now_ns();
        took_ns[n] = answered_ns - sent_ns;
        clock->sleep_until_ns(answered_ns + pause_ns);
    }
    qsort(took_ns, plan->requests, sizeof *took_ns, by_size);
    *out = (struct latencies){.requests = plan->requests,
        .p50_ns = percentile(took_ns, plan->requests, 50),
        .p95_ns = percentile(took_ns, plan->requests, 95),
        .p99_ns = percentile(took_ns, plan->requests, 99)};
    free(took_ns);
    return true;
}
