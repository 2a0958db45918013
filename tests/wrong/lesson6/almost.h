/*
 * A right cache with seams. Each wrong fix in this folder defines a seam, includes this, and is wrong in just
 * that; its first comment names the check that must fail, and those that may fail as well because the mistake
 * cannot be seen by one alone.
 */
#include "lesson6/cache.h"

#include "base/hash.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#ifndef LOCK
#define LOCK(c) pthread_mutex_lock(&(c)->lock)
#define UNLOCK(c) pthread_mutex_unlock(&(c)->lock)
#endif
#ifndef TOUCH /* what a hit does to the order */
#define TOUCH(c, e) (unlink_entry((c), (e)), link_newest((c), (e)))
#endif
#ifndef CAPACITY
#define CAPACITY(c) ((c)->config.capacity)
#endif
#ifndef EVICT /* how many go when there is one too many */
#define EVICT(c) 1
#endif
#ifndef VICTIM
#define VICTIM(c) ((c)->oldest)
#endif
#ifndef SAID_ENTRIES
#define SAID_ENTRIES(c) ((c)->stats.entries)
#endif
#ifndef RELEASE_VICTIM
#define RELEASE_VICTIM(c, value) ((c)->config.release(value))
#endif
#ifndef OPEN /* whatever else a cache has */
#define OPEN(c) ((void)(c))
#define CLOSE(c) ((void)(c))
#endif
#ifndef RELEASE_INSIDE
#define RELEASE_INSIDE 0
#endif
#ifndef RETAIN_OUTSIDE
#define RETAIN_OUTSIDE 0
#endif

struct entry {
    struct entry *chain, *newer, *older;
    void *value;
    size_t bytes;
    uint64_t hash;
    char key[];
};

struct cache {
    struct cache_config config;
    pthread_mutex_t lock;
    size_t mask;
    struct entry **buckets;
    struct entry *newest, *oldest;
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
    pthread_mutex_init(&c->lock, NULL);
    OPEN(c);
    return c;
}

void cache_free(struct cache *c)
{
    CLOSE(c);
    for (struct entry *e = c->oldest, *next; e; e = next) {
        next = e->newer;
        c->config.release(e->value);
        free(e);
    }
    pthread_mutex_destroy(&c->lock);
    free(c->buckets);
    free(c);
}

static struct entry **find(struct cache *c, const char *key, uint64_t hash)
{
    struct entry **at = &c->buckets[hash & c->mask];
    while (*at && ((*at)->hash != hash || strcmp((*at)->key, key) != 0))
        at = &(*at)->chain;
    return at;
}

static void unlink_entry(struct cache *c, struct entry *e)
{
    *(e->newer ? &e->newer->older : &c->newest) = e->older;
    *(e->older ? &e->older->newer : &c->oldest) = e->newer;
}

static void link_newest(struct cache *c, struct entry *e)
{
    e->newer = NULL;
    e->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = e;
    c->newest = e;
}

void *cache_get(struct cache *c, const char *key)
{
    uint64_t hash = hash_bytes(key, strlen(key));
    void *value = NULL;
    LOCK(c);
    struct entry *e = *find(c, key, hash);
    if (e) {
        TOUCH(c, e);
        value = RETAIN_OUTSIDE ? e->value : c->config.retain(e->value);
    }
    UNLOCK(c);
    return RETAIN_OUTSIDE && value ? c->config.retain(value) : value;
}

/* Takes an entry out of the table and the order, and puts it in front of those that are gone. */
static void take_out(struct cache *c, struct entry *e, struct entry **gone)
{
    *find(c, e->key, e->hash) = e->chain;
    unlink_entry(c, e);
    c->stats.entries--;
    c->stats.bytes -= e->bytes;
    e->chain = *gone;
    *gone = e;
}

static void evict(struct cache *c, struct entry **gone)
{
    for (size_t n = EVICT(c); n > 0; n--) {
        take_out(c, VICTIM(c), gone);
        c->stats.evictions++;
    }
}

static void drop(struct cache *c, struct entry *gone)
{
    while (gone) {
        struct entry *next = gone->chain;
        RELEASE_VICTIM(c, gone->value);
        free(gone);
        gone = next;
    }
}

bool cache_put(struct cache *c, const char *key, void *value, size_t bytes)
{
    size_t length = strlen(key) + 1;
    struct entry *e = malloc(sizeof *e + length), *replaced = NULL, *victims = NULL;
    memcpy(e->key, key, length);
    e->hash = hash_bytes(key, strlen(key));
    e->bytes = bytes;
    e->value = c->config.retain(value);

    LOCK(c);
    struct entry **at = find(c, key, e->hash);
    if (*at)
        take_out(c, *at, &replaced);
    at = find(c, key, e->hash);
    e->chain = *at;
    *at = e;
    link_newest(c, e);
    c->stats.entries++;
    c->stats.bytes += bytes;
    if (c->stats.entries > CAPACITY(c))
        evict(c, &victims);
    if (RELEASE_INSIDE)
        drop(c, victims);
    UNLOCK(c);

    if (!RELEASE_INSIDE)
        drop(c, victims);
    if (replaced) {
        c->config.release(replaced->value);
        free(replaced);
    }
    return true;
}

void cache_stats(struct cache *c, struct cache_stats *out)
{
    LOCK(c);
    *out = c->stats;
    out->entries = SAID_ENTRIES(c);
    UNLOCK(c);
}
