#include "fuzz.h"

#include <ctype.h>
#include <string.h>

/* JSON by its grammar (RFC 8259), and nothing of what it means. */

static bool value(const char **at, const char *end);

static void skip(const char **at, const char *end)
{
    while (*at < end && memchr(" \t\r\n", **at, 4))
        ++*at;
}

static bool take(const char **at, const char *end, const char *text)
{
    size_t len = strlen(text);
    if ((size_t)(end - *at) < len || memcmp(*at, text, len) != 0)
        return false;
    *at += len;
    return true;
}

static bool escape(const char **at, const char *end)
{
    if (*at < end && memchr("\"\\/bfnrt", **at, 8)) {
        ++*at;
        return true;
    }
    bool ok = take(at, end, "u");
    for (int i = 0; i < 4 && ok; i++)
        ok = *at < end && isxdigit((unsigned char)*(*at)++);
    return ok;
}

static bool string(const char **at, const char *end)
{
    bool ok = take(at, end, "\"");
    while (ok && *at < end && **at != '"') {
        unsigned char c = (unsigned char)*(*at)++;
        ok = c >= ' ' && (c != '\\' || escape(at, end));
    }
    return ok && take(at, end, "\"");
}

static bool digits(const char **at, const char *end)
{
    const char *from = *at;
    while (*at < end && isdigit((unsigned char)**at))
        ++*at;
    return *at > from;
}

static bool number(const char **at, const char *end)
{
    take(at, end, "-");
    if (!take(at, end, "0") && !digits(at, end))
        return false;
    if (take(at, end, ".") && !digits(at, end))
        return false;
    if (!take(at, end, "e") && !take(at, end, "E"))
        return true;
    (void)(take(at, end, "+") || take(at, end, "-"));
    return digits(at, end);
}

static bool items(const char **at, const char *end, bool named, const char *close)
{
    skip(at, end);
    if (take(at, end, close))
        return true;
    for (;;) {
        skip(at, end);
        if (named) {
            if (!string(at, end))
                return false;
            skip(at, end);
            if (!take(at, end, ":"))
                return false;
        }
        if (!value(at, end))
            return false;
        if (take(at, end, close))
            return true;
        if (!take(at, end, ","))
            return false;
    }
}

static bool value(const char **at, const char *end)
{
    skip(at, end);
    bool ok = *at == end           ? false
              : **at == '"'        ? string(at, end)
              : take(at, end, "{") ? items(at, end, true, "}")
              : take(at, end, "[") ? items(at, end, false, "]")
                                   : take(at, end, "true") || take(at, end, "false") ||
                                         take(at, end, "null") || number(at, end);
    skip(at, end);
    return ok;
}

bool fuzz_is_json(const char *text, size_t len)
{
    const char *at = text, *end = text + len;
    return value(&at, end) && at == end;
}
