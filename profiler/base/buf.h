#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * A growable byte buffer: HTTP bodies, encoded profiles, text reports. `struct buf b = {0};` is empty.
 * A failed allocation sets `failed` and drops what is appended from then on, so that a caller checks once,
 * at the end, and not after every line. Not thread-safe, not signal-safe.
 */
struct buf {
    char *data; /* NUL-terminated whenever it is not NULL; the NUL is not counted in len */
    size_t len, cap;
    bool failed;
};

/* Room for n more bytes and a NUL, without adding them. False when memory runs out; nothing else is then
 * lost. */
bool buf_reserve(struct buf *b, size_t n);
void buf_append_slowly(
    struct buf *b, const void *bytes, size_t len); /* buf_append() where there is no room */

static inline void buf_append(struct buf *b, const void *bytes, size_t len)
{
    if (len == 0 || len >= b->cap - b->len || b->failed) {
        buf_append_slowly(b, bytes, len);
        return;
    }
    memcpy(b->data + b->len, bytes, len);
    b->len += len;
    b->data[b->len] = '\0';
}

static inline void buf_puts(struct buf *b, const char *text)
{
    buf_append(b, text, strlen(text));
}

static inline void buf_putc(struct buf *b, char c)
{
    buf_append(b, &c, 1);
}

void buf_int(struct buf *b, int64_t n); /* %lld, without printf's price */
void buf_uint(struct buf *b, uint64_t n);
void buf_int_right(struct buf *b, int64_t n, int width); /* %*lld */
void buf_hex(struct buf *b, uint64_t n);                 /* 0x%llx */
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *format, va_list args);
void buf_fini(struct buf *b);

/* The bytes, now the caller's to free(); the buffer is empty again. NULL if an append had failed. */
char *buf_take(struct buf *b);

#endif
