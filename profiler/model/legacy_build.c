#include "model/legacy_build.h"

#include "base/hash.h"
#include "base/number.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <string.h>

int legacy_nomem(struct legacy *l)
{
    return error_set(l->error, ERR_NOMEM, "out of memory");
}

int legacy_fail(struct legacy *l, const char *what)
{
    return error_set(l->error, ERR_FORMAT, "line %zu: %s", l->line_number, what);
}

/* ---- lines ---- */

bool legacy_next_line(struct legacy *l)
{
    l->line.len = 0;
    buf_append(&l->line, "", 0);
    if (l->at == l->end || l->line.failed)
        return false;
    const unsigned char *newline = memchr(l->at, '\n', (size_t)(l->end - l->at));
    const unsigned char *stop = newline ? newline : l->end;
    size_t len = (size_t)(stop - l->at);
    if (len && stop[-1] == '\r')
        len--;
    buf_append(&l->line, l->at, len);
    l->at = newline ? newline + 1 : l->end;
    l->line_number++;
    return true;
}

const char *legacy_line(const struct legacy *l)
{
    return l->line.data ? l->line.data : "";
}

static const char *skip_blanks(const char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    return text;
}

const char *legacy_trimmed(const struct legacy *l)
{
    return skip_blanks(legacy_line(l));
}

bool legacy_is_comment(const char *line)
{
    line = skip_blanks(line);
    return *line == '\0' || *line == '#';
}

bool legacy_is_map_start(const char *line)
{
    return strstr(line, "--- Memory map: ---") || strstr(line, "MAPPED_LIBRARIES:");
}

bool legacy_number(const char **at, int64_t *number)
{
    const char *from = skip_blanks(*at);
    char *end;
    if (!isdigit((unsigned char)from[*from == '-']))
        return false;
    errno = 0;
    long long value = strtoll(from, &end, 10);
    if (errno)
        return false;
    *number = value;
    *at = end;
    return true;
}

/* ---- the profile ---- */

int legacy_types(struct legacy *l, const char *const types[][2], size_t n, const char *const period[2])
{
    struct profile *p = l->p;
    for (size_t i = 0; i < n; i++) {
        const char *type = profile_string(p, types[i][0]), *unit = profile_string(p, types[i][1]);
        if (!type || !unit || profile_add_sample_type(p, type, unit))
            return legacy_nomem(l);
    }
    p->period_type.type = profile_string(p, period[0]);
    p->period_type.unit = profile_string(p, period[1]);
    return p->period_type.type && p->period_type.unit ? 0 : legacy_nomem(l);
}

int legacy_add_address(struct legacy *l, uint64_t address)
{
    uint32_t found;
    uint64_t hash = hash_u64(address);
    for (size_t at = table_first(&l->by_address, hash); table_next(&l->by_address, hash, &at, &found);)
        if (l->p->locations.items[found].address == address)
            return vec_push(&l->locs, found) ? 0 : legacy_nomem(l);
    struct location location = {.address = address, .mapping = NO_INDEX};
    if (profile_add_location(l->p, &location, NULL, 0, &found) || !table_add(&l->by_address, hash, found) ||
        !vec_push(&l->locs, found))
        return legacy_nomem(l);
    return 0;
}

int legacy_add_addresses(struct legacy *l, const char *text, bool only_addresses, bool leaf)
{
    static const char hex[] = "0123456789abcdef", list[] = " x0123456789abcdef";
    const char *end = text + (only_addresses ? strspn(text, list) : strlen(text));
    for (const char *at = text; (at = strstr(at, "0x")) && at < end;) {
        size_t digits = strspn(at + 2, hex);
        errno = 0;
        uint64_t address = digits ? strtoull(at + 2, NULL, 16) : 0;
        if (errno)
            return legacy_fail(l, "an address of more than 64 bits");
        bool is_leaf = leaf && l->locs.len == 0;
        int code = digits ? legacy_add_address(l, is_leaf ? address : address - 1) : 0;
        if (code)
            return code;
        at += 2 + digits;
    }
    return 0;
}

int legacy_add_sample(struct legacy *l, const int64_t *values, int64_t block_bytes)
{
    struct label label = {.str = intern_empty, .num_unit = intern_empty, .num = block_bytes, .is_num = true};
    label.key = profile_string(l->p, "bytes");
    if (!label.key || l->p->locs.len + l->locs.len > UINT32_MAX ||
        profile_add_sample(l->p, l->locs.items, (uint32_t)l->locs.len, values, &label,
            block_bytes == LEGACY_NO_BLOCKS ? 0 : 1))
        return legacy_nomem(l);
    l->locs.len = 0;
    return 0;
}

/* A block of this size is seen with probability 1 - e^(-size/rate). */
void legacy_unsample(int64_t *count, int64_t *size, int64_t rate)
{
    if (*count == 0 || *size == 0) {
        *count = *size = 0;
        return;
    }
    if (rate <= 1)
        return;
    double average = (double)*size / (double)*count;
    double scale = 1 / (1 - exp(-average / (double)rate));
    *count = number_truncate((double)*count * scale);
    *size = number_truncate((double)*size * scale);
}

void legacy_drop_double_leaves(struct profile *p)
{
    for (size_t i = 0; i < p->samples.len; i++) {
        struct sample *s = &p->samples.items[i];
        uint32_t *locs = p->locs.items + s->first_loc;
        if (s->nlocs > 1 && p->locations.items[locs[0]].address == p->locations.items[locs[1]].address + 1) {
            locs[1] = locs[0]; /* the range now starts one later */
            s->first_loc++;
            s->nlocs--;
        }
    }
}
