/*
 * The height of a place is a sum of waves, from ones of half a thousand pixels down to ripples of sixteen,
 * each half as high as the one before. A wave is a grid of random heights, with the ground between them drawn
 * evenly.
 *
 *     wave 0   o---------------o        height = w0 + w1/2 + w2/4 + ...
 *     wave 1   o-------o-------o        colour = how high that is, in bands
 *     wave 2   o---o---o---o---o
 */
#include "lesson7/terrain.h"

#include "base/hash.h"

#include <stdbool.h>
#include <string.h>

enum {
    WAVES = 6,
    LONGEST = 512, /* pixels of the longest wave */
    TOWNS = 100,   /* a wave of its own */
    BANDS = 48,
    SEA = 22, /* those below are sea */
    STREET = BANDS,
    HOUSE, /* and those after it, up to the last colour */
};

/* A random height at a corner of a wave's grid: 0 to 65,535. */
static int64_t corner(uint64_t wave, uint64_t column, uint64_t row)
{
    return (int64_t)(hash_u64(wave << 56 | column << 28 | row) & 0xffff);
}

static int64_t between(int64_t a, int64_t b, int64_t at, int64_t width)
{
    return a + (b - a) * at / width;
}

static int64_t wave_at(uint64_t wave, uint64_t width, uint64_t x, uint64_t y)
{
    uint64_t column = x / width, row = y / width;
    int64_t w = (int64_t)width, right = (int64_t)(x % width), down = (int64_t)(y % width);
    int64_t above = between(corner(wave, column, row), corner(wave, column + 1, row), right, w);
    int64_t below = between(corner(wave, column, row + 1), corner(wave, column + 1, row + 1), right, w);
    return between(above, below, down, w);
}

static int band_at(uint64_t x, uint64_t y)
{
    int64_t height = 0;
    for (int i = 0; i < WAVES; i++)
        height += wave_at((uint64_t)i, LONGEST >> i, x, y) >> (i + 1);
    return (int)(height * BANDS >> 16);
}

static bool in_town(uint64_t x, uint64_t y)
{
    return wave_at(TOWNS, 200, x, y) > 48000;
}

static int town_at(uint64_t x, uint64_t y)
{
    if (x % 9 == 0 || y % 7 == 0)
        return STREET;
    return HOUSE + (int)(hash_mix(x / 3, y / 3) % (TERRAIN_COLOURS - HOUSE));
}

void terrain_render(void *unused, uint64_t tile, unsigned char pixels[TILE_BYTES])
{
    (void)unused;
    uint64_t left = tile % TERRAIN_TILES_A_SIDE * TILE_SIDE, top = tile / TERRAIN_TILES_A_SIDE * TILE_SIDE;
    for (uint64_t y = top; y < top + TILE_SIDE; y++) {
        for (uint64_t x = left; x < left + TILE_SIDE; x++) {
            int band = band_at(x, y);
            *pixels++ = (unsigned char)(band >= SEA && in_town(x, y) ? town_at(x, y) : band);
        }
    }
}

uint64_t terrain_tile_of(const char *place)
{
    return hash_bytes(place, strlen(place)) % (TERRAIN_TILES_A_SIDE * TERRAIN_TILES_A_SIDE);
}

/* As much of the way from one colour to another as n is of `of`. */
static uint32_t shade(uint32_t from, uint32_t to, int n, int of)
{
    uint32_t colour = 0;
    for (int shift = 0; shift < 24; shift += 8) {
        int64_t a = from >> shift & 0xff, b = to >> shift & 0xff;
        colour |= (uint32_t)between(a, b, n, of) << shift;
    }
    return colour;
}

uint32_t terrain_colour(int n)
{
    if (n < SEA)
        return shade(0x0c1c40, 0x7fb0d8, n, SEA);
    if (n < BANDS)
        return n < 34 ? shade(0x4f8a3c, 0xd0c080, n - SEA, 12) : shade(0xa88860, 0xfafafa, n - 34, 14);
    return n == STREET ? 0xf8f4e4 : shade(0xa04c40, 0xe0b8a0, n - HOUSE, TERRAIN_COLOURS - HOUSE);
}
