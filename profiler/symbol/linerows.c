#include "symbol/linerows.h"

#include <dwarf.h>
#include <stdbool.h>
#include <string.h>

/* What is left to read; past the end everything is 0 and `at` stays there. */
struct bytes {
    const unsigned char *at, *end;
};

static uint64_t take(struct bytes *b, size_t n)
{
    uint64_t value = 0;
    if ((size_t)(b->end - b->at) < n) {
        b->at = b->end;
        return 0;
    }
    memcpy(&value, b->at, n); /* little-endian, as is this processor */
    b->at += n;
    return value;
}

static void skip(struct bytes *b, uint64_t n)
{
    b->at = n < (uint64_t)(b->end - b->at) ? b->at + n : b->end;
}

static uint64_t take_uleb(struct bytes *b)
{
    uint64_t value = 0;
    for (unsigned shift = 0; b->at < b->end; shift += 7) {
        unsigned char byte = *b->at++;
        value |= shift < 64 ? (uint64_t)(byte & 0x7f) << shift : 0;
        if (!(byte & 0x80))
            break;
    }
    return value;
}

/* A table's length, and how wide its offsets are; b is narrowed to it. */
static bool narrow(struct bytes *b, size_t *offset_bytes)
{
    uint64_t length = take(b, 4);
    *offset_bytes = length == UINT32_MAX ? 8 : 4;
    if (length == UINT32_MAX)
        length = take(b, 8);
    if (length > (uint64_t)(b->end - b->at))
        return false;
    b->end = b->at + length;
    return true;
}

struct opcodes {
    uint64_t base; /* the first special one */
    uint64_t header_bytes;
    const unsigned char *operands;
};

static bool read_header(struct bytes *b, struct opcodes *codes)
{
    size_t offset_bytes;
    if (!narrow(b, &offset_bytes))
        return false;
    uint64_t version = take(b, 2);
    if (version < 2 || version > 5)
        return false;
    if (version == 5)
        skip(b, 2); /* sizes of an address and of a segment */
    uint64_t rest = take(b, offset_bytes);
    if (rest > (uint64_t)(b->end - b->at))
        return false;
    const unsigned char *program = b->at + rest;
    codes->header_bytes = rest;
    skip(b, version >= 4 ? 5 : 4); /* what the registers begin with and special opcodes add */
    codes->base = take(b, 1);
    codes->operands = b->at;
    if (codes->base == 0 || codes->base - 1 > (uint64_t)(b->end - b->at))
        return false;
    b->at = program;
    return true;
}

uint64_t linerows_count(const void *section, size_t bytes, uint64_t offset, uint64_t *header_bytes)
{
    struct bytes b = {.at = section};
    struct opcodes codes = {0};
    uint64_t rows = 0;
    *header_bytes = 0;
    b.end = b.at + bytes;
    skip(&b, offset);
    if (!read_header(&b, &codes))
        return 0;
    *header_bytes = codes.header_bytes;
    while (b.at < b.end) {
        uint64_t code = take(&b, 1);
        if (code >= codes.base) {
            rows++;
        } else if (code == 0) {
            uint64_t n = take_uleb(&b);
            rows += n && b.at < b.end && *b.at == DW_LNE_end_sequence;
            skip(&b, n);
        } else if (code == DW_LNS_fixed_advance_pc) {
            skip(&b, 2);
        } else {
            rows += code == DW_LNS_copy;
            for (unsigned i = 0; i < codes.operands[code - 1]; i++)
                take_uleb(&b);
        }
    }
    return rows;
}
