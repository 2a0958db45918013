#ifndef LESSON6_ANSWER_H
#define LESSON6_ANSWER_H

#include "lesson6/json.h"

/*
 * An answer of the upstream, taken apart: the fields of one record. Immutable once made, so that any number
 * of threads may read it; counted, so that the cache and the requests that are just writing it can each let
 * go of it when they like. The functions on references take void *, as the cache calls them.
 */
struct answer;

/* From the upstream's text, which is copied: one reference. NULL when memory runs out or the text is not
 * lines of "name: value". */
struct answer *answer_new(const char *text, size_t len);

void *answer_retain(void *answer);
void answer_release(void *answer); /* NULL is allowed */

size_t answer_bytes(const struct answer *answer); /* what it takes of the heap */

void answer_encode(const struct answer *answer, struct json *j); /* as one object */

#endif
