#ifndef CACHE_H
#define CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The gateway's cache of upstream answers: string key → value with a reference count that the owner keeps.
 *
 * It is meant to hold at most `capacity` entries and to give up the least recently used one first; both
 * cache_get (a hit) and cache_put count as use. Every function may be called from any thread at any time,
 * cache_free apart.
 */
struct cache;

struct cache_config {
    size_t capacity;              /* entries, at least 1 */
    void *(*retain)(void *value); /* takes one more reference and returns value; quick */
    void (*release)(void *value); /* gives one reference back; may free the value, and may be slow */
    uint64_t (*now_ms)(void);     /* a clock that never goes back */
};

struct cache *cache_new(const struct cache_config *config); /* NULL when memory runs out */
void cache_free(struct cache *cache); /* releases every value; nobody may still use it */

/* The value under key with a reference of the caller's own (release it), or NULL. */
void *cache_get(struct cache *cache, const char *key);

/* Stores value (of `bytes` bytes, for the figures) under a copy of key and takes a reference; what was
 * there is released. False when memory runs out; the cache is then unchanged. */
bool cache_put(struct cache *cache, const char *key, void *value, size_t bytes);

struct cache_stats {
    size_t entries, bytes; /* now */
    uint64_t evictions;    /* ever */
};

void cache_stats(struct cache *cache, struct cache_stats *out);

#endif
