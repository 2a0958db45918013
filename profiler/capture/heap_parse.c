#include "capture/heap_parse.h"

#include "base/clock.h"

#include <math.h>
#include <string.h>

struct parser {
    const char *text, *at, *end;
    int line;
    int64_t rate;
    const struct heap_range *trim;
    size_t ntrim;
    uintptr_t pcs[SNAPSHOT_MAX_DEPTH];
    struct snapshot_record record; /* the stack of the last @ line */
    bool has_stack;
    struct snapshot *out;
    struct error *error;
};

static int fail(const struct parser *p, const char *what)
{
    return error_set(p->error, ERR_FORMAT, "heap profile, line %d: %s", p->line, what);
}

/* Only what jemalloc's sampling missed: an allocation of `size` bytes is sampled with probability
 * 1 - exp(-size / rate). jemalloc 5.3 prepares its figures so that this formula, applied to the average of a
 * stack, gives the truth back. */
void heap_unbias(int64_t rate, int64_t *objects, int64_t *bytes)
{
    if (rate <= 1 || *objects <= 0 || *bytes <= 0)
        return;
    double average = (double)*bytes / (double)*objects;
    double scale = 1 / -expm1(-average / (double)rate);
    double scaled_objects = (double)*objects * scale, scaled_bytes = (double)*bytes * scale;
    if (!(scaled_bytes < 0x1p62) || !(scaled_objects < 0x1p62))
        return;
    *objects = (int64_t)(scaled_objects + 0.5);
    *bytes = (int64_t)(scaled_bytes + 0.5);
}

/* jemalloc's preparation leaves the average of a stack a few per cent off. Where a size class is that near,
 * it is the one: they are an eighth of their size apart, or more. */
int64_t heap_block_size(int64_t bytes, int64_t objects)
{
    int64_t average = (bytes + objects / 2) / objects;
    int64_t step = 8;
    while (average > step * 8) /* four classes in each doubling, multiples of 16 up to 128 */
        step *= 2;
    if (step < 16)
        step = average <= 12 ? 8 : 16;
    int64_t nearest = (average + step / 2) / step * step;
    int64_t off = nearest > average ? nearest - average : average - nearest;
    return off * 20 <= average ? nearest : average;
}

/* ---- reading --------------------------------------------------------------------------------------------
 */

static void skip_spaces(struct parser *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\t'))
        p->at++;
}

static bool skip_text(struct parser *p, const char *text)
{
    size_t len = strlen(text);
    if ((size_t)(p->end - p->at) < len || memcmp(p->at, text, len) != 0)
        return false;
    p->at += len;
    return true;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return 16;
}

static bool read_number(struct parser *p, int base, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;
    const char *from = p->at;
    for (; p->at < p->end && digit_of(*p->at) < base; p->at++) {
        uint64_t digit = (uint64_t)digit_of(*p->at);
        if (v > (max - digit) / (uint64_t)base)
            return false;
        v = v * (uint64_t)base + digit;
    }
    *out = v;
    return p->at > from;
}

static bool read_count(struct parser *p, int64_t *out)
{
    uint64_t v;
    skip_spaces(p);
    if (!read_number(p, 10, INT64_MAX, &v))
        return false;
    *out = (int64_t)v;
    return true;
}

static bool line_ended(const struct parser *p)
{
    return p->at == p->end || *p->at == '\n';
}

static bool next_line(struct parser *p)
{
    const char *newline = memchr(p->at, '\n', (size_t)(p->end - p->at));
    p->at = newline ? newline + 1 : p->end;
    p->line++;
    return p->at < p->end;
}

/* ---- lines ----------------------------------------------------------------------------------------------
 */

static bool is_trimmed(const struct parser *p, uintptr_t pc)
{
    for (size_t i = 0; i < p->ntrim; i++)
        if (pc >= p->trim[i].start && pc < p->trim[i].end)
            return true;
    return false;
}

static int parse_stack(struct parser *p)
{
    int depth = 0;
    bool leaf = true;
    p->record = (struct snapshot_record){.leaf_is_return = true};
    for (skip_spaces(p); !line_ended(p); skip_spaces(p)) {
        uint64_t pc;
        if (!skip_text(p, "0x") || !read_number(p, 16, UINTPTR_MAX, &pc))
            return fail(p, "an address is malformed");
        leaf = leaf && is_trimmed(p, (uintptr_t)pc);
        if (leaf)
            continue;
        if (depth < SNAPSHOT_MAX_DEPTH)
            p->pcs[depth++] = (uintptr_t)pc;
        else
            p->record.truncated = true;
    }
    p->record.depth = (uint16_t)depth;
    p->has_stack = true;
    return 0;
}

/* values: alloc_objects, alloc_space, inuse_objects, inuse_space. */
static int parse_counts(struct parser *p)
{
    int64_t live, live_bytes, ever, ever_bytes;
    if (!read_count(p, &live) || !skip_text(p, ":") || !read_count(p, &live_bytes))
        return fail(p, "counts are malformed");
    skip_spaces(p);
    if (!skip_text(p, "[") || !read_count(p, &ever) || !skip_text(p, ":") || !read_count(p, &ever_bytes) ||
        !skip_text(p, "]") || !line_ended(p))
        return fail(p, "accumulated counts are malformed");
    if (!p->has_stack) /* the totals above the first stack */
        return 0;
    p->has_stack = false;
    int64_t objects = ever ? ever : live, bytes = ever ? ever_bytes : live_bytes;
    if (objects == 0)
        return 0;
    p->record.block_bytes = heap_block_size(bytes, objects);
    heap_unbias(p->rate, &live, &live_bytes);
    heap_unbias(p->rate, &ever, &ever_bytes);
    p->record.values[0] = ever;
    p->record.values[1] = ever_bytes;
    p->record.values[2] = live;
    p->record.values[3] = live_bytes;
    return snapshot_add(p->out, &p->record, p->pcs);
}

static int parse_line(struct parser *p)
{
    skip_spaces(p);
    if (line_ended(p))
        return 0;
    if (skip_text(p, "@"))
        return parse_stack(p);
    if (skip_text(p, "t*:"))
        return parse_counts(p);
    if (*p->at == 't')
        return 0;
    return fail(p, "neither a stack nor counts");
}

static int parse_all(struct parser *p)
{
    if (!skip_text(p, "heap_v2/") || !read_count(p, &p->rate) || !line_ended(p) || p->rate == 0)
        return fail(p, "not a heap_v2 profile");
    p->out->period = p->rate;
    while (next_line(p)) {
        if (skip_text(p, "MAPPED_LIBRARIES:"))
            return 0;
        int r = parse_line(p);
        if (r)
            return r;
    }
    return 0;
}

int heap_parse(const char *text, size_t len, const struct heap_range *trim, size_t ntrim,
    struct snapshot *out, struct error *error)
{
    struct snapshot found = {.nvalues = 4, .time_ns = clock_realtime_ns()};
    struct parser p = {.text = text,
        .at = text,
        .end = text + len,
        .line = 1,
        .trim = trim,
        .ntrim = ntrim,
        .out = &found,
        .error = error};
    int r = parse_all(&p);
    if (r)
        snapshot_fini(&found);
    else
        *out = found;
    return r;
}
