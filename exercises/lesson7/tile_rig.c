/* The rig around the modules under test; see tile_rig.h. */
#include "tile_rig.h"

#include "module.h"

#include "base/hash.h"

#include <string.h>

bool store_module_load(struct store_module *out, const char *stem, const char *ending)
{
    static const char *const NAMES[] = {
        "tile_store_new", "tile_store_free", "tile_store_get", "tile_store_stats", NULL};
    return module_load(out, NAMES, stem, ending);
}

bool code_module_load(struct code_module *out, const char *stem, const char *ending)
{
    static const char *const NAMES[] = {"tile_pack", "tile_unpack", NULL};
    return module_load(out, NAMES, stem, ending);
}

/* ---- what a store finds instead of the other module ---- */

static const struct code_module *code;
static void (*on_unpack)(void);

void rig_on_unpack(void (*hook)(void))
{
    on_unpack = hook;
}

void rig_use_code(const struct code_module *used)
{
    code = used;
}

size_t tile_pack(const unsigned char pixels[TILE_BYTES], unsigned char to[TILE_PACKED_MAX])
{
    return code->pack(pixels, to);
}

void tile_unpack(const unsigned char *packed, size_t len, unsigned char pixels[TILE_BYTES])
{
    if (on_unpack)
        on_unpack();
    code->unpack(packed, len, pixels);
}

/* ---- tiles ---- */

enum { KIND_SHIFT = 32 };

uint64_t rig_tile(enum rig_kind kind, uint32_t n)
{
    return (uint64_t)kind << KIND_SHIFT | n;
}

static void draw_runs(uint64_t tile, unsigned char *pixels)
{
    uint64_t random = tile;
    for (size_t at = 0, run; at < TILE_BYTES; at += run) {
        random = hash_u64(random + 1);
        run = 4 + random % 37;
        run = run < TILE_BYTES - at ? run : TILE_BYTES - at;
        memset(pixels + at, (int)(random >> 32 & 31), run);
    }
}

static void draw_random(uint64_t tile, unsigned char *pixels)
{
    uint64_t random = tile;
    for (size_t at = 0; at < TILE_BYTES; at += sizeof random) {
        random = hash_u64(random + 1);
        memcpy(pixels + at, &random, sizeof random);
    }
}

void rig_draw(uint64_t tile, unsigned char pixels[TILE_BYTES])
{
    switch ((enum rig_kind)(tile >> KIND_SHIFT & 3)) {
    case RIG_PLAIN:
        memset(pixels, (int)(tile % 31), TILE_BYTES);
        break;
    case RIG_RUNS:
        draw_runs(tile, pixels);
        break;
    case RIG_RANDOM:
        draw_random(tile, pixels);
        break;
    }
    memcpy(pixels + TILE_BYTES - sizeof tile, &tile, sizeof tile);
}

void rig_render(void *renderer, uint64_t tile, unsigned char pixels[TILE_BYTES])
{
    struct rig_renderer *r = renderer;
    atomic_fetch_add(&r->rendered, 1);
    if (r->on_render)
        r->on_render(tile);
    rig_draw(tile, pixels);
}
