/*
 * Tiles are kept for as long as they are asked for, and the budget lasts. A kept tile is found through a hash
 * table with chains, and all are also on one list, ordered by when they were last asked for:
 *
 *     buckets   [ * | . | * | ... ]      recency   newest <-> kept <-> kept <-> oldest   (a ring)
 *                 |       |
 *               kept     kept -> kept      a kept tile has the packed pixels at its end
 *
 * What counts against the budget is what malloc gave, which is more than was asked for. Under the lock, links
 * are changed and nothing else; who unpacks a tile has a share in it, so that it may be given up meanwhile,
 * and is freed by the last who has one.
 */
#include "lesson7/tile_store.h"

#include "base/hash.h"

#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 8192 }; /* a power of two */

struct link {
    struct link *newer, *older;
};

struct kept {
    struct link recency; /* first, so that a link found on the ring is the tile */
    struct kept *next;   /* in its bucket */
    uint64_t tile;
    size_t len;
    int shares; /* one of the store, and one of each thread that unpacks it */
    unsigned char packed[];
};

struct tile_store {
    struct tile_store_config config;
    pthread_mutex_t lock; /* guards all below, and the shares */
    struct tile_store_stats figures;
    size_t bytes;     /* of all that are kept */
    struct link ring; /* ring.older is the newest, ring.newer the oldest */
    struct kept *buckets[BUCKETS];
};

struct tile_store *tile_store_new(const struct tile_store_config *config)
{
    struct tile_store *store = calloc(1, sizeof *store);
    if (!store)
        return NULL;
    store->config = *config;
    store->ring.newer = store->ring.older = &store->ring;
    pthread_mutex_init(&store->lock, NULL);
    return store;
}

void tile_store_free(struct tile_store *store)
{
    if (!store)
        return;
    for (struct link *l = store->ring.older, *older; l != &store->ring; l = older) {
        older = l->older;
        free(l);
    }
    pthread_mutex_destroy(&store->lock);
    free(store);
}

/* ---- links, with the lock ---- */

/* The link that leads to the tile, or the one at the end of its bucket. */
static struct kept **find(struct tile_store *store, uint64_t tile)
{
    struct kept **link = &store->buckets[hash_u64(tile) & (BUCKETS - 1)];
    while (*link && (*link)->tile != tile)
        link = &(*link)->next;
    return link;
}

static void ring_remove(struct link *l)
{
    l->newer->older = l->older;
    l->older->newer = l->newer;
}

static void ring_add_newest(struct link *ring, struct link *l)
{
    l->newer = ring;
    l->older = ring->older;
    ring->older->newer = l;
    ring->older = l;
}

/* Takes the oldest out, and the share that the store had in it. Returns it when that was the last. */
static struct kept *give_up_oldest(struct tile_store *store)
{
    struct kept *oldest = (struct kept *)store->ring.newer;
    *find(store, oldest->tile) = oldest->next;
    ring_remove(&oldest->recency);
    store->bytes -= malloc_usable_size(oldest);
    store->figures.kept--;
    return --oldest->shares == 0 ? oldest : NULL;
}

/* ---- tiles ---- */

/* The tile, with a share in it; NULL when it is not kept. */
static struct kept *use(struct tile_store *store, uint64_t tile)
{
    pthread_mutex_lock(&store->lock);
    struct kept *k = *find(store, tile);
    store->figures.asked++;
    store->figures.rendered += k == NULL;
    if (k) {
        k->shares++;
        ring_remove(&k->recency);
        ring_add_newest(&store->ring, &k->recency);
    }
    pthread_mutex_unlock(&store->lock);
    return k;
}

static void leave(struct tile_store *store, struct kept *k)
{
    pthread_mutex_lock(&store->lock);
    bool was_last = --k->shares == 0;
    pthread_mutex_unlock(&store->lock);
    if (was_last)
        free(k);
}

static struct kept *kept_new(uint64_t tile, const unsigned char pixels[TILE_BYTES])
{
    struct kept *k = malloc(sizeof *k + TILE_PACKED_MAX);
    if (!k)
        return NULL;
    k->next = NULL;
    k->tile = tile;
    k->shares = 1;
    k->len = tile_pack(pixels, k->packed);
    struct kept *shorter = realloc(k, sizeof *k + k->len);
    if (shorter)
        k = shorter;
    return k;
}

/* Keeps it, unless another thread was faster. What has to go for it is freed without the lock. */
static void keep(struct tile_store *store, struct kept *k)
{
    struct kept *victims = NULL;
    size_t bytes = malloc_usable_size(k);
    pthread_mutex_lock(&store->lock);
    if (*find(store, k->tile) || bytes > store->config.budget_bytes) {
        victims = k;
    } else {
        while (store->bytes + bytes > store->config.budget_bytes) {
            struct kept *victim = give_up_oldest(store);
            if (victim) {
                victim->next = victims;
                victims = victim;
            }
        }
        k->next = NULL;
        *find(store, k->tile) = k;
        ring_add_newest(&store->ring, &k->recency);
        store->bytes += bytes;
        store->figures.kept++;
    }
    pthread_mutex_unlock(&store->lock);
    for (struct kept *next; victims; victims = next) {
        next = victims->next;
        free(victims);
    }
}

void tile_store_get(struct tile_store *store, uint64_t tile, unsigned char pixels[TILE_BYTES])
{
    struct kept *k = use(store, tile);
    if (k) {
        tile_unpack(k->packed, k->len, pixels);
        leave(store, k);
        return;
    }
    store->config.render(store->config.renderer, tile, pixels);
    k = store->config.budget_bytes > 0 ? kept_new(tile, pixels) : NULL;
    if (k)
        keep(store, k);
}

void tile_store_stats(struct tile_store *store, struct tile_store_stats *out)
{
    pthread_mutex_lock(&store->lock);
    *out = store->figures;
    pthread_mutex_unlock(&store->lock);
}
