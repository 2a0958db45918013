#include "view/triage.h"

#include "view/columns.h"
#include "view/dot.h"
#include "view/measure.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LEAST_WIDTH = 60, LEAST_NAME = 18, INDENT = 10, UNBROKEN = 1 << 20 };

static const struct {
    const char *word, *colour;
} verdicts[] = {
    [VERDICT_NONE] = {"", ""},
    [VERDICT_CAUSE] = {"cause", "\033[1;31m"},
    [VERDICT_WAITS] = {"waits", "\033[33m"},
    [VERDICT_PART] = {"part", "\033[31m"},
    [VERDICT_GROWS] = {"grows", "\033[33m"},
    [VERDICT_BUSY] = {"busy", "\033[32m"},
    [VERDICT_HOLDS] = {"holds", "\033[36m"},
};

/* ---- values, short ---- */

static void put_duration(struct buf *out, int64_t ns)
{
    double s = (double)ns / 1e9;
    if (s < 1)
        buf_printf(out, "%.0fms", s * 1000);
    else if (s < 600)
        buf_printf(out, "%.*fs", s < 100, s);
    else if (s < 6000)
        buf_printf(out, "%.0fmin", s / 60);
    else
        buf_printf(out, "%.1fh", s / 3600);
}

static void put_bytes(struct buf *out, int64_t bytes, bool sign)
{
    struct measure m = measure_scale(bytes, "bytes", "auto");
    double size = fabs(m.value);
    buf_printf(out, sign ? "%+.*f%s" : "%.*f%s", size < 10 ? 2 : size < 100 ? 1 : 0, m.value, m.unit);
}

static double percent(int64_t part, int64_t whole)
{
    return whole ? 100 * (double)part / (double)whole : 0;
}

static void put_percent(struct buf *out, int64_t part, int64_t whole)
{
    double x = percent(part, whole);
    if (x != 0 && fabs(x) < 0.05)
        buf_puts(out, "~0%");
    else
        buf_printf(out, "%.*f%%", x != 0 && fabs(x) < 9.95, x);
}

/* ---- the table ---- */

static bool has(const struct triage *t, enum triage_lens lens)
{
    return t->input.profiles[lens] != NULL;
}

static bool has_growth(const struct triage *t)
{
    return has(t, LENS_HEAP) && has(t, LENS_HEAP_START);
}

/* The cell of a row, or of all together (NULL). "" where there is nothing. */
typedef void (*put_cell)(const struct triage *t, const struct triage_row *r, struct buf *out);

static void put_cpu_flat(const struct triage *t, const struct triage_row *r, struct buf *out)
{
    if (r && r->flat[LENS_CPU])
        put_percent(out, r->flat[LENS_CPU], t->total[LENS_CPU]);
}

static void put_cpu_cum(const struct triage *t, const struct triage_row *r, struct buf *out)
{
    if (!r && has(t, LENS_CPU))
        put_duration(out, t->total[LENS_CPU]);
    else if (r && r->cum[LENS_CPU])
        put_percent(out, r->cum[LENS_CPU], t->total[LENS_CPU]);
}

static void put_live(const struct triage *t, const struct triage_row *r, struct buf *out)
{
    int64_t live = r ? r->own[LENS_HEAP] : t->total[LENS_HEAP];
    if (live)
        put_bytes(out, live, false);
}

static int64_t growth(const struct triage *t, const struct triage_row *r)
{
    return r ? r->own[LENS_HEAP] - r->own[LENS_HEAP_START] : t->total[LENS_HEAP] - t->total[LENS_HEAP_START];
}

static void put_growth(const struct triage *t, const struct triage_row *r, struct buf *out)
{
    if (has_growth(t) && growth(t, r))
        put_bytes(out, growth(t, r), true);
}

static void put_threads(const struct triage *t, const struct triage_row *r, struct buf *out)
{
    int64_t threads = r ? r->cum[LENS_THREADS] : t->total[LENS_THREADS];
    if (threads)
        buf_int(out, threads);
}

static void put_delay(
    const struct triage *t, const struct triage_row *r, enum triage_lens lens, struct buf *out)
{
    if (!r && has(t, lens))
        put_duration(out, t->total[lens]);
    else if (r && r->own[lens])
        put_percent(out, r->own[lens], t->total[lens]);
}

static void put_causes(const struct triage *t, const struct triage_row *r, struct buf *out)
{
    put_delay(t, r, LENS_MUTEX, out);
}

static void put_suffers(const struct triage *t, const struct triage_row *r, struct buf *out)
{
    put_delay(t, r, LENS_BLOCK, out);
}

struct column {
    const char *title;
    int width;
    int drop; /* where the width does not do for all, the columns with the lowest go first */
    enum triage_lens lens;
    put_cell put;
};

static const struct column columns[] = {
    {"flat", 5, 2, LENS_CPU, put_cpu_flat},
    {"cum", 6, 5, LENS_CPU, put_cpu_cum},
    {"live", 7, 1, LENS_HEAP, put_live},
    {"growth", 7, 4, LENS_HEAP, put_growth},
    {"threads", 7, 6, LENS_THREADS, put_threads},
    {"causes", 6, 7, LENS_MUTEX, put_causes},
    {"suffers", 7, 3, LENS_BLOCK, put_suffers},
};

enum { N_COLUMNS = sizeof columns / sizeof *columns, VERDICT_WIDTH = 5 };

struct layout {
    bool shown[N_COLUMNS];
    int name_width;
};

static int name_room(const struct layout *l, int width)
{
    int used = VERDICT_WIDTH + 2;
    for (int i = 0; i < N_COLUMNS; i++)
        used += l->shown[i] ? columns[i].width + 1 : 0;
    return width - used;
}

static struct layout lay_out(int width)
{
    struct layout l;
    for (int i = 0; i < N_COLUMNS; i++)
        l.shown[i] = true;
    for (int drop = 1; name_room(&l, width) < LEAST_NAME && drop < N_COLUMNS; drop++)
        for (int i = 0; i < N_COLUMNS; i++)
            l.shown[i] = l.shown[i] && columns[i].drop != drop;
    l.name_width = name_room(&l, width);
    return l;
}

static void put_titles(const struct layout *l, struct buf *out)
{
    columns_put_left(out, "", VERDICT_WIDTH);
    for (int i = 0; i < N_COLUMNS; i++) {
        if (!l->shown[i])
            continue;
        buf_putc(out, ' ');
        columns_put_right(out, columns[i].title, columns[i].width);
    }
    buf_puts(out, "  function\n");
}

static void put_verdict(enum triage_verdict verdict, bool colour, struct buf *out)
{
    if (colour)
        buf_puts(out, verdicts[verdict].colour);
    buf_puts(out, verdicts[verdict].word);
    if (colour)
        buf_puts(out, "\033[0m");
}

/* "libz.so.1.2.13+0x1f0" as "libz+0x1f0"; the rest as dot shortens it. */
static void put_short_name(const char *name, struct buf *out)
{
    const char *so = strstr(name, ".so"), *plus = so ? strrchr(so, '+') : NULL;
    if (plus) {
        buf_append(out, name, (size_t)(so - name));
        buf_puts(out, plus);
    } else {
        dot_put_short_name(name, out);
    }
}

/* Whole where it fits, else shortened, else clipped. */
static void put_name(const char *name, int width, struct buf *out)
{
    struct buf shorter = {0};
    if (columns_of(name) > width)
        put_short_name(name, &shorter);
    columns_put(out, shorter.len ? shorter.data : name, width);
    buf_fini(&shorter);
}

static void put_row(
    const struct triage *t, const struct triage_row *r, const struct layout *l, bool colour, struct buf *out)
{
    enum triage_verdict verdict = r ? r->verdict : VERDICT_NONE;
    if (r)
        put_verdict(verdict, colour, out);
    columns_put_left(out, "", VERDICT_WIDTH - columns_of(verdicts[verdict].word));
    for (int i = 0; i < N_COLUMNS; i++) {
        struct buf cell = {0};
        if (!l->shown[i])
            continue;
        columns[i].put(t, r, &cell);
        buf_putc(out, ' ');
        columns_put_right(out, cell.len ? cell.data : has(t, columns[i].lens) ? "-" : "?", columns[i].width);
        buf_fini(&cell);
    }
    buf_puts(out, "  ");
    put_name(r ? r->name : "(all)", l->name_width, out);
    buf_putc(out, '\n');
}

static void put_table(const struct triage *t, const struct triage_style *style, int width, struct buf *out)
{
    struct layout l = lay_out(width);
    size_t rows = t->order.len;
    if (style->rows > 0 && rows > (size_t)style->rows)
        rows = (size_t)style->rows;
    put_titles(&l, out);
    put_row(t, NULL, &l, style->colour, out);
    for (size_t i = 0; i < rows; i++)
        put_row(t, &t->rows.items[t->order.items[i]], &l, style->colour, out);
    if (rows < t->order.len)
        buf_printf(out, "      +%zu more\n", t->order.len - rows);
}

/* ---- the verdict, in words ---- */

static void put_sentence(struct buf *out, enum triage_verdict verdict, const struct triage_style *style,
    int width, struct buf *sentence)
{
    buf_puts(out, "  ");
    put_verdict(verdict, style->colour, out);
    columns_put_left(out, "", INDENT - 2 - columns_of(verdicts[verdict].word));
    columns_put_wrapped(out, sentence->data ? sentence->data : "", INDENT, width);
    out->failed |= sentence->failed;
    buf_fini(sentence);
}

static int64_t lasted_ns(const struct triage *t, enum triage_lens lens)
{
    return t->duration_ns[lens] ? t->duration_ns[lens] : t->duration_ns[LENS_CPU];
}

static void say_paths(const struct triage *t, const struct triage_row *r, struct buf *s)
{
    for (int k = 0; k < TRIAGE_PATHS; k++) {
        const struct triage_path *path = &t->paths[k];
        if (path->row == NO_INDEX || percent(path->ns, r->own[LENS_MUTEX]) < 5)
            break;
        buf_printf(s, "%s%s (", k ? " and " : ", called by ", t->rows.items[path->row].name);
        put_percent(s, path->ns, r->own[LENS_MUTEX]);
        buf_putc(s, ')');
    }
}

/* What the cause is busy with: the two rows that work most for it. */
static void say_work(const struct triage *t, const struct triage_row *cause, struct buf *s)
{
    int named = 0;
    if (percent(cause->cum[LENS_CPU], t->total[LENS_CPU]) < 1)
        return;
    buf_puts(s, " It takes ");
    put_percent(s, cause->cum[LENS_CPU], t->total[LENS_CPU]);
    buf_puts(s, " of CPU time");
    for (size_t i = 0; t->n_causes == 1 && i < t->order.len && named < 2; i++) {
        const struct triage_row *r = &t->rows.items[t->order.items[i]];
        if (r->verdict == VERDICT_PART)
            buf_printf(s, "%s%s", named++ ? " and " : ", most of it in ", r->name);
    }
    buf_putc(s, '.');
}

static void say_cause(const struct triage *t, const struct triage_row *r, bool first, struct buf *s)
{
    int64_t lasted = t->duration_ns[LENS_MUTEX];
    buf_printf(s, "%s makes others wait: ", r->name);
    put_duration(s, r->own[LENS_MUTEX]);
    buf_puts(s, " of delay, ");
    put_percent(s, r->own[LENS_MUTEX], t->total[LENS_MUTEX]);
    buf_puts(s, " of all");
    if (lasted > 0)
        buf_printf(s, " (%.1f threads at a time, on average)", (double)r->own[LENS_MUTEX] / (double)lasted);
    if (first)
        say_paths(t, r, s);
    buf_putc(s, '.');
    if (r->stuck)
        buf_printf(s, " %" PRId64 " of %" PRId64 " threads wait in it for a lock.", r->stuck,
            t->total[LENS_THREADS]);
    say_work(t, r, s);
}

static void say_waits(const struct triage *t, const struct triage_row *r, struct buf *s)
{
    buf_printf(s, "%s waits for a lock", r->name);
    if (r->stuck)
        buf_printf(s, ": %" PRId64 " of %" PRId64 " threads", r->stuck, t->total[LENS_THREADS]);
    if (r->stuck_ns) {
        buf_puts(s, r->stuck ? ", " : ": ");
        put_percent(s, r->stuck_ns, t->total[LENS_BLOCK]);
        buf_puts(s, " of the delay suffered");
    }
    buf_puts(s, has(t, LENS_MUTEX) ? "." : ". Who holds it, the mutex profile would say.");
}

static void say_grows(const struct triage *t, const struct triage_row *r, struct buf *s)
{
    buf_printf(s, "%s grew by ", r->name);
    put_bytes(s, growth(t, r), false);
    if (lasted_ns(t, LENS_HEAP) > 0) {
        buf_puts(s, " in ");
        put_duration(s, lasted_ns(t, LENS_HEAP));
    }
    buf_puts(s, ", to ");
    put_bytes(s, r->own[LENS_HEAP], false);
    buf_puts(s, ", ");
    put_percent(s, r->own[LENS_HEAP], t->total[LENS_HEAP]);
    buf_puts(s, " of what is live.");
}

static void say_busy(const struct triage *t, const struct triage_row *r, struct buf *s)
{
    buf_printf(s, "%s is busy%s: ", r->name, r->blameless ? ", but blameless" : "");
    put_percent(s, r->own[LENS_CPU], t->total[LENS_CPU]);
    buf_puts(s, " of CPU time is its own");
    if (r->cum[LENS_CPU] > r->own[LENS_CPU]) {
        buf_puts(s, ", ");
        put_percent(s, r->cum[LENS_CPU], t->total[LENS_CPU]);
        buf_puts(s, " with all it calls");
    }
    buf_puts(s, r->blameless ? ", and it makes nobody wait." : ".");
}

static void say_holds(const struct triage *t, const struct triage_row *r, struct buf *s)
{
    buf_printf(s, "%s made ", r->name);
    put_percent(s, r->own[LENS_HEAP], t->total[LENS_HEAP]);
    buf_puts(s, " of what is live, ");
    put_bytes(s, r->own[LENS_HEAP], false);
    buf_putc(s, '.');
}

/* A sentence for each kind, of its first row; two of causes. */
static void put_words(const struct triage *t, const struct triage_style *style, int width, struct buf *out)
{
    static const int most[] = {[VERDICT_CAUSE] = 2,
        [VERDICT_WAITS] = 1,
        [VERDICT_PART] = 0,
        [VERDICT_GROWS] = 1,
        [VERDICT_BUSY] = 1,
        [VERDICT_HOLDS] = 1};
    int said[sizeof most / sizeof *most] = {0};
    if (!t->order.len)
        buf_puts(out, "  Nothing stands out: nobody waits much, nothing grows, no function is busy.\n");
    for (size_t i = 0; i < t->order.len; i++) {
        struct buf s = {0};
        const struct triage_row *r = &t->rows.items[t->order.items[i]];
        if (said[r->verdict]++ >= most[r->verdict])
            continue;
        if (r->verdict == VERDICT_CAUSE)
            say_cause(t, r, i == 0, &s);
        else if (r->verdict == VERDICT_WAITS)
            say_waits(t, r, &s);
        else if (r->verdict == VERDICT_GROWS)
            say_grows(t, r, &s);
        else if (r->verdict == VERDICT_BUSY)
            say_busy(t, r, &s);
        else
            say_holds(t, r, &s);
        put_sentence(out, r->verdict, style, width, &s);
    }
    if (t->order.len && !t->n_causes) {
        struct buf s = {0};
        buf_puts(&s, !has(t, LENS_MUTEX)
                         ? "Without the mutex profile nobody can be named who makes others wait."
                         : "No function makes others wait for a fifth of the delay, or there is "
                           "little delay: no cause is named.");
        buf_puts(out, "          ");
        columns_put_wrapped(out, s.data ? s.data : "", INDENT, width);
        buf_fini(&s);
    }
}

/* ---- profile by profile ---- */

static const struct triage_row *first_by_own(const struct triage *t, enum triage_lens lens)
{
    const struct triage_row *best = NULL;
    for (size_t i = 0; i < t->rows.len; i++)
        if (t->rows.items[i].own[lens] > (best ? best->own[lens] : 0))
            best = &t->rows.items[i];
    return best;
}

static const struct triage_row *most_grown(const struct triage *t)
{
    const struct triage_row *best = NULL;
    for (size_t i = 0; has_growth(t) && i < t->rows.len; i++)
        if (growth(t, &t->rows.items[i]) > (best ? growth(t, best) : 0))
            best = &t->rows.items[i];
    return best;
}

static const struct triage_row *most_stuck(const struct triage *t)
{
    const struct triage_row *best = NULL;
    for (size_t i = 0; i < t->rows.len; i++)
        if (t->rows.items[i].stuck > (best ? best->stuck : 0))
            best = &t->rows.items[i];
    return best;
}

static void say_first(const struct triage *t, enum triage_lens lens, const char *words, struct buf *s)
{
    const struct triage_row *first = first_by_own(t, lens);
    if (!first)
        return;
    buf_printf(s, "; %s%s, ", words, first->name);
    put_percent(s, first->own[lens], t->total[lens]);
}

static void say_cpu(const struct triage *t, struct buf *s)
{
    put_duration(s, t->total[LENS_CPU]);
    if (t->duration_ns[LENS_CPU] > 0) {
        buf_puts(s, " of CPU time in ");
        put_duration(s, t->duration_ns[LENS_CPU]);
        buf_printf(s, ", %.1f cores", (double)t->total[LENS_CPU] / (double)t->duration_ns[LENS_CPU]);
    }
    say_first(t, LENS_CPU, "busiest is ", s);
    buf_puts(s, " with the system's functions it calls.");
}

static void say_heap(const struct triage *t, struct buf *s)
{
    const struct triage_row *grown = most_grown(t);
    put_bytes(s, t->total[LENS_HEAP], false);
    buf_puts(s, " live");
    if (has_growth(t)) {
        buf_puts(s, ", ");
        put_bytes(s, growth(t, NULL), true);
        buf_puts(s, " since the start");
    }
    say_first(t, LENS_HEAP, "most by ", s);
    if (grown) {
        buf_printf(s, "; most growth by %s, ", grown->name);
        put_bytes(s, growth(t, grown), true);
    }
    buf_putc(s, '.');
}

static void say_threads(const struct triage *t, struct buf *s)
{
    const struct triage_row *stuck = most_stuck(t);
    buf_printf(
        s, "%" PRId64 " threads, %" PRId64 " of them waiting for a lock", t->total[LENS_THREADS], t->stuck);
    if (stuck)
        buf_printf(s, ", %" PRId64 " in %s", stuck->stuck, stuck->name);
    buf_putc(s, '.');
}

static void say_delay(const struct triage *t, enum triage_lens lens, const char *what, struct buf *s)
{
    put_duration(s, t->total[lens]);
    buf_puts(s, what);
    if (t->duration_ns[lens] > 0) {
        buf_puts(s, " in ");
        put_duration(s, t->duration_ns[lens]);
    } else {
        buf_puts(s, " since the program began");
    }
    say_first(t, lens, lens == LENS_MUTEX ? "most caused by " : "most suffered in ", s);
    buf_putc(s, '.');
}

static void say_lens(const struct triage *t, enum triage_lens lens, struct buf *s)
{
    if (!has(t, lens))
        buf_printf(s, "not there: %s.", t->input.missing[lens] ? t->input.missing[lens] : "not collected");
    else if (lens == LENS_CPU)
        say_cpu(t, s);
    else if (lens == LENS_HEAP)
        say_heap(t, s);
    else if (lens == LENS_THREADS)
        say_threads(t, s);
    else
        say_delay(t, lens, lens == LENS_MUTEX ? " of waiting caused" : " of waiting suffered", s);
}

static void put_lenses(const struct triage *t, int width, struct buf *out)
{
    static const struct {
        enum triage_lens lens;
        const char *blind;
    } blind[] = {
        {LENS_CPU, "threads that wait: they use no CPU."},
        {LENS_HEAP, "who keeps it: the stack is of who allocated. Nor what came and went in between."},
        {LENS_THREADS,
            "for how long, and who holds the lock: it is one moment, the worst of those looked at."},
        {LENS_MUTEX,
            "who waited, waits that are not over, what the holder does meanwhile, and locks that are "
            "not the thread library's."},
        {LENS_BLOCK,
            "who made them wait, waits that are not over, sleep and I/O; and idle workers wait, too."},
    };
    for (size_t i = 0; i < sizeof blind / sizeof *blind; i++) {
        struct buf s = {0};
        say_lens(t, blind[i].lens, &s);
        buf_puts(out, "  ");
        columns_put_left(out, triage_lens_name(blind[i].lens), INDENT - 2);
        columns_put_wrapped(out, s.data ? s.data : "", INDENT, width);
        buf_fini(&s);
        buf_puts(&s, "Does not see ");
        buf_puts(&s, blind[i].blind);
        columns_put_left(out, "", INDENT);
        columns_put_wrapped(out, s.data ? s.data : "", INDENT, width);
        buf_fini(&s);
    }
}

void triage_put_words(const struct triage *t, struct buf *out)
{
    static const struct triage_style plain = {0};
    put_words(t, &plain, UNBROKEN, out);
}

void triage_put(const struct triage *t, const struct triage_style *style, struct buf *out)
{
    int width = style->width < LEAST_WIDTH ? LEAST_WIDTH : style->width;
    columns_put_wrapped(out, t->input.source, 0, width);
    buf_putc(out, '\n');
    put_words(t, style, width, out);
    buf_putc(out, '\n');
    put_table(t, style, width, out);
    buf_putc(out, '\n');
    put_lenses(t, width, out);
}
