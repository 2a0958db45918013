#ifndef LESSON7_PICTURE_H
#define LESSON7_PICTURE_H

#include "lesson7/tile_code.h"

/*
 * A tile as a file that browsers show: a bitmap, which is a header, the colours, and the pixels as they are.
 * To fill it, write the pixels at picture_pixels().
 */
unsigned char *picture_new(size_t *len); /* the caller's to free; NULL when memory runs out */
unsigned char *picture_pixels(unsigned char *picture);

#endif
