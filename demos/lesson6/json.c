#include "lesson6/json.h"

#include <stdlib.h>
#include <string.h>

/* The most that one byte of input can become: \ufffd. */
enum { ESCAPE_BYTES = 6 };

static bool reserve(struct json *j, size_t more)
{
    if (j->failed)
        return false;
    if (j->cap - j->len >= more)
        return true;
    size_t cap = j->cap ? j->cap : 1024;
    while (cap - j->len < more)
        cap *= 2;
    char *text = realloc(j->text, cap);
    if (!text) {
        j->failed = true;
        return false;
    }
    j->text = text;
    j->cap = cap;
    return true;
}

static void append(struct json *j, const char *bytes, size_t len)
{
    if (!reserve(j, len))
        return;
    memcpy(j->text + j->len, bytes, len);
    j->len += len;
}

static void begin_value(struct json *j)
{
    if (j->comma)
        append(j, ",", 1);
    j->comma = true;
}

void json_open(struct json *j, char bracket)
{
    begin_value(j);
    append(j, &bracket, 1);
    j->comma = false;
}

void json_close(struct json *j, char bracket)
{
    append(j, &bracket, 1);
    j->comma = true;
}

void json_key(struct json *j, const char *key)
{
    json_encode_string(j, key, strlen(key));
    append(j, ":", 1);
    j->comma = false;
}

void json_raw(struct json *j, const char *number, size_t len)
{
    begin_value(j);
    append(j, number, len);
}

/* ---- strings ---- */

static char *put_escape(char *to, uint32_t unit)
{
    static const char hex[] = "0123456789abcdef";
    *to++ = '\\';
    *to++ = 'u';
    for (int shift = 12; shift >= 0; shift -= 4)
        *to++ = hex[unit >> shift & 15];
    return to;
}

/* A character beyond 16 bits is a pair of surrogates. */
static inline char *put_character(char *to, uint32_t c)
{
    static const char *const letters = "\bb\ff\nn\rr\tt\"\"\\\\";
    if (c >= 0x10000) {
        to = put_escape(to, 0xd7c0 + (c >> 10));
        return put_escape(to, 0xdc00 + (c & 0x3ff));
    }
    if (c >= 0x7f || c == '<' || c == '>' || c == '&')
        return put_escape(to, c);
    if (c >= ' ' && c != '"' && c != '\\') {
        *to = (char)c;
        return to + 1;
    }
    for (const char *l = letters; *l; l += 2) {
        if ((uint32_t)*l == c) {
            *to++ = '\\';
            *to++ = l[1];
            return to;
        }
    }
    return put_escape(to, c);
}

/* Decodes the character at p and says how many bytes it has: 0 when it is not whole and well-formed. */
static inline int decode(const unsigned char *p, const unsigned char *end, uint32_t *out)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000}; /* for the shortest form of n bytes */
    if (*p < 0x80) {
        *out = *p;
        return 1;
    }
    int n = *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : *p >= 0xc0 ? 2 : 0;
    if (n == 0 || *p > 0xf4 || end - p < n)
        return 0;
    uint32_t c = *p & (0x7fu >> n);
    for (int i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return 0;
    *out = c;
    return n;
}

__attribute__((noinline)) void json_encode_string(struct json *j, const char *bytes, size_t len)
{
    begin_value(j);
    if (!reserve(j, len * ESCAPE_BYTES + 2))
        return;
    const unsigned char *p = (const unsigned char *)bytes, *end = p + len;
    char *to = j->text + j->len;
    *to++ = '"';
    while (p < end) {
        uint32_t c;
        int n = decode(p, end, &c);
        to = put_character(to, n ? c : 0xfffd);
        p += n ? n : 1;
    }
    *to++ = '"';
    j->len = (size_t)(to - j->text);
}

/* ---- numbers ---- */

static size_t digits(const char *p, const char *end)
{
    const char *from = p;
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return (size_t)(p - from);
}

bool json_is_number(const char *bytes, size_t len)
{
    const char *p = bytes, *end = bytes + len;
    if (p < end && *p == '-')
        p++;
    size_t whole = digits(p, end);
    if (whole == 0 || (whole > 1 && *p == '0'))
        return false;
    p += whole;
    if (p < end && *p == '.') {
        size_t fraction = digits(++p, end);
        if (!fraction)
            return false;
        p += fraction;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        size_t exponent = digits(p, end);
        if (!exponent)
            return false;
        p += exponent;
    }
    return p == end;
}

char *json_take(struct json *j, size_t *len)
{
    char *text = j->text;
    if (j->failed) {
        free(text);
        text = NULL;
    }
    *len = text ? j->len : 0;
    *j = (struct json){0};
    return text;
}
