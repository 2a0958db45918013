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

static int wire_fixed(struct wire *w, size_t bytes, uint64_t *value, struct error *error)
{
    if ((size_t)(w->end - w->at) < bytes)
        return error_set(
            error, ERR_FORMAT, "offset %zu: number of %zu bytes is cut off", wire_offset(w), bytes);
    *value = 0;
    for (size_t i = 0; i < bytes; i++)
        *value |= (uint64_t)w->at[i] << (8 * i);
    w->at += bytes;
    return 0;
}

static int wire_bytes(struct wire *w, struct wire *bytes, struct error *error)
{
    size_t offset = wire_offset(w);
    uint64_t len;
    int code = wire_varint(w, &len, error);
    if (code)
        return code;
    if (len > (size_t)(w->end - w->at))
        return error_set(error, ERR_FORMAT, "offset %zu: a field of %llu bytes, but only %zu follow", offset,
            (unsigned long long)len, (size_t)(w->end - w->at));
    *bytes = (struct wire){w->base, w->at, w->at + len};
    w->at += len;
    return 0;
}

int wire_next(struct wire *w, struct wire_field *f, struct error *error)
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
    switch (tag & 7) {
    case WIRE_VARINT:
        code = wire_varint(w, &f->number_value, error);
        break;
    case WIRE_FIXED64:
        code = wire_fixed(w, 8, &f->number_value, error);
        break;
    case WIRE_FIXED32:
        code = wire_fixed(w, 4, &f->number_value, error);
        break;
    case WIRE_BYTES:
        code = wire_bytes(w, &f->bytes, error);
        break;
    default:
        return error_set(error, ERR_FORMAT, "offset %zu: unknown wire type %d", f->offset, (int)(tag & 7));
    }
    return code ? code : 1;
}
