/*
 * The gateway's cache. An entry is found through a hash table with chains; when each was last used is kept
 * apart, in one array without gaps, so that looking for the entry to give up runs straight through memory:
 *
 *     buckets   [ * | . | * | ... ]         ages   [ hash, last use | hash, last use | ... ]  count of them
 *                 |       |                                    ^
 *               entry   entry -> entry ------- age ------------'
 *
 * Giving up entries one by one as new ones come would make every miss pay, so it is done in sweeps, some
 * seconds apart. Whoever comes by while one is due lends a hand, and takes the lock anew for each entry.
 */
#include "lesson6/cache.h"

#include "base/hash.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    SWEEP_EVERY_MS = 10000,
    SWEEP_LASTS_MS = 2050, /* at most, and then the next one has to go on */
};

/* What is left of the interest in an entry after a millisecond in which nobody asked for it. */
static const double LEFT_AFTER_MS = 1 - 1e-6;

struct age {
    uint64_t hash;
    uint64_t last_use_ms;
};

struct entry {
    struct entry *next; /* in its bucket */
    uint64_t hash;
    size_t age; /* its place in ages */
    size_t bytes;
    void *value;
    char key[];
};

struct cache {
    struct cache_config config;
    atomic_uint_fast64_t next_sweep_ms; /* read without a lock, to see whether there is anything to do */

    pthread_mutex_t sweep_lock; /* held to give up an entry, and taken before the other */
    uint64_t sweep_ends_ms;     /* 0 between sweeps */

    pthread_mutex_t lock; /* guards all below */
    struct entry **buckets;
    size_t nbuckets; /* a power of two */
    struct age *ages;
    size_t count, room; /* of ages: used, allocated */
    size_t bytes;
    uint64_t evictions;
};

struct cache *cache_new(const struct cache_config *config)
{
    struct cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        return NULL;
    cache->config = *config;
    cache->next_sweep_ms = UINT64_MAX; /* until there is too much */
    cache->nbuckets = 16;
    while (cache->nbuckets < config->capacity)
        cache->nbuckets *= 2;
    cache->buckets = calloc(cache->nbuckets, sizeof *cache->buckets);
    if (!cache->buckets) {
        free(cache);
        return NULL;
    }
    pthread_mutex_init(&cache->lock, NULL);
    pthread_mutex_init(&cache->sweep_lock, NULL);
    return cache;
}

void cache_free(struct cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < cache->nbuckets; i++) {
        for (struct entry *e = cache->buckets[i], *next; e; e = next) {
            next = e->next;
            cache->config.release(e->value);
            free(e);
        }
    }
    pthread_mutex_destroy(&cache->sweep_lock);
    pthread_mutex_destroy(&cache->lock);
    free(cache->ages);
    free(cache->buckets);
    free(cache);
}

/* The link that leads to key's entry, or the one at the end of its bucket. */
static struct entry **find(struct cache *cache, uint64_t hash, const char *key)
{
    struct entry **link = &cache->buckets[hash & (cache->nbuckets - 1)];
    while (*link && ((*link)->hash != hash || strcmp((*link)->key, key) != 0))
        link = &(*link)->next;
    return link;
}

/* ---- eviction ---- */

/* Interest fades by the same share every millisecond: LEFT_AFTER_MS to the power of ms, by squaring. */
static double fade(uint64_t ms)
{
    double left = 1, square = LEFT_AFTER_MS;
    for (; ms; ms >>= 1, square *= square)
        if (ms & 1)
            left *= square;
    return left;
}

/* The logarithm of ms to base 2: its whole part by shifting, then a bit of the fraction for each squaring. */
static double order_of(uint64_t ms)
{
    enum { FRACTION_BITS = 10 };
    int whole = 63 - __builtin_clzll(ms | 1);
    double x = (double)ms / (double)(UINT64_C(1) << whole), order = whole;
    for (int bit = 1; bit <= FRACTION_BITS; bit++) {
        x *= x;
        if (x >= 2) {
            x /= 2;
            order += 1.0 / (1 << bit);
        }
    }
    return order;
}

/* What keeping an entry is worth: the less, the longer ago it was used, and at first it falls fastest. */
static double worth(const struct age *age, uint64_t now_ms)
{
    uint64_t idle_ms = now_ms - age->last_use_ms;
    return fade(idle_ms) / (1 + order_of(idle_ms));
}

static size_t least_worth(const struct cache *cache, uint64_t now_ms)
{
    size_t least = 0;
    double least_worth = worth(&cache->ages[0], now_ms);
    for (size_t i = 1; i < cache->count; i++) {
        double this_worth = worth(&cache->ages[i], now_ms);
        if (this_worth < least_worth) {
            least_worth = this_worth;
            least = i;
        }
    }
    return least;
}

static struct entry **find_by_age(struct cache *cache, size_t age)
{
    struct entry **link = &cache->buckets[cache->ages[age].hash & (cache->nbuckets - 1)];
    while ((*link)->age != age)
        link = &(*link)->next;
    return link;
}

static void drop(struct cache *cache, size_t age)
{
    struct entry **link = find_by_age(cache, age);
    struct entry *victim = *link;
    *link = victim->next;
    size_t last = --cache->count;
    if (age != last) { /* the last one fills the gap */
        struct entry *moved = *find_by_age(cache, last);
        cache->ages[age] = cache->ages[last];
        moved->age = age;
    }
    cache->bytes -= victim->bytes;
    cache->evictions++;
    cache->config.release(victim->value);
    free(victim);
}

/* Gives up one entry if the sweep that is due still has to; else closes the sweep. */
static bool evict_one(struct cache *cache)
{
    uint64_t now_ms = cache->config.now_ms();
    if (now_ms < cache->next_sweep_ms)
        return false; /* it was due, but others have done it meanwhile */
    if (!cache->sweep_ends_ms)
        cache->sweep_ends_ms = now_ms + SWEEP_LASTS_MS;
    pthread_mutex_lock(&cache->lock);
    bool more = cache->count > cache->config.capacity && now_ms < cache->sweep_ends_ms;
    if (more)
        drop(cache, least_worth(cache, now_ms));
    pthread_mutex_unlock(&cache->lock);
    if (!more) {
        cache->next_sweep_ms = cache->sweep_ends_ms + SWEEP_EVERY_MS - SWEEP_LASTS_MS;
        cache->sweep_ends_ms = 0;
    }
    return more;
}

static void cache_evict(struct cache *cache)
{
    bool more = true;
    while (more && cache->config.now_ms() >= cache->next_sweep_ms) {
        pthread_mutex_lock(&cache->sweep_lock);
        more = evict_one(cache);
        pthread_mutex_unlock(&cache->sweep_lock); /* between two entries, others may go on with it */
    }
}

/* ---- the rest of the contract ---- */

void *cache_get(struct cache *cache, const char *key)
{
    uint64_t hash = hash_bytes(key, strlen(key));
    void *value = NULL;
    cache_evict(cache);
    pthread_mutex_lock(&cache->lock);
    struct entry *e = *find(cache, hash, key);
    if (e) {
        cache->ages[e->age].last_use_ms = cache->config.now_ms();
        value = cache->config.retain(e->value);
    }
    pthread_mutex_unlock(&cache->lock);
    return value;
}

static bool make_room(struct cache *cache)
{
    if (cache->count < cache->room)
        return true;
    size_t room = cache->room ? cache->room * 2 : 64;
    struct age *ages = realloc(cache->ages, room * sizeof *ages);
    if (!ages)
        return false;
    cache->ages = ages;
    cache->room = room;
    return true;
}

/* Adds an entry without a value. */
static struct entry *add(struct cache *cache, uint64_t hash, const char *key)
{
    size_t key_bytes = strlen(key) + 1;
    struct entry *e = make_room(cache) ? malloc(sizeof *e + key_bytes) : NULL;
    if (!e)
        return NULL;
    *e = (struct entry){.hash = hash, .age = cache->count};
    memcpy(e->key, key, key_bytes);
    struct entry **bucket = &cache->buckets[hash & (cache->nbuckets - 1)];
    e->next = *bucket;
    *bucket = e;
    cache->ages[cache->count++].hash = hash;
    if (cache->count > cache->config.capacity && cache->next_sweep_ms == UINT64_MAX)
        cache->next_sweep_ms = cache->config.now_ms() + SWEEP_EVERY_MS;
    return e;
}

bool cache_put(struct cache *cache, const char *key, void *value, size_t bytes)
{
    uint64_t hash = hash_bytes(key, strlen(key));
    void *old = NULL;
    cache_evict(cache);
    pthread_mutex_lock(&cache->lock);
    struct entry *e = *find(cache, hash, key);
    if (!e)
        e = add(cache, hash, key);
    if (e) {
        old = e->value;
        cache->bytes += bytes - e->bytes;
        e->bytes = bytes;
        e->value = cache->config.retain(value);
        cache->ages[e->age].last_use_ms = cache->config.now_ms();
    }
    pthread_mutex_unlock(&cache->lock);
    if (old)
        cache->config.release(old);
    return e != NULL;
}

void cache_stats(struct cache *cache, struct cache_stats *out)
{
    pthread_mutex_lock(&cache->lock);
    *out =
        (struct cache_stats){.entries = cache->count, .bytes = cache->bytes, .evictions = cache->evictions};
    pthread_mutex_unlock(&cache->lock);
}
