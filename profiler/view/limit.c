#include "view/limit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int wrong(const char *text, size_t at, const char *want, struct error *error)
{
    return error_set(error, ERR_FORMAT, "\"%s\": position %zu: expected %s", text, at + 1, want);
}

/* The last < or >, or NULL. */
static const char *find_operator(const char *text)
{
    const char *found = NULL;
    for (const char *at = text; *at; at++)
        if (*at == '<' || *at == '>')
            found = at;
    return found;
}

static int parse_bound(struct limit *l, const char *at, struct error *error)
{
    char *end;
    at += strspn(at, " ");
    l->bound = strtod(at, &end);
    if (end == at || !isfinite(l->bound))
        return wrong(l->text, (size_t)(at - l->text), "a number, as in >5% or >=10ms", error);
    end += strspn(end, " ");
    size_t len = strcspn(end, " ");
    l->unit_at = (size_t)(end - l->text);
    if (len >= sizeof l->unit || end[len + strspn(end + len, " ")])
        return wrong(l->text, l->unit_at, "% or a unit, and nothing after it", error);
    memcpy(l->unit, end, len);
    l->unit[len] = '\0';
    return 0;
}

static int parse_function(struct limit *l, const char *at, size_t len, struct error *error)
{
    char *pattern = strndup(at, len);
    if (!pattern)
        return error_set(error, ERR_NOMEM, "out of memory");
    int code = regex_new(pattern, &l->function, error);
    if (code)
        error_prefix(error, "\"%s\": position %zu", l->text, (size_t)(at - l->text) + 1);
    free(pattern);
    return code;
}

/* flat(...), cum(...), total, or a regexp alone. */
static int parse_subject(struct limit *l, size_t len, struct error *error)
{
    const char *at = l->text + strspn(l->text, " ");
    len -= (size_t)(at - l->text);
    while (len && at[len - 1] == ' ')
        len--;
    if (len == 0)
        return wrong(
            l->text, (size_t)(at - l->text), "a function, flat(FUNCTION), cum(FUNCTION) or total", error);
    if (len == 5 && strncmp(at, "total", 5) == 0) {
        l->subject = LIMIT_TOTAL;
        return 0;
    }
    bool cum = strncmp(at, "cum(", 4) == 0, flat = strncmp(at, "flat(", 5) == 0;
    l->subject = cum ? LIMIT_CUM : LIMIT_FLAT;
    if (!cum && !flat)
        return parse_function(l, at, len, error);
    size_t open = cum ? 4 : 5;
    if (at[len - 1] != ')' || len <= open)
        return wrong(
            l->text, (size_t)(at - l->text) + len, "a closing parenthesis before the comparison", error);
    if (len == open + 1)
        return wrong(l->text, (size_t)(at - l->text) + open, "a function between the parentheses", error);
    return parse_function(l, at + open, len - open - 1, error);
}

int limit_parse(struct limit *l, const char *text, struct error *error)
{
    const char *comparison = find_operator(text);
    *l = (struct limit){.text = text};
    if (!comparison)
        return wrong(text, strlen(text), "a comparison: >, >=, < or <=", error);
    l->below = *comparison == '<';
    l->or_equal = comparison[1] == '=';
    int code = parse_bound(l, comparison + 1 + l->or_equal, error);
    if (!code)
        code = parse_subject(l, (size_t)(comparison - text), error);
    return code;
}

void limit_fini(struct limit *l)
{
    regex_free(l->function);
    l->function = NULL;
}
