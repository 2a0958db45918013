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

/*
 * UTF-8 is read byte by byte. A byte's class and what the bytes before it lead to say what may come next, so
 * that nothing ill-formed gets through: too long a form, half a surrogate pair, a character beyond the last.
 */
enum {
    ASCII,
    LOW_TAIL,
    MID_TAIL,
    HIGH_TAIL,
    LEAD2,
    LEAD3,
    LEAD3_LOW,
    LEAD3_HIGH,
    LEAD4,
    LEAD4_LOW,
    LEAD4_HIGH,
    NEVER
};

static const uint8_t classes[256] = {
    [0x80 ... 0x8f] = LOW_TAIL,
    [0x90 ... 0x9f] = MID_TAIL,
    [0xa0 ... 0xbf] = HIGH_TAIL,
    [0xc0 ... 0xc1] = NEVER,
    [0xc2 ... 0xdf] = LEAD2,
    [0xe0] = LEAD3_LOW,
    [0xe1 ... 0xec] = LEAD3,
    [0xed] = LEAD3_HIGH,
    [0xee ... 0xef] = LEAD3,
    [0xf0] = LEAD4_LOW,
    [0xf1 ... 0xf3] = LEAD4,
    [0xf4] = LEAD4_HIGH,
    [0xf5 ... 0xff] = NEVER,
};

enum { BAD, START, TAIL1, TAIL2, TAIL3, TAIL2_HIGH, TAIL2_LOW, TAIL3_HIGH, TAIL3_LOW, STATES };

static const uint8_t next_state[STATES][NEVER + 1] = {
    [START] = {[ASCII] = START,
        [LEAD2] = TAIL1,
        [LEAD3] = TAIL2,
        [LEAD3_LOW] = TAIL2_HIGH,
        [LEAD3_HIGH] = TAIL2_LOW,
        [LEAD4] = TAIL3,
        [LEAD4_LOW] = TAIL3_HIGH,
        [LEAD4_HIGH] = TAIL3_LOW},
    [TAIL1] = {[LOW_TAIL] = START, [MID_TAIL] = START, [HIGH_TAIL] = START},
    [TAIL2] = {[LOW_TAIL] = TAIL1, [MID_TAIL] = TAIL1, [HIGH_TAIL] = TAIL1},
    [TAIL3] = {[LOW_TAIL] = TAIL2, [MID_TAIL] = TAIL2, [HIGH_TAIL] = TAIL2},
    [TAIL2_HIGH] = {[HIGH_TAIL] = TAIL1},
    [TAIL2_LOW] = {[LOW_TAIL] = TAIL1, [MID_TAIL] = TAIL1},
    [TAIL3_HIGH] = {[MID_TAIL] = TAIL2, [HIGH_TAIL] = TAIL2},
    [TAIL3_LOW] = {[LOW_TAIL] = TAIL2},
};

/* The bits of the character that are in a byte of each class. */
static const uint8_t payload[NEVER + 1] = {
    0x7f, 0x3f, 0x3f, 0x3f, 0x1f, 0x0f, 0x0f, 0x0f, 0x07, 0x07, 0x07, 0};

/* How ASCII is written: 0 as it is, 'u' as \u00XX, else a backslash and the letter. */
static const char escapes[128] = {
    [0 ... 0x07] = 'u',
    [0x0b] = 'u',
    [0x0e ... 0x1f] = 'u',
    ['\b'] = 'b',
    ['\t'] = 't',
    ['\n'] = 'n',
    ['\f'] = 'f',
    ['\r'] = 'r',
    ['"'] = '"',
    ['&'] = 'u',
    ['<'] = 'u',
    ['>'] = 'u',
    ['\\'] = '\\',
    [0x7f] = 'u',
};

static char *put_unit(char *to, uint32_t unit)
{
    static const char hex[] = "0123456789abcdef";
    *to++ = '\\';
    *to++ = 'u';
    for (int shift = 12; shift >= 0; shift -= 4)
        *to++ = hex[unit >> shift & 15];
    return to;
}

/* A character that may not stand for itself; beyond 16 bits it is a pair of surrogates. */
static char *put_escaped(char *to, uint32_t c)
{
    if (c >= 0x10000) {
        to = put_unit(to, 0xd7c0 + (c >> 10));
        return put_unit(to, 0xdc00 + (c & 0x3ff));
    }
    if (c >= 0x80 || escapes[c] == 'u')
        return put_unit(to, c);
    *to++ = '\\';
    *to++ = escapes[c];
    return to;
}

void json_encode_string(struct json *j, const char *bytes, size_t len)
{
    begin_value(j);
    if (!reserve(j, len * ESCAPE_BYTES + 2))
        return;
    uint32_t c = 0;
    unsigned state = START;
    char *to = j->text + j->len;
    *to++ = '"';
    for (size_t i = 0; i < len;) {
        unsigned char byte = (unsigned char)bytes[i], class = classes[byte];
        unsigned next = next_state[state][class];
        c = (state == START ? 0 : c << 6) | (byte & payload[class]);
        if (next == BAD) {
            to = put_escaped(to, 0xfffd);
            i += state == START; /* what broke a character off may begin one */
            state = START;
            continue;
        }
        if (next == START) {
            if (c < 0x80 && !escapes[c])
                *to++ = (char)c;
            else
                to = put_escaped(to, c);
        }
        state = next;
        i++;
    }
    if (state != START)
        to = put_escaped(to, 0xfffd);
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
