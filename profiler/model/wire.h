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

/* 1 and the field, 0 at the end, or ERR_FORMAT. */
int wire_next(struct wire *w, struct wire_field *f, struct error *error);

int wire_long_varint(struct wire *w, uint64_t *value, struct error *error);

/* The next varint. ERR_FORMAT when it is cut off or longer than ten bytes. Most have one byte or two. */
static inline int wire_varint(struct wire *w, uint64_t *value, struct error *error)
{
    if (w->end - w->at >= 2) {
        if (!(w->at[0] & 0x80)) {
            *value = *w->at++;
            return 0;
        }
        if (!(w->at[1] & 0x80)) {
            *value = (uint64_t)(w->at[0] & 0x7f) | (uint64_t)w->at[1] << 7;
            w->at += 2;
            return 0;
        }
    }
    return wire_long_varint(w, value, error);
}

static inline size_t wire_offset(const struct wire *w)
{
    return (size_t)(w->at - w->base);
}

#endif
