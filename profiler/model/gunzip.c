#include "model/gunzip.h"

#include "model/gzip.h"

#include <libdeflate.h>

bool gunzip_whole(const void *bytes, size_t len, size_t max_bytes, struct buf *out)
{
    size_t claim = gzip_claim(bytes, len), used = 0, made = 0;
    if (!claim || claim > max_bytes || claim > gzip_most(len) || !buf_reserve(out, claim))
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
