#include "model/legacy_readers.h"

#include "base/hash.h"
#include "model/legacy_perf_line.h"

#include <ctype.h>
#include <string.h>

/*
 * The text of `perf script`. perf has named the frames already, so addresses only tell them apart: those of
 * one file have no mapping that a symbolizer could use, and with some versions of perf they count from the
 * file's start.
 *
 * Each stack is one sample a set of labels (comm, pid, tid, cpu, event): recordings have a line for each
 * time one was seen. The second value is what the event counts: nanoseconds of the CPU clocks, or the event
 * itself; there is none when several events were recorded, or perf was not asked for the period.
 */
struct perf {
    struct legacy *l;
    struct table files, functions, places,
        stacks; /* of the profile: mappings, functions, locations, samples */

    VEC(struct line) frames; /* of the location being read, innermost first */
    uint64_t ip, callee_ip;  /* callee_ip: of the frame before, in this sample */
    uint32_t mapping;
    bool is_open;  /* a location was begun */
    bool is_whole; /* with a frame that is not inlined: the next one is another location */

    bool in_sample, any_file;
    bool is_perf; /* surely: what no other text has was there */
    struct label labels[5];
    uint32_t nlabels;
    int64_t period;

    bool no_period, many_events;
    const char *event; /* of all samples; NULL before the first */
    int64_t first_ns, last_ns, samples;
};

static int nomem(struct perf *r)
{
    return legacy_nomem(r->l);
}

static const char *keep(struct perf *r, struct perf_part w)
{
    return intern_bytes(r->l->p->strings, w.text, w.len);
}

/* ---- tables ---- */

static int find_file(struct perf *r, struct perf_part name, uint32_t *index)
{
    struct profile *p = r->l->p;
    const char *file = keep(r, name);
    if (!file)
        return nomem(r);
    uint64_t hash = hash_u64((uintptr_t)file);
    for (size_t at = table_first(&r->files, hash); table_next(&r->files, hash, &at, index);)
        if (p->mappings.items[*index].file == file)
            return 0;
    struct mapping m = {.file = file, .has_functions = true};
    return profile_add_mapping(p, &m, index) || !table_add(&r->files, hash, *index) ? nomem(r) : 0;
}

static int find_function(struct perf *r, const char *name, const char *file, uint32_t *index)
{
    struct profile *p = r->l->p;
    uint64_t hash = hash_mix((uintptr_t)name, (uintptr_t)file);
    for (size_t at = table_first(&r->functions, hash); table_next(&r->functions, hash, &at, index);)
        if (p->functions.items[*index].name == name && p->functions.items[*index].file == file)
            return 0;
    struct function f = {.name = name, .system_name = name, .file = file};
    return profile_add_function(p, &f, index) || !table_add(&r->functions, hash, *index) ? nomem(r) : 0;
}

static bool same_place(const struct perf *r, const struct location *l, uint64_t address)
{
    const struct line *lines = r->l->p->lines.items + l->first_line;
    if (l->address != address || l->mapping != r->mapping || l->nlines != r->frames.len)
        return false;
    for (size_t i = 0; i < r->frames.len; i++)
        if (lines[i].function != r->frames.items[i].function || lines[i].line != r->frames.items[i].line)
            return false;
    return true;
}

/* A caller's address follows the call; the leaf's does not, nor does that of what the kernel interrupted. */
static uint64_t call_address(const struct perf *r)
{
    bool is_caller = r->l->locs.len && ((int64_t)r->callee_ip < 0) == ((int64_t)r->ip < 0);
    return r->ip - (is_caller && r->ip ? 1 : 0);
}

/* Adds the location that was read to the stack. */
static int close_location(struct perf *r)
{
    struct profile *p = r->l->p;
    uint64_t address = call_address(r);
    uint64_t hash = hash_mix(address, r->mapping);
    uint32_t index;
    if (!r->is_open)
        return 0;
    r->is_open = false;
    for (size_t i = 0; i < r->frames.len; i++)
        hash =
            hash_mix(hash, (uint64_t)r->frames.items[i].function << 32 ^ (uint64_t)r->frames.items[i].line);
    bool found = false;
    for (size_t at = table_first(&r->places, hash); !found && table_next(&r->places, hash, &at, &index);)
        found = same_place(r, &p->locations.items[index], address);
    struct location l = {.address = address, .mapping = r->mapping};
    if (!found && (profile_add_location(p, &l, r->frames.items, (uint32_t)r->frames.len, &index) ||
                      !table_add(&r->places, hash, index)))
        return nomem(r);
    if (r->frames.len > 1 && r->mapping != NO_INDEX)
        p->mappings.items[r->mapping].has_inline_frames = true;
    r->frames.len = 0;
    r->callee_ip = r->ip;
    return vec_push(&r->l->locs, index) ? 0 : nomem(r);
}

/* ---- samples ---- */

static bool same_stack(const struct perf *r, const struct sample *s)
{
    const struct profile *p = r->l->p;
    if (s->nlocs != r->l->locs.len || s->nlabels != r->nlabels ||
        (s->nlocs &&
            memcmp(p->locs.items + s->first_loc, r->l->locs.items, s->nlocs * sizeof(uint32_t)) != 0))
        return false;
    for (uint32_t i = 0; i < s->nlabels; i++)
        if (p->labels.items[s->first_label + i].key != r->labels[i].key ||
            p->labels.items[s->first_label + i].str != r->labels[i].str)
            return false;
    return true;
}

/* A stack that perf could not take has its weight nonetheless. */
static int put_no_stack(struct perf *r)
{
    const char *name = profile_string(r->l->p, "[no stack]");
    struct line line = {0};
    int code = name ? find_function(r, name, intern_empty, &line.function) : nomem(r);
    if (code)
        return code;
    r->ip = 0;
    r->mapping = NO_INDEX;
    r->is_open = true;
    r->frames.len = 0;
    return vec_push(&r->frames, line) ? close_location(r) : nomem(r);
}

static int close_sample(struct perf *r)
{
    struct legacy *l = r->l;
    if (!r->in_sample)
        return 0;
    int code = close_location(r);
    if (!code && l->locs.len == 0)
        code = put_no_stack(r);
    if (code)
        return code;
    r->in_sample = r->is_whole = false;
    uint64_t hash = r->nlabels;
    uint32_t index;
    for (size_t i = 0; i < l->locs.len; i++)
        hash = hash_mix(hash, l->locs.items[i]);
    for (uint32_t i = 0; i < r->nlabels; i++)
        hash = hash_mix(hash, (uintptr_t)r->labels[i].str);
    for (size_t at = table_first(&r->stacks, hash); table_next(&r->stacks, hash, &at, &index);) {
        if (!same_stack(r, &l->p->samples.items[index]))
            continue;
        int64_t *values = profile_values(l->p, index);
        values[0]++;
        values[1] = (int64_t)((uint64_t)values[1] + (uint64_t)r->period);
        l->locs.len = 0;
        return 0;
    }
    const int64_t values[] = {1, r->period};
    index = (uint32_t)l->p->samples.len;
    if (l->p->locs.len + l->locs.len > UINT32_MAX ||
        profile_add_sample(l->p, l->locs.items, (uint32_t)l->locs.len, values, r->labels, r->nlabels) ||
        !table_add(&r->stacks, hash, index))
        return nomem(r);
    l->locs.len = 0;
    return 0;
}

static int add_label(struct perf *r, const char *key, struct perf_part value)
{
    if (!value.len)
        return 0;
    struct label *label = &r->labels[r->nlabels++];
    *label =
        (struct label){.key = profile_string(r->l->p, key), .str = keep(r, value), .num_unit = intern_empty};
    return label->key && label->str ? 0 : nomem(r);
}

/* In the order of their keys, in which a profile keeps them. */
static int add_labels(struct perf *r, const struct perf_sample *s)
{
    r->nlabels = 0;
    return add_label(r, "comm", s->comm) || add_label(r, "cpu", s->cpu) || add_label(r, "event", s->event) ||
                   add_label(r, "pid", s->pid) || add_label(r, "tid", s->tid)
               ? ERR_NOMEM
               : 0;
}

static int note_event(struct perf *r, const struct perf_sample *s)
{
    struct perf_part base = {s->event.text, perf_event_base(&s->event)};
    const char *event = base.len ? keep(r, base) : intern_empty;
    if (!event)
        return nomem(r);
    r->many_events |= r->event && r->event != event;
    r->event = event;
    r->no_period |= s->period < 0;
    r->period = s->period < 0 ? 0 : s->period;
    if (s->time_ns >= 0 && (r->samples == 0 || s->time_ns < r->first_ns))
        r->first_ns = s->time_ns;
    if (s->time_ns > r->last_ns)
        r->last_ns = s->time_ns;
    if (r->samples++ == 0)
        r->l->p->period = r->period;
    if (r->l->p->period != r->period)
        r->l->p->period = 0; /* perf chose it anew for each: a frequency was asked for */
    return 0;
}

/* ---- lines ---- */

static int add_frame(struct perf *r, const struct perf_frame *f)
{
    int code = r->is_open && (r->is_whole || f->ip != r->ip) ? close_location(r) : 0;
    uint32_t mapping = NO_INDEX;
    struct line line = {0};
    if (!code && f->file.len)
        code = find_file(r, f->file, &mapping);
    const char *name = code || !f->symbol.len ? intern_empty : keep(r, f->symbol);
    if (!code && !name)
        code = nomem(r);
    if (!code && *name)
        code = find_function(r, name, intern_empty, &line.function);
    if (code)
        return code;
    r->is_open = r->is_perf = true;
    r->is_whole = !f->inlined;
    r->ip = f->ip;
    r->mapping = mapping;
    r->any_file |= f->file.len > 0;
    return !*name || vec_push(&r->frames, line) ? 0 : nomem(r);
}

/* Where in the source the last frame is. */
static int add_source(struct perf *r, const struct perf_source *s)
{
    r->is_whole &= !s->inlined;
    if (r->frames.len == 0 || s->file.len == 0)
        return 0;
    struct line *line = &r->frames.items[r->frames.len - 1];
    const char *name = r->l->p->functions.items[line->function].name, *file = keep(r, s->file);
    if (!file)
        return nomem(r);
    line->line = s->line;
    if (r->mapping != NO_INDEX) {
        r->l->p->mappings.items[r->mapping].has_filenames = true;
        r->l->p->mappings.items[r->mapping].has_line_numbers = true;
    }
    return find_function(r, name, file, &line->function);
}

static int read_sample(struct perf *r, const struct perf_sample *s)
{
    struct perf_frame f;
    int code = close_sample(r);
    if (!code)
        code = add_labels(r, s);
    if (!code)
        code = note_event(r, s);
    r->in_sample = true;
    r->is_perf |= s->time_ns >= 0;
    if (!code && perf_frame_parse(s->rest, &f) && (f.symbol.len || f.file.len))
        code = add_frame(r, &f); /* recorded without stacks */
    return code;
}

/* Whether the end of the text cut the line short. A frame ends in its file, if perf was asked for files. */
static bool is_cut(const struct perf *r, const char *line, bool is_frame)
{
    size_t len = strlen(line);
    while (len && isspace((unsigned char)line[len - 1]))
        len--;
    bool closed = len && line[len - 1] == ')';
    return r->l->at == r->l->end && !closed && (r->l->end[-1] != '\n' || (is_frame && r->any_file));
}

static int read_line(struct perf *r)
{
    const char *line = legacy_line(r->l);
    struct perf_sample s;
    struct perf_frame f;
    struct perf_source source;
    if (*legacy_trimmed(r->l) == '\0')
        return close_sample(r);
    if (*line == '#' || strstr(line, ": PERF_RECORD_"))
        return 0;
    bool indented = isspace((unsigned char)*line);
    if (perf_sample_parse(line, r->in_sample && indented, &s))
        return is_cut(r, line, false) ? legacy_fail(r->l, "the text ends within this line")
                                      : read_sample(r, &s);
    if (r->in_sample && indented && perf_frame_parse(line, &f))
        return is_cut(r, line, true) ? legacy_fail(r->l, "the text ends within a frame") : add_frame(r, &f);
    if (r->in_sample && r->is_open && perf_source_parse(line, &source))
        return add_source(r, &source);
    return legacy_fail(r->l, r->l->at == r->l->end
                                 ? "the text ends within this line"
                                 : "expected a sample or a frame, as `perf script` prints them");
}

/* ---- all of it ---- */

static bool is_clock(const char *event)
{
    return strncmp(event, "cpu-clock", 9) == 0 || strncmp(event, "task-clock", 10) == 0;
}

/* Says what the second value is, or takes it out. */
static int settle_types(struct perf *r)
{
    struct profile *p = r->l->p;
    struct value_type *second = &p->sample_types.items[1];
    if (r->no_period || r->many_events || !*r->event) {
        for (size_t i = 0; i < p->samples.len; i++)
            p->values.items[i] = p->values.items[2 * i];
        p->values.len = p->samples.len;
        p->sample_types.len = 1;
        p->period_type = p->sample_types.items[0];
        p->period = 1;
        return 0;
    }
    second->type = profile_string(p, is_clock(r->event) ? "cpu" : r->event);
    second->unit = profile_string(p, is_clock(r->event) ? "nanoseconds" : "count");
    p->period_type = *second;
    return second->type && second->unit ? 0 : nomem(r);
}

/* What a report calls "File": the first program, not the kernel or a library. */
static void put_program_first(struct profile *p)
{
    for (uint32_t i = 0; i < p->mappings.len; i++) {
        struct mapping *m = &p->mappings.items[i], *first = &p->mappings.items[0];
        if (m->file[0] != '/' || strstr(m->file, ".so") || strstr(m->file, ".map"))
            continue;
        struct mapping moved = *m;
        *m = *first;
        *first = moved;
        m->id = i + 1;
        first->id = 1;
        for (size_t k = 0; k < p->locations.len; k++) {
            uint32_t *mapping = &p->locations.items[k].mapping;
            *mapping = *mapping == i ? 0 : *mapping == 0 ? i : *mapping;
        }
        return;
    }
}

static int read_all(struct perf *r)
{
    static const char *const types[][2] = {{"samples", "count"}, {"event", "count"}};
    int code = legacy_types(r->l, types, 2, types[1]);
    while (!code && legacy_next_line(r->l)) {
        code = read_line(r);
        if (code == ERR_FORMAT && !r->is_perf) /* any text may have a line that looks like a sample */
            return ERR_UNSUPPORTED;
    }
    if (!code)
        code = close_sample(r);
    if (!code && !r->samples)
        return ERR_UNSUPPORTED;
    return code ? code : settle_types(r);
}

int legacy_read_perf(struct legacy *l)
{
    struct perf r = {.l = l};
    int code = read_all(&r);
    if (!code) {
        put_program_first(l->p);
        l->p->duration_nanos = r.last_ns > r.first_ns ? r.last_ns - r.first_ns : 0;
        l->says_drops = true; /* none */
    }
    table_fini(&r.files);
    table_fini(&r.functions);
    table_fini(&r.places);
    table_fini(&r.stacks);
    vec_fini(&r.frames);
    return code;
}
