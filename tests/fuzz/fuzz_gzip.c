#include "fuzz.h"

#include "model/gzip.h"

#include <string.h>

/* Any bytes packed are those bytes again, and so are they when taken for packed ones: damaged, or a profile.
 */

enum { UNPACKED_BYTES = 1 << 20 };

void fuzz_gzip(const uint8_t *bytes, size_t len)
{
    struct buf packed = {0}, plain = {0};
    struct error error = {0};
    int code = gzip_pack(bytes, len, &packed, &error);
    fuzz_require(code == 0, "packing", error.text);
    if (!code && gzip_unpack(packed.data, packed.len, UNPACKED_BYTES, &plain, &error) == 0)
        fuzz_require(plain.len == len && (!len || memcmp(plain.data, bytes, len) == 0), "unpacking",
            "gives other bytes");
    buf_fini(&packed);
    buf_fini(&plain);
    if (gzip_is(bytes, len))
        fuzz_decode(bytes, len);
}
