#include "model/gunzip.h"

#include "model/gzip.h"

#include <libdeflate.h>

enum { TRAILER_BYTES = 8, LEAST_BYTES = 18 };

static size_t claimed_size(const unsigned char *bytes, size_t len)
{
    const unsigned char *at = bytes + len - TRAILER_BYTES / 2;
    return (size_t)at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16 | (size_t)at[3] << 24;
}

static bool is_plausible(size_t claim, size_t len, size_t max_bytes)
{
    return claim && claim <= max_bytes && (claim <= GZIP_FREE_BYTES || claim / GZIP_MOST_RATIO <= len);
}

bool gunzip_whole(const void *bytes, size_t len, size_t max_bytes, struct buf *out)
{
    size_t claim = len < LEAST_BYTES ? 0 : claimed_size(bytes, len), used = 0, made = 0;
    if (!is_plausible(claim, len, max_bytes) || !buf_reserve(out, claim))
        return false;
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    enum libdeflate_result result =
        d ? libdeflate_gzip_decompress_ex(d, bytes, len, out->data + out->len, claim, &used, &made)
          : LIBDEFLATE_BAD_DATA;
    libdeflate_free_decompressor(d);
    bool whole = result == LIBDEFLATE_SUCCESS && used == len && made == claim;
    if (whole)
        out->len += made;
    out->data[out->len] = '\0';
    return whole;
}
