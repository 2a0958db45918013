#ifndef MODEL_WIRE_H
#define MODEL_WIRE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads the protobuf wire format field by field, straight from the bytes. What a generated parser would
 * give, a tree of allocated messages, costs several times the profile it becomes and says of a damaged file
 * only that it is damaged; this says where.
 *
 *     struct wire w = {base, at, end};
 *     struct wire_field f;
 *     while ((more = wire_next(&w, &f, error)) > 0) ...
 */
struct wire {
    const uint8_t *base; /* offsets in errors count from here */
    const uint8_t *at, *end;
};

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

struct wire_field {
    uint32_t number;
    enum wire_type type;
    uint64_t number_value; /* varint and fixed */
    struct wire bytes;     /* WIRE_BYTES: a message, a string or packed numbers */
    size_t offset;         /* where the field begins */
};

static inline size_t wire_offset(const struct wire *w)
{
    return (size_t)(w->at - w->base);
}

int wire_long_varint(struct wire *w, uint64_t *value, struct error *error);

/* The next varint. ERR_FORMAT when it is cut off or longer than ten bytes. Most have up to three bytes. */
static inline int wire_varint(struct wire *w, uint64_t *value, struct error *error)
{
    const uint8_t *at = w->at;
    if (w->end - at >= 3) {
        if (!(at[0] & 0x80)) {
            *value = at[0];
            w->at = at + 1;
            return 0;
        }
        if (!(at[1] & 0x80)) {
            *value = (uint64_t)(at[0] & 0x7f) | (uint64_t)at[1] << 7;
            w->at = at + 2;
            return 0;
        }
        if (!(at[2] & 0x80)) {
            *value = (uint64_t)(at[0] & 0x7f) | (uint64_t)(at[1] & 0x7f) << 7 | (uint64_t)at[2] << 14;
            w->at = at + 3;
            return 0;
        }
    }
    return wire_long_varint(w, value, error);
}

int wire_too_long(size_t offset, uint64_t len, size_t left, struct error *error);
int wire_fixed(struct wire *w, struct wire_field *f, struct error *error);

static inline int wire_bytes(struct wire *w, struct wire *bytes, struct error *error)
{
    size_t offset = wire_offset(w);
    uint64_t len;
    int code = wire_varint(w, &len, error);
    if (code)
        return code;
    size_t left = (size_t)(w->end - w->at);
    if (len > left)
        return wire_too_long(offset, len, left, error);
    *bytes = (struct wire){w->base, w->at, w->at + len};
    w->at += len;
    return 0;
}

/* 1 and the field, 0 at the end, or ERR_FORMAT. A profile is a million small fields: always in line. */
static inline __attribute__((always_inline)) int wire_next(
    struct wire *w, struct wire_field *f, struct error *error)
{
    if (w->at == w->end)
        return 0;
    f->offset = wire_offset(w);
    uint64_t tag;
    int code = wire_varint(w, &tag, error);
    if (code)
        return code;
    f->number = (uint32_t)(tag >> 3 > UINT32_MAX ? UINT32_MAX : tag >> 3);
    f->type = (enum wire_type)(tag & 7);
    if (f->type == WIRE_VARINT)
        code = wire_varint(w, &f->number_value, error);
    else if (f->type == WIRE_BYTES)
        code = wire_bytes(w, &f->bytes, error);
    else
        code = wire_fixed(w, f, error);
    return code ? code : 1;
}

#endif
