#ifndef LESSON6_CACHE_RIG_H
#define LESSON6_CACHE_RIG_H

#include "lesson6/cache.h"

#include <stdatomic.h>

/*
 * What the checks put around a cache under test: the module itself, loaded from a shared object so that
 * several fit in one process, and values that know how often they were retained.
 */

/* ---- the module -----------------------------------------------------------------------------------------
 */

struct cache_module {
    struct cache *(*create)(const struct cache_config *config);
    void (*destroy)(struct cache *cache);
    void *(*get)(struct cache *cache, const char *key);
    bool (*put)(struct cache *cache, const char *key, void *value, size_t bytes);
    void (*stats)(struct cache *cache, struct cache_stats *out);
};

/* As module_load. */
bool cache_module_load(struct cache_module *out, const char *stem, const char *ending);

/* ---- values ---------------------------------------------------------------------------------------------
 */

/* Never freed before the check ends, so that a use after the last release is seen instead of crashing. */
struct rig_value {
    atomic_int references;
    int key;
};

struct rig_values {
    size_t room;
    atomic_size_t used;
    struct rig_value *all;
    atomic_long live;   /* values with a reference */
    atomic_int misused; /* retained after the last release, or released once too often */
};

/* One set at a time, as the callbacks of cache_config carry no context. */
void rig_values_init(size_t room);
void rig_values_fini(void);
extern struct rig_values rig_values;

/* A fresh value with one reference, the caller's. */
struct rig_value *rig_value_new(int key);
void *rig_retain(void *value);
void rig_release(void *value);

/* Runs when a cache gives a reference back, in the thread that does, before it counts; NULL is none. */
extern void (*rig_on_cache_release)(void);

/* ---- a cache under test ---------------------------------------------------------------------------------
 */

struct rig {
    const struct cache_module *module;
    struct cache *cache;
};

enum { RIG_VALUE_BYTES = 64 }; /* what every put tells the cache */

void rig_open(struct rig *rig, const struct cache_module *module, size_t capacity);
void rig_close(struct rig *rig);

/* Calls on keys by number; put makes a fresh value and keeps no reference. All are watched (module.h). */
void rig_put(struct rig *rig, int key);
bool rig_get(struct rig *rig, int key); /* a hit; the value is released, and must be that key's */
struct cache_stats rig_stats(struct rig *rig);

#endif
