#include "base/buf.h"

#include "base/vec.h"

#include <stdio.h>
#include <string.h>

static bool buf_room(struct buf *b, size_t more)
{
    if (more < b->cap - b->len && !b->failed)
        return true;
    if (!b->failed && !vec_reserve_bytes((void **)&b->data, &b->cap, b->len, more + 1, 1))
        b->failed = true;
    return !b->failed;
}

bool buf_reserve(struct buf *b, size_t n)
{
    return vec_reserve_bytes((void **)&b->data, &b->cap, b->len, n + 1, 1);
}

void buf_append_slowly(struct buf *b, const void *bytes, size_t len)
{
    if (!buf_room(b, len))
        return;
    if (len)
        memcpy(b->data + b->len, bytes, len);
    b->len += len;
    b->data[b->len] = '\0';
}

enum { DIGITS = 24 }; /* of a number, at most */

/* Writes n so that it ends before end; where it begins. */
static char *decimal(uint64_t n, char *end)
{
    do
        *--end = (char)('0' + n % 10);
    while ((n /= 10) != 0);
    return end;
}

void buf_uint(struct buf *b, uint64_t n)
{
    char text[DIGITS], *end = text + sizeof text, *at = decimal(n, end);
    buf_append(b, at, (size_t)(end - at));
}

void buf_int_right(struct buf *b, int64_t n, int width)
{
    char text[DIGITS], *end = text + sizeof text, *at = decimal(n < 0 ? -(uint64_t)n : (uint64_t)n, end);
    if (n < 0)
        *--at = '-';
    for (int64_t pad = width - (end - at); pad > 0; pad--)
        buf_putc(b, ' ');
    buf_append(b, at, (size_t)(end - at));
}

void buf_int(struct buf *b, int64_t n)
{
    buf_int_right(b, n, 0);
}

void buf_hex(struct buf *b, uint64_t n)
{
    char text[DIGITS], *end = text + sizeof text, *at = end;
    do
        *--at = "0123456789abcdef"[n % 16];
    while ((n /= 16) != 0);
    *--at = 'x';
    *--at = '0';
    buf_append(b, at, (size_t)(end - at));
}

void buf_vprintf(struct buf *b, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    size_t room = b->failed ? 0 : b->cap - b->len;
    int need = vsnprintf(room ? b->data + b->len : NULL, room, format, args);
    if (need < 0)
        b->failed = true;
    else if ((size_t)need < room)
        b->len += (size_t)need;
    else if (buf_room(b, (size_t)need)) {
        vsnprintf(b->data + b->len, (size_t)need + 1, format, again);
        b->len += (size_t)need;
    }
    va_end(again);
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vprintf(b, format, args);
    va_end(args);
}

void buf_fini(struct buf *b)
{
    free(b->data);
    *b = (struct buf){0};
}

char *buf_take(struct buf *b)
{
    if (b->failed) {
        buf_fini(b);
        return NULL;
    }
    buf_append(b, "", 0); /* an empty buffer is still a string */
    char *data = b->data;
    *b = (struct buf){0};
    return data;
}
