#include "model/legacy_perf_line.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char digits[] = "0123456789", hex[] = "0123456789abcdef";

static const char *blanks(const char *s)
{
    return s + strspn(s, " \t");
}

static struct perf_part word(const char *s)
{
    s = blanks(s);
    return (struct perf_part){s, strcspn(s, " \t")};
}

static struct perf_part next_word(struct perf_part w)
{
    return word(w.text + w.len);
}

static bool is_all(struct perf_part w, const char *of)
{
    return w.len && strspn(w.text, of) >= w.len;
}

static int64_t number(struct perf_part w)
{
    errno = 0;
    long long n = strtoll(w.text, NULL, 10);
    return errno ? -1 : n;
}

/* "912.654355:"; -1 for what nanoseconds cannot hold. */
static bool parse_time(struct perf_part w, int64_t *ns)
{
    size_t whole = strspn(w.text, digits);
    if (!whole || whole > 10 || w.text[whole] != '.')
        return false;
    size_t fraction = strspn(w.text + whole + 1, digits);
    if (!fraction || fraction > 9 || whole + 1 + fraction + 1 != w.len || w.text[w.len - 1] != ':')
        return false;
    int64_t part = number((struct perf_part){w.text + whole + 1, fraction});
    for (size_t i = fraction; i < 9; i++)
        part *= 10;
    if (__builtin_mul_overflow(number(w), (int64_t)1000000000, ns) || __builtin_add_overflow(*ns, part, ns))
        *ns = -1;
    return true;
}

/* "[003]" */
static bool parse_cpu(struct perf_part w, struct perf_part *cpu)
{
    if (w.len < 3 || w.text[0] != '[' || strspn(w.text + 1, digits) + 2 != w.len || w.text[w.len - 1] != ']')
        return false;
    *cpu = (struct perf_part){w.text + 1, w.len - 2};
    while (cpu->len > 1 && *cpu->text == '0') {
        cpu->text++;
        cpu->len--;
    }
    return true;
}

/* "1240", "1234/1240"; -1 where the kernel does not say. */
static bool parse_ids(struct perf_part w, struct perf_part *pid, struct perf_part *tid)
{
    size_t first = *w.text == '-', len = first + strspn(w.text + first, digits);
    if (len == first)
        return false;
    *pid = (struct perf_part){w.text, 0};
    *tid = (struct perf_part){w.text, len};
    if (len < w.len && w.text[len] == '/') {
        *pid = *tid;
        *tid = (struct perf_part){w.text + len + 1, w.len - len - 1};
        return is_all(*tid, "-0123456789");
    }
    return len == w.len;
}

static bool is_event(struct perf_part w)
{
    return w.len > 1 && w.text[w.len - 1] == ':';
}

/* Period and event from w on. */
static void parse_event(struct perf_part w, struct perf_sample *s)
{
    if (is_all(w, digits)) {
        s->period = number(w);
        w = next_word(w);
    }
    if (is_event(w)) {
        s->event = (struct perf_part){w.text, w.len - 1};
        w = next_word(w);
    }
    s->rest = w.text;
}

/* The words before the time, or before what stands in its place: all but the last of them are the command. */
static bool parse_who(const char *line, const char *end, struct perf_sample *s)
{
    struct perf_part last = {0}, before = {0};
    for (struct perf_part w = word(line); w.len && w.text < end; w = next_word(w)) {
        before = last;
        last = w;
    }
    if (last.len && parse_cpu(last, &s->cpu))
        last = before;
    const char *comm = blanks(line), *stop = last.len ? last.text : end;
    if (last.len && !parse_ids(last, &s->pid, &s->tid))
        stop = end; /* no ids were asked for */
    while (stop > comm && isspace((unsigned char)stop[-1]))
        stop--;
    s->comm = (struct perf_part){comm, (size_t)(stop - comm)};
    return s->comm.len || s->tid.len;
}

/* Without a time: the ids, and then a CPU or an event. */
static bool parse_untimed(const char *line, struct perf_sample *s)
{
    struct perf_part w = word(line), pid, tid, cpu;
    for (w = next_word(w); w.len; w = next_word(w)) {
        if (!parse_ids(w, &pid, &tid))
            continue;
        struct perf_part after = next_word(w);
        bool has_cpu = after.len && parse_cpu(after, &cpu);
        if (has_cpu)
            after = next_word(after);
        struct perf_part event = is_all(after, digits) ? next_word(after) : after;
        if (!has_cpu && !is_event(event))
            continue;
        parse_event(after, s);
        return parse_who(line, after.len ? after.text : w.text + strlen(w.text), s);
    }
    return false;
}

bool perf_sample_parse(const char *line, bool timed, struct perf_sample *s)
{
    *s = (struct perf_sample){.time_ns = -1, .period = -1, .rest = ""};
    struct perf_part first = word(line);
    for (struct perf_part w = next_word(first); w.len; w = next_word(w)) {
        if (parse_time(w, &s->time_ns)) {
            if (s->time_ns < 0)
                return false;
            parse_event(next_word(w), s);
            return parse_who(line, w.text, s);
        }
    }
    return !timed && first.len && parse_untimed(line, s);
}

/* ---- frames ---- */

static void drop_offset(struct perf_part *w)
{
    size_t len = w->len;
    while (len && strchr(hex, w->text[len - 1]))
        len--;
    if (len < w->len && len >= 3 && strncmp(w->text + len - 3, "+0x", 3) == 0)
        w->len = len - 3;
}

/* The bracket that the last character closes, behind a blank: file names may hold some, "(deleted)". */
static size_t file_start(struct perf_part w)
{
    int depth = 0;
    for (size_t i = w.len; i-- > 0;) {
        depth += w.text[i] == ')' ? 1 : w.text[i] == '(' ? -1 : 0;
        if (depth == 0 && w.text[i] == '(')
            return i == 0 || isspace((unsigned char)w.text[i - 1]) ? i : w.len;
    }
    return w.len;
}

static struct perf_part trimmed(const char *text, size_t len)
{
    while (len && isspace((unsigned char)text[len - 1]))
        len--;
    return (struct perf_part){text, len};
}

static bool is_text(struct perf_part w, const char *text)
{
    return w.len == strlen(text) && memcmp(w.text, text, w.len) == 0;
}

bool perf_frame_parse(const char *line, struct perf_frame *f)
{
    struct perf_part ip = word(line), none = {"", 0};
    if (!is_all(ip, hex) || ip.len > 16)
        return false;
    *f = (struct perf_frame){.ip = strtoull(ip.text, NULL, 16), .file = none};
    const char *rest = blanks(ip.text + ip.len);
    f->symbol = trimmed(rest, strlen(rest));
    if (f->symbol.len && f->symbol.text[f->symbol.len - 1] == ')') {
        size_t at = file_start(f->symbol);
        if (at < f->symbol.len) {
            f->file = (struct perf_part){rest + at + 1, f->symbol.len - at - 2};
            f->symbol = trimmed(rest, at);
        }
    }
    f->inlined = is_text(f->file, "inlined");
    if (f->inlined || is_text(f->file, "[unknown]"))
        f->file = none;
    drop_offset(&f->symbol);
    drop_offset(&f->file);
    if (is_text(f->symbol, "[unknown]"))
        f->symbol = none;
    return true;
}

static bool drop_tail(struct perf_part *w, const char *tail)
{
    size_t len = strlen(tail);
    if (w->len < len || memcmp(w->text + w->len - len, tail, len) != 0)
        return false;
    *w = trimmed(w->text, w->len - len);
    return true;
}

bool perf_source_parse(const char *line, struct perf_source *s)
{
    if (strncmp(line, "  ", 2) != 0 || !line[2] || isspace((unsigned char)line[2]))
        return false;
    struct perf_part w = trimmed(line + 2, strlen(line + 2));
    const char *remark = strstr(w.text, " (discriminator");
    *s = (struct perf_source){.file = {"", 0}, .inlined = drop_tail(&w, "(inlined)")};
    if (remark)
        w.len = (size_t)(remark - w.text);
    if (strncmp(w.text, "??:", 3) == 0 || *w.text == ':' || (w.len && w.text[w.len - 1] == ']'))
        return true;
    size_t len = w.len;
    while (len && isdigit((unsigned char)w.text[len - 1]))
        len--;
    if (len < 2 || len == w.len || w.text[len - 1] != ':')
        return false;
    s->line = number((struct perf_part){w.text + len, w.len - len});
    s->file = (struct perf_part){w.text, len - 1};
    return s->line >= 0;
}

size_t perf_event_base(const struct perf_part *event)
{
    size_t len = event->len;
    while (len && strchr("ukhpPGHSDWe", event->text[len - 1]))
        len--;
    return len > 1 && len < event->len && event->text[len - 1] == ':' ? len - 1 : event->len;
}
