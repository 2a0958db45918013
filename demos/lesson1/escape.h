#ifndef LESSON1_ESCAPE_H
#define LESSON1_ESCAPE_H

/*
 * Text for use between the quotation marks of a JSON string: `"` and `\` get a backslash in front; backspace,
 * form feed, newline, carriage return and tab become \b \f \n \r \t; every other byte below 0x20 becomes
 * \u00XX, in small letters; all other bytes stay as they are.
 *
 * Returns a string of its own, the caller's to free(); NULL when memory runs out. May be called from any
 * thread at any time.
 */
char *escape_json(const char *text);

#endif
