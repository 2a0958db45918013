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

/*
 * What packed bytes may become: GZIP_FREE_BYTES in any case, and beyond them GZIP_MOST_RATIO times the bytes
 * read so far. Profiles pack 3 to 10 times, a text of one stack over and over 100 times; what is made to fill
 * memory packs 1000 times, and so is found out within the first bytes, before it has filled any.
 */
enum { GZIP_MOST_RATIO = 256, GZIP_FREE_BYTES = 16 << 20 };
size_t gzip_most(size_t len);

/* What the last member claims to unpack to, modulo 4 GiB; 0 where there is not room for one. */
size_t gzip_claim(const void *bytes, size_t len);

/* Appends what bytes unpack to, all members one after another. ERR_FORMAT, and ERR_LIMIT beyond max_bytes and
 * the above, with the offset in the packed bytes; ERR_NOMEM. out is as it was on failure. */
int gzip_unpack(const void *bytes, size_t len, size_t max_bytes, struct buf *out, struct error *error);

/* Packs piece by piece: what is appended to out is a whole member once it was finished. ERR_NOMEM, of which
 * finish speaks even when an append failed; out is then as it was at the start. */
struct gzip_packer;
struct gzip_packer *gzip_packer_new(struct buf *out); /* NULL when memory runs out */
void gzip_packer_append(struct gzip_packer *g, const void *bytes, size_t len);
int gzip_packer_finish(struct gzip_packer *g, struct error *error); /* frees g; NULL is allowed: ERR_NOMEM */

/* Appends bytes, packed. ERR_NOMEM; out is as it was on failure. */
int gzip_pack(const void *bytes, size_t len, struct buf *out, struct error *error);

#endif
