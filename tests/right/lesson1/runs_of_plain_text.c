/*
 * Another design that is right: room for the worst case, given back at the end, and what needs no escape is
 * copied in runs; a table says which bytes do.
 */
#include "lesson1/escape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char escapes[256] = {
    [1 ... 7] = 'u',
    [0x0b] = 'u',
    [0x0e ... 31] = 'u',
    ['\b'] = 'b',
    ['\t'] = 't',
    ['\n'] = 'n',
    ['\f'] = 'f',
    ['\r'] = 'r',
    ['"'] = '"',
    ['\\'] = '\\',
};

char *escape_json(const char *text)
{
    char *escaped = malloc(6 * strlen(text) + 1), *to = escaped;
    while (escaped && *text) {
        size_t plain = 0;
        while (text[plain] && !escapes[(unsigned char)text[plain]])
            plain++;
        to = (char *)memcpy(to, text, plain) + plain;
        text += plain;
        if (*text) {
            char letter = escapes[(unsigned char)*text];
            to += letter == 'u' ? sprintf(to, "\\u%04x", (unsigned)*text) : sprintf(to, "\\%c", letter);
            text++;
        }
    }
    if (!escaped)
        return NULL;
    *to++ = '\0';
    char *shrunk = realloc(escaped, (size_t)(to - escaped));
    return shrunk ? shrunk : escaped;
}
