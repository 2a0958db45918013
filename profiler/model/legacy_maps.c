#include "model/legacy_readers.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/*
 * The memory map: lines of /proc/PID/maps, or short ones as "400000-480000: /bin/prog (@400) buildid",
 * perhaps behind what a logger puts first, and "name=value" lines, after which $name stands for value.
 */

enum { MAX_LINE_BYTES = 1 << 13, MAX_VARIABLES = 1000 }; /* values may hold values: not for ever */

struct variable {
    char *name, *value; /* of one block */
};

struct maps {
    struct legacy *l;
    VEC(struct variable) variables;
    struct buf line;
};

/* ---- lines ---- */

/* "I0102 log.cc:12] " at the start, which is skipped. */
static const char *skip_log_prefix(const char *line)
{
    size_t len = strcspn(line, "[]");
    if (line[len] != ']' || !isspace((unsigned char)line[len + 1]))
        return line;
    size_t digits = len;
    while (digits > 0 && isdigit((unsigned char)line[digits - 1]))
        digits--;
    return digits < len && digits > 1 && line[digits - 1] == ':' ? line + len + 2 : line;
}

/* m->line: the line with the variables it names replaced. */
static int expand(struct maps *m, const char *line)
{
    m->line.len = 0;
    buf_append(&m->line, "", 0);
    while (*line && m->line.len < MAX_LINE_BYTES) {
        const struct variable *v = m->variables.items, *end = v + m->variables.len;
        while (*line == '$' && v < end && strncmp(line + 1, v->name, strlen(v->name)) != 0)
            v++;
        if (*line == '$' && v < end) {
            buf_puts(&m->line, v->value);
            line += 1 + strlen(v->name);
        } else {
            buf_putc(&m->line, *line++);
        }
    }
    if (m->line.len >= MAX_LINE_BYTES)
        return error_set(m->l->error, ERR_LIMIT, "line %zu: more than %d bytes in a line of the memory map",
            m->l->line_number, MAX_LINE_BYTES);
    return m->line.failed ? legacy_nomem(m->l) : 0;
}

static char *trim(char *from, char *to)
{
    while (from < to && isspace((unsigned char)*from))
        from++;
    while (to > from && isspace((unsigned char)to[-1]))
        to--;
    *to = '\0';
    return from;
}

static int add_variable(struct maps *m, const char *line)
{
    const char *equals = strchr(line, '=');
    if (!equals)
        return 0;
    if (m->variables.len == MAX_VARIABLES)
        return error_set(m->l->error, ERR_LIMIT, "line %zu: more than %d names in the memory map",
            m->l->line_number, MAX_VARIABLES);
    struct variable v;
    char *block = malloc(strlen(line) + 2), *second;
    if (!block)
        return legacy_nomem(m->l);
    size_t name_len = (size_t)(equals - line);
    memcpy(block, line, name_len);
    v.name = trim(block, block + name_len);
    second = stpcpy(block + name_len + 1, equals + 1);
    v.value = trim(block + name_len + 1, second);
    memmove(block, v.name, strlen(v.name) + 1); /* the block is freed by its name */
    v.name = block;
    if (vec_push(&m->variables, v))
        return 0;
    free(block);
    return legacy_nomem(m->l);
}

/* ---- one mapping ---- */

/* A number with or without 0x before it. */
static bool hex(const char **at, uint64_t *value)
{
    const char *s = *at;
    if (!isxdigit((unsigned char)*s))
        return false;
    char *end;
    errno = 0;
    *value = strtoull(s, &end, 16);
    *at = end;
    return errno == 0;
}

static const char *blanks(const char *s)
{
    while (isspace((unsigned char)*s))
        s++;
    return s;
}

/* "start-end" with perhaps a blank for the dash, 0x before each, and a colon behind. */
static bool parse_range(const char **at, struct mapping *m)
{
    const char *s = blanks(*at);
    if (!hex(&s, &m->start) || (*s != '-' && !isspace((unsigned char)*s)))
        return false;
    s = blanks(s + 1);
    if (!hex(&s, &m->limit))
        return false;
    *at = s + (*s == ':');
    return true;
}

/* The next word, behind blanks; its length, 0 for none. */
static size_t word(const char **at, const char *of)
{
    const char *s = blanks(*at);
    size_t len = of ? strspn(s, of) : strcspn(s, " \t\f\v\r\n");
    if (s == *at || !len)
        return 0;
    *at = s;
    return len;
}

static const char hex_digits[] = "0123456789abcdefABCDEF";

/* " offset device inode [file]" of /proc/PID/maps. */
static bool parse_proc(const char *at, struct mapping *m, const char **file, size_t *file_len)
{
    size_t len = word(&at, hex_digits);
    if (!len || !hex(&at, &m->offset))
        return false;
    if (!(len = word(&at, hex_digits)) || at[len] != ':')
        return false;
    at += len + 1;
    at += len = strspn(at, hex_digits);
    if (!len || !(len = word(&at, "0123456789")))
        return false;
    at = blanks(at + len);
    *file = at;
    *file_len = strcspn(at, " \t\f\v\r\n");
    return true;
}

/* " [file] [(@offset)] [build id]" of the short form. */
static bool parse_brief(
    const char *at, struct mapping *m, const char **file, size_t *file_len, const char **id, size_t *id_len)
{
    const char *s = at;
    *file_len = word(&at, NULL);
    *file = at;
    s = at += *file_len;
    m->offset = 0;
    if (word(&s, "(") && strncmp(s, "(@", 2) == 0) {
        s += 2;
        if (!hex(&s, &m->offset))
            return false;
        if (*s == ')')
            at = s + 1;
        else
            m->offset = 0;
    }
    *id_len = word(&at, hex_digits);
    *id = at;
    return true;
}

/* 1 when the line is a mapping, 0 when it is none (*is_map is false) or one nothing runs in, ERR_NOMEM. */
static int parse_mapping(struct maps *maps, const char *line, struct mapping *m, bool *is_map)
{
    *m = (struct mapping){.file = intern_empty, .build_id = intern_empty};
    *is_map = parse_range(&line, m);
    if (!*is_map)
        return 0;
    const char *at = line, *file = "", *id = "";
    size_t file_len = 0, id_len = 0, permissions = word(&at, "-rwxp");
    bool runs = true;
    if (permissions && (!at[permissions] || isspace((unsigned char)at[permissions]))) {
        runs = memchr(at, 'x', permissions) != NULL;
        line = at + permissions;
    }
    if (!parse_proc(line, m, &file, &file_len) && !parse_brief(line, m, &file, &file_len, &id, &id_len)) {
        *is_map = false;
        return 0;
    }
    m->file = intern_bytes(maps->l->p->strings, file, file_len);
    m->build_id = intern_bytes(maps->l->p->strings, id, id_len);
    return !m->file || !m->build_id ? legacy_nomem(maps->l) : runs;
}

/* ---- all of them ---- */

static int add_mapping(struct maps *maps, const struct mapping *m)
{
    struct profile *p = maps->l->p;
    if (!*m->file && p->mappings.len)
        return 0;
    if (p->mappings.len == 1 && !*p->mappings.items[0].file) { /* this line names the one before */
        p->mappings.items[0].file = m->file;
        return 0;
    }
    return profile_add_mapping(p, m, NULL) ? legacy_nomem(maps->l) : 0;
}

static int read_line(struct maps *m)
{
    struct mapping mapping;
    bool is_map;
    int code = expand(m, skip_log_prefix(legacy_line(m->l)));
    if (code)
        return code;
    code = parse_mapping(m, m->line.data, &mapping, &is_map);
    if (code > 0)
        return add_mapping(m, &mapping);
    return code || is_map ? code : add_variable(m, m->line.data);
}

static bool differ(const char *a, const char *b)
{
    return *a && *b && a != b; /* of one pool */
}

static bool continues(const struct mapping *a, const struct mapping *b)
{
    return !differ(a->file, b->file) && !differ(a->build_id, b->build_id) && a->limit == b->start &&
           !(a->offset && b->offset && a->offset + (a->limit - a->start) != b->offset);
}

/* Parts of one mapping, which a change of its protection split, become one. */
static void join_mappings(struct profile *p)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->mappings.len; i++) {
        struct mapping *m = &p->mappings.items[i], *last = &p->mappings.items[kept ? kept - 1 : 0];
        if (kept && continues(last, m)) {
            last->limit = m->limit;
            last->file = *m->file ? m->file : last->file;
            last->build_id = *m->build_id ? m->build_id : last->build_id;
        } else {
            p->mappings.items[kept++] = *m;
        }
    }
    p->mappings.len = kept;
}

static bool is_library(const char *file)
{
    size_t len = strcspn(file, " ");
    for (const char *so = file; (so = strstr(so, ".so")) != NULL; so++)
        if (so + 3 == file + len || ((so[3] == '.' || so[3] == '_') && isdigit((unsigned char)so[4])))
            return true;
    return false;
}

/* The program itself, as far as one can tell, comes first. */
static void put_program_first(struct profile *p)
{
    for (size_t i = 0; i < p->mappings.len; i++) {
        const char *file = p->mappings.items[i].file;
        if (!*file || *file == '[' || strncmp(file, "(deleted)", 9) == 0 || is_library(file))
            continue;
        struct mapping first = p->mappings.items[0];
        p->mappings.items[0] = p->mappings.items[i];
        p->mappings.items[i] = first;
        return;
    }
}

static void mend_first_mapping(struct profile *p)
{
    const uint64_t usual_start = 0x400000;
    struct mapping *m = p->mappings.items;
    if (p->mappings.len > 1 && strncmp(m->file, "/anon_hugepage", 14) == 0 && m->limit == m[1].start) {
        memmove(m, m + 1, (p->mappings.len - 1) * sizeof *m);
        p->mappings.len--;
    }
    if (p->mappings.len && m->start - m->offset == usual_start) {
        m->start = usual_start;
        m->offset = 0;
    }
}

/* The mapping the address is in; or the one whose part before `start`, which the map left out, it is in. */
static uint32_t find_mapping(struct profile *p, uint64_t address)
{
    for (size_t i = 0; i < p->mappings.len; i++)
        if (p->mappings.items[i].start <= address && address < p->mappings.items[i].limit)
            return (uint32_t)i;
    for (size_t i = 0; i < p->mappings.len; i++) {
        struct mapping *m = &p->mappings.items[i];
        if (m->offset && m->start - m->offset <= address && address < m->start) {
            m->start -= m->offset;
            m->offset = 0;
            return (uint32_t)i;
        }
    }
    return NO_INDEX;
}

int legacy_assign_mappings(struct legacy *l)
{
    struct profile *p = l->p;
    uint32_t everything = NO_INDEX;
    mend_first_mapping(p);
    for (size_t i = 0; i < p->locations.len; i++) {
        struct location *location = &p->locations.items[i];
        if (location->address == 0)
            continue;
        location->mapping = find_mapping(p, location->address);
        if (location->mapping == NO_INDEX && everything == NO_INDEX) {
            struct mapping m = {.limit = UINT64_MAX, .file = intern_empty, .build_id = intern_empty};
            if (profile_add_mapping(p, &m, &everything))
                return legacy_nomem(l);
        }
        if (location->mapping == NO_INDEX)
            location->mapping = everything;
    }
    for (size_t i = 0; i < p->mappings.len; i++)
        p->mappings.items[i].id = i + 1;
    return 0;
}

int legacy_read_maps(struct legacy *l, bool seek)
{
    struct maps m = {.l = l};
    int code = 0;
    while (seek && !legacy_is_map_start(legacy_line(l)) && legacy_next_line(l))
        ;
    while (!code && legacy_next_line(l))
        code = read_line(&m);
    for (size_t i = 0; i < m.variables.len; i++)
        free(m.variables.items[i].name);
    vec_fini(&m.variables);
    buf_fini(&m.line);
    if (code)
        return code;
    join_mappings(l->p);
    put_program_first(l->p);
    return legacy_assign_mappings(l);
}
