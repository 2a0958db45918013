#include "model/legacy_readers.h"

#include "base/hash.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/*
 *     --- heapz 1 ---  or  --- contentionz 1 ---
 *     format = java
 *     resolution = bytes
 *          bytes  objects @ 0x1 0x2
 *      0x1 com.example.Function (File.java:12)
 *
 * "Addresses" are numbers of names, and forgotten once the names are known.
 */

enum { HEAP_RATE_BYTES = 524288 };

struct java {
    bool heap, is_java;
    const char *types[2][2]; /* its units once the resolution is known */
    const char *period[2];
};

/* "name = value": copies value into the pool. NULL and no code when the line is none. */
static const char *attribute(struct legacy *l, const char *name, int *code)
{
    const char *line = legacy_trimmed(l);
    size_t len = strlen(name);
    if (strncmp(line, name, len) != 0)
        return NULL;
    line += len + strspn(line + len, " ");
    if (*line++ != '=')
        return NULL;
    line += strspn(line, " ");
    for (len = strlen(line); len && isspace((unsigned char)line[len - 1]);)
        len--;
    const char *value = intern_bytes(l->p->strings, line, len);
    if (!value)
        *code = legacy_nomem(l);
    return value;
}

static bool whole_number(const char *text, int64_t *number)
{
    return legacy_number(&text, number) && !*text;
}

static int read_attribute(struct legacy *l, struct java *j)
{
    const char *value;
    int code = 0;
    int64_t ms = 0;
    if ((value = attribute(l, "format", &code))) {
        j->is_java = strcmp(value, "java") == 0;
        return j->is_java ? 0 : legacy_fail(l, "a format other than java");
    }
    if ((value = attribute(l, "resolution", &code))) {
        j->types[0][0] = j->heap ? "inuse_objects" : "contentions";
        j->types[1][0] = j->heap ? "inuse_space" : "delay";
        j->types[0][1] = "count";
        j->types[1][1] = value;
        return 0;
    }
    if (!j->heap && (value = attribute(l, "sampling period", &code))) {
        j->period[0] = "contentions";
        j->period[1] = "count";
        return whole_number(value, &l->p->period) ? 0 : legacy_fail(l, "a sampling period that is no number");
    }
    if (!j->heap && (value = attribute(l, "ms since reset", &code))) {
        bool ok = whole_number(value, &ms);
        l->p->duration_nanos = legacy_times(ms, 1000000);
        return ok ? 0 : legacy_fail(l, "milliseconds that are no number");
    }
    return code ? code : legacy_fail(l, "an unknown attribute");
}

/* ---- samples ---- */

static bool is_sample(const char *line, int64_t *value, int64_t *count, const char **addresses)
{
    bool ok = legacy_number(&line, value) && *line == ' ' && legacy_number(&line, count) && *line == ' ';
    line += ok ? strspn(line, " ") : 0;
    *addresses = line + 1;
    return ok && *line == '@' && *value >= 0 && *count >= 0;
}

static int add_numbers(struct legacy *l, const char *text)
{
    for (const char *at = text; (at = strstr(at, "0x"));) {
        char *end;
        errno = 0;
        uint64_t number = strtoull(at + 2, &end, 16);
        if (errno)
            return legacy_fail(l, "an address of more than 64 bits");
        int code = end > at + 2 ? legacy_add_address(l, number) : 0;
        if (code)
            return code;
        at = end;
    }
    return 0;
}

static int add_sample(struct legacy *l, const struct java *j, int64_t value, int64_t count, const char *text)
{
    int64_t block_bytes = LEGACY_NO_BLOCKS;
    if (j->heap) {
        if (count == 0)
            return legacy_fail(l, "bytes of no objects");
        block_bytes = value / count;
        legacy_unsample(&count, &value, HEAP_RATE_BYTES);
    } else if (l->p->period) {
        count = legacy_times(count, l->p->period);
        value = legacy_times(value, l->p->period);
    }
    int code = add_numbers(l, text);
    return code ? code : legacy_add_sample(l, (const int64_t[]){count, value}, block_bytes);
}

/* ---- names ---- */

struct names {
    struct legacy *l;
    VEC(struct function) functions;
    struct table by_name;
    struct line *of; /* of each location: function is an index into functions, or NO_INDEX */
};

static const char *intern_range(struct legacy *l, const char *from, const char *to)
{
    while (to > from && isspace((unsigned char)to[-1]))
        to--;
    return intern_bytes(l->p->strings, from, (size_t)(to - from));
}

/* "name (file:12)", "name (path/of.so)", "name (generated stub/JIT)" or just a name. */
static bool parse_name(struct legacy *l, const char *text, struct function *f, int64_t *line)
{
    const char *end = text + strlen(text), *open, *colon;
    while (end > text && isspace((unsigned char)end[-1]))
        end--;
    *f = (struct function){.file = intern_empty};
    *line = 0;
    for (open = end; open > text && *open != '(';)
        open--;
    if (end > text && end[-1] == ')' && open > text && isspace((unsigned char)open[-1])) {
        f->name = intern_range(l, text, open);
        for (colon = end - 1; colon > open && *colon != ':';)
            colon--;
        int64_t number;
        const char *digits = colon + 1;
        if (colon > open + 1 && !isspace((unsigned char)*digits) && legacy_number(&digits, &number) &&
            digits == end - 1) {
            *line = number > 0 ? number : 0;
            f->file = intern_range(l, open + 1, colon);
        } else {
            const char *slash = memrchr(open, '/', (size_t)(end - open));
            f->file = intern_range(l, slash ? slash + 1 : open + 1, end - 1);
        }
    } else {
        f->name =
            strstr(text, "generated stub/JIT") ? profile_string(l->p, "STUB") : intern_range(l, text, end);
    }
    f->system_name = f->name;
    return f->name && f->file;
}

static int find_function(struct names *n, const struct function *f, uint32_t *index)
{
    uint64_t hash = hash_u64((uint64_t)(uintptr_t)f->name);
    for (size_t at = table_first(&n->by_name, hash); table_next(&n->by_name, hash, &at, index);)
        if (n->functions.items[*index].name == f->name)
            return 0;
    *index = (uint32_t)n->functions.len;
    return vec_push(&n->functions, *f) && table_add(&n->by_name, hash, *index) ? 0 : legacy_nomem(n->l);
}

static uint32_t find_location(const struct legacy *l, uint64_t address)
{
    uint32_t found;
    uint64_t hash = hash_u64(address);
    for (size_t at = table_first(&l->by_address, hash); table_next(&l->by_address, hash, &at, &found);)
        if (l->p->locations.items[found].address == address)
            return found;
    return NO_INDEX;
}

static int read_name(struct names *n)
{
    const char *line = legacy_trimmed(n->l);
    struct function f;
    char *end;
    if (strncmp(line, "0x", 2) != 0 || !isxdigit((unsigned char)line[2]))
        return 0;
    errno = 0;
    uint64_t number = strtoull(line + 2, &end, 16);
    if (errno)
        return legacy_fail(n->l, "an address of more than 64 bits");
    uint32_t location = isspace((unsigned char)*end) ? find_location(n->l, number) : NO_INDEX;
    if (location == NO_INDEX)
        return 0;
    while (isspace((unsigned char)*end))
        end++;
    if (!parse_name(n->l, end, &f, &n->of[location].line))
        return legacy_nomem(n->l);
    return find_function(n, &f, &n->of[location].function);
}

/* Functions are numbered in the order of the locations, not of the names. */
static int add_names(struct names *n)
{
    struct profile *p = n->l->p;
    uint32_t *index_of = malloc((n->functions.len + 1) * sizeof *index_of);
    bool ok = index_of != NULL;
    for (size_t i = 0; i < n->functions.len && ok; i++)
        index_of[i] = NO_INDEX;
    for (size_t i = 0; i < p->locations.len && ok; i++) {
        uint32_t from = n->of[i].function;
        if (from == NO_INDEX)
            continue;
        if (index_of[from] == NO_INDEX)
            ok = profile_add_function(p, &n->functions.items[from], &index_of[from]) == 0;
        struct location *l = &p->locations.items[i];
        l->first_line = (uint32_t)p->lines.len;
        l->nlines = 1;
        l->address = 0;
        ok = ok && vec_push(&p->lines, ((struct line){.function = index_of[from], .line = n->of[i].line}));
    }
    free(index_of);
    return ok ? 0 : legacy_nomem(n->l);
}

int legacy_read_java_names(struct legacy *l)
{
    struct profile *p = l->p;
    struct names n = {.l = l, .of = calloc(p->locations.len + 1, sizeof *n.of)};
    int code = n.of ? 0 : legacy_nomem(l);
    for (size_t i = 0; i < p->locations.len && !code; i++)
        n.of[i].function = NO_INDEX;
    while (!code && legacy_next_line(l))
        code = read_name(&n);
    if (!code)
        code = add_names(&n);
    if (!code)
        code = legacy_assign_mappings(l);
    for (size_t i = 0; i < p->locations.len; i++)
        p->locations.items[i].address = 0;
    free(n.of);
    vec_fini(&n.functions);
    table_fini(&n.by_name);
    return code;
}

/* ---- the text ---- */

/* Reads what comes before the names. The first of them is read again by who reads names. */
static int read_samples(struct legacy *l, struct java *j)
{
    bool typed = false;
    for (;;) {
        const unsigned char *line_start = l->at;
        int64_t value, count;
        const char *addresses;
        if (!legacy_next_line(l))
            return 0;
        if (!*legacy_trimmed(l))
            continue;
        int code;
        if (!typed && strchr(legacy_line(l), '=')) {
            code = read_attribute(l, j);
        } else if (is_sample(legacy_line(l), &value, &count, &addresses)) {
            code = j->types[0][0] ? 0 : legacy_fail(l, "a sample before the resolution");
            if (!code && !typed)
                code = legacy_types(l, j->types, 2, j->period);
            typed = true;
            if (!code)
                code = add_sample(l, j, value, count, addresses);
        } else {
            l->at = line_start;
            l->line_number--;
            return 0;
        }
        if (code)
            return code;
    }
}

int legacy_read_java(struct legacy *l)
{
    struct java j = {.period = {"", ""}};
    legacy_next_line(l);
    j.heap = strcmp(legacy_trimmed(l), "--- heapz 1 ---") == 0;
    if (!j.heap && strcmp(legacy_trimmed(l), "--- contentionz 1 ---") != 0)
        return ERR_UNSUPPORTED;
    int code = read_samples(l, &j);
    if (!code && !l->p->samples.len)
        code = legacy_fail(l, "no sample");
    return code ? code : legacy_read_java_names(l);
}
