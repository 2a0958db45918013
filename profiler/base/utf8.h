#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdint.h>

/* The character at text, which ends in a NUL, and how many bytes it has; 0 bytes when it is ill-formed: cut
 * short, longer than need be, a surrogate, or beyond U+10FFFF. Pure, signal-safe. */
static inline int utf8_decode(const char *text, uint32_t *character)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)*text;
    int more = first < 0x80   ? 0
               : first < 0xc0 ? -1
               : first < 0xe0 ? 1
               : first < 0xf0 ? 2
               : first < 0xf8 ? 3
                              : -1;
    if (more < 0)
        return 0;
    uint32_t c = more ? first & (0x3fu >> more) : first;
    for (int i = 1; i <= more; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | ((unsigned char)text[i] & 0x3f);
    }
    if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return 0;
    *character = c;
    return more + 1;
}

#endif
