/* fails: own_pixels; in: tile_code.c; also: right_under_threads within_any_budget */
/* A run's length is one byte, and there are longer runs. */
#include "lesson7/tile_code.h"

#include <string.h>

size_t tile_pack(const unsigned char pixels[TILE_BYTES], unsigned char to[TILE_PACKED_MAX])
{
    size_t n = 0;
    for (size_t at = 0, run; at < TILE_BYTES; at += run) {
        for (run = 1; at + run < TILE_BYTES && pixels[at + run] == pixels[at]; run++)
            ;
        to[n++] = pixels[at];
        to[n++] = (unsigned char)run;
    }
    return n;
}

void tile_unpack(const unsigned char *packed, size_t len, unsigned char pixels[TILE_BYTES])
{
    for (size_t i = 0; i < len; i += 2) {
        memset(pixels, packed[i], packed[i + 1]);
        pixels += packed[i + 1];
    }
}
