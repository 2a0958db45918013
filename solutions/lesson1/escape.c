/*
 * Strings for JSON. Every byte of the text has a piece that stands for it, most often just itself. The pieces
 * go into one buffer, which knows where it ends and has room to spare:
 *
 *     [ h e   s a i d   \ " n o \ " . . . . . . . . ]
 *                                  ^ len            ^ cap
 *
 * So a piece costs what it is long. A full buffer is made twice as large, and as that gets rarer the larger
 * it is, a byte is moved less than twice, however long the text.
 */
#include "lesson1/escape.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE_BYTES = 8 }; /* \u001f and a NUL, and one to spare */

struct output {
    char *text;
    size_t len, cap;
};

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

/* False when memory runs out. */
static bool append_piece(struct output *out, const char *piece)
{
    size_t more = strlen(piece);
    if (out->len + more + 1 > out->cap) {
        size_t cap = out->cap * 2;
        char *text = realloc(out->text, cap);
        if (!text)
            return false;
        out->text = text;
        out->cap = cap;
    }
    memcpy(out->text + out->len, piece, more + 1);
    out->len += more;
    return true;
}

char *escape_json(const char *text)
{
    struct output out = {.text = calloc(1, 64), .cap = 64};
    for (; *text && out.text; text++) {
        char piece[PIECE_BYTES];
        piece_of(*text, piece);
        if (!append_piece(&out, piece)) {
            free(out.text);
            out.text = NULL;
        }
    }
    return out.text;
}
