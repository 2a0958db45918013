#include "view/columns.h"

#include "base/utf8.h"

#include <string.h>

struct range {
    uint32_t first, last;
};

static bool in_ranges(uint32_t c, const struct range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    return false;
}

/* Marks that are drawn on the character before them; East Asian characters and pictures. The blocks that
 * names come from, not all of Unicode's tables. */
static int width_of(uint32_t c)
{
    static const struct range none[] = {{0x300, 0x36f}, {0x483, 0x489}, {0x591, 0x5bd}, {0x610, 0x61a},
        {0x64b, 0x65f}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200f}, {0x2060, 0x2064},
        {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}};
    static const struct range wide[] = {{0x1100, 0x115f}, {0x2e80, 0x303e}, {0x3041, 0xa4cf},
        {0xa960, 0xa97c}, {0xac00, 0xd7a3}, {0xf900, 0xfaff}, {0xfe30, 0xfe6f}, {0xff00, 0xff60},
        {0xffe0, 0xffe6}, {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
    if (c < 0x300)
        return 1;
    if (in_ranges(c, none, sizeof none / sizeof *none))
        return 0;
    return in_ranges(c, wide, sizeof wide / sizeof *wide) ? 2 : 1;
}

/* What is printed in place of the next character, and how many columns it takes. */
struct cell {
    const char *bytes;
    int len, width;
};

static const char *next_cell(const char *text, struct cell *cell)
{
    uint32_t c;
    int len = utf8_decode(text, &c);
    if (len == 0) {
        *cell = (struct cell){"\xef\xbf\xbd", 3, 1};
        return text + 1;
    }
    if (c < ' ' || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
        *cell = (struct cell){"?", 1, 1};
    else
        *cell = (struct cell){text, len, width_of(c)};
    return text + len;
}

int columns_of(const char *text)
{
    struct cell cell;
    int width = 0;
    while (*text) {
        text = next_cell(text, &cell);
        width += cell.width;
    }
    return width;
}

int columns_put(struct buf *out, const char *text, int width)
{
    struct cell cell;
    int used = 0;
    bool fits = columns_of(text) <= width;
    if (width <= 0)
        return 0;
    while (*text) {
        text = next_cell(text, &cell);
        if (!fits && used + cell.width > width - 1) {
            buf_puts(out, "…");
            return used + 1;
        }
        buf_append(out, cell.bytes, (size_t)cell.len);
        used += cell.width;
    }
    return used;
}

static void put_spaces(struct buf *out, int n)
{
    for (; n > 0; n--)
        buf_putc(out, ' ');
}

void columns_put_left(struct buf *out, const char *text, int width)
{
    put_spaces(out, width - columns_put(out, text, width));
}

void columns_put_right(struct buf *out, const char *text, int width)
{
    put_spaces(out, width - columns_of(text));
    columns_put(out, text, width);
}

static void put_word(struct buf *out, const char *word, size_t len, int indent, int width, int *at)
{
    char copy[512];
    if (len >= sizeof copy)
        len = sizeof copy - 1;
    memcpy(copy, word, len);
    copy[len] = '\0';
    int columns = columns_of(copy);
    if (*at > indent && *at + 1 + columns > width) {
        buf_putc(out, '\n');
        put_spaces(out, indent);
        *at = indent;
    } else if (*at > indent) {
        buf_putc(out, ' ');
        ++*at;
    }
    *at += columns_put(out, copy, width - *at);
}

void columns_put_wrapped(struct buf *out, const char *text, int indent, int width)
{
    int at = indent;
    while (*(text += strspn(text, " "))) {
        size_t len = strcspn(text, " ");
        put_word(out, text, len, indent, width, &at);
        text += len;
    }
    buf_putc(out, '\n');
}
