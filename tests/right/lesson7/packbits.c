/* in: tile_code.c */
/* Right, and another encoding: runs, and between them stretches of pixels as they are. */
#include "lesson7/tile_code.h"

#include <string.h>

enum {
    LONGEST = 128,
    WORTH_IT = 3
}; /* a byte n below 128: n + 1 pixels follow; from 128: a run of n - 127 */

static size_t run_at(const unsigned char *pixels, size_t at)
{
    size_t run = 1;
    while (run < LONGEST && at + run < TILE_BYTES && pixels[at + run] == pixels[at])
        run++;
    return run;
}

static size_t put_stretch(unsigned char *to, const unsigned char *pixels, size_t length)
{
    if (length == 0)
        return 0;
    to[0] = (unsigned char)(length - 1);
    memcpy(to + 1, pixels, length);
    return length + 1;
}

size_t tile_pack(const unsigned char pixels[TILE_BYTES], unsigned char to[TILE_PACKED_MAX])
{
    size_t n = 0, plain = 0, at = 0; /* the last `plain` pixels before `at` are not written yet */
    while (at < TILE_BYTES) {
        size_t run = run_at(pixels, at);
        if (run >= WORTH_IT) {
            n += put_stretch(to + n, pixels + at - plain, plain);
            plain = 0;
            to[n++] = (unsigned char)(127 + run);
            to[n++] = pixels[at];
            at += run;
        } else {
            at++;
            if (++plain == LONGEST) {
                n += put_stretch(to + n, pixels + at - plain, plain);
                plain = 0;
            }
        }
    }
    return n + put_stretch(to + n, pixels + at - plain, plain);
}

void tile_unpack(const unsigned char *packed, size_t len, unsigned char pixels[TILE_BYTES])
{
    const unsigned char *end = packed + len;
    while (packed < end) {
        size_t n = *packed++;
        if (n < LONGEST) {
            memcpy(pixels, packed, n + 1);
            packed += n + 1;
            pixels += n + 1;
        } else {
            memset(pixels, *packed++, n - 127);
            pixels += n - 127;
        }
    }
}
