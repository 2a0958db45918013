#include "ui/web_saved.h"

#include "ui/output.h"
#include "ui/store.h"
#include "ui/web_query.h"
#include "view/jsontext.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_NAME_BYTES = 200, MAX_FILE_BYTES = 1 << 20, MAX_DEPTH = 32 };

/* ---- reading ---- */

/* The file's text, and where in it. */
struct reader {
    const char *text, *at;
    struct error *error;
};

static int wrong(struct reader *r, const char *what)
{
    return error_set(r->error, ERR_FORMAT, "offset %td: %s", r->at - r->text, what);
}

static void skip_blanks(struct reader *r)
{
    r->at += strspn(r->at, " \t\r\n");
}

/* Takes c if it is next, behind blanks. */
static bool take(struct reader *r, char c)
{
    skip_blanks(r);
    bool is_next = *r->at == c;
    r->at += is_next;
    return is_next;
}

/* Behind an item: 0 where another follows its comma, or none and the end. */
static int next_item(struct reader *r, char close)
{
    bool comma = take(r, ',');
    skip_blanks(r);
    if (comma == (*r->at != close))
        return 0;
    return wrong(r, comma ? "nothing follows the comma" : "a comma or an end is wanted");
}

static void put_utf8(struct buf *out, unsigned c)
{
    if (c < 0x80)
        buf_putc(out, (char)c);
    else if (c < 0x800)
        buf_printf(out, "%c%c", (int)(0xc0 | c >> 6), (int)(0x80 | (c & 0x3f)));
    else if (c < 0x10000)
        buf_printf(
            out, "%c%c%c", (int)(0xe0 | c >> 12), (int)(0x80 | (c >> 6 & 0x3f)), (int)(0x80 | (c & 0x3f)));
    else
        buf_printf(out, "%c%c%c%c", (int)(0xf0 | c >> 18), (int)(0x80 | (c >> 12 & 0x3f)),
            (int)(0x80 | (c >> 6 & 0x3f)), (int)(0x80 | (c & 0x3f)));
}

/* The number behind \u; 0 when there is none, which no text may hold anyway. */
static unsigned read_hex(const char *at)
{
    char digits[5] = "";
    strncpy(digits, at, 4);
    return strspn(digits, "0123456789abcdefABCDEF") == 4 ? (unsigned)strtoul(digits, NULL, 16) : 0;
}

static int read_escape(struct reader *r, struct buf *out)
{
    static const char names[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
    const char *name = *r->at ? strchr(names, *r->at) : NULL;
    if (name) {
        buf_putc(out, means[name - names]);
        r->at++;
        return 0;
    }
    unsigned c = *r->at == 'u' ? read_hex(r->at + 1) : 0;
    if (!c)
        return wrong(r, "no escape that is known");
    r->at += 5;
    if (c >= 0xd800 && c < 0xdc00 && r->at[0] == '\\' && r->at[1] == 'u') {
        unsigned low = read_hex(r->at + 2);
        if (low >= 0xdc00 && low < 0xe000) {
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
            r->at += 6;
        }
    }
    put_utf8(out, c >= 0xd800 && c < 0xe000 ? 0xfffd : c);
    return 0;
}

static int read_text(struct reader *r, struct buf *out)
{
    int code = 0;
    if (!take(r, '"'))
        return wrong(r, "a text is wanted");
    buf_append(out, "", 0);
    while (!code && *r->at && *r->at != '"') {
        if (*r->at == '\\') {
            r->at++;
            code = read_escape(r, out);
        } else if ((unsigned char)*r->at < ' ')
            code = wrong(r, "a control character in a text");
        else
            buf_putc(out, *r->at++);
    }
    if (!code && *r->at++ != '"') {
        r->at--;
        return wrong(r, "a text does not end");
    }
    return !code && out->failed ? ERR_NOMEM : code;
}

static int skip_text(struct reader *r)
{
    struct buf ignored = {0};
    int code = read_text(r, &ignored);
    buf_fini(&ignored);
    return code;
}

/* How much of it is a number: 0 for none. */
static size_t number_length(const char *text)
{
    const char *at = text + (*text == '-');
    size_t n = strspn(at, "0123456789");
    if (n == 0 || (n > 1 && *at == '0'))
        return 0;
    at += n;
    if (*at == '.') {
        n = strspn(++at, "0123456789");
        at += n;
    }
    if (n && (*at | 32) == 'e') {
        at++;
        at += *at == '+' || *at == '-';
        n = strspn(at, "0123456789");
        at += n;
    }
    return n ? (size_t)(at - text) : 0;
}

/* Passes over true, false, null or a number. What is kept of them is written again as it is. */
static int skip_word(struct reader *r)
{
    static const char *const words[] = {"true", "false", "null"};
    size_t n = strcspn(r->at, ",]} \t\r\n\"[{:");
    bool known = n && number_length(r->at) == n;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        known |= n == strlen(words[i]) && memcmp(r->at, words[i], n) == 0;
    if (!known)
        return wrong(r, "a value is wanted");
    r->at += n;
    return 0;
}

/* Passes over any value. */
static int skip_value(struct reader *r, int depth)
{
    int code = 0;
    skip_blanks(r);
    char open = *r->at, close = open == '{' ? '}' : ']';
    if (open == '"')
        return skip_text(r);
    if (open != '{' && open != '[')
        return skip_word(r);
    if (depth >= MAX_DEPTH)
        return wrong(r, "too much in one another");
    take(r, open);
    while (!code && !take(r, close)) {
        if (open == '{')
            code = skip_text(r);
        if (!code && open == '{' && !take(r, ':'))
            code = wrong(r, "a colon is wanted");
        if (!code)
            code = skip_value(r, depth + 1);
        if (!code)
            code = next_item(r, close);
    }
    return code;
}

static void member_fini(struct saved_member *m)
{
    free(m->key);
    free(m->value);
}

static void config_fini(struct saved_config *c)
{
    for (size_t i = 0; i < c->members.len; i++)
        member_fini(&c->members.items[i]);
    vec_fini(&c->members);
    free(c->name);
}

/* Takes the two texts. */
static int add_member(struct saved_config *c, struct buf *key, struct buf *value, bool is_text)
{
    struct saved_member m = {buf_take(key), buf_take(value), is_text};
    if (m.key && m.value && strcmp(m.key, "name") == 0) {
        free(m.key);
        free(c->name);
        c->name = m.value;
        return 0;
    }
    if (m.key && m.value && vec_push(&c->members, m))
        return 0;
    member_fini(&m);
    return ERR_NOMEM;
}

static int read_member(struct reader *r, struct saved_config *c)
{
    struct buf key = {0}, value = {0};
    int code = read_text(r, &key);
    if (!code && !take(r, ':'))
        code = wrong(r, "a colon is wanted");
    skip_blanks(r);
    const char *start = r->at;
    bool is_text = *start == '"';
    if (!code)
        code = is_text ? read_text(r, &value) : skip_value(r, 0);
    if (!code && !is_text)
        buf_append(&value, start, (size_t)(r->at - start));
    if (!code)
        code = add_member(c, &key, &value, is_text);
    buf_fini(&key);
    buf_fini(&value);
    return code;
}

static int read_config(struct reader *r, struct saved *s)
{
    struct saved_config c = {0};
    int code = take(r, '{') ? 0 : wrong(r, "an object is wanted");
    while (!code && !take(r, '}')) {
        code = read_member(r, &c);
        if (!code)
            code = next_item(r, '}');
    }
    if (!code && c.name && !vec_push(&s->configs, c))
        code = ERR_NOMEM;
    if (code || !c.name)
        config_fini(&c);
    return code;
}

static int read_configs(struct reader *r, struct saved *s)
{
    int code = take(r, '[') ? 0 : wrong(r, "a list is wanted");
    while (!code && !take(r, ']')) {
        code = read_config(r, s);
        if (!code)
            code = next_item(r, ']');
    }
    return code;
}

static int read_all(struct reader *r, struct saved *s)
{
    int code = take(r, '{') ? 0 : wrong(r, "an object is wanted");
    while (!code && !take(r, '}')) {
        struct buf key = {0};
        code = read_text(r, &key);
        if (!code && !take(r, ':'))
            code = wrong(r, "a colon is wanted");
        if (!code)
            code =
                strcmp(key.data, "configs") == 0 && strncmp(r->at + strspn(r->at, " \t\r\n"), "null", 4) != 0
                    ? read_configs(r, s)
                    : skip_value(r, 0);
        buf_fini(&key);
        if (!code)
            code = next_item(r, '}');
    }
    return code;
}

/* ---- the file ---- */

static int find_file(char *file, size_t size, struct error *error)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    int n = config && *config == '/' ? snprintf(file, size, "%s/pprof/settings.json", config)
            : home && *home          ? snprintf(file, size, "%s/.config/pprof/settings.json", home)
                                     : -1;
    return n > 0 && (size_t)n + 8 < size
               ? 0
               : error_set(error, ERR_IO, "neither $XDG_CONFIG_HOME nor $HOME says where settings are kept");
}

static int read_file(const char *file, struct buf *text, struct error *error)
{
    char chunk[16 * 1024];
    size_t n;
    FILE *f = fopen(file, "re");
    if (!f && errno == ENOENT)
        return 0;
    if (!f)
        return error_set(error, ERR_IO, "%s: %s", file, strerror(errno));
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0 && text->len < MAX_FILE_BYTES)
        buf_append(text, chunk, n);
    bool failed = ferror(f) || n;
    fclose(f);
    if (failed)
        return error_set(error, ERR_IO, "%s: it cannot be read, or is too large", file);
    return text->failed ? ERR_NOMEM : 0;
}

int saved_load(struct saved *s, struct error *error)
{
    char file[PATH_MAX];
    struct buf text = {0};
    *s = (struct saved){0};
    int code = find_file(file, sizeof file, error);
    if (!code)
        code = read_file(file, &text, error);
    if (!code && text.data) {
        struct reader r = {text.data, text.data, error};
        error->code = 0;
        code = read_all(&r, s);
        if (code)
            error->code ? error_prefix(error, "%s", file) : error_set(error, code, "%s", error_text(code));
    }
    buf_fini(&text);
    return code;
}

static void put_all(const struct saved *s, struct buf *out)
{
    buf_puts(out, "{\n  \"configs\": [");
    for (size_t i = 0; i < s->configs.len; i++) {
        const struct saved_config *c = &s->configs.items[i];
        buf_puts(out, i ? ",\n    {\n      \"name\": " : "\n    {\n      \"name\": ");
        jsontext_put(out, c->name);
        for (size_t k = 0; k < c->members.len; k++) {
            const struct saved_member *m = &c->members.items[k];
            buf_puts(out, ",\n      ");
            jsontext_put(out, m->key);
            buf_puts(out, ": ");
            if (m->is_text)
                jsontext_put(out, m->value);
            else
                buf_puts(out, m->value);
        }
        buf_puts(out, "\n    }");
    }
    buf_puts(out, "\n  ]\n}\n");
}

int saved_store(const struct saved *s, struct error *error)
{
    char file[PATH_MAX], fresh[PATH_MAX];
    struct buf text = {0};
    int code = find_file(file, sizeof file, error);
    if (code)
        return code;
    char *slash = strrchr(file, '/');
    *slash = '\0';
    if (!store_make_dirs(file))
        return error_set(error, ERR_IO, "%s: %s", file, strerror(errno));
    *slash = '/';
    snprintf(fresh, sizeof fresh, "%.*s.XXXXXX", (int)sizeof fresh - 8, file);
    put_all(s, &text);
    int fd = text.failed ? -1 : mkstemp(fresh);
    if (text.failed)
        code = error_set(error, ERR_NOMEM, "out of memory");
    else
        code = fd < 0 ? error_set(error, ERR_IO, "%s: %s", fresh, strerror(errno))
                      : output_finish_file(fd, fresh, &text, error);
    if (!code && rename(fresh, file))
        code = error_set(error, ERR_IO, "%s: %s", file, strerror(errno));
    if (code && fd >= 0)
        unlink(fresh);
    buf_fini(&text);
    return code;
}

/* ---- one of them ---- */

static size_t find(const struct saved *s, const char *name)
{
    size_t i = 0;
    while (i < s->configs.len && strcmp(s->configs.items[i].name, name) != 0)
        i++;
    return i;
}

/* Which of the variables have a place here: those of the URL, but for the sample type. */
static bool is_saved(const struct variable *v)
{
    return web_query_name(v) && strcmp(v->name, "sample_index") != 0;
}

static int add_variable(struct saved_config *c, const struct config *config, const struct variable *v)
{
    struct buf key = {0}, value = {0};
    bool is_text = v->kind == VARIABLE_STRING || v->kind == VARIABLE_CHOICE;
    buf_puts(&key, v->name);
    buf_append(&value, "", 0);
    variable_print(config, v, &value);
    const char *text = value.data ? value.data : "";
    int code = 0;
    if (*text && strcmp(text, "false") != 0 && strcmp(text, "0") != 0)
        code = add_member(c, &key, &value, is_text);
    buf_fini(&key);
    buf_fini(&value);
    return code;
}

int saved_put(struct saved *s, const char *name, const struct config *config, struct error *error)
{
    size_t len = strlen(name), at = find(s, name);
    struct saved_config c = {.name = strdup(name)};
    int code = c.name ? 0 : ERR_NOMEM;
    if (len == 0 || len > MAX_NAME_BYTES)
        code = error_set(error, ERR_INVALID, "a name of 1 to %d bytes is wanted", MAX_NAME_BYTES);
    for (unsigned i = 0; i < n_variables && !code; i++)
        if (is_saved(&variables[i]))
            code = add_variable(&c, config, &variables[i]);
    if (!code && at < s->configs.len) {
        config_fini(&s->configs.items[at]);
        s->configs.items[at] = c;
        return 0;
    }
    if (!code && vec_push(&s->configs, c))
        return 0;
    config_fini(&c);
    return code == ERR_INVALID ? code : error_set(error, ERR_NOMEM, "out of memory");
}

int saved_remove(struct saved *s, const char *name, struct error *error)
{
    size_t at = find(s, name);
    if (at == s->configs.len)
        return error_set(error, ERR_NOTFOUND, "there is no configuration \"%s\"", name);
    config_fini(&s->configs.items[at]);
    s->configs.len--;
    memmove(
        s->configs.items + at, s->configs.items + at + 1, (s->configs.len - at) * sizeof *s->configs.items);
    return 0;
}

/* A member that is left out is false, 0 or "", not what pprof begins with. */
static void put_parameters(const struct saved_config *c, struct buf *out)
{
    static const struct config nothing = CONFIG_DEFAULT;
    struct settings s;
    struct error ignored;
    int choice;
    if (settings_init(&s) == 0) {
        s.config = nothing;
        s.config.trim = false;
        s.config.nodecount = 0;
        s.config.nodefraction = s.config.edgefraction = 0;
        for (size_t i = 0; i < c->members.len; i++) {
            const struct variable *v = variable_find(c->members.items[i].key, &choice);
            if (v && choice < 0 && is_saved(v))
                variable_set(&s, v, choice, c->members.items[i].value, &ignored);
        }
        web_query_put(&s.config, out);
    } else
        buf_puts(out, "{}");
    settings_fini(&s);
}

void saved_put_menu(const struct saved *s, struct buf *out)
{
    buf_putc(out, '[');
    for (size_t i = 0; i < s->configs.len; i++) {
        buf_puts(out, i ? ",[" : "[");
        jsontext_put(out, s->configs.items[i].name);
        buf_putc(out, ',');
        put_parameters(&s->configs.items[i], out);
        buf_putc(out, ']');
    }
    buf_putc(out, ']');
}

void saved_fini(struct saved *s)
{
    for (size_t i = 0; i < s->configs.len; i++)
        config_fini(&s->configs.items[i]);
    vec_fini(&s->configs);
}
