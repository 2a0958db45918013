#include "view/dot.h"

#include <ctype.h>
#include <string.h>

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static const char *skip_word(const char *at)
{
    while (is_word(*at))
        at++;
    return at;
}

/* A module version, "/v2" and up: "a.com/x/v3/y.f" is "a.com/x/y.f". Takes the first one out. */
static void drop_version(char *name)
{
    for (char *at = name; (at = strstr(at, "/v")); at++) {
        char *end = at + 2;
        while (isdigit((unsigned char)*end))
            end++;
        size_t digits = (size_t)(end - at) - 2;
        bool version = digits && at[2] != '0' && !(digits == 1 && at[2] == '1');
        if (version && (*end == '.' || *end == '/')) {
            memmove(at, end, strlen(end) + 1);
            return;
        }
    }
}

/* "dir/dir/pkg.name": what follows the directories, if that has a dot inside. */
static const char *short_go(const char *name, size_t *len)
{
    const char *found = NULL;
    for (const char *at = name;;) {
        const char *end = at;
        while (is_word(*end) || *end == '-' || *end == '.')
            end++;
        if (end == at || *end != '/')
            break;
        at = end + 1;
        const char *dot = strchr(at, '.');
        if (dot && dot > at && dot[1])
            found = at;
    }
    if (found)
        *len = strlen(found);
    return found;
}

static const char *skip_java_word(const char *at)
{
    while (is_word(*at) || *at == '$')
        at++;
    return at;
}

/* "pkg.pkg.Class.method(": the class and the method. */
static const char *short_java(const char *name, size_t *len)
{
    const char *at = name;
    while (islower((unsigned char)*at) && *skip_word(at) == '.')
        at = skip_word(at) + 1;
    const char *method = skip_java_word(at);
    if (!isupper((unsigned char)*at) || *method++ != '.')
        return NULL;
    const char *end = method;
    if (strncmp(method, "<init>", 6) == 0)
        end = method + 6;
    else if (islower((unsigned char)*method))
        end = skip_java_word(method);
    if (end == method || (*end && *end != '('))
        return NULL;
    *len = (size_t)(end - at);
    return at;
}

static bool starts_word(char c)
{
    return isalpha((unsigned char)c) || c == '_';
}

/* "Class::method" at text, with the method's template arguments. Its length, or 0. */
static size_t cpp_method(const char *text)
{
    const char *upper = text + strspn(text, "_");
    const char *at = skip_word(text);
    if (!isupper((unsigned char)*upper) || strncmp(at, "::", 2) != 0)
        return 0;
    at += 2;
    at += *at == '~';
    if (!starts_word(*at))
        return 0;
    at = skip_word(at);
    const char *close = *at == '<' ? strrchr(at, '>') : NULL;
    return (size_t)((close ? close + 1 : at) - text);
}

/* "ns::ns::Class::method(": the innermost class and the method. */
static const char *short_cpp(const char *name, size_t *len)
{
    const char *found = NULL;
    for (const char *at = name; starts_word(*at);) {
        at = skip_word(at);
        if (strncmp(at, "::", 2) != 0)
            break;
        at += 2;
        size_t n = cpp_method(at);
        if (n) {
            found = at;
            *len = n;
        }
    }
    return found;
}

void dot_put_short_name(const char *name, struct buf *out)
{
    static const char anonymous[] = "(anonymous namespace)::";
    if (strncmp(name, anonymous, sizeof anonymous - 1) == 0)
        name += sizeof anonymous - 1;
    char *copy = strdup(name);
    if (!copy) {
        out->failed = true;
        return;
    }
    drop_version(copy);
    size_t len = 0;
    const char *found = short_go(copy, &len);
    if (!found)
        found = short_java(copy, &len);
    if (!found)
        found = short_cpp(copy, &len);
    if (found)
        buf_append(out, found, len);
    else
        buf_puts(out, copy);
    free(copy);
}

void dot_put_escaped(const char *text, struct buf *out)
{
    for (; *text; text++) {
        if (*text == '\n')
            buf_puts(out, "\\l");
        else if (*text == '"' || *text == '\\')
            buf_printf(out, "\\%c", *text);
        else
            buf_putc(out, *text);
    }
}

void dot_put_tag(const char *text, struct buf *out)
{
    for (; *text; text++)
        buf_printf(out, "%s%c", *text == '"' ? "\\" : "", *text);
}
