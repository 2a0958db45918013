#ifndef MODEL_GUNZIP_H
#define MODEL_GUNZIP_H

#include "base/buf.h"

/*
 * Gzip in memory, the usual way: one member, of the size that its last bytes claim. Libdeflate unpacks that
 * in a third of zlib's time, but cannot go on where a claim was wrong, take several members or say what is
 * damaged; gzip_unpack() can. Pure.
 */

/* Appends what bytes unpack to, if that is all there is to it. False, with out as it was, when it is not,
 * when more than max_bytes are claimed or when memory runs out: then gzip_unpack() knows more. */
bool gunzip_whole(const void *bytes, size_t len, size_t max_bytes, struct buf *out);

#endif
