/* Another design that is right: no list, but a heap by a counter of uses; a victim costs log n. */
#include "lesson6/cache.h"

#include "base/hash.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    struct entry *chain;
    void *value;
    size_t bytes, place; /* in the heap */
    uint64_t hash, used;
    char key[];
};

struct cache {
    struct cache_config config;
    pthread_mutex_t lock;
    size_t mask;
    uint64_t uses;
    struct entry **buckets, **heap; /* heap[0] was used longest ago */
    struct cache_stats stats;
};

struct cache *cache_new(const struct cache_config *config)
{
    struct cache *c = calloc(1, sizeof *c);
    size_t n = 16;
    while (n < config->capacity * 2)
        n *= 2;
    c->config = *config;
    c->mask = n - 1;
    c->buckets = calloc(n, sizeof *c->buckets);
    c->heap = calloc(config->capacity + 1, sizeof *c->heap);
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

static void drop(struct cache *c, struct entry *e)
{
    if (!e)
        return;
    c->config.release(e->value);
    free(e);
}

void cache_free(struct cache *c)
{
    for (size_t i = 0; i < c->stats.entries; i++)
        drop(c, c->heap[i]);
    pthread_mutex_destroy(&c->lock);
    free(c->heap);
    free(c->buckets);
    free(c);
}

static void place(struct cache *c, struct entry *e, size_t at)
{
    c->heap[at] = e;
    e->place = at;
}

static void sift_down(struct cache *c, struct entry *e, size_t at)
{
    for (size_t child; (child = 2 * at + 1) < c->stats.entries; at = child) {
        if (child + 1 < c->stats.entries && c->heap[child + 1]->used < c->heap[child]->used)
            child++;
        if (e->used <= c->heap[child]->used)
            break;
        place(c, c->heap[child], at);
    }
    place(c, e, at);
}

static struct entry **find(struct cache *c, const char *key, uint64_t hash)
{
    struct entry **at = &c->buckets[hash & c->mask];
    while (*at && ((*at)->hash != hash || strcmp((*at)->key, key) != 0))
        at = &(*at)->chain;
    return at;
}

static void use(struct cache *c, struct entry *e)
{
    e->used = ++c->uses; /* newer than all others: it can only go down */
    sift_down(c, e, e->place);
}

void *cache_get(struct cache *c, const char *key)
{
    uint64_t hash = hash_bytes(key, strlen(key));
    void *value = NULL;
    pthread_mutex_lock(&c->lock);
    struct entry *e = *find(c, key, hash);
    if (e) {
        use(c, e);
        value = c->config.retain(e->value);
    }
    pthread_mutex_unlock(&c->lock);
    return value;
}

static struct entry *take_oldest(struct cache *c)
{
    struct entry *oldest = c->heap[0];
    *find(c, oldest->key, oldest->hash) = oldest->chain;
    struct entry *last = c->heap[--c->stats.entries];
    if (last != oldest)
        sift_down(c, last, 0);
    c->stats.bytes -= oldest->bytes;
    c->stats.evictions++;
    return oldest;
}

bool cache_put(struct cache *c, const char *key, void *value, size_t bytes)
{
    size_t length = strlen(key) + 1;
    struct entry *fresh = malloc(sizeof *fresh + length), *victim = NULL;
    void *old = NULL;
    *fresh = (struct entry){.hash = hash_bytes(key, strlen(key)), .bytes = bytes};
    memcpy(fresh->key, key, length);

    pthread_mutex_lock(&c->lock);
    struct entry *e = *find(c, key, fresh->hash);
    if (e) {
        old = e->value;
        c->stats.bytes += bytes - e->bytes;
        e->bytes = bytes;
    } else {
        if (c->stats.entries == c->config.capacity)
            victim = take_oldest(c);
        e = fresh;
        fresh = NULL;
        struct entry **bucket = &c->buckets[e->hash & c->mask];
        e->chain = *bucket;
        *bucket = e;
        place(c, e, c->stats.entries++);
        c->stats.bytes += bytes;
    }
    e->value = c->config.retain(value);
    use(c, e);
    pthread_mutex_unlock(&c->lock);

    free(fresh);
    drop(c, victim);
    if (old)
        c->config.release(old);
    return true;
}

void cache_stats(struct cache *c, struct cache_stats *out)
{
    pthread_mutex_lock(&c->lock);
    *out = c->stats;
    pthread_mutex_unlock(&c->lock);
}
