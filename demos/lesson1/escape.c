/*
 * Strings for JSON. Every byte of the text has a piece that stands for it, most often just itself, and the
 * pieces are appended to one another:
 *
 *     he said "no"    ->    he said \  "  n  o  \  "         (pieces: h, e, ..., \", n, o, \")
 */
#include "lesson1/escape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE_BYTES = 8 }; /* \u001f and a NUL, and one to spare */

/* The bytes that have a letter of their own, each before its letter. */
static const char LETTERS[] = "\"\"\\\\\bb\ff\nn\rr\tt";

static void piece_of(char byte, char piece[PIECE_BYTES])
{
    for (const char *l = LETTERS; *l; l += 2) {
        if (byte == *l) {
            snprintf(piece, PIECE_BYTES, "\\%c", l[1]);
            return;
        }
    }
    if ((unsigned char)byte < 0x20)
        snprintf(piece, PIECE_BYTES, "\\u%04x", (unsigned)byte);
    else
        memcpy(piece, (const char[]){byte, '\0'}, 2);
}

/* The text with the piece behind it. Takes the text; NULL when memory runs out. */
static char *append_piece(char *text, const char *piece)
{
    size_t len = strlen(text), more = strlen(piece);
    char *longer = malloc(len + more + 1);
    if (longer) {
        memcpy(longer, text, len);
        memcpy(longer + len, piece, more + 1);
    }
    free(text);
    return longer;
}

char *escape_json(const char *text)
{
    char *escaped = strdup("");
    for (; *text && escaped; text++) {
        char piece[PIECE_BYTES];
        piece_of(*text, piece);
        escaped = append_piece(escaped, piece);
    }
    return escaped;
}
