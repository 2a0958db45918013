#include "lesson1/document.h"

#include "lesson1/escape.h"

#include <stdlib.h>

static void write_string(struct buf *out, const struct buf *text)
{
    char *escaped = escape_json(text->data);
    buf_putc(out, '"');
    if (escaped)
        buf_puts(out, escaped);
    else
        out->failed = true;
    buf_putc(out, '"');
    free(escaped);
}

void document_write(struct buf *out, const struct article *article)
{
    buf_puts(out, "{\"title\":");
    write_string(out, &article->title);
    buf_puts(out, ",\"author\":");
    write_string(out, &article->author);
    buf_printf(out, ",\"bytes\":%zu,\"body\":", article->body.len);
    write_string(out, &article->body);
    buf_puts(out, "}\n");
}
