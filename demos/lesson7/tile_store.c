/*
 * Each tile is rendered once, and kept: in a hash table with chains, under one lock.
 *
 *     buckets   [ * | . | * | ... ]
 *                 |       |
 *               kept     kept -> kept        a kept tile has the packed pixels at its end
 */
#include "lesson7/tile_store.h"

#include "base/hash.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 8192 }; /* a power of two */

struct kept {
    struct kept *next; /* in its bucket */
    uint64_t tile;
    size_t len;
    unsigned char packed[];
};

struct tile_store {
    struct tile_store_config config;
    pthread_mutex_t lock; /* guards all below */
    struct tile_store_stats figures;
    struct kept *buckets[BUCKETS];
};

struct tile_store *tile_store_new(const struct tile_store_config *config)
{
    struct tile_store *store = calloc(1, sizeof *store);
    if (!store)
        return NULL;
    store->config = *config;
    pthread_mutex_init(&store->lock, NULL);
    return store;
}

void tile_store_free(struct tile_store *store)
{
    if (!store)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct kept *k = store->buckets[i], *next; k; k = next) {
            next = k->next;
            free(k);
        }
    }
    pthread_mutex_destroy(&store->lock);
    free(store);
}

/* The link that leads to the tile, or the one at the end of its bucket. */
static struct kept **find(struct tile_store *store, uint64_t tile)
{
    struct kept **link = &store->buckets[hash_u64(tile) & (BUCKETS - 1)];
    while (*link && (*link)->tile != tile)
        link = &(*link)->next;
    return link;
}

static struct kept *kept_new(uint64_t tile, const unsigned char pixels[TILE_BYTES])
{
    struct kept *k = malloc(sizeof *k + TILE_PACKED_MAX);
    if (!k)
        return NULL;
    k->next = NULL;
    k->tile = tile;
    k->len = tile_pack(pixels, k->packed);
    struct kept *shorter = realloc(k, sizeof *k + k->len);
    if (shorter)
        k = shorter;
    return k;
}

/* Keeps it, unless another thread was faster. */
static void keep(struct tile_store *store, struct kept *k)
{
    pthread_mutex_lock(&store->lock);
    struct kept **link = find(store, k->tile), *there = *link;
    if (!there) {
        *link = k;
        store->figures.kept++;
    }
    pthread_mutex_unlock(&store->lock);
    if (there)
        free(k);
}

void tile_store_get(struct tile_store *store, uint64_t tile, unsigned char pixels[TILE_BYTES])
{
    pthread_mutex_lock(&store->lock);
    struct kept *k = *find(store, tile);
    store->figures.asked++;
    store->figures.rendered += k == NULL;
    pthread_mutex_unlock(&store->lock);
    if (k) { /* and for ever, so the lock is not needed */
        tile_unpack(k->packed, k->len, pixels);
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
