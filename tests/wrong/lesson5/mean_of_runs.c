/* fails: typical_is_the_median */
/* Many runs, and the mean of them: one bad run moves it. */
#include <stddef.h>
static double mean_of(const double *values, size_t n);
#define TYPICAL(calls) mean_of((calls)->run_ns, (calls)->runs)
#include "almost_stopwatch.h"

static double mean_of(const double *values, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    return sum / (double)n;
}
