#ifndef LESSON1_ARTICLE_H
#define LESSON1_ARTICLE_H

#include "base/buf.h"

/* An article as its author wrote it: plain text in UTF-8, with quotation marks, line ends and tabs. */
struct article {
    struct buf title, author, body;
};

/* The article under that key, with a body of about `length` bytes: always the same for the same two. Check
 * article.body.failed. */
void article_find(struct article *out, const char *key, size_t length);
void article_fini(struct article *article);

#endif
