/* Another design that is right: a permutation test of the medians, and latencies in buckets that are 3% wide.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
struct calls;
static bool shuffles_say(const struct calls *a, const struct calls *b);
static int64_t in_buckets(const int64_t *sorted, size_t n, double percent);
#define DIFFER(a, b) shuffles_say((a), (b))
#define PERCENTILE(sorted, n, percent) in_buckets((sorted), (n), (percent))
#include "../../wrong/lesson5/almost_stopwatch.h"

/* How often are the medians as far apart when chance deals the runs to the two? */
static bool shuffles_say(const struct calls *a, const struct calls *b)
{
    enum { SHUFFLES = 400 };
    static uint32_t random_state = 1;
    double all[2 * MEASURE_RUNS_MAX];
    size_t n = a->runs, total = n + b->runs, as_far = 0;
    memcpy(all, a->run_ns, n * sizeof *all);
    memcpy(all + n, b->run_ns, b->runs * sizeof *all);
    double apart = fabs(median_of(all, n) - median_of(all + n, b->runs));
    for (int s = 0; s < SHUFFLES; s++) {
        for (size_t i = total - 1; i > 0; i--) {
            random_state = random_state * 1664525 + 1013904223;
            size_t j = (random_state >> 8) % (i + 1);
            double swapped = all[i];
            all[i] = all[j];
            all[j] = swapped;
        }
        as_far += fabs(median_of(all, n) - median_of(all + n, b->runs)) >= apart;
    }
    return (double)as_far / SHUFFLES < 0.05;
}

static int64_t in_buckets(const int64_t *sorted, size_t n, double percent)
{
    int64_t value = nearest_rank(sorted, n, percent);
    return (int64_t)pow(1.03, floor(log((double)value) / log(1.03) + 0.5));
}
