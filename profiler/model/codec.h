#ifndef MODEL_CODEC_H
#define MODEL_CODEC_H

#include "base/buf.h"
#include "model/profile.h"

/*
 * profile.proto bytes to and from a profile: encode.c and decode.c, the only places that see protobuf.
 */

/* Appends p to out, gzipped or plain, strings numbered in the order they are met as github.com/google/pprof
 * does. ERR_NOMEM, or ERR_LIMIT when p does not fit the format. out is as it was on failure. */
int profile_encode(const struct profile *p, bool gzip, struct buf *out, struct error *error);

/*
 * Reads one profile, gzipped (also several members, but never gzip inside gzip) or plain, of profile.proto or
 * of the formats before it (see legacy.h). Everything the
 * file says is checked (see check.h) before *out is set; the error names the position, counted in the
 * unpacked bytes, and the reason. Fields the format does not know are skipped. Unpacking stops at max_bytes
 * (0: 4 GiB) with ERR_LIMIT. Caller frees *out.
 */
int profile_decode(
    const void *bytes, size_t len, size_t max_bytes, struct profile **out, struct error *error);

#endif
