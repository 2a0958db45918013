#include "model/legacy_readers.h"

#include <ctype.h>
#include <string.h>

/* Texts of stacks that are only counted: Go's "NAME profile: total N", gperftools' threadz. */

static void skip_comments(struct legacy *l)
{
    while (legacy_next_line(l) && legacy_is_comment(legacy_line(l)))
        ;
}

/* ---- N @ 0x... 0x... ---- */

/* The length of NAME, 0 when the line is no such header. */
static size_t count_header(const char *line)
{
    static const char title[] = " profile: total ";
    const char *found = strstr(line, title);
    if (!found || found == line)
        return 0;
    const char *number = found + strlen(title);
    size_t len = (size_t)(found - line), digits = strspn(number, "0123456789");
    return strcspn(line, " \t\f\v\r") == len && digits && !number[digits] ? len : 0;
}

static int read_count(struct legacy *l)
{
    static const char expected[] = "expected \"count @ addresses\"";
    const char *at = legacy_line(l);
    int64_t count;
    if (!isdigit((unsigned char)*at) || !legacy_number(&at, &count) || strncmp(at, " @ 0x", 5) != 0)
        return legacy_fail(l, expected);
    at += 2;
    for (const char *s = at; *s;) {
        size_t digits = strncmp(s, " 0x", 3) == 0 ? strspn(s + 3, "0123456789abcdef") : 0;
        if (!digits)
            return legacy_fail(l, expected);
        s += 3 + digits;
    }
    int code = legacy_add_addresses(l, at, true, false);
    return code ? code : legacy_add_sample(l, &count, LEGACY_NO_BLOCKS);
}

int legacy_read_count(struct legacy *l)
{
    skip_comments(l);
    size_t len = count_header(legacy_line(l));
    if (!len)
        return ERR_UNSUPPORTED;
    const char *name = intern_bytes(l->p->strings, legacy_line(l), len);
    if (!name)
        return legacy_nomem(l);
    const char *const type[1][2] = {{name, "count"}};
    l->p->period = 1;
    int code = legacy_types(l, type, 1, type[0]);
    while (!code && legacy_next_line(l) && strncmp(legacy_line(l), "---", 3) != 0 &&
           !legacy_is_map_start(legacy_line(l)))
        if (!legacy_is_comment(legacy_line(l)))
            code = read_count(l);
    return code ? code : legacy_read_maps(l, true);
}

/* ---- --- Thread 7f00 (name: main/1234) stack: --- ---- */

static bool is_thread(const char *line)
{
    const char *at = strstr(line, "--- Thread ");
    if (!at)
        return false;
    at += strlen("--- Thread ");
    size_t digits = strspn(at, "0123456789abcdefABCDEF");
    const char *end = strstr(at, ") stack: ---");
    if (!digits || strncmp(at + digits, " (name: ", 8) != 0 || !end)
        return false;
    const char *id = end;
    while (isdigit((unsigned char)id[-1]))
        id--;
    return id < end && id[-1] == '/';
}

/* Reads up to the next line of dashes. */
static int read_thread(struct legacy *l)
{
    bool same = false;
    int code = 0;
    const int64_t one = 1;
    while (!code && legacy_next_line(l)) {
        const char *line = legacy_trimmed(l);
        if (strncmp(line, "---", 3) == 0)
            break;
        if (strstr(line, "same as previous thread"))
            same = true;
        else
            code = legacy_add_addresses(l, line, false, true);
    }
    struct profile *p = l->p;
    if (!code && !same && l->locs.len)
        return legacy_add_sample(l, &one, LEGACY_NO_BLOCKS);
    l->locs.len = 0;
    if (!code && p->samples.len) {
        int64_t *value = profile_values(p, p->samples.len - 1);
        *value += 1;
    }
    return code;
}

int legacy_read_threads(struct legacy *l)
{
    static const char *const type[1][2] = {{"thread", "count"}};
    skip_comments(l);
    const char *header = strstr(legacy_line(l), "--- threadz ");
    bool threadz = header && isdigit((unsigned char)header[strlen("--- threadz ")]);
    if (threadz)
        while (legacy_next_line(l) && *legacy_line(l) != '-' && !legacy_is_map_start(legacy_line(l)))
            ;
    else if (!is_thread(legacy_line(l)))
        return ERR_UNSUPPORTED;
    l->p->period = 1;
    int code = legacy_types(l, type, 1, type[0]);
    while (!code && !legacy_is_map_start(legacy_line(l))) {
        if (strncmp(legacy_trimmed(l), "---- no stack trace for", 23) == 0)
            break;
        code = is_thread(legacy_line(l)) ? read_thread(l)
               : l->at == l->end         ? legacy_fail(l, "the text ends before the memory map")
                                         : legacy_fail(l, "expected the stack of a thread");
    }
    if (!code)
        code = legacy_read_maps(l, true);
    if (!code)
        legacy_drop_double_leaves(l->p);
    return code;
}
