/*
 * A shared limit counts the requests of each second of the last hour, and adds them up when it is asked. All
 * are under one lock, which is taken anew for each, so that nobody has to wait for a whole list of them.
 */
#include "lesson4/rules.h"

#include "base/clock.h"
#include "base/hash.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    HOUR_S = 3600,
    CLIENTS = 16384,       /* slots; clients that share one share its limit */
    FREE_PLAN_ONE_IN = 40, /* clients are on the free plan */
    FREE_PLAN_A_MINUTE = 2,
    PAID_PLAN_A_MINUTE = 6000,
    SHARED_AN_HOUR = 100000000,
};

struct window {
    uint32_t in_second[HOUR_S];
    int64_t newest_s; /* the second that was counted last */
};

struct quota {
    int64_t minute;
    uint32_t used;
};

struct rules {
    pthread_mutex_t lock; /* guards all below */
    struct window shared[RULES_SHARED];
    struct quota clients[CLIENTS];
};

struct rules *rules_new(void)
{
    struct rules *rules = calloc(1, sizeof *rules);
    if (rules)
        pthread_mutex_init(&rules->lock, NULL);
    return rules;
}

void rules_free(struct rules *rules)
{
    if (!rules)
        return;
    pthread_mutex_destroy(&rules->lock);
    free(rules);
}

/* The seconds since the last one that was counted, at most an hour of them, are empty so far. */
static void window_advance(struct window *w, int64_t now_s)
{
    int64_t from = w->newest_s > now_s - HOUR_S ? w->newest_s : now_s - HOUR_S;
    for (int64_t s = from + 1; s <= now_s; s++)
        w->in_second[s % HOUR_S] = 0;
    w->newest_s = now_s;
}

static uint64_t window_sum(const struct window *w)
{
    uint64_t sum = 0;
    for (int i = 0; i < HOUR_S; i++)
        sum += w->in_second[i];
    return sum;
}

static bool window_allows(struct rules *rules, struct window *w, int64_t now_s)
{
    pthread_mutex_lock(&rules->lock);
    window_advance(w, now_s);
    bool allowed = window_sum(w) < SHARED_AN_HOUR;
    w->in_second[now_s % HOUR_S] += allowed;
    pthread_mutex_unlock(&rules->lock);
    return allowed;
}

static bool plan_allows(struct rules *rules, const char *client, int64_t now_s)
{
    uint64_t hash = hash_bytes(client, strlen(client));
    struct quota *quota = &rules->clients[hash % CLIENTS];
    uint32_t limit = hash % FREE_PLAN_ONE_IN == 0 ? FREE_PLAN_A_MINUTE : PAID_PLAN_A_MINUTE;
    pthread_mutex_lock(&rules->lock);
    if (quota->minute != now_s / 60)
        *quota = (struct quota){.minute = now_s / 60};
    bool allowed = quota->used < limit;
    quota->used += allowed;
    pthread_mutex_unlock(&rules->lock);
    return allowed;
}

bool rules_allow(struct rules *rules, const char *client)
{
    int64_t now_s = clock_monotonic_ns() / 1000000000;
    bool allowed = true;
    for (int i = 0; i < RULES_SHARED; i++)
        allowed = window_allows(rules, &rules->shared[i], now_s) && allowed;
    return plan_allows(rules, client, now_s) && allowed;
}
