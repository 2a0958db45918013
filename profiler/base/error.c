#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

/* One line, whatever a file or a server is called: what would act on a terminal becomes ?. */
static void make_line(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 127)
            *text = '?';
}

int error_set(struct error *e, int code, const char *format, ...)
{
    if (e) {
        va_list args;
        va_start(args, format);
        e->code = code;
        vsnprintf(e->text, sizeof e->text, format, args);
        va_end(args);
        make_line(e->text);
    }
    return code;
}

int error_prefix(struct error *e, const char *format, ...)
{
    char prefix[sizeof e->text], whole[2 * sizeof e->text + 2];
    va_list args;
    va_start(args, format);
    vsnprintf(prefix, sizeof prefix, format, args);
    va_end(args);
    snprintf(whole, sizeof whole, "%s: %s", prefix, e->text);
    snprintf(e->text, sizeof e->text, "%.*s", (int)sizeof e->text - 1, whole);
    make_line(e->text);
    return e->code;
}

const char *error_text(int code)
{
    switch (code) {
    case ERR_OK:
        return "no error";
#define X(name, text) \
    case ERR_##name:  \
        return text;
        ERROR_LIST(X)
#undef X
    }
    return "unknown error";
}
