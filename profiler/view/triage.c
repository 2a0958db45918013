#include "view/triage.h"

#include "base/hash.h"
#include "view/graph.h"
#include "view/machinery.h"
#include "view/measure.h"
#include "view/path.h"

#include <math.h>
#include <string.h>

static const double COUNTS = 0.05, IS_CAUSE = 0.20, IS_STUCK = 0.10, SUFFERS = 0.20, HOLDS = 0.20,
                    LITTLE = 0.01;
static const int64_t LEAST_STUCK = 3, LEAST_GROWTH_BYTES = 1 << 20, LEAST_DELAY_NS = 100000000;

struct lens_kind {
    const char *name, *type; /* the sample type it reads, else the last one */
    const char *unit;        /* what values become; "count" leaves them as they are */
};

static const struct lens_kind kinds[] = {
    [LENS_CPU] = {"cpu", "cpu", "nanoseconds"},
    [LENS_HEAP_START] = {"heap-start", "inuse_space", "bytes"},
    [LENS_HEAP] = {"heap", "inuse_space", "bytes"},
    [LENS_THREADS] = {"threads", "threads", "count"},
    [LENS_MUTEX] = {"mutex", "delay", "nanoseconds"},
    [LENS_BLOCK] = {"block", "delay", "nanoseconds"},
};

const char *triage_lens_name(enum triage_lens lens)
{
    return kinds[lens].name;
}

static void add(int64_t *sum, int64_t v)
{
    *sum = wrap_add(*sum, v);
}

/* ---- a profile's frames, as rows and machinery ---- */

struct place {
    uint32_t row;
    enum machinery machinery;
};

struct places {
    struct place *items;
    uint32_t *first; /* of each location; innermost inlined first */
};

static size_t type_index(const struct profile *p, const char *type)
{
    for (size_t i = 0; i < p->sample_types.len; i++)
        if (strcmp(p->sample_types.items[i].type, type) == 0)
            return i;
    return p->sample_types.len - 1;
}

static int64_t in_unit(const struct profile *p, size_t type, const char *unit, int64_t value)
{
    const char *from = p->sample_types.items[type].unit;
    bool same = strcmp(unit, "count") == 0 || strcmp(unit, from) == 0;
    return same ? value : measure_int(measure_scale(value, from, unit).value);
}

static uint32_t find_row(struct triage *t, const char *name)
{
    const char *own = intern_string(t->strings, name);
    uint32_t i;
    if (!own)
        return NO_INDEX;
    uint64_t hash = hash_u64((uintptr_t)own);
    for (size_t at = table_first(&t->table, hash); table_next(&t->table, hash, &at, &i);)
        if (t->rows.items[i].name == own)
            return i;
    i = (uint32_t)t->rows.len;
    if (!vec_push(&t->rows, (struct triage_row){.name = own}) || !table_add(&t->table, hash, i))
        return NO_INDEX;
    return i;
}

/* "[libz.so]" where nothing has a name. */
static uint32_t nameless_row(struct triage *t, const char *mapping)
{
    struct buf name = {0};
    buf_putc(&name, '[');
    if (*mapping)
        path_put_base(mapping, &name);
    else
        buf_puts(&name, "unknown");
    buf_putc(&name, ']');
    uint32_t row = name.failed ? NO_INDEX : find_row(t, name.data);
    buf_fini(&name);
    return row;
}

static bool fill_place(
    struct triage *t, const struct profile *p, const struct location *l, uint32_t line, struct place *out)
{
    const char *mapping = l->mapping == NO_INDEX ? "" : p->mappings.items[l->mapping].file;
    uint32_t f = line < l->nlines ? p->lines.items[l->first_line + line].function : NO_INDEX;
    const struct function *fn = f == NO_INDEX ? NULL : &p->functions.items[f];
    const char *name = fn ? fn->name : "";
    out->machinery = machinery_of(name, fn ? fn->file : "", mapping);
    out->row = *name ? find_row(t, name) : nameless_row(t, mapping);
    return out->row != NO_INDEX;
}

static void places_fini(struct places *places)
{
    free(places->items);
    free(places->first);
}

static int places_init(struct places *places, struct triage *t, const struct profile *p)
{
    size_t n = p->locations.len, total = 0;
    *places = (struct places){.first = malloc((n + 1) * sizeof *places->first)};
    for (size_t l = 0; places->first && l < n; l++) {
        places->first[l] = (uint32_t)total;
        total += p->locations.items[l].nlines ? p->locations.items[l].nlines : 1;
    }
    places->items = calloc(total + 1, sizeof *places->items);
    if (!places->first || !places->items)
        return ERR_NOMEM;
    places->first[n] = (uint32_t)total;
    for (size_t l = 0; l < n; l++)
        for (uint32_t i = places->first[l]; i < places->first[l + 1]; i++)
            if (!fill_place(t, p, &p->locations.items[l], i - places->first[l], &places->items[i]))
                return ERR_NOMEM;
    return 0;
}

/* ---- walking a stack, leaf first ---- */

struct walk {
    const struct profile *p;
    const struct places *places;
    const uint32_t *locs;
    uint32_t nlocs, loc, frame;
};

static struct walk walk_begin(const struct profile *p, const struct places *places, size_t sample)
{
    const struct sample *s = &p->samples.items[sample];
    struct walk w = {.p = p, .places = places, .locs = p->locs.items + s->first_loc, .nlocs = s->nlocs};
    w.frame = w.nlocs ? places->first[w.locs[0]] : 0;
    return w;
}

static const struct place *walk_next(struct walk *w)
{
    while (w->loc < w->nlocs) {
        if (w->frame < w->places->first[w->locs[w->loc] + 1])
            return &w->places->items[w->frame++];
        if (++w->loc < w->nlocs)
            w->frame = w->places->first[w->locs[w->loc]];
    }
    return NULL;
}

/* The owner of a stack, its caller where that is another function (else NO_INDEX), and whether the stack
 * waits for a lock. All machinery: its leaf. */
struct owner {
    uint32_t row, caller;
    bool at_lock;
};

static struct owner find_owner(const struct triage *t, struct walk w)
{
    struct owner o = {.row = NO_INDEX, .caller = NO_INDEX};
    uint32_t leaf = NO_INDEX, wrapper = NO_INDEX;
    bool near_lock = false;
    for (const struct place *at; (at = walk_next(&w));) {
        leaf = leaf == NO_INDEX ? at->row : leaf;
        if (at->machinery != MACHINERY_NONE) {
            o.at_lock |= at->machinery == MACHINERY_LOCK && o.row == NO_INDEX;
            near_lock = o.row == NO_INDEX && strstr(t->rows.items[at->row].name, "lock") != NULL;
        } else if (o.row == NO_INDEX && near_lock && machinery_is_lock_wrapper(t->rows.items[at->row].name)) {
            wrapper = at->row;
        } else if (o.row == NO_INDEX) {
            o.row = at->row;
        } else if (at->row != o.row) {
            o.caller = at->row;
            return o;
        }
    }
    if (o.row == NO_INDEX)
        o.row = wrapper != NO_INDEX ? wrapper : leaf;
    return o;
}

/* ---- charging ---- */

static void charge_sample(struct triage *t, enum triage_lens lens, struct walk w, int64_t value, size_t stamp)
{
    struct owner owner = find_owner(t, w);
    bool leaf = true;
    if (owner.row == NO_INDEX)
        return;
    struct triage_row *rows = t->rows.items, *own = &rows[owner.row];
    add(&own->own[lens], value);
    if (owner.at_lock && lens == LENS_THREADS) {
        add(&own->stuck, value);
        add(&t->stuck, value);
    }
    if (owner.at_lock && lens == LENS_BLOCK) {
        add(&own->stuck_ns, value);
        add(&t->stuck_ns, value);
    }
    for (const struct place *at; (at = walk_next(&w)); leaf = false) {
        struct triage_row *r = &rows[at->row];
        if (leaf)
            add(&r->flat[lens], value);
        if (r->seen != stamp)
            add(&r->cum[lens], value);
        r->seen = stamp;
    }
}

static void reset_seen(struct triage *t)
{
    for (size_t i = 0; i < t->rows.len; i++)
        t->rows.items[i].seen = 0;
}

static int read_lens(struct triage *t, enum triage_lens lens, struct places *places)
{
    const struct profile *p = t->input.profiles[lens];
    if (!p || p->sample_types.len == 0)
        return 0;
    int code = places_init(places, t, p);
    if (code)
        return code;
    size_t type = type_index(p, kinds[lens].type);
    reset_seen(t);
    for (size_t s = 0; s < p->samples.len; s++) {
        int64_t value = in_unit(p, type, kinds[lens].unit, profile_values(p, s)[type]);
        add(&t->total[lens], value);
        charge_sample(t, lens, walk_begin(p, places, s), value, s + 1);
    }
    t->duration_ns[lens] = p->duration_nanos;
    return 0;
}

/* ---- what follows ---- */

static double share(int64_t part, int64_t whole)
{
    return whole > 0 && part > 0 ? (double)part / (double)whole : 0;
}

/* Whether there is enough delay for shares of it to mean something. */
static bool delay_counts(const struct triage *t, enum triage_lens lens)
{
    int64_t tenth = t->duration_ns[lens] / 10;
    return t->total[lens] >= (tenth > LEAST_DELAY_NS ? tenth : LEAST_DELAY_NS);
}

static double caused_share(const struct triage *t, const struct triage_row *r)
{
    return delay_counts(t, LENS_MUTEX) ? share(r->own[LENS_MUTEX], t->total[LENS_MUTEX]) : 0;
}

static double stuck_share(const struct triage *t, const struct triage_row *r)
{
    return r->stuck >= LEAST_STUCK ? share(r->stuck, t->total[LENS_THREADS]) : 0;
}

/* Growth that sampling alone may feign: two standard deviations of the difference of two estimates of what is
 * live, each made from one sample in `period` bytes. */
static double growth_noise(const struct profile *heap, int64_t live)
{
    bool sampled = strcmp(heap->period_type.type, "space") == 0 && heap->period > 1 && live > 0;
    return sampled ? 2 * sqrt(2 * (double)live * (double)heap->period) : 0;
}

static double grown_share(const struct triage *t, const struct triage_row *r)
{
    int64_t grown = r->own[LENS_HEAP] - r->own[LENS_HEAP_START];
    const struct profile *heap = t->input.profiles[LENS_HEAP];
    if (!heap || !t->input.profiles[LENS_HEAP_START] || grown < LEAST_GROWTH_BYTES ||
        (double)grown < growth_noise(heap, r->own[LENS_HEAP]))
        return 0;
    return share(grown, t->total[LENS_HEAP]);
}

static void find_causes(struct triage *t)
{
    for (size_t i = 0; i < t->rows.len; i++) {
        struct triage_row *r = &t->rows.items[i];
        if (caused_share(t, r) >= IS_CAUSE) {
            r->verdict = VERDICT_CAUSE;
            t->n_causes++;
        }
    }
}

/* How much of each function's own CPU time is spent below a cause, or as one. */
static void find_work_of_causes(struct triage *t, const struct places *places)
{
    const struct profile *p = t->input.profiles[LENS_CPU];
    if (!p || !places->items || !t->n_causes)
        return;
    size_t type = type_index(p, kinds[LENS_CPU].type);
    for (size_t s = 0; s < p->samples.len; s++) {
        struct walk w = walk_begin(p, places, s);
        struct owner owner = find_owner(t, w);
        bool through = false;
        for (const struct place *at; !through && (at = walk_next(&w));)
            through = t->rows.items[at->row].verdict == VERDICT_CAUSE;
        if (through)
            add(&t->rows.items[owner.row].below_cause_ns,
                in_unit(p, type, kinds[LENS_CPU].unit, profile_values(p, s)[type]));
    }
}

static enum triage_verdict judge(const struct triage *t, const struct triage_row *r)
{
    double cpu = share(r->own[LENS_CPU], t->total[LENS_CPU]);
    double worked = share(r->below_cause_ns, t->total[LENS_CPU]);
    if (r->verdict == VERDICT_CAUSE)
        return r->verdict;
    if (stuck_share(t, r) >= IS_STUCK ||
        (delay_counts(t, LENS_BLOCK) && share(r->stuck_ns, t->total[LENS_BLOCK]) >= SUFFERS))
        return VERDICT_WAITS;
    if (worked >= COUNTS && r->below_cause_ns >= r->own[LENS_CPU] / 2)
        return VERDICT_PART;
    if (grown_share(t, r) >= COUNTS)
        return VERDICT_GROWS;
    if (cpu >= COUNTS)
        return VERDICT_BUSY;
    return share(r->own[LENS_HEAP], t->total[LENS_HEAP]) >= HOLDS ? VERDICT_HOLDS : VERDICT_NONE;
}

static double notable(double x)
{
    return x >= COUNTS ? x : 0;
}

static int judge_all(struct triage *t)
{
    for (size_t i = 0; i < t->rows.len; i++) {
        struct triage_row *r = &t->rows.items[i];
        double caused = caused_share(t, r);
        r->score = notable(caused) + notable(stuck_share(t, r)) + notable(grown_share(t, r)) +
                   notable(share(r->below_cause_ns, t->total[LENS_CPU]));
        r->verdict = judge(t, r);
        r->blameless = r->verdict == VERDICT_BUSY && t->n_causes && caused < LITTLE && r->stuck < LEAST_STUCK;
        if (r->verdict != VERDICT_NONE && !vec_push(&t->order, (uint32_t)i))
            return ERR_NOMEM;
    }
    return 0;
}

static int compare_rows(const void *a, const void *b, void *context)
{
    const struct triage *t = context;
    const struct triage_row *x = &t->rows.items[*(const uint32_t *)a],
                            *y = &t->rows.items[*(const uint32_t *)b];
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    if (x->own[LENS_CPU] != y->own[LENS_CPU])
        return x->own[LENS_CPU] > y->own[LENS_CPU] ? -1 : 1;
    if (x->own[LENS_HEAP] != y->own[LENS_HEAP])
        return x->own[LENS_HEAP] > y->own[LENS_HEAP] ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* Who calls the first cause, by delay. */
static int find_paths(struct triage *t, const struct places *places)
{
    const struct profile *p = t->input.profiles[LENS_MUTEX];
    if (!t->order.len || t->rows.items[t->order.items[0]].verdict != VERDICT_CAUSE || !places->items)
        return 0;
    size_t type = type_index(p, kinds[LENS_MUTEX].type);
    int64_t *by_caller = calloc(t->rows.len, sizeof *by_caller);
    if (!by_caller)
        return ERR_NOMEM;
    for (size_t s = 0; s < p->samples.len; s++) {
        struct owner o = find_owner(t, walk_begin(p, places, s));
        if (o.row == t->order.items[0] && o.caller != NO_INDEX)
            add(&by_caller[o.caller], in_unit(p, type, kinds[LENS_MUTEX].unit, profile_values(p, s)[type]));
    }
    for (uint32_t i = 0; i < t->rows.len; i++) {
        struct triage_path path = {i, by_caller[i]};
        for (int k = 0; k < TRIAGE_PATHS && path.ns > 0; k++) {
            if (t->paths[k].row == NO_INDEX || path.ns > t->paths[k].ns) {
                struct triage_path other = t->paths[k];
                t->paths[k] = path;
                path = other;
            }
        }
    }
    free(by_caller);
    return 0;
}

int triage_init(struct triage *t, const struct triage_input *input, struct error *error)
{
    struct places places[N_LENSES] = {0};
    bool any = false;
    int code = 0;
    *t = (struct triage){.input = *input, .strings = intern_new()};
    for (int k = 0; k < TRIAGE_PATHS; k++)
        t->paths[k].row = NO_INDEX;
    for (int lens = 0; lens < N_LENSES; lens++)
        any |= input->profiles[lens] != NULL;
    if (!any)
        return error_set(error, ERR_INVALID, "there is no profile to read");
    code = t->strings ? 0 : ERR_NOMEM;
    for (int lens = 0; lens < N_LENSES && !code; lens++)
        code = read_lens(t, (enum triage_lens)lens, &places[lens]);
    if (!code) {
        find_causes(t);
        find_work_of_causes(t, &places[LENS_CPU]);
        code = judge_all(t);
    }
    if (!code && t->order.len)
        qsort_r(t->order.items, t->order.len, sizeof *t->order.items, compare_rows, t);
    if (!code)
        code = find_paths(t, &places[LENS_MUTEX]);
    for (int lens = 0; lens < N_LENSES; lens++)
        places_fini(&places[lens]);
    return code ? error_set(error, code, "%s", error_text(code)) : 0;
}

void triage_fini(struct triage *t)
{
    vec_fini(&t->rows);
    vec_fini(&t->order);
    table_fini(&t->table);
    intern_unref(t->strings);
    t->strings = NULL;
}

int64_t triage_stuck_threads(const struct profile *threads)
{
    struct triage t;
    struct triage_input input = {.source = "", .profiles[LENS_THREADS] = threads};
    int64_t stuck = triage_init(&t, &input, NULL) ? 0 : t.stuck;
    triage_fini(&t);
    return stuck;
}
