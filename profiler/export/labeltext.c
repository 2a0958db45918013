#include "export/labeltext.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Spaces, controls, formats and private characters, beyond ASCII: what Unicode has that is not seen. */
static bool is_unseen(uint32_t c)
{
    static const uint32_t ranges[][2] = {{0x80, 0xa0}, {0xad, 0xad}, {0x600, 0x605}, {0x61c, 0x61c},
        {0x6dd, 0x6dd}, {0x70f, 0x70f}, {0x890, 0x891}, {0x8e2, 0x8e2}, {0x1680, 0x1680}, {0x180e, 0x180e},
        {0x2000, 0x200f}, {0x2028, 0x202f}, {0x205f, 0x206f}, {0x3000, 0x3000}, {0xe000, 0xf8ff},
        {0xfeff, 0xfeff}, {0xfff0, 0xfffb}, {0xfffe, 0xffff}, {0xe0001, 0xe007f}, {0xf0000, 0x10ffff}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (c >= ranges[i][0] && c <= ranges[i][1])
            return true;
    return false;
}

static void put_ascii(struct buf *out, char c, const char *special)
{
    static const char controls[] = "\a\b\f\n\r\t\v", letters[] = "abfnrtv";
    const char *control = strchr(controls, c);
    if (control)
        buf_printf(out, "\\%c", letters[control - controls]);
    else if (c == '"' || c == '\\')
        buf_printf(out, "\\%c", c);
    else if (c < ' ' || c == 0x7f || strchr(special, c))
        buf_printf(out, "\\x%02x", (unsigned)c);
    else
        buf_putc(out, c);
}

static void put_quoted(struct buf *out, const char *text, const char *special)
{
    uint32_t c;
    buf_putc(out, '"');
    for (int bytes; *text && (bytes = utf8_decode(text, &c)) > 0; text += bytes) {
        if (c < 0x80)
            put_ascii(out, *text, special);
        else if (is_unseen(c))
            buf_printf(out, c < 0x10000 ? "\\u%04" PRIx32 : "\\U%08" PRIx32, c);
        else
            buf_append(out, text, (size_t)bytes);
    }
    buf_putc(out, '"');
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void labeltext_put(struct buf *out, const struct label_set *set, const char *special)
{
    char *pairs[LABELSET_MAX_LABELS] = {0};
    uint32_t n = 0;
    for (; n < set->count; n++) {
        struct buf pair = {0};
        put_quoted(&pair, set->pairs[n].key, special);
        buf_putc(&pair, ':');
        put_quoted(&pair, set->pairs[n].value, special);
        pairs[n] = buf_take(&pair);
        if (!pairs[n]) {
            out->failed = true;
            break;
        }
    }
    qsort(pairs, n, sizeof *pairs, by_text);
    buf_putc(out, '{');
    for (uint32_t i = 0; i < n; i++) {
        buf_puts(out, i ? ", " : "");
        buf_puts(out, pairs[i]);
        free(pairs[i]);
    }
    buf_putc(out, '}');
}

void labeltext_put_lost(struct buf *out, uint64_t n)
{
    buf_printf(out, "%" PRIu64 " labels were lost: there may be %d different sets of them, and %d in each", n,
        LABELSET_MAX_SETS, LABELSET_MAX_LABELS);
}
