#ifndef LESSON6_JSON_H
#define LESSON6_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Writes one JSON document into memory of its own: `struct json j = {0};`, calls in the order of the text,
 * json_take. Commas are put where they belong. A failed allocation makes every later call do nothing, and
 * json_take return NULL. Output is ASCII; what is not, and what HTML gives a meaning to, is escaped, so that
 * a document can be pasted into a page or a log as it is.
 */
struct json {
    char *text;
    size_t len, cap;
    bool failed, comma;
};

void json_open(struct json *j, char bracket);  /* '{' or '[' */
void json_close(struct json *j, char bracket); /* '}' or ']' */
void json_key(struct json *j, const char *key);
void json_raw(struct json *j, const char *number, size_t len); /* a number or literal that is JSON already */

/* Any bytes, as a string: UTF-8 is checked, and what is ill-formed becomes U+FFFD, one for each longest piece
 * that could have begun a character, as Unicode recommends. */
void json_encode_string(struct json *j, const char *bytes, size_t len);

/* The document, the caller's to free, and its length; NULL when memory ran out. j is empty again. */
char *json_take(struct json *j, size_t *len);

/* Whether the bytes are a number as JSON writes them. */
bool json_is_number(const char *bytes, size_t len);

#endif
