#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Hashes for tables in memory; never stored or sent. Pure, signal-safe. */

static inline uint64_t hash_u64(uint64_t x) /* murmur3's finalizer: every bit of x moves every bit out */
{
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ (x >> 33);
}

static inline uint64_t hash_mix(uint64_t seed, uint64_t x)
{
    return hash_u64(seed * UINT64_C(0x9e3779b97f4a7c15) + x);
}

static inline uint64_t hash_bytes(const void *bytes, size_t len) /* FNV-1a, finished */
{
    const unsigned char *p = bytes;
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    return hash_u64(h);
}

#endif
