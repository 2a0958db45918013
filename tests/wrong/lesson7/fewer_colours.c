/* fails: own_pixels; in: tile_code.c; also: right_under_threads */
/* Two pixels a byte, of half as many bits each: nobody sees the difference, but it is one. */
#include "lesson7/tile_code.h"

size_t tile_pack(const unsigned char pixels[TILE_BYTES], unsigned char to[TILE_PACKED_MAX])
{
    for (size_t i = 0; i < TILE_BYTES / 2; i++)
        to[i] = (unsigned char)((pixels[2 * i] >> 1 & 15) << 4 | (pixels[2 * i + 1] >> 1 & 15));
    return TILE_BYTES / 2;
}

void tile_unpack(const unsigned char *packed, size_t len, unsigned char pixels[TILE_BYTES])
{
    for (size_t i = 0; i < len; i++) {
        pixels[2 * i] = (unsigned char)(packed[i] >> 4 << 1);
        pixels[2 * i + 1] = (unsigned char)((packed[i] & 15) << 1);
    }
}
