/* What checks try a module with; see trial.h. */
#include "trial.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

uint32_t trial_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static atomic_uint_fast64_t clock_ms = 1000000;

void trial_clock_set(uint64_t ms)
{
    atomic_store(&clock_ms, ms);
}

void trial_clock_advance(uint64_t ms)
{
    atomic_fetch_add(&clock_ms, ms);
}

uint64_t trial_clock_ms(void)
{
    return atomic_load(&clock_ms);
}

bool trial_wait(sem_t *sem, int seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += seconds;
    while (sem_timedwait(sem, &until) != 0)
        if (errno != EINTR)
            return false;
    return true;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double trial_median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, by_size);
    return values[n / 2];
}
