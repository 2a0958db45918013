/* Bitmaps (BMP), whose numbers have their low byte first; see picture.h. */
#include "lesson7/picture.h"

#include "lesson7/terrain.h"

#include <stdlib.h>

enum {
    HEADERS_BYTES = 14 + 40,
    COLOURS_BYTES = 4 * TERRAIN_COLOURS,
    PIXELS_AT = HEADERS_BYTES + COLOURS_BYTES,
    FILE_BYTES = PIXELS_AT + TILE_BYTES,
    SECOND_HEADER_BYTES = 40,
    BITS_A_PIXEL = 8,
};

static unsigned char *put(unsigned char *to, uint32_t number, int bytes)
{
    for (int i = 0; i < bytes; i++)
        *to++ = (unsigned char)(number >> 8 * i);
    return to;
}

static void put_headers(unsigned char *to)
{
    to = put(to, 'B' | 'M' << 8, 2);
    to = put(to, FILE_BYTES, 4);
    to = put(to, 0, 4);
    to = put(to, PIXELS_AT, 4);
    to = put(to, SECOND_HEADER_BYTES, 4);
    to = put(to, TILE_SIDE, 4);
    to = put(to, (uint32_t)-TILE_SIDE, 4); /* rows from the top down */
    to = put(to, 1, 2);
    to = put(to, BITS_A_PIXEL, 2);
    to = put(to, 0, 4); /* not compressed */
    to = put(to, TILE_BYTES, 4);
    to = put(to, 0, 4);
    to = put(to, 0, 4);
    to = put(to, TERRAIN_COLOURS, 4);
    to = put(to, 0, 4);
    for (int i = 0; i < TERRAIN_COLOURS; i++)
        to = put(to, terrain_colour(i), 4);
}

unsigned char *picture_new(size_t *len)
{
    unsigned char *picture = malloc(FILE_BYTES);
    if (picture)
        put_headers(picture);
    *len = FILE_BYTES;
    return picture;
}

unsigned char *picture_pixels(unsigned char *picture)
{
    return picture + PIXELS_AT;
}
