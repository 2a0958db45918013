#include "model/wire.h"

int wire_long_varint(struct wire *w, uint64_t *value, struct error *error)
{
    const uint8_t *at = w->at;
    uint64_t v = 0;
    for (int shift = 0; shift < 70; shift += 7) {
        if (at == w->end)
            return error_set(error, ERR_FORMAT, "offset %zu: number is cut off", wire_offset(w));
        uint8_t byte = *at++;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            w->at = at;
            *value = v;
            return 0;
        }
    }
    return error_set(error, ERR_FORMAT, "offset %zu: number is longer than ten bytes", wire_offset(w));
}

int wire_too_long(size_t offset, uint64_t len, size_t left, struct error *error)
{
    return error_set(error, ERR_FORMAT, "offset %zu: a field of %llu bytes, but only %zu follow", offset,
        (unsigned long long)len, left);
}

/* A number of fixed size, or what is none. */
int wire_fixed(struct wire *w, struct wire_field *f, struct error *error)
{
    if (f->type != WIRE_FIXED64 && f->type != WIRE_FIXED32)
        return error_set(error, ERR_FORMAT, "offset %zu: unknown wire type %d", f->offset, (int)f->type);
    size_t bytes = f->type == WIRE_FIXED64 ? 8 : 4;
    if ((size_t)(w->end - w->at) < bytes)
        return error_set(
            error, ERR_FORMAT, "offset %zu: number of %zu bytes is cut off", wire_offset(w), bytes);
    f->number_value = 0;
    for (size_t i = 0; i < bytes; i++)
        f->number_value |= (uint64_t)w->at[i] << (8 * i);
    w->at += bytes;
    return 0;
}
