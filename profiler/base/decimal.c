#include "base/decimal.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { MOST_DECIMALS = 5, FRACTION_BITS = 52, SHIFT_AT_ZERO = 1075 };

static const uint32_t powers[MOST_DECIMALS + 1] = {1, 10, 100, 1000, 10000, 100000};

/* |x| times a power of ten, cut off and rounded half to even. False for what is large or no number. */
static bool scale(double x, int decimals, uint64_t *cut, uint64_t *rounded)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int exponent = (int)(bits >> FRACTION_BITS & 0x7ff), shift = SHIFT_AT_ZERO - exponent;
    uint64_t mantissa = (bits & ((UINT64_C(1) << FRACTION_BITS) - 1)) | UINT64_C(1) << FRACTION_BITS;
    if (shift <= 0)
        return false;
    if (exponent == 0 || shift > 100) { /* far less than half a digit */
        *cut = *rounded = 0;
        return true;
    }
    unsigned __int128 product = (unsigned __int128)mantissa * powers[decimals];
    unsigned __int128 half = (unsigned __int128)1 << (shift - 1), rest = product & ((half << 1) - 1);
    *cut = (uint64_t)(product >> shift);
    *rounded = *cut + (rest > half || (rest == half && *cut & 1));
    return true;
}

/* n with a point before the last so many digits. */
static size_t write_digits(char *text, bool negative, uint64_t n, int decimals)
{
    char reversed[32];
    size_t len = 0, at = 0;
    for (int written = 0; n || written <= decimals; written++) {
        if (decimals && written == decimals)
            reversed[len++] = '.';
        reversed[len++] = (char)('0' + n % 10);
        n /= 10;
    }
    if (negative)
        text[at++] = '-';
    while (len)
        text[at++] = reversed[--len];
    text[at] = '\0';
    return at;
}

size_t decimal_format(char text[DECIMAL_TEXT], double x, int decimals)
{
    uint64_t cut, rounded;
    if (!scale(x, decimals, &cut, &rounded))
        return (size_t)snprintf(text, DECIMAL_TEXT, "%.*f", decimals, x);
    return write_digits(text, __builtin_signbit(x), rounded, decimals);
}

size_t decimal_format_short(char text[DECIMAL_TEXT], double x)
{
    uint64_t cut = 0, rounded = 0;
    int decimals = 2;
    if (x == 0)
        return write_digits(text, false, 0, 0);
    while (scale(x, decimals, &cut, &rounded) && cut < 10 && decimals < MOST_DECIMALS)
        decimals++;
    if (cut < 10)
        return (size_t)snprintf(text, DECIMAL_TEXT, "%.2g", x);
    for (; rounded % 10 == 0; rounded /= 10)
        decimals--;
    return write_digits(text, false, rounded, decimals);
}
