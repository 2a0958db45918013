#include "lesson5/rates.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct rates {
    long every_ms, bank_ms;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    double dollars;
    bool stopping;
    pthread_cond_t stop; /* stopping has become true */
};

/* The bank is far away. It gives a rate that wanders by a hundredth. */
static double ask_the_bank(const struct rates *rates)
{
    struct timespec delay = {rates->bank_ms / 1000, rates->bank_ms % 1000 * 1000000};
    nanosleep(&delay, NULL);
    return 1.08 + 0.01 * (double)(time(NULL) % 10 - 5) / 5;
}

static void rates_refresh(struct rates *rates)
{
    pthread_mutex_lock(&rates->lock); /* a price must not be made from half-new rates */
    rates->dollars = ask_the_bank(rates);
    pthread_mutex_unlock(&rates->lock);
}

/* Waits until the next refresh is due. False when there is none any more. */
static bool wait_for_turn(struct rates *rates, struct timespec *due)
{
    due->tv_nsec += rates->every_ms % 1000 * 1000000;
    due->tv_sec += rates->every_ms / 1000 + due->tv_nsec / 1000000000;
    due->tv_nsec %= 1000000000;
    pthread_mutex_lock(&rates->lock);
    while (!rates->stopping && pthread_cond_clockwait(&rates->stop, &rates->lock, CLOCK_MONOTONIC, due) == 0)
        ;
    bool stopping = rates->stopping;
    pthread_mutex_unlock(&rates->lock);
    return !stopping;
}

static void *keep_fresh(void *argument)
{
    struct rates *rates = argument;
    struct timespec due;
    clock_gettime(CLOCK_MONOTONIC, &due);
    while (wait_for_turn(rates, &due))
        rates_refresh(rates);
    return NULL;
}

struct rates *rates_start(long every_ms, long bank_ms)
{
    struct rates *rates = calloc(1, sizeof *rates);
    if (!rates)
        return NULL;
    rates->every_ms = every_ms;
    rates->bank_ms = bank_ms;
    rates->dollars = 1.08;
    pthread_mutex_init(&rates->lock, NULL);
    pthread_cond_init(&rates->stop, NULL);
    if (pthread_create(&rates->thread, NULL, keep_fresh, rates) == 0)
        return rates;
    free(rates);
    return NULL;
}

void rates_stop(struct rates *rates)
{
    if (!rates)
        return;
    pthread_mutex_lock(&rates->lock);
    rates->stopping = true;
    pthread_cond_signal(&rates->stop);
    pthread_mutex_unlock(&rates->lock);
    pthread_join(rates->thread, NULL);
    pthread_cond_destroy(&rates->stop);
    pthread_mutex_destroy(&rates->lock);
    free(rates);
}

double rates_dollars(struct rates *rates)
{
    pthread_mutex_lock(&rates->lock);
    double dollars = rates->dollars;
    pthread_mutex_unlock(&rates->lock);
    return dollars;
}
