/* The rig around a cache under test; see cache_rig.h. */
#include "cache_rig.h"

#include "module.h"
#include "trial.h"
#include "verdict.h"

#include <stdio.h>
#include <stdlib.h>

bool cache_module_load(struct cache_module *out, const char *stem, const char *ending)
{
    static const char *const names[] = {
        "cache_new", "cache_free", "cache_get", "cache_put", "cache_stats", NULL};
    return module_load(out, names, stem, ending);
}

/* ---- values ---------------------------------------------------------------------------------------------
 */

struct rig_values rig_values;
void (*rig_on_cache_release)(void);

void rig_values_init(size_t room)
{
    rig_values = (struct rig_values){.room = room, .all = calloc(room, sizeof *rig_values.all)};
    if (!rig_values.all)
        abort();
}

void rig_values_fini(void)
{
    free(rig_values.all);
    rig_values = (struct rig_values){0};
}

struct rig_value *rig_value_new(int key)
{
    size_t slot = atomic_fetch_add(&rig_values.used, 1);
    if (slot >= rig_values.room)
        abort();
    struct rig_value *v = &rig_values.all[slot];
    v->key = key;
    atomic_store(&v->references, 1);
    atomic_fetch_add(&rig_values.live, 1);
    return v;
}

void *rig_retain(void *value)
{
    struct rig_value *v = value;
    if (atomic_fetch_add(&v->references, 1) < 1)
        atomic_fetch_add(&rig_values.misused, 1);
    return value;
}

void rig_release(void *value)
{
    struct rig_value *v = value;
    int before = atomic_fetch_sub(&v->references, 1);
    if (before == 1)
        atomic_fetch_sub(&rig_values.live, 1);
    else if (before < 1)
        atomic_fetch_add(&rig_values.misused, 1);
}

static void release_by_cache(void *value)
{
    if (rig_on_cache_release)
        rig_on_cache_release();
    rig_release(value);
}

/* ---- a cache under test ---------------------------------------------------------------------------------
 */

void rig_open(struct rig *rig, const struct cache_module *module, size_t capacity)
{
    struct cache_config config = {
        .capacity = capacity, .retain = rig_retain, .release = release_by_cache, .now_ms = trial_clock_ms};
    rig->module = module;
    module_enter("cache_new");
    rig->cache = module->create(&config);
    module_leave();
    if (!rig->cache)
        verdict(false, "a cache", "cache_new returned NULL for a capacity of %zu", capacity);
}

void rig_close(struct rig *rig)
{
    module_enter("cache_free");
    rig->module->destroy(rig->cache);
    module_leave();
}

static const char *key_name(int key, char text[32])
{
    snprintf(text, 32, "/item/%d", key);
    return text;
}

void rig_put(struct rig *rig, int key)
{
    char text[32];
    struct rig_value *value = rig_value_new(key);
    key_name(key, text);
    module_enter("cache_put");
    bool stored = rig->module->put(rig->cache, text, value, RIG_VALUE_BYTES);
    module_leave();
    rig_release(value);
    if (!stored)
        verdict(false, "true, with memory to spare", "cache_put returned false for %s", text);
}

bool rig_get(struct rig *rig, int key)
{
    char text[32];
    key_name(key, text);
    module_enter("cache_get");
    struct rig_value *value = rig->module->get(rig->cache, text);
    module_leave();
    if (!value)
        return false;
    int found = value->key;
    rig_release(value);
    if (found != key)
        verdict(false, "the value last put under that key", "cache_get of %s gave the value of /item/%d",
            text, found);
    return true;
}

struct cache_stats rig_stats(struct rig *rig)
{
    struct cache_stats stats;
    module_enter("cache_stats");
    rig->module->stats(rig->cache, &stats);
    module_leave();
    return stats;
}
