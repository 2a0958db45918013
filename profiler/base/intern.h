#ifndef BASE_INTERN_H
#define BASE_INTERN_H

#include <stddef.h>

/*
 * One copy of each string, so that equal strings are equal pointers. Returned pointers stay valid, and do
 * not move, until the last reference is dropped. Reference counted because profiles made from one another
 * share their strings; the count is not atomic: one thread at a time. Not signal-safe.
 */
struct intern;

struct intern *intern_new(void);                /* one reference; NULL when memory runs out */
struct intern *intern_ref(struct intern *pool); /* returns pool */
void intern_unref(struct intern *pool);         /* NULL is allowed */

/* The empty string of every pool: what intern_* return for "". */
extern const char intern_empty[1];

/* The pool's copy of text, NUL-terminated. NULL when memory runs out. "" costs nothing. */
const char *intern_string(struct intern *pool, const char *text);
const char *intern_bytes(struct intern *pool, const char *bytes, size_t len);

#endif
