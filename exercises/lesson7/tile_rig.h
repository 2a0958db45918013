#ifndef LESSON7_TILE_RIG_H
#define LESSON7_TILE_RIG_H

#include "lesson7/tile_store.h"

#include <stdatomic.h>
#include <stdbool.h>

/*
 * What the checks put around the two modules: each loaded from a shared object, and a renderer whose tiles
 * are known without it. Both modules are free to be written anew without the other.
 */

struct store_module {
    struct tile_store *(*create)(const struct tile_store_config *config);
    void (*destroy)(struct tile_store *store);
    void (*get)(struct tile_store *store, uint64_t tile, unsigned char pixels[TILE_BYTES]);
    void (*stats)(struct tile_store *store, struct tile_store_stats *out);
};

struct code_module {
    size_t (*pack)(const unsigned char pixels[TILE_BYTES], unsigned char to[TILE_PACKED_MAX]);
    void (*unpack)(const unsigned char *packed, size_t len, unsigned char pixels[TILE_BYTES]);
};

/* As module_load, with the functions' names. */
bool store_module_load(struct store_module *out, const char *stem, const char *ending);
bool code_module_load(struct code_module *out, const char *stem, const char *ending);

/* What a store's tile_pack and tile_unpack lead to from now on; and what is called before each tile_unpack,
 * if it is not NULL. */
void rig_use_code(const struct code_module *code);
void rig_on_unpack(void (*hook)(void));

/* Tiles of three kinds: of one colour, in runs of 4 to 40 pixels, and of pixels drawn at random, which no
 * code makes shorter. The last eight bytes say which tile it is. */
enum rig_kind { RIG_PLAIN, RIG_RUNS, RIG_RANDOM };
uint64_t rig_tile(enum rig_kind kind, uint32_t n);
void rig_draw(uint64_t tile, unsigned char pixels[TILE_BYTES]);

/* The render function of a config whose renderer is one of these. */
struct rig_renderer {
    atomic_uint_fast64_t rendered;
    void (*on_render)(uint64_t tile); /* before it is drawn; NULL: nothing */
};
void rig_render(void *renderer, uint64_t tile, unsigned char pixels[TILE_BYTES]);

#endif
