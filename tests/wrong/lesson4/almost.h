/*
 * Right statistics with seams: clients are spread over shards with a lock each, and a line is written when no
 * lock is held. Each wrong fix in this folder defines a seam, includes this (or queued.h), and is wrong in
 * just that; its first comment names the check that must fail, and those that may fail as well because the
 * mistake cannot be seen by one alone. tests/right/lesson4/shards.c defines nothing but the number of shards.
 */
#include "lesson4/stats.h"

#include "base/hash.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef SHARDS
#define SHARDS 1
#endif
#ifndef LOCK /* of a shard */
#define LOCK(s) pthread_mutex_lock(&(s)->lock)
#define UNLOCK(s) pthread_mutex_unlock(&(s)->lock)
#endif
#ifndef COUNT /* one more in the totals; with the lock */
#define COUNT(figure) ((figure)++)
#endif
#ifndef WRITE_INSIDE /* with the lock of the shard */
#define WRITE_INSIDE(stats, line, len) ((void)(len))
#endif
#ifndef WRITE /* without */
#define WRITE(stats, line, len) ((stats)->config.append((stats)->config.log, (line), (len)))
#endif
#ifndef OPEN /* whatever else there is */
#define OPEN(stats) ((void)(stats))
#define CLOSE(stats) ((void)(stats))
#endif

struct client {
    struct client *next;
    struct stats_figures figures;
    char name[STATS_CLIENT_MAX];
};

struct shard {
    pthread_mutex_t lock;
    struct stats_figures totals;
    struct client *clients;
};

struct stats {
    struct stats_config config;
    struct shard shards[SHARDS];
};

struct stats *stats_new(const struct stats_config *config)
{
    struct stats *stats = calloc(1, sizeof *stats);
    stats->config = *config;
    for (int i = 0; i < SHARDS; i++)
        pthread_mutex_init(&stats->shards[i].lock, NULL);
    OPEN(stats);
    return stats;
}

void stats_free(struct stats *stats)
{
    CLOSE(stats);
    for (int i = 0; i < SHARDS; i++)
        for (struct client *c = stats->shards[i].clients, *next; c; c = next) {
            next = c->next;
            free(c);
        }
    free(stats);
}

static struct shard *shard_of(struct stats *stats, const char *name)
{
    return &stats->shards[hash_bytes(name, strlen(name)) % SHARDS];
}

static struct client *find_or_add(struct shard *shard, const char *name)
{
    struct client *c = shard->clients;
    while (c && strcmp(c->name, name) != 0)
        c = c->next;
    if (!c) {
        c = calloc(1, sizeof *c);
        snprintf(c->name, sizeof c->name, "%s", name);
        c->next = shard->clients;
        shard->clients = c;
    }
    return c;
}

void stats_begin(struct stats *stats, const char *name)
{
    struct shard *shard = shard_of(stats, name);
    LOCK(shard);
    struct client *c = find_or_add(shard, name);
    c->figures.requests++;
    c->figures.in_flight++;
    COUNT(shard->totals.requests);
    shard->totals.in_flight++;
    UNLOCK(shard);
}

void stats_end(struct stats *stats, const char *name, bool refused)
{
    char line[STATS_CLIENT_MAX + 40];
    int len = 0;
    struct shard *shard = shard_of(stats, name);
    LOCK(shard);
    struct client *c = find_or_add(shard, name);
    c->figures.in_flight--;
    c->figures.refused += refused;
    shard->totals.in_flight--;
    shard->totals.refused += refused;
    if (refused) {
        len = snprintf(line, sizeof line, "%s refused %" PRIu64 "\n", name, c->figures.refused);
        WRITE_INSIDE(stats, line, (size_t)len);
    }
    UNLOCK(shard);
    if (refused)
        WRITE(stats, line, (size_t)len);
}

void stats_totals(struct stats *stats, struct stats_figures *out)
{
    *out = (struct stats_figures){0};
    for (int i = 0; i < SHARDS; i++) {
        struct shard *shard = &stats->shards[i];
        LOCK(shard);
        out->requests += shard->totals.requests;
        out->refused += shard->totals.refused;
        out->in_flight += shard->totals.in_flight;
        UNLOCK(shard);
    }
}

void stats_client(struct stats *stats, const char *name, struct stats_figures *out)
{
    struct shard *shard = shard_of(stats, name);
    LOCK(shard);
    struct client *c = shard->clients;
    while (c && strcmp(c->name, name) != 0)
        c = c->next;
    *out = c ? c->figures : (struct stats_figures){0};
    UNLOCK(shard);
}
