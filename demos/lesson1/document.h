#ifndef LESSON1_DOCUMENT_H
#define LESSON1_DOCUMENT_H

#include "lesson1/article.h"

/* The article as a JSON object, appended to out. */
void document_write(struct buf *out, const struct article *article);

#endif
