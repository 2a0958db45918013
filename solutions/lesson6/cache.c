/*
 * The gateway's cache, kept to its bound. An entry is found through a hash table with chains, and all
 * entries are also on one list, ordered by their last use, so that the next one to give up is always known:
 *
 *     buckets   [ * | . | * | ... ]         recency   newest <-> entry <-> entry <-> oldest   (a ring)
 *                 |       |
 *               entry   entry -> entry
 *
 * Under the lock, links are changed and nothing else: an entry is made before it is taken, and a victim's
 * value is released after it is given back, since that may be slow.
 */
#include "lesson6/cache.h"

#include "base/hash.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct link {
    struct link *newer, *older;
};

struct entry {
    struct link recency; /* first, so that a link found on the ring is the entry */
    struct entry *next;  /* in its bucket */
    uint64_t hash;
    size_t bytes;
    void *value;
    char key[];
};

struct cache {
    struct cache_config config;
    struct entry **buckets;
    size_t nbuckets; /* a power of two, settled at the start */

    pthread_mutex_t lock; /* guards the buckets' chains and all below */
    struct link ring;     /* ring.older is the newest entry, ring.newer the oldest */
    struct cache_stats figures;
};

struct cache *cache_new(const struct cache_config *config)
{
    struct cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        return NULL;
    cache->config = *config;
    cache->ring.newer = cache->ring.older = &cache->ring;
    cache->nbuckets = 16;
    while (cache->nbuckets < config->capacity)
        cache->nbuckets *= 2;
    cache->buckets = calloc(cache->nbuckets, sizeof *cache->buckets);
    if (!cache->buckets) {
        free(cache);
        return NULL;
    }
    pthread_mutex_init(&cache->lock, NULL);
    return cache;
}

static void entry_free(struct cache *cache, struct entry *e)
{
    if (e)
        cache->config.release(e->value);
    free(e);
}

void cache_free(struct cache *cache)
{
    if (!cache)
        return;
    for (struct link *l = cache->ring.older, *older; l != &cache->ring; l = older) {
        older = l->older;
        entry_free(cache, (struct entry *)l);
    }
    pthread_mutex_destroy(&cache->lock);
    free(cache->buckets);
    free(cache);
}

/* ---- links; all under the lock ---- */

static void link_out(struct link *l)
{
    l->newer->older = l->older;
    l->older->newer = l->newer;
}

static void link_newest(struct cache *cache, struct link *l)
{
    l->newer = &cache->ring;
    l->older = cache->ring.older;
    l->older->newer = l;
    cache->ring.older = l;
}

/* The chain link that leads to key's entry, or the one at the end of its bucket. */
static struct entry **find(struct cache *cache, uint64_t hash, const char *key)
{
    struct entry **link = &cache->buckets[hash & (cache->nbuckets - 1)];
    while (*link && ((*link)->hash != hash || strcmp((*link)->key, key) != 0))
        link = &(*link)->next;
    return link;
}

static struct entry *take_out(struct cache *cache, struct entry **link)
{
    struct entry *e = *link;
    *link = e->next;
    link_out(&e->recency);
    cache->figures.entries--;
    cache->figures.bytes -= e->bytes;
    return e;
}

static void put_in(struct cache *cache, struct entry *e)
{
    struct entry **bucket = &cache->buckets[e->hash & (cache->nbuckets - 1)];
    e->next = *bucket;
    *bucket = e;
    link_newest(cache, &e->recency);
    cache->figures.entries++;
    cache->figures.bytes += e->bytes;
}

static struct entry *take_out_oldest(struct cache *cache)
{
    struct entry *victim = (struct entry *)cache->ring.newer;
    struct entry **link = &cache->buckets[victim->hash & (cache->nbuckets - 1)];
    while (*link != victim)
        link = &(*link)->next;
    cache->figures.evictions++;
    return take_out(cache, link);
}

/* ---- the contract ---- */

void *cache_get(struct cache *cache, const char *key)
{
    uint64_t hash = hash_bytes(key, strlen(key));
    void *value = NULL;
    pthread_mutex_lock(&cache->lock);
    struct entry *e = *find(cache, hash, key);
    if (e) {
        link_out(&e->recency);
        link_newest(cache, &e->recency);
        value = cache->config.retain(e->value);
    }
    pthread_mutex_unlock(&cache->lock);
    return value;
}

static struct entry *entry_new(struct cache *cache, const char *key, void *value, size_t bytes)
{
    size_t key_bytes = strlen(key) + 1;
    struct entry *e = malloc(sizeof *e + key_bytes);
    if (!e)
        return NULL;
    *e = (struct entry){.hash = hash_bytes(key, key_bytes - 1), .bytes = bytes};
    e->value = cache->config.retain(value);
    memcpy(e->key, key, key_bytes);
    return e;
}

bool cache_put(struct cache *cache, const char *key, void *value, size_t bytes)
{
    struct entry *e = entry_new(cache, key, value, bytes), *gone = NULL;
    if (!e)
        return false;
    pthread_mutex_lock(&cache->lock);
    struct entry **old = find(cache, e->hash, key);
    if (*old)
        gone = take_out(cache, old);
    else if (cache->figures.entries == cache->config.capacity)
        gone = take_out_oldest(cache);
    put_in(cache, e);
    pthread_mutex_unlock(&cache->lock);
    entry_free(cache, gone);
    return true;
}

void cache_stats(struct cache *cache, struct cache_stats *out)
{
    pthread_mutex_lock(&cache->lock);
    *out = cache->figures;
    pthread_mutex_unlock(&cache->lock);
}
