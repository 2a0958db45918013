#ifndef VIEW_COLUMNS_H
#define VIEW_COLUMNS_H

#include "base/buf.h"

/*
 * Text on a terminal, where a character takes no, one or two columns. What a profile says is printed as it is
 * but for what would move the cursor: control characters become ?, bytes that are no UTF-8 U+FFFD. Pure.
 */

/* How many columns text takes. */
int columns_of(const char *text);

/* text in at most width columns; a longer one loses its end to an ellipsis. Returns how many it took. */
int columns_put(struct buf *out, const char *text, int width);

/* The same, filled up with spaces: after it, or (right) before it. */
void columns_put_left(struct buf *out, const char *text, int width);
void columns_put_right(struct buf *out, const char *text, int width);

/* Paragraphs of text, broken between words: the first line starts where the cursor is, at column indent, the
 * others are indented. Ends in a newline. A word longer than a line is clipped. */
void columns_put_wrapped(struct buf *out, const char *text, int indent, int width);

#endif
