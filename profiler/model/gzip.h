#ifndef MODEL_GZIP_H
#define MODEL_GZIP_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

/* Gzip (RFC 1952) in memory. Pure. */

static inline bool gzip_is(const void *bytes, size_t len)
{
    const unsigned char *b = bytes;
    return len >= 2 && b[0] == 0x1f && b[1] == 0x8b;
}

/* Appends what bytes unpack to, all members one after another. ERR_FORMAT with the offset in the packed
 * bytes, ERR_LIMIT beyond max_bytes, ERR_NOMEM. out is as it was on failure. */
int gzip_unpack(const void *bytes, size_t len, size_t max_bytes, struct buf *out, struct error *error);

/* Appends bytes, packed. ERR_NOMEM; out is as it was on failure. */
int gzip_pack(const void *bytes, size_t len, struct buf *out, struct error *error);

#endif
