#ifndef LESSON7_TERRAIN_H
#define LESSON7_TERRAIN_H

#include "lesson7/tile_code.h"

#include <stdint.h>

/*
 * The world that the map shows: seas, hills, mountains, and towns. It is not stored anywhere; what it looks
 * like is calculated for each pixel, from the pixel's place alone. A tile's number says where it lies.
 */
enum { TERRAIN_COLOURS = 60, TERRAIN_TILES_A_SIDE = 4096 };

/* The number of the tile on which the place of that name lies. */
uint64_t terrain_tile_of(const char *place);

/* Draws a tile. Any thread. */
void terrain_render(void *unused, uint64_t tile, unsigned char pixels[TILE_BYTES]);

/* Colour n as 0xRRGGBB. */
uint32_t terrain_colour(int n);

#endif
