/* What checks try a module with; see trial.h. */
#include "trial.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
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

static int by_share(const void *a, const void *b)
{
    double x = ((const struct trial_waiting *)a)->share, y = ((const struct trial_waiting *)b)->share;
    return (x > y) - (x < y);
}

struct trial_waiting trial_waiting(
    double (*waited_ms)(const void *module), const void *flawed, const void *mine, double share_max)
{
    struct trial_waiting rounds[TRIAL_WAITING_ROUNDS];
    int n = 0, good = 0;
    while (n < TRIAL_WAITING_ROUNDS && good < 2) {
        struct trial_waiting *w = &rounds[n++];
        w->flawed_ms = waited_ms(flawed);
        w->mine_ms = waited_ms(mine);
        w->share = w->mine_ms / w->flawed_ms;
        good += w->share <= share_max;
        if (getenv("VERDICT_TRACE"))
            fprintf(stderr, "round %d: flawed %.1f ms, yours %.1f ms, share %.3f\n", n, w->flawed_ms,
                w->mine_ms, w->share);
    }
    qsort(rounds, (size_t)n, sizeof *rounds, by_share);
    rounds[1].rounds = n;
    return rounds[1];
}
