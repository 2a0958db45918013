/* fails: right_under_threads; in: tile_code.c */
/* The differences between pixels are worked out in one buffer, which all threads share. */
#include "lesson7/tile_code.h"

#include <string.h>

static unsigned char scratch[TILE_PACKED_MAX];

size_t tile_pack(const unsigned char pixels[TILE_BYTES], unsigned char to[TILE_PACKED_MAX])
{
    size_t n = 0;
    for (size_t at = 0, run; at < TILE_BYTES; at += run) {
        for (run = 1; at + run < TILE_BYTES && run < 255 && pixels[at + run] == pixels[at]; run++)
            ;
        scratch[n++] = pixels[at];
        scratch[n++] = (unsigned char)run;
    }
    memcpy(to, scratch, n);
    return n;
}

void tile_unpack(const unsigned char *packed, size_t len, unsigned char pixels[TILE_BYTES])
{
    for (size_t i = 0; i < len; i += 2) {
        memset(pixels, packed[i], packed[i + 1]);
        pixels += packed[i + 1];
    }
}
