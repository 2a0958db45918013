/* Another design that is right: Mann and Whitney's test, percentiles between the ranks, and a barrier for
 * answers. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
struct calls;
static bool ranks_apart(const struct calls *a, const struct calls *b);
static int64_t between_ranks(const int64_t *sorted, size_t n, double percent);
#define KEEP(answer) __asm__ volatile("" : : "r"(answer))
#define DIFFER(a, b) ranks_apart((a), (b))
#define PERCENTILE(sorted, n, percent) between_ranks((sorted), (n), (percent))
#include "../../wrong/lesson5/almost_stopwatch.h"

/* Of all pairs, those in which a's run is the longer one are half, give or take. */
static bool ranks_apart(const struct calls *a, const struct calls *b)
{
    double n = (double)a->runs, m = (double)b->runs, longer = 0;
    for (size_t i = 0; i < a->runs; i++)
        for (size_t j = 0; j < b->runs; j++)
            longer += a->run_ns[i] > b->run_ns[j] ? 1 : a->run_ns[i] == b->run_ns[j] ? 0.5 : 0;
    return fabs(longer - n * m / 2) > 1.96 * sqrt(n * m * (n + m + 1) / 12);
}

static int64_t between_ranks(const int64_t *sorted, size_t n, double percent)
{
    double at = (double)(n - 1) * percent / 100;
    size_t below = (size_t)at;
    double part = at - (double)below;
    return below + 1 < n ? sorted[below] + (int64_t)(part * (double)(sorted[below + 1] - sorted[below]))
                         : sorted[below];
}
