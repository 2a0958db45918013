#include "view/threadlist.h"

#include "base/hash.h"
#include "view/jsontext.h"
#include "view/machinery.h"
#include "view/path.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A piece of the text. */
struct span {
    const char *at;
    size_t len;
};

static bool begins(struct span s, const char *with)
{
    size_t len = strlen(with);
    return s.len >= len && memcmp(s.at, with, len) == 0;
}

static struct span after(struct span s, size_t n)
{
    return (struct span){s.at + n, s.len - n};
}

static const char *keep(struct threadlist *l, struct span s)
{
    return intern_bytes(l->strings, s.at, strnlen(s.at, s.len));
}

/* The number that s begins with, or 0. */
static int64_t number_of(struct span s)
{
    char digits[20];
    snprintf(digits, sizeof digits, "%.*s", (int)(s.len < sizeof digits ? s.len : sizeof digits - 1), s.at);
    return strtoll(digits, NULL, 10);
}

/* ---- stacks ---- */

static bool add_frame(struct threadlist *l, const char *name, const char *place)
{
    struct threadlist_frame f = {name, place};
    return name && place && vec_push(&l->frames, f);
}

static enum machinery machinery_at(const struct threadlist_frame *f)
{
    return machinery_of(f->name, f->place, f->place);
}

static uint32_t find_owner(const struct threadlist_frame *frames, uint32_t n)
{
    bool near_lock = false;
    uint32_t wrapper = NO_INDEX;
    for (uint32_t i = 0; i < n; i++) {
        if (machinery_at(&frames[i]) != MACHINERY_NONE)
            near_lock = strstr(frames[i].name, "lock") != NULL;
        else if (near_lock && machinery_is_lock_wrapper(frames[i].name))
            wrapper = i;
        else
            return i;
    }
    return wrapper != NO_INDEX || n == 0 ? wrapper : 0;
}

/* The stack of the frames from first on, which is taken back where there is one like it. */
static uint32_t end_stack(struct threadlist *l, size_t first)
{
    const struct threadlist_frame *frames = l->frames.items + first;
    size_t n = l->frames.len - first;
    uint64_t hash = n ? hash_bytes(frames, n * sizeof *frames) : 0;
    uint32_t i;
    for (size_t at = table_first(&l->table, hash); table_next(&l->table, hash, &at, &i);) {
        const struct threadlist_stack *s = &l->stacks.items[i];
        if (s->count == n &&
            (n == 0 || memcmp(l->frames.items + s->first, frames, n * sizeof *frames) == 0)) {
            l->frames.len = first;
            return i;
        }
    }
    struct threadlist_stack s = {(uint32_t)first, (uint32_t)n, find_owner(frames, (uint32_t)n)};
    i = (uint32_t)l->stacks.len;
    return vec_push(&l->stacks, s) && table_add(&l->table, hash, i) ? i : NO_INDEX;
}

/* ---- a dump: heads ---- */

/* "33 ms", "3 minutes". */
static int64_t span_ns(struct span s)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = {{" us", 1e3}, {" ms", 1e6}, {" s", 1e9}, {" minutes", 60e9}};
    char text[40], *unit;
    snprintf(text, sizeof text, "%.*s", (int)(s.len < sizeof text ? s.len : sizeof text - 1), s.at);
    double n = strtod(text, &unit);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(unit, units[i].name) == 0 && n >= 0 && n < 1e9)
            return (int64_t)(n * units[i].ns);
    return -1;
}

/* Up to the next ", " that is neither in quotes nor in braces. */
static struct span next_word(struct span *rest)
{
    bool quoted = false;
    int depth = 0;
    size_t i = 0;
    for (; i < rest->len; i++) {
        char c = rest->at[i];
        if (c == '\\' && quoted)
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '}'))
            depth += c == '{' ? 1 : -1;
        else if (c == ',' && !quoted && depth <= 0 && i + 1 < rest->len && rest->at[i + 1] == ' ')
            break;
    }
    if (i >= rest->len) {
        struct span word = *rest;
        *rest = after(*rest, rest->len);
        return word;
    }
    struct span word = {rest->at, i};
    *rest = after(*rest, i + 2);
    return word;
}

static const char *unquoted(struct threadlist *l, struct span s)
{
    bool quoted = s.len >= 2 && s.at[0] == '"' && s.at[s.len - 1] == '"';
    return keep(l, quoted ? (struct span){s.at + 1, s.len - 2} : s);
}

/* False when memory runs out. */
static bool read_word(struct threadlist *l, struct threadlist_thread *t, struct span word)
{
    if (begins(word, "for "))
        t->waiting_ns = span_ns(after(word, 4));
    else if (word.len && isdigit((unsigned char)word.at[0]))
        t->waiting_ns = span_ns(word);
    else if (begins(word, "on "))
        return (t->waits_on = keep(l, after(word, 3))) != NULL;
    else if (begins(word, "held by "))
        t->holder = number_of(after(word, 8));
    else if (begins(word, "of "))
        t->holder = number_of(after(word, 3));
    else if (begins(word, "name "))
        return (t->name = unquoted(l, after(word, 5))) != NULL;
    else if (begins(word, "cpu "))
        t->cpu_ns = span_ns(after(word, 4));
    return true;
}

/* Whether the line is one, and what is in its brackets. */
static bool is_head(struct span line, int64_t *id, struct span *words)
{
    size_t skip = begins(line, "thread ") ? 7 : begins(line, "goroutine ") ? 10 : 0;
    struct span rest = after(line, skip);
    const char *open = skip ? memchr(rest.at, '[', rest.len) : NULL;
    if (!open || rest.len < 4 || !isdigit((unsigned char)rest.at[0]) ||
        memcmp(rest.at + rest.len - 2, "]:", 2) != 0)
        return false;
    *id = number_of(rest);
    *words = (struct span){open + 1, (size_t)(rest.at + rest.len - 2 - (open + 1))};
    return true;
}

static bool read_head(struct threadlist *l, struct threadlist_thread *t, struct span words)
{
    t->count = 1;
    t->waits_on = t->name = intern_empty;
    t->waiting_ns = t->cpu_ns = -1;
    t->state = keep(l, next_word(&words));
    bool ok = t->state != NULL;
    while (ok && words.len)
        ok = read_word(l, t, next_word(&words));
    return ok;
}

/* ---- a dump: the rest ---- */

static struct span next_line(struct span *rest)
{
    const char *end = memchr(rest->at, '\n', rest->len);
    size_t len = end ? (size_t)(end - rest->at) : rest->len;
    struct span line = {rest->at, len};
    *rest = after(*rest, len + (end != NULL));
    if (line.len && line.at[line.len - 1] == '\r')
        line.len--;
    return line;
}

/* "cache_get(...)" or "main.serve(0xc000, 0x1)" without what is in the last parentheses. */
static struct span function_of(struct span line)
{
    const char *open = line.len && line.at[line.len - 1] == ')' ? memrchr(line.at, '(', line.len) : NULL;
    return open && open > line.at ? (struct span){line.at, (size_t)(open - line.at)} : line;
}

static struct span place_of(struct span line)
{
    const char *offset = memmem(line.at, line.len, " +0x", 4);
    struct span place = {line.at, offset ? (size_t)(offset - line.at) : line.len};
    return after(place, place.len && place.at[0] == '\t');
}

/* Up to the blank line behind it. False when memory runs out. */
static bool read_frames(struct threadlist *l, struct span *rest)
{
    bool created = false;
    while (rest->len) {
        struct span peek = *rest, line = next_line(&peek), place = {"", 0};
        int64_t id;
        struct span words;
        if (line.len == 0 || is_head(line, &id, &words))
            break;
        *rest = peek;
        created |= begins(line, "created by ");
        if (created || begins(line, "...") || line.at[0] == '\t')
            continue;
        if (rest->len && rest->at[0] == '\t')
            place = place_of(next_line(rest));
        if (!add_frame(l, keep(l, function_of(line)), keep(l, place)))
            return false;
    }
    return true;
}

int threadlist_read_dump(struct threadlist *l, const char *text, size_t len)
{
    struct span rest = {text, len}, words;
    *l = (struct threadlist){.strings = intern_new(), .is_dump = true};
    if (!l->strings)
        return ERR_NOMEM;
    while (rest.len) {
        struct threadlist_thread t = {0};
        size_t first = l->frames.len;
        if (!is_head(next_line(&rest), &t.id, &words))
            continue;
        if (!read_head(l, &t, words) || !read_frames(l, &rest))
            return ERR_NOMEM;
        t.stack = end_stack(l, first);
        if (t.stack == NO_INDEX || !vec_push(&l->threads, t))
            return ERR_NOMEM;
    }
    return l->threads.len ? 0 : ERR_NOTFOUND;
}

/* ---- a profile ---- */

static const char *nameless(struct threadlist *l, const char *mapping)
{
    struct buf name = {0};
    buf_putc(&name, '[');
    if (*mapping)
        path_put_base(mapping, &name);
    else
        buf_puts(&name, "unknown");
    buf_putc(&name, ']');
    const char *kept = name.failed ? NULL : intern_string(l->strings, name.data);
    buf_fini(&name);
    return kept;
}

static bool add_location(struct threadlist *l, const struct profile *p, const struct location *at)
{
    const char *mapping = at->mapping == NO_INDEX ? "" : p->mappings.items[at->mapping].file;
    bool ok = true;
    if (at->nlines == 0)
        return add_frame(l, nameless(l, mapping), intern_string(l->strings, mapping));
    for (uint32_t i = 0; i < at->nlines && ok; i++) {
        const struct line *line = &p->lines.items[at->first_line + i];
        const struct function *f = line->function == NO_INDEX ? NULL : &p->functions.items[line->function];
        struct buf place = {0};
        if (f && *f->file)
            buf_printf(&place, "%s:%" PRId64, f->file, line->line);
        else
            buf_puts(&place, mapping);
        ok = !place.failed &&
             add_frame(l, f && *f->name ? intern_string(l->strings, f->name) : nameless(l, mapping),
                 intern_string(l->strings, place.data ? place.data : ""));
        buf_fini(&place);
    }
    return ok;
}

static const char *state_of(const struct threadlist *l, size_t first)
{
    uint32_t n = (uint32_t)(l->frames.len - first), owner = find_owner(l->frames.items + first, n);
    for (uint32_t i = 0; i < n && i < owner; i++)
        if (machinery_at(&l->frames.items[first + i]) == MACHINERY_LOCK)
            return "waits for a lock";
    return "waits for no lock";
}

int threadlist_read_profile(struct threadlist *l, const struct profile *p)
{
    *l = (struct threadlist){.strings = intern_new()};
    if (!l->strings)
        return ERR_NOMEM;
    for (size_t s = 0; s < p->samples.len; s++) {
        const struct sample *sample = &p->samples.items[s];
        size_t first = l->frames.len;
        for (uint32_t i = 0; i < sample->nlocs; i++)
            if (!add_location(l, p, &p->locations.items[p->locs.items[sample->first_loc + i]]))
                return ERR_NOMEM;
        struct threadlist_thread t = {.count = profile_values(p, s)[p->sample_types.len - 1],
            .state = state_of(l, first),
            .waits_on = "",
            .name = "",
            .waiting_ns = -1,
            .cpu_ns = -1,
            .stack = end_stack(l, first)};
        if (t.stack == NO_INDEX || !vec_push(&l->threads, t))
            return ERR_NOMEM;
    }
    return l->threads.len ? 0 : ERR_NOTFOUND;
}

void threadlist_fini(struct threadlist *l)
{
    vec_fini(&l->threads);
    vec_fini(&l->stacks);
    vec_fini(&l->frames);
    table_fini(&l->table);
    intern_unref(l->strings);
    l->strings = NULL;
}

/* ---- as JSON ---- */

static void put_text(struct buf *out, const char *text)
{
    buf_putc(out, ',');
    jsontext_put(out, text);
}

static void put_number(struct buf *out, int64_t n)
{
    buf_putc(out, ',');
    buf_int(out, n);
}

static void put_thread(const struct threadlist_thread *t, struct buf *out)
{
    buf_putc(out, '[');
    buf_int(out, t->id);
    put_text(out, t->state);
    put_number(out, t->waiting_ns);
    put_text(out, t->waits_on);
    put_number(out, t->holder);
    put_text(out, t->name);
    put_number(out, t->cpu_ns);
    put_number(out, t->stack);
    put_number(out, t->count);
    buf_putc(out, ']');
}

static void put_stack(const struct threadlist *l, const struct threadlist_stack *s, struct buf *out)
{
    buf_putc(out, '[');
    buf_int(out, s->owner == NO_INDEX ? -1 : (int64_t)s->owner);
    buf_puts(out, ",[");
    for (uint32_t i = 0; i < s->count; i++) {
        const struct threadlist_frame *f = &l->frames.items[s->first + i];
        buf_puts(out, i ? ",[" : "[");
        jsontext_put(out, f->name);
        put_text(out, f->place);
        buf_putc(out, ']');
    }
    buf_puts(out, "]]");
}

void threadlist_put(const struct threadlist *l, struct buf *out)
{
    buf_printf(out, "{\"dump\":%s,\"threads\":[", l->is_dump ? "true" : "false");
    for (size_t i = 0; i < l->threads.len; i++) {
        buf_puts(out, i ? "," : "");
        put_thread(&l->threads.items[i], out);
    }
    buf_puts(out, "],\"stacks\":[");
    for (size_t i = 0; i < l->stacks.len; i++) {
        buf_puts(out, i ? "," : "");
        put_stack(l, &l->stacks.items[i], out);
    }
    buf_puts(out, "]}");
}
