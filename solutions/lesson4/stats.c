/*
 * The figures of all clients, in a hash table with chains, under one lock. Under it, figures are changed and
 * nothing else; the line of a refusal is written when it has been given back:
 *
 *     buckets   [ * | . | * | ... ]      totals
 *                 |       |
 *              client  client -> client
 */
#include "lesson4/stats.h"

#include "base/hash.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 4096 }; /* a power of two */

struct client {
    struct client *next; /* in its bucket */
    struct stats_figures figures;
    char name[STATS_CLIENT_MAX];
};

struct stats {
    struct stats_config config;
    pthread_mutex_t lock; /* guards all below */
    struct stats_figures totals;
    struct client *buckets[BUCKETS];
};

struct stats *stats_new(const struct stats_config *config)
{
    struct stats *stats = calloc(1, sizeof *stats);
    if (!stats)
        return NULL;
    stats->config = *config;
    pthread_mutex_init(&stats->lock, NULL);
    return stats;
}

void stats_free(struct stats *stats)
{
    if (!stats)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct client *c = stats->buckets[i], *next; c; c = next) {
            next = c->next;
            free(c);
        }
    }
    pthread_mutex_destroy(&stats->lock);
    free(stats);
}

/* The link that leads to the client, or the one at the end of its bucket. */
static struct client **find(struct stats *stats, const char *name)
{
    struct client **link = &stats->buckets[hash_bytes(name, strlen(name)) & (BUCKETS - 1)];
    while (*link && strcmp((*link)->name, name) != 0)
        link = &(*link)->next;
    return link;
}

static struct client *find_or_add(struct stats *stats, const char *name)
{
    struct client **link = find(stats, name);
    if (!*link) {
        *link = calloc(1, sizeof **link);
        if (*link)
            snprintf((*link)->name, sizeof(*link)->name, "%s", name);
    }
    return *link;
}

static void log_refusal(struct stats *stats, const char *name, uint64_t which)
{
    char line[STATS_CLIENT_MAX + 40];
    int len = snprintf(line, sizeof line, "%s refused %" PRIu64 "\n", name, which);
    stats->config.append(stats->config.log, line, (size_t)len);
}

void stats_begin(struct stats *stats, const char *name)
{
    pthread_mutex_lock(&stats->lock);
    struct client *client = find_or_add(stats, name);
    stats->totals.requests++;
    stats->totals.in_flight++;
    if (client) {
        client->figures.requests++;
        client->figures.in_flight++;
    }
    pthread_mutex_unlock(&stats->lock);
}

void stats_end(struct stats *stats, const char *name, bool refused)
{
    uint64_t which = 0;
    pthread_mutex_lock(&stats->lock);
    struct client *client = find_or_add(stats, name);
    stats->totals.in_flight--;
    stats->totals.refused += refused;
    if (client) {
        client->figures.in_flight--;
        client->figures.refused += refused;
        which = client->figures.refused;
    }
    pthread_mutex_unlock(&stats->lock);
    if (refused && which > 0)
        log_refusal(stats, name, which);
}

void stats_totals(struct stats *stats, struct stats_figures *out)
{
    pthread_mutex_lock(&stats->lock);
    *out = stats->totals;
    pthread_mutex_unlock(&stats->lock);
}

void stats_client(struct stats *stats, const char *name, struct stats_figures *out)
{
    pthread_mutex_lock(&stats->lock);
    struct client *client = *find(stats, name);
    *out = client ? client->figures : (struct stats_figures){0};
    pthread_mutex_unlock(&stats->lock);
}
