#ifndef MODEL_LEGACY_H
#define MODEL_LEGACY_H

#include "model/profile.h"

/*
 * The formats from before profile.proto, as github.com/google/pprof reads them: gperftools' binary CPU
 * profiles (32 and 64 bits, either byte order), its heap, growth, fragmentation, contention and thread texts,
 * Go's goroutine and threadcreate texts, Java's. And two that it does not read: jemalloc's heap dumps
 * (heap_v2) and the text of `perf script`.
 *
 * Return addresses are moved back by one, into the call. Heap samples are scaled up to what they stand for,
 * contentions by the sampling period. Locations get their mappings from the memory map that follows the
 * samples, or one for all addresses.
 *
 * ERR_UNSUPPORTED when it is none of these; ERR_FORMAT with line or offset and reason when it is, and broken;
 * ERR_LIMIT, ERR_NOMEM. Caller frees *out.
 */
int legacy_decode(const void *bytes, size_t len, struct profile **out, struct error *error);

#endif
