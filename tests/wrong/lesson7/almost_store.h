/*
 * A right store with seams: a hash table, and a list by when a tile was last asked for. Each wrong fix of the
 * store in this folder defines a seam, includes this, and is wrong in just that; its first comment names the
 * check that must fail, and those that may fail as well because the mistake cannot be seen by one alone. The
 * designs in tests/right/lesson7 define other ones, and are right.
 */
#include "lesson7/tile_store.h"

#include "base/hash.h"

#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#ifndef LOCK
#define LOCK(s) pthread_mutex_lock(&(s)->lock)
#define UNLOCK(s) pthread_mutex_unlock(&(s)->lock)
#endif
#ifndef KEY /* by which tiles are told apart */
#define KEY(tile) (tile)
#endif
#ifndef BYTES /* of a kept tile, as the budget counts them */
#define BYTES(k) malloc_usable_size(k)
#endif
#ifndef IS_FULL /* with so many bytes more */
#define IS_FULL(s, more) ((s)->bytes + (more) > (s)->config.budget_bytes)
#endif
#ifndef USED /* what being asked for does to a kept tile */
#define USED(s, k) (list_remove(k), list_add((s), (k)))
#endif
#ifndef VICTIM
#define VICTIM(s) ((s)->oldest)
#endif
#ifndef REFUSES /* to keep so many bytes */
#define REFUSES(s, more) ((more) > (s)->config.budget_bytes)
#endif
#ifndef SHARE /* in a tile that is being unpacked */
#define SHARE 1
#endif
#ifndef DISCARD
#define DISCARD(k) free(k)
#endif
#ifndef RENDER
#define RENDER(s, tile, pixels) ((s)->config.render((s)->config.renderer, (tile), (pixels)))
#endif

enum { BUCKETS = 8192 };

struct kept {
    struct kept *next, *newer, *older;
    struct tile_store *store;
    uint64_t key;
    uint32_t uses;
    int shares;
    size_t len;
    unsigned char packed[];
};

struct tile_store {
    struct tile_store_config config;
    pthread_mutex_t lock;
    struct tile_store_stats figures;
    size_t bytes;
    struct kept *newest, *oldest;
    struct kept *buckets[BUCKETS];
};

struct tile_store *tile_store_new(const struct tile_store_config *config)
{
    struct tile_store *s = calloc(1, sizeof *s);
    s->config = *config;
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

void tile_store_free(struct tile_store *s)
{
    for (struct kept *k = s->newest, *older; k; k = older) {
        older = k->older;
        free(k);
    }
    free(s);
}

static struct kept **find(struct tile_store *s, uint64_t tile)
{
    struct kept **link = &s->buckets[hash_u64(KEY(tile)) % BUCKETS];
    while (*link && (*link)->key != KEY(tile))
        link = &(*link)->next;
    return link;
}

static inline void list_remove(struct kept *k)
{
    *(k->newer ? &k->newer->older : &k->store->newest) = k->older;
    *(k->older ? &k->older->newer : &k->store->oldest) = k->newer;
}

static inline void list_add(struct tile_store *s, struct kept *k)
{
    k->newer = NULL;
    k->older = s->newest;
    *(s->newest ? &s->newest->newer : &s->oldest) = k;
    s->newest = k;
}

static void give_up(struct tile_store *s, struct kept *k)
{
    struct kept **link = &s->buckets[hash_u64(k->key) % BUCKETS];
    while (*link != k)
        link = &(*link)->next;
    *link = k->next;
    list_remove(k);
    s->bytes -= BYTES(k);
    s->figures.kept--;
    if (--k->shares == 0)
        DISCARD(k);
}

static void keep(struct tile_store *s, uint64_t tile, const unsigned char pixels[TILE_BYTES])
{
    struct kept *k = malloc(sizeof *k + TILE_PACKED_MAX);
    *k = (struct kept){
        .store = s, .key = KEY(tile), .uses = 1, .shares = 1, .len = tile_pack(pixels, k->packed)};
    struct kept *shorter = realloc(k, sizeof *k + k->len);
    if (shorter)
        k = shorter;
    size_t bytes = BYTES(k);
    LOCK(s);
    if (*find(s, tile) || REFUSES(s, bytes)) {
        free(k);
    } else {
        while (IS_FULL(s, bytes) && s->figures.kept > 0)
            give_up(s, VICTIM(s));
        *find(s, tile) = k;
        list_add(s, k);
        s->bytes += bytes;
        s->figures.kept++;
    }
    UNLOCK(s);
}

void tile_store_get(struct tile_store *s, uint64_t tile, unsigned char pixels[TILE_BYTES])
{
    LOCK(s);
    struct kept *k = *find(s, tile);
    s->figures.asked++;
    s->figures.rendered += k == NULL;
    if (k) {
        k->uses++;
        k->shares += SHARE;
        USED(s, k);
    }
    UNLOCK(s);
    if (k) {
        tile_unpack(k->packed, k->len, pixels);
        LOCK(s);
        if (SHARE && --k->shares == 0)
            DISCARD(k);
        UNLOCK(s);
        return;
    }
    RENDER(s, tile, pixels);
    if (s->config.budget_bytes > 0)
        keep(s, tile, pixels);
}

void tile_store_stats(struct tile_store *s, struct tile_store_stats *out)
{
    LOCK(s);
    *out = s->figures;
    UNLOCK(s);
}
