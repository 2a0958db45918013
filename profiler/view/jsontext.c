#include "view/jsontext.h"

#include "base/utf8.h"

void jsontext_put(struct buf *out, const char *text)
{
    uint32_t c;
    buf_putc(out, '"');
    while (*text) {
        int len = utf8_decode(text, &c);
        if (len == 0)
            buf_puts(out, "\xef\xbf\xbd");
        else if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", (int)c);
        else if (c < ' ' || c == 0x7f)
            buf_printf(out, "\\u%04x", c);
        else
            buf_append(out, text, (size_t)len);
        text += len ? len : 1;
    }
    buf_putc(out, '"');
}
