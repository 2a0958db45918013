#ifndef BENCH_SPREAD_H
#define BENCH_SPREAD_H

#include <stdio.h>
#include <stdlib.h>

/* Where the values of many runs lie: the least, the middle one, and the middle half. */
struct spread {
    double least, low, median, high;
};

static inline int spread_ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts v, n of them and at least one. */
static inline struct spread spread_of(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, spread_ascending);
    return (struct spread){v[0], v[n / 4], v[n / 2], v[n - 1 - n / 4]};
}

/* A line "NAME LEAST MEDIAN LOW HIGH". */
static inline void spread_print(const char *name, struct spread s)
{
    printf("%s %.2f %.2f %.2f %.2f\n", name, s.least, s.median, s.low, s.high);
}

#endif
