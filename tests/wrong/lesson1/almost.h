/*
 * A right escape_json with seams. Each wrong fix in this folder defines a seam, includes this, and is wrong
 * in just that; its first comment names the check that must fail, and those that may fail as well because the
 * mistake cannot be seen by one alone.
 */
#include "lesson1/escape.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct output {
    char *text;
    size_t len, cap;
};

#ifndef CAPACITY /* that of a buffer which has to hold `needed` bytes */
#define CAPACITY(cap, needed) ((cap)*2)
#endif
#ifndef FIRST_CAPACITY
#define FIRST_CAPACITY(text) 64
#endif
#ifndef GROW /* the buffer's bytes in a block of `cap`, the old block given up */
#define GROW(text, len, cap) realloc((text), (cap))
#endif
#ifndef APPEND
#define APPEND(out, piece, more) memcpy((out)->text + (out)->len, (piece), (more) + 1)
#endif
#ifndef IS_CONTROL
#define IS_CONTROL(byte) ((unsigned char)(byte) < 0x20)
#endif
#ifndef RESULT /* of a buffer that is complete */
#define RESULT(out) ((out)->text)
#endif
#ifndef OUTPUT /* where it is */
#define OUTPUT(text)                                                         \
    {                                                                        \
        .text = calloc(1, FIRST_CAPACITY(text)), .cap = FIRST_CAPACITY(text) \
    }
#endif

static void piece_of(char byte, char piece[8])
{
    static const char letters[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (const char *l = letters; *l; l += 2) {
        if (byte == *l) {
            snprintf(piece, 8, "\\%c", l[1]);
            return;
        }
    }
    if (IS_CONTROL(byte))
        snprintf(piece, 8, "\\u%04x", (unsigned)(unsigned char)byte);
    else
        memcpy(piece, (const char[]){byte, '\0'}, 2);
}

char *escape_json(const char *text)
{
    struct output out = OUTPUT(text);
    for (; *text; text++) {
        char piece[8];
        piece_of(*text, piece);
        size_t more = strlen(piece), needed = out.len + more + 1;
        if (needed > out.cap) {
            out.cap = CAPACITY(out.cap, needed);
            out.text = GROW(out.text, out.len, out.cap);
        }
        APPEND(&out, piece, more);
        out.len += more;
    }
    return RESULT(&out);
}
