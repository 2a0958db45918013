#ifndef VIEW_JSONTEXT_H
#define VIEW_JSONTEXT_H

#include "base/buf.h"

/* text as a JSON string (RFC 8259), in quotes. Bytes that are no UTF-8 become U+FFFD, since JSON has no
 * others. */
void jsontext_put(struct buf *out, const char *text);

#endif
