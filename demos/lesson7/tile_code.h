#ifndef LESSON7_TILE_CODE_H
#define LESSON7_TILE_CODE_H

#include <stddef.h>

/*
 * A tile, and the form in which it is kept. A tile is a square of pixels, row by row; each pixel is a byte,
 * the number of a colour. Both functions may be called from any number of threads at once.
 */
enum {
    TILE_SIDE = 128,
    TILE_BYTES = TILE_SIDE * TILE_SIDE,
    TILE_PACKED_MAX = 2 * TILE_BYTES, /* no tile, whatever its pixels, needs more to be kept */
};

/* Writes the tile in the form in which it is kept. Returns how many bytes that takes, 1 or more. */
size_t tile_pack(const unsigned char pixels[TILE_BYTES], unsigned char to[TILE_PACKED_MAX]);

/* Writes the pixels of a tile that was kept: the very same as it had. */
void tile_unpack(const unsigned char *packed, size_t len, unsigned char pixels[TILE_BYTES]);

#endif
