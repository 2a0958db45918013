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
 * file says is checked before *out is set, which is then as check.h has it; the error begins with the
 * position, "offset N: " or, of a text, "line N: ", counted in the unpacked bytes, and tells the reason.
 * Fields the format does not know are skipped. Unpacking stops at max_bytes (0: 2 GiB, as much as a message
 * of protobuf may have), and earlier when it grows beyond belief (see gzip.h), with ERR_LIMIT. Caller frees
 * *out.
 */
int profile_decode(
    const void *bytes, size_t len, size_t max_bytes, struct profile **out, struct error *error);

#endif
