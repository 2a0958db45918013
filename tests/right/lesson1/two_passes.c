/* Another design that is right: the first pass counts, the second writes into a block of just that size. */
#include "lesson1/escape.h"

#include <stdlib.h>

static char letter_of(char byte)
{
    switch (byte) {
    case '"':
    case '\\':
        return byte;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return (unsigned char)byte < 0x20 ? 'u' : '\0';
    }
}

char *escape_json(const char *text)
{
    static const char hex[] = "0123456789abcdef";
    size_t len = 0;
    for (const char *p = text; *p; p++) {
        char letter = letter_of(*p);
        len += letter == 'u' ? 6 : letter ? 2 : 1;
    }
    char *escaped = malloc(len + 1), *to = escaped;
    for (; escaped && *text; text++) {
        char letter = letter_of(*text);
        if (letter)
            *to++ = '\\';
        *to++ = letter ? letter : *text;
        if (letter == 'u') {
            *to++ = '0';
            *to++ = '0';
            *to++ = hex[*text >> 4];
            *to++ = hex[*text & 15];
        }
    }
    if (escaped)
        *to = '\0';
    return escaped;
}
