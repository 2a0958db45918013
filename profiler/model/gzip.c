#include "model/gzip.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { LEAST_BYTES = 18 }; /* of a member */
enum { CHUNK_BYTES = 64 * 1024, STEP_BYTES = 1 << 20, WINDOW_GZIP = 15 + 16 };

size_t gzip_most(size_t len)
{
    size_t most = len < SIZE_MAX / GZIP_MOST_RATIO ? len * GZIP_MOST_RATIO : SIZE_MAX;
    return most > GZIP_FREE_BYTES ? most : GZIP_FREE_BYTES;
}

/* zlib counts input in 32 bits: it is given at most this much at a time. */
static const size_t MAX_INPUT_BYTES = 1u << 30;

static void refill(z_stream *z, const unsigned char *bytes, size_t len)
{
    if (z->avail_in)
        return;
    size_t done = z->next_in ? (size_t)(z->next_in - bytes) : 0;
    size_t left = len - done;
    z->next_in = (unsigned char *)bytes + done;
    z->avail_in = (unsigned)(left < MAX_INPUT_BYTES ? left : MAX_INPUT_BYTES);
}

static int rollback(struct buf *out, size_t old_len, int code)
{
    out->len = old_len;
    if (out->data)
        out->data[old_len] = '\0';
    out->failed = false;
    return code;
}

size_t gzip_claim(const void *bytes, size_t len)
{
    if (len < LEAST_BYTES)
        return 0;
    const unsigned char *at = (const unsigned char *)bytes + len - 4;
    return (size_t)at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16 | (size_t)at[3] << 24;
}

/* Some more bytes. zlib's status; *made are how many. */
static int inflate_some(z_stream *z, struct buf *out, size_t *made)
{
    size_t room = out->cap - out->len - 1;
    unsigned char *start = (unsigned char *)out->data + out->len;
    z->next_out = start;
    z->avail_out = (unsigned)(room < STEP_BYTES ? room : STEP_BYTES);
    int status = inflate(z, Z_NO_FLUSH);
    *made = (size_t)(z->next_out - start);
    return status;
}

static int inflate_all(z_stream *z, const unsigned char *bytes, size_t len, size_t max_bytes, struct buf *out,
    struct error *error)
{
    size_t start = out->len, claim = gzip_claim(bytes, len), most = gzip_most(len), made;
    if (most > max_bytes)
        most = max_bytes;
    buf_reserve(out, claim < most ? claim : most); /* if it cannot, it need not be true */
    for (;;) {
        refill(z, bytes, len);
        if (!buf_reserve(out, CHUNK_BYTES))
            return error_set(error, ERR_NOMEM, "out of memory after unpacking %zu bytes", out->len - start);
        int status = inflate_some(z, out, &made);
        size_t offset = (size_t)(z->next_in - bytes), all = out->len - start + made;
        if (all > max_bytes)
            return error_set(error, ERR_LIMIT,
                "offset %zu: the gzip data unpacks to more than %zu bytes (gunzip it first if it is to be "
                "read)",
                offset, max_bytes);
        if (all > gzip_most(offset))
            return error_set(error, ERR_LIMIT,
                "offset %zu: the gzip data unpacks to more than %d times its size (gunzip it first if it is "
                "to be "
                "read)",
                offset, GZIP_MOST_RATIO);
        out->len += made;
        out->data[out->len] = '\0';
        if (status == Z_STREAM_END && offset == len)
            return 0;
        if (status == Z_STREAM_END)
            inflateReset(z); /* another member follows */
        else if (status == Z_BUF_ERROR || (status == Z_OK && offset == len && made == 0))
            return error_set(error, ERR_FORMAT, "offset %zu: the gzip data ends early", len);
        else if (status == Z_MEM_ERROR)
            return error_set(error, ERR_NOMEM, "out of memory");
        else if (status != Z_OK)
            return error_set(error, ERR_FORMAT, "offset %zu: the gzip data is damaged: %s", offset,
                z->msg ? z->msg : "needs a dictionary");
    }
}

int gzip_unpack(const void *bytes, size_t len, size_t max_bytes, struct buf *out, struct error *error)
{
    z_stream z = {0};
    size_t old_len = out->len;
    if (inflateInit2(&z, WINDOW_GZIP) != Z_OK)
        return error_set(error, ERR_NOMEM, "out of memory");
    z.next_in = (unsigned char *)bytes;
    int code = inflate_all(&z, bytes, len, max_bytes, out, error);
    inflateEnd(&z);
    return code ? rollback(out, old_len, code) : 0;
}

struct gzip_packer {
    z_stream z;
    struct buf *out;
    size_t old_len;
    unsigned char chunk[CHUNK_BYTES];
};

struct gzip_packer *gzip_packer_new(struct buf *out)
{
    struct gzip_packer *g = malloc(sizeof *g);
    if (!g)
        return NULL;
    g->z = (z_stream){0};
    g->out = out;
    g->old_len = out->len;
    if (deflateInit2(&g->z, Z_BEST_SPEED, Z_DEFLATED, WINDOW_GZIP, 8, Z_DEFAULT_STRATEGY) == Z_OK)
        return g;
    free(g);
    return NULL;
}

/* Until all input is taken or, to finish, all is written. */
static void pack(struct gzip_packer *g, int flush)
{
    int status;
    do {
        g->z.next_out = g->chunk;
        g->z.avail_out = CHUNK_BYTES;
        status = deflate(&g->z, flush);
        buf_append(g->out, g->chunk, CHUNK_BYTES - g->z.avail_out);
    } while (!g->out->failed && (flush == Z_FINISH ? status != Z_STREAM_END : g->z.avail_in > 0));
}

void gzip_packer_append(struct gzip_packer *g, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    while (len && !g->out->failed) {
        size_t part = len < MAX_INPUT_BYTES ? len : MAX_INPUT_BYTES;
        g->z.next_in = (unsigned char *)at;
        g->z.avail_in = (unsigned)part;
        pack(g, Z_NO_FLUSH);
        at += part;
        len -= part;
    }
}

int gzip_packer_finish(struct gzip_packer *g, struct error *error)
{
    if (!g)
        return error_set(error, ERR_NOMEM, "out of memory");
    pack(g, Z_FINISH);
    deflateEnd(&g->z);
    struct buf *out = g->out;
    size_t old_len = g->old_len;
    free(g);
    return out->failed ? rollback(out, old_len, error_set(error, ERR_NOMEM, "out of memory")) : 0;
}

int gzip_pack(const void *bytes, size_t len, struct buf *out, struct error *error)
{
    struct gzip_packer *g = gzip_packer_new(out);
    if (g)
        gzip_packer_append(g, bytes, len);
    return gzip_packer_finish(g, error);
}
