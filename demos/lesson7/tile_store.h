#ifndef LESSON7_TILE_STORE_H
#define LESSON7_TILE_STORE_H

#include "lesson7/tile_code.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Where tiles come from: out of what is kept, or else from the renderer, which takes its time. What is kept
 * of them, and for how long, is the store's to decide, within its budget.
 *
 * Every function may be called from any thread at any time, tile_store_free apart. No call waits for another
 * tile to be rendered.
 */
struct tile_store;

struct tile_store_config {
    /* The most that the tiles kept may take, with all that belongs to each of them. With 0, none is kept. */
    size_t budget_bytes;

    /* Draws the tile of that number, the same each time. Slow; any number of threads may be in it. */
    void (*render)(void *renderer, uint64_t tile, unsigned char pixels[TILE_BYTES]);
    void *renderer;
};

/* What a store may have allocated beyond its budget: tables, what calls need while they run, and a quarter of
 * the budget, since malloc rounds up. */
enum { TILE_STORE_SPARE_BYTES = 256 * 1024 };

struct tile_store *tile_store_new(const struct tile_store_config *config); /* NULL when memory runs out */
void tile_store_free(struct tile_store *store); /* with all it has kept; nobody may still use it */

/* Writes the tile's pixels. Where memory runs out, the tile is rendered and not kept. */
void tile_store_get(struct tile_store *store, uint64_t tile, unsigned char pixels[TILE_BYTES]);

struct tile_store_stats {
    uint64_t asked, rendered; /* tiles, ever */
    size_t kept;              /* now */
};

void tile_store_stats(struct tile_store *store, struct tile_store_stats *out);

#endif
