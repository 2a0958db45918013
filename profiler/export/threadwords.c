#include "export/threadwords.h"

void words_span(struct buf *out, int64_t ns)
{
    if (ns < 1000000) {
        buf_int(out, (ns + 500) / 1000);
        buf_puts(out, " us");
    } else if (ns < 1000000000) {
        buf_int(out, (ns + 500000) / 1000000);
        buf_puts(out, " ms");
    } else {
        int64_t tenths = (ns + 50000000) / 100000000;
        buf_int(out, tenths / 10);
        buf_putc(out, '.');
        buf_int(out, tenths % 10);
        buf_puts(out, " s");
    }
}

void words_name(struct buf *out, const char *name)
{
    char quoted[sizeof((struct thread_info *)0)->name + 2];
    size_t n = 0;
    quoted[n++] = '"';
    for (; *name && n < sizeof quoted - 1; name++)
        quoted[n++] =
            (unsigned char)*name < ' ' || *name == '"' || *name == '[' || *name == ']' ? '?' : *name;
    quoted[n++] = '"';
    buf_append(out, quoted, n);
}

void words_thread(struct buf *out, pid_t tid, const struct thread_info *t)
{
    buf_int(out, tid);
    if (!t || !*t->name)
        return;
    buf_putc(out, ' ');
    words_name(out, t->name);
}
