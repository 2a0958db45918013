#include "model/legacy_readers.h"

#include <ctype.h>
#include <string.h>

/*
 *     heap profile:  inuse objects: bytes [ alloc objects: bytes ] @ heap_v2/rate
 *          objects: bytes [ objects: bytes ] @ 0x... 0x...
 */
struct counts {
    int64_t inuse_objects, inuse_bytes, alloc_objects, alloc_bytes;
};

static bool skip_char(const char **at, char c)
{
    *at += strspn(*at, " ");
    if (**at != c)
        return false;
    ++*at;
    return true;
}

/* "n: n [n: n] @" at *at, and moves past it. */
static bool parse_counts(const char **at, struct counts *c)
{
    const char *s = *at;
    bool ok = legacy_number(&s, &c->inuse_objects) && skip_char(&s, ':') &&
              legacy_number(&s, &c->inuse_bytes) && skip_char(&s, '[') &&
              legacy_number(&s, &c->alloc_objects) && skip_char(&s, ':') &&
              legacy_number(&s, &c->alloc_bytes) && skip_char(&s, ']') && skip_char(&s, '@');
    if (ok)
        *at = s;
    return ok && c->alloc_objects >= 0 && c->alloc_bytes >= 0;
}

/* The same, where the first number of the line that starts one is. */
static bool find_counts(const char **at, struct counts *c)
{
    for (const char *s = *at; *s; s++) {
        if (!isdigit((unsigned char)*s) && !(*s == '-' && isdigit((unsigned char)s[1])))
            continue;
        *at = s;
        if (parse_counts(at, c))
            return true;
        s += *s == '-';
        s += strspn(s, "0123456789") - 1;
    }
    return false;
}

struct heap {
    bool scaled, has_alloc;
};

static int read_header(struct legacy *l, struct heap *h)
{
    struct counts c;
    const char *at = strstr(legacy_line(l), "heap profile:");
    if (!at)
        return ERR_UNSUPPORTED;
    at += strlen("heap profile:");
    if (!parse_counts(&at, &c))
        return legacy_fail(l, "a heap profile whose totals cannot be read");
    at += strspn(at, " ");
    size_t len = strspn(at, "_abcdefghijklmnopqrstuvwxyz0123456789");
    const char *rate = at + len + (at[len] == '/');
    l->p->period = 1;
    if ((len >= 6 && strncmp(at, "growth", 6) == 0) || (len >= 13 && strncmp(at, "fragmentation", 13) == 0))
        return 0;
    h->has_alloc = (c.alloc_objects != c.inuse_objects && c.alloc_objects) ||
                   (c.alloc_bytes != c.inuse_bytes && c.alloc_bytes);
    if (len == 11 && strncmp(at, "heapprofile", len) == 0)
        return 0;
    bool go = len == 4 && strncmp(at, "heap", len) == 0;
    if (!go && !(len == 7 && strncmp(at, "heap_v2", len) == 0) &&
        !(len == 8 && strncmp(at, "heapz_v2", len) == 0))
        return legacy_fail(l, "a heap profile of an unknown kind");
    l->p->period = 0;
    if (isdigit((unsigned char)*rate) && !legacy_number(&rate, &l->p->period))
        return legacy_fail(l, "a sampling rate of more than 64 bits");
    if (go) /* which writes twice its rate */
        l->p->period /= 2;
    h->scaled = true;
    return 0;
}

static int add_values(struct legacy *l, const struct heap *h, int64_t objects, int64_t bytes, int64_t *values,
    int64_t *block_bytes)
{
    if (objects == 0 && bytes != 0)
        return legacy_fail(l, "bytes of no objects");
    if (objects) {
        *block_bytes = objects == -1 ? legacy_times(bytes, -1) : bytes / objects;
        if (h->scaled)
            legacy_unsample(&objects, &bytes, l->p->period);
    }
    values[0] = objects;
    values[1] = bytes;
    return 0;
}

static int read_sample(struct legacy *l, const struct heap *h)
{
    struct counts c;
    const char *at = legacy_line(l);
    if (!find_counts(&at, &c))
        return legacy_fail(l, "expected \"objects: bytes [objects: bytes] @ addresses\"");
    int64_t values[4], block_bytes = 0, n = 0;
    int code = 0;
    if (h->has_alloc) {
        code = add_values(l, h, c.alloc_objects, c.alloc_bytes, values, &block_bytes);
        n = 2;
    }
    if (!code)
        code = add_values(l, h, c.inuse_objects, c.inuse_bytes, values + n, &block_bytes);
    if (!code)
        code = legacy_add_addresses(l, at, true, false);
    return code ? code : legacy_add_sample(l, values, block_bytes);
}

int legacy_read_heap(struct legacy *l)
{
    static const char *const both[][2] = {{"alloc_objects", "count"}, {"alloc_space", "bytes"},
        {"inuse_objects", "count"}, {"inuse_space", "bytes"}};
    static const char *const one[][2] = {{"objects", "count"}, {"space", "bytes"}};
    static const char *const period[2] = {"space", "bytes"};
    struct heap h = {0};
    legacy_next_line(l);
    int code = read_header(l, &h);
    if (!code)
        code = h.has_alloc ? legacy_types(l, both, 4, period) : legacy_types(l, one, 2, period);
    while (!code && legacy_next_line(l) && !legacy_is_map_start(legacy_line(l)))
        if (!legacy_is_comment(legacy_line(l)))
            code = read_sample(l, &h);
    return code ? code : legacy_read_maps(l, true);
}
