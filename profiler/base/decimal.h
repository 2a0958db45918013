#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include <stddef.h>

/*
 * Decimals of a double to the last digit as printf gives them, in a tenth of its time: a report has millions.
 * Most doubles are an integer times a power of two that leaves the product with a power of ten in 128 bits,
 * where rounding is exact; the others go to printf. Pure.
 */

enum { DECIMAL_TEXT = 400 }; /* bytes for any double, of which the largest has 309 digits before the point */

/* "%.*f": writes x with so many decimals, at most 5, and returns the length. */
size_t decimal_format(char text[DECIMAL_TEXT], double x, int decimals);

/* "%.2g", for what is at least 0 and less than 1. */
size_t decimal_format_short(char text[DECIMAL_TEXT], double x);

#endif
