/* fails: different_from_another */
/* Means and standard deviations: two bad runs of twenty, and nothing is ever different. */
#include <stdbool.h>
struct calls;
static bool means_apart(const struct calls *a, const struct calls *b);
#define DIFFER(a, b) means_apart((a), (b))
#include "almost_stopwatch.h"

static void moments(const struct calls *calls, double *mean, double *variance_of_mean)
{
    double n = (double)calls->runs, sum = 0, squares = 0;
    for (size_t i = 0; i < calls->runs; i++)
        sum += calls->run_ns[i];
    *mean = sum / n;
    for (size_t i = 0; i < calls->runs; i++)
        squares += (calls->run_ns[i] - *mean) * (calls->run_ns[i] - *mean);
    *variance_of_mean = squares / (n - 1) / n;
}

static bool means_apart(const struct calls *a, const struct calls *b)
{
    double mean_a, mean_b, variance_a, variance_b;
    moments(a, &mean_a, &variance_a);
    moments(b, &mean_b, &variance_b);
    return fabs(mean_a - mean_b) > 2.02 * sqrt(variance_a + variance_b);
}
