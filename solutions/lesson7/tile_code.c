/*
 * A tile is kept as runs of pixels of one colour: the colour, and how many there are. A map has long runs,
 * and to write one is to fill memory, which is nearly as quick as to copy it.
 *
 *     7 7 7 7 7 7 2 2 9        ->   7 6 | 2 2 | 9 1
 *     7, four hundred times    ->   7 144 3            seven bits a byte, the low ones first, a bit says "go
 * on"
 *
 * Where each pixel differs from the next, this takes twice the bytes; such a tile is kept as it is, after a
 * byte that says so.
 */
#include "lesson7/tile_code.h"

#include <string.h>

enum { AS_IT_IS, RUNS };

static unsigned char *put_run(unsigned char *to, unsigned char colour, size_t length)
{
    *to++ = colour;
    for (; length >= 128; length >>= 7)
        *to++ = (unsigned char)(length & 127) | 128;
    *to++ = (unsigned char)length;
    return to;
}

static const unsigned char *get_length(const unsigned char *from, size_t *length)
{
    size_t value = 0;
    int shift = 0;
    for (; *from & 128; shift += 7)
        value |= (size_t)(*from++ & 127) << shift;
    *length = value | (size_t)*from++ << shift;
    return from;
}

size_t tile_pack(const unsigned char pixels[TILE_BYTES], unsigned char to[TILE_PACKED_MAX])
{
    unsigned char *end = to;
    *end++ = RUNS;
    for (size_t at = 0, run; at < TILE_BYTES; at += run) {
        for (run = 1; at + run < TILE_BYTES && pixels[at + run] == pixels[at]; run++)
            ;
        if (end - to > TILE_BYTES - 4) {
            *to = AS_IT_IS;
            memcpy(to + 1, pixels, TILE_BYTES);
            return 1 + TILE_BYTES;
        }
        end = put_run(end, pixels[at], run);
    }
    return (size_t)(end - to);
}

void tile_unpack(const unsigned char *packed, size_t len, unsigned char pixels[TILE_BYTES])
{
    const unsigned char *from = packed + 1, *end = packed + len;
    if (*packed == AS_IT_IS) {
        memcpy(pixels, from, TILE_BYTES);
        return;
    }
    while (from < end) {
        unsigned char colour = *from++;
        size_t length;
        from = get_length(from, &length);
        memset(pixels, colour, length);
        pixels += length;
    }
}
