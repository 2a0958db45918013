/* fails: work_on_trace; in: tile_code.c; also: work_after_a_change */
/* Eight planes of one bit a pixel, each in runs: to put a tile together again takes as long as to render it.
 */
#include "lesson7/tile_code.h"

#include <string.h>

enum { AS_IT_IS, PLANES, LONGEST = 255 };

static int bit(const unsigned char *pixels, size_t i)
{
    return pixels[i % TILE_BYTES] >> (i / TILE_BYTES) & 1;
}

size_t tile_pack(const unsigned char pixels[TILE_BYTES], unsigned char to[TILE_PACKED_MAX])
{
    size_t n = 0, bits = 8 * (size_t)TILE_BYTES;
    int value = 0;
    to[n++] = PLANES;
    for (size_t at = 0, run; at < bits; at += run, value = !value) {
        for (run = 0; at + run < bits && run < LONGEST && bit(pixels, at + run) == value; run++)
            ;
        to[n++] = (unsigned char)run;
        if (n > TILE_BYTES) {
            to[0] = AS_IT_IS;
            memcpy(to + 1, pixels, TILE_BYTES);
            return 1 + TILE_BYTES;
        }
    }
    return n;
}

void tile_unpack(const unsigned char *packed, size_t len, unsigned char pixels[TILE_BYTES])
{
    size_t at = 0;
    if (packed[0] == AS_IT_IS) {
        memcpy(pixels, packed + 1, TILE_BYTES);
        return;
    }
    memset(pixels, 0, TILE_BYTES);
    for (size_t i = 1; i < len; i++)
        for (unsigned run = packed[i]; run > 0; run--, at++)
            if (i % 2 == 0)
                pixels[at % TILE_BYTES] |= (unsigned char)(1 << (at / TILE_BYTES));
}
