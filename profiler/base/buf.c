#include "base/buf.h"

#include "base/vec.h"

#include <stdio.h>
#include <string.h>

static bool buf_room(struct buf *b, size_t more)
{
    if (!b->failed && !vec_reserve_bytes((void **)&b->data, &b->cap, b->len, more + 1, 1))
        b->failed = true;
    return !b->failed;
}

void buf_append(struct buf *b, const void *bytes, size_t len)
{
    if (!buf_room(b, len))
        return;
    if (len)
        memcpy(b->data + b->len, bytes, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void buf_puts(struct buf *b, const char *text)
{
    buf_append(b, text, strlen(text));
}

void buf_putc(struct buf *b, char c)
{
    buf_append(b, &c, 1);
}

/* n in the given base, after prefix; the digits are made from the last one on. */
static void put_number(struct buf *b, uint64_t n, unsigned base, const char *prefix)
{
    char text[24], *at = text + sizeof text;
    do
        *--at = "0123456789abcdef"[n % base];
    while ((n /= base) != 0);
    buf_puts(b, prefix);
    buf_append(b, at, (size_t)(text + sizeof text - at));
}

void buf_int(struct buf *b, int64_t n)
{
    put_number(b, n < 0 ? -(uint64_t)n : (uint64_t)n, 10, n < 0 ? "-" : "");
}

void buf_hex(struct buf *b, uint64_t n)
{
    put_number(b, n, 16, "0x");
}

void buf_vprintf(struct buf *b, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int need = vsnprintf(NULL, 0, format, args);
    if (need < 0)
        b->failed = true;
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
