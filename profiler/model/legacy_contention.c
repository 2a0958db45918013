#include "model/legacy_readers.h"

#include "base/number.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/*
 *     --- contentionz 1 ---            (gperftools; Go's begin "--- mutex:" or "--- contention:")
 *     cycles/second = 3000000000
 *     sampling period = 100
 *       cycles  contentions @ 0x... 0x...
 */

static bool is_header(const char *line)
{
    static const char *const headers[] = {"--- contentionz ", "--- mutex:", "--- contention:"};
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        if (strncmp(line, headers[i], strlen(headers[i])) == 0)
            return true;
    return false;
}

/* Whether the line says "name = ...", and what it says, if that is a number. */
static bool is_attribute(const char *line, const char *name, const char **value)
{
    size_t len = strlen(name);
    if (strncmp(line, name, len) != 0)
        return false;
    const char *at = line + len;
    at += strspn(at, " \t");
    *value = at + 1;
    return *at == '=';
}

static bool whole_number(const char *text, int64_t *number)
{
    return legacy_number(&text, number) && !text[strspn(text, " \t\r")];
}

static int read_attribute(struct legacy *l, int64_t *cycles_per_second)
{
    const char *line = legacy_trimmed(l), *value;
    bool ok = true;
    if (is_attribute(line, "format", &value) || is_attribute(line, "resolution", &value))
        return ERR_UNSUPPORTED; /* Java's */
    if (is_attribute(line, "cycles/second", &value)) {
        ok = whole_number(value, cycles_per_second);
    } else if (is_attribute(line, "sampling period", &value)) {
        ok = whole_number(value, &l->p->period);
    } else if (is_attribute(line, "ms since reset", &value)) {
        int64_t ms = 0;
        ok = whole_number(value, &ms);
        l->p->duration_nanos = legacy_times(ms, 1000000);
    } else if (!is_attribute(line, "discarded samples", &value)) {
        return legacy_fail(l, "an unknown attribute");
    }
    return ok ? 0 : legacy_fail(l, "an attribute whose value is no number");
}

/* "cycles contentions @" where the first number of the line that starts one is, and moves past it. */
static bool find_counts(const char **at, int64_t *cycles, int64_t *contentions)
{
    for (const char *s = *at; *s; s++) {
        if (!isdigit((unsigned char)*s))
            continue;
        const char *rest = s;
        if (legacy_number(&rest, cycles) && *rest == ' ' && legacy_number(&rest, contentions) &&
            *contentions >= 0 && strncmp(rest, " @", 2) == 0) {
            *at = rest + 2;
            return true;
        }
        s += strspn(s, "0123456789") - 1;
    }
    return false;
}

static int read_sample(struct legacy *l, int64_t cycles_per_second)
{
    int64_t delay, contentions;
    const char *at = legacy_line(l);
    if (!find_counts(&at, &delay, &contentions))
        return legacy_fail(l, "expected \"cycles contentions @ addresses\"");
    if (l->p->period > 0) {
        if (cycles_per_second > 0)
            delay = number_truncate((double)delay * (double)l->p->period / ((double)cycles_per_second / 1e9));
        contentions = legacy_times(contentions, l->p->period);
    }
    int code = legacy_add_addresses(l, at, true, false);
    return code ? code : legacy_add_sample(l, (const int64_t[]){contentions, delay}, LEGACY_NO_BLOCKS);
}

static bool is_end(struct legacy *l)
{
    return strncmp(legacy_trimmed(l), "---", 3) == 0;
}

int legacy_read_contention(struct legacy *l)
{
    static const char *const types[2][2] = {{"contentions", "count"}, {"delay", "nanoseconds"}};
    int64_t cycles_per_second = 0;
    legacy_next_line(l);
    if (!is_header(legacy_line(l)))
        return ERR_UNSUPPORTED;
    l->p->period = 1;
    int code = legacy_types(l, types, 2, types[0]);
    bool more;
    while ((more = legacy_next_line(l)) && !code && !is_end(l)) {
        if (legacy_is_comment(legacy_line(l)))
            continue;
        if (!strchr(legacy_line(l), '='))
            break;
        code = read_attribute(l, &cycles_per_second);
    }
    for (; more && !code && !is_end(l); more = legacy_next_line(l))
        if (!legacy_is_comment(legacy_line(l)))
            code = read_sample(l, cycles_per_second);
    return code ? code : legacy_read_maps(l, true);
}
