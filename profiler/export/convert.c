#include "export/convert.h"

#include "base/hash.h"
#include "base/table.h"
#include "export/labeltext.h"
#include "export/names.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct conversion {
    struct profile *p;
    struct symbolizer *names;
    struct table locations, functions;
    uint32_t *mapping_of; /* by object: the mapping made for it, or NO_INDEX */
    struct {
        size_t addresses;
        const char *file; /* of the first */
    } ends[EFFORT_ENDS];  /* those that have less than there is, by what the reason was */
};

/* ---- mappings -------------------------------------------------------------------------------------------
 */

static int add_mapping(struct conversion *c, size_t object)
{
    const struct symbol_object *o = symbolizer_object(c->names, object);
    struct mapping m = {.start = o->start,
        .limit = o->limit,
        .offset = o->offset,
        .file = profile_string(c->p, o->path),
        .build_id = profile_string(c->p, o->build_id),
        .has_functions = true,
        .has_filenames = true,
        .has_line_numbers = true,
        .has_inline_frames = true};
    if (!m.file || !m.build_id)
        return ERR_NOMEM;
    return profile_add_mapping(c->p, &m, &c->mapping_of[object]);
}

/* Readers take the first mapping for the program itself, so it is there even when no sample is in it. */
static int begin_mappings(struct conversion *c)
{
    size_t n = symbolizer_objects(c->names);
    c->mapping_of = malloc((n ? n : 1) * sizeof *c->mapping_of);
    if (!c->mapping_of)
        return ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        c->mapping_of[i] = NO_INDEX;
    return n ? add_mapping(c, 0) : 0;
}

static int find_mapping(struct conversion *c, uint64_t address, uint32_t *mapping)
{
    int object = symbolizer_find(c->names, address);
    *mapping = NO_INDEX;
    if (object < 0)
        return 0;
    int code = c->mapping_of[object] == NO_INDEX ? add_mapping(c, (size_t)object) : 0;
    *mapping = c->mapping_of[object];
    return code;
}

/* ---- functions and locations ----------------------------------------------------------------------------
 */

static int find_function(struct conversion *c, const struct symbol_frame *frame, uint32_t *index)
{
    struct function f = {.name = profile_string(c->p, frame->function),
        .system_name = profile_string(c->p, frame->linkage),
        .file = profile_string(c->p, frame->file),
        .start_line = frame->start_line};
    if (!f.name || !f.system_name || !f.file)
        return ERR_NOMEM;
    uint64_t hash = hash_mix(hash_mix((uintptr_t)f.name, (uintptr_t)f.file), (uint64_t)f.start_line);
    for (size_t at = table_first(&c->functions, hash); table_next(&c->functions, hash, &at, index);) {
        const struct function *known = &c->p->functions.items[*index];
        if (known->name == f.name && known->system_name == f.system_name && known->file == f.file &&
            known->start_line == f.start_line)
            return 0;
    }
    int code = profile_add_function(c->p, &f, index);
    return code ? code : table_add(&c->functions, hash, *index) ? 0 : ERR_NOMEM;
}

static void note_missing(struct mapping *m, const struct symbol_frame *frames, size_t n)
{
    m->has_functions &= n > 0;
    bool lines = n > 0, files = n > 0;
    for (size_t i = 0; i < n; i++) {
        files &= *frames[i].file != '\0';
        lines &= frames[i].line > 0 || *frames[i].file != '\0';
    }
    m->has_filenames &= files;
    m->has_line_numbers &= lines;
    m->has_inline_frames &= lines;
}

static void note_end(struct conversion *c, const struct location *l)
{
    enum effort_end end = symbolizer_last_end(c->names);
    if (c->ends[end].addresses++ == 0 && l->mapping != NO_INDEX)
        c->ends[end].file = c->p->mappings.items[l->mapping].file;
}

static int add_location(struct conversion *c, uint64_t address, uint32_t *index)
{
    struct symbol_frame frames[SYMBOL_MAX_INLINE];
    struct line lines[SYMBOL_MAX_INLINE];
    char text[NAMES_TEXT_BYTES];
    bool named;
    struct location l = {.address = address};
    int code = find_mapping(c, address, &l.mapping);
    size_t n = names_frames(c->names, address, frames, text, &named);
    note_end(c, &l);
    if (!code && l.mapping != NO_INDEX)
        note_missing(&c->p->mappings.items[l.mapping], frames, named ? n : 0);
    for (size_t i = 0; i < n && !code; i++) {
        lines[i] = (struct line){.line = frames[i].line};
        code = find_function(c, &frames[i], &lines[i].function);
    }
    return code ? code : profile_add_location(c->p, &l, lines, (uint32_t)n, index);
}

static int find_location(struct conversion *c, uint64_t address, uint32_t *index)
{
    uint64_t hash = hash_u64(address);
    for (size_t at = table_first(&c->locations, hash); table_next(&c->locations, hash, &at, index);)
        if (c->p->locations.items[*index].address == address)
            return 0;
    int code = add_location(c, address, index);
    return code ? code : table_add(&c->locations, hash, *index) ? 0 : ERR_NOMEM;
}

/* ---- samples --------------------------------------------------------------------------------------------
 */

enum { MAX_LABELS = LABELSET_MAX_LABELS + 1 };

/* In the order of profile.h: those with text by key, then the number. */
static int make_labels(
    struct profile *p, const struct snapshot_record *r, struct label labels[MAX_LABELS], uint32_t *n)
{
    *n = 0;
    for (uint32_t i = 0; r->labels && i < r->labels->count; i++) {
        struct label *l = &labels[(*n)++];
        *l = (struct label){.key = profile_string(p, r->labels->pairs[i].key),
            .str = profile_string(p, r->labels->pairs[i].value),
            .num_unit = ""};
        if (!l->key || !l->str)
            return ERR_NOMEM;
    }
    if (r->block_bytes <= 0)
        return 0;
    labels[*n] = (struct label){
        .key = profile_string(p, "bytes"), .str = "", .num_unit = "", .num = r->block_bytes, .is_num = true};
    return labels[(*n)++].key ? 0 : ERR_NOMEM;
}

static int add_sample(
    struct conversion *c, const struct snapshot *s, const struct snapshot_record *r, const struct feed *feed)
{
    uint32_t locs[SNAPSHOT_MAX_DEPTH];
    int64_t values[FEED_MAX_TYPES];
    const uintptr_t *pcs = s->pcs.items + r->first_pc;
    uint32_t depth = r->depth < SNAPSHOT_MAX_DEPTH ? r->depth : SNAPSHOT_MAX_DEPTH;
    bool any = false;
    for (size_t i = 0; i < c->p->sample_types.len; i++) {
        values[i] = r->values[feed->columns[i]];
        any |= values[i] != 0;
    }
    if (!any)
        return 0;
    for (uint32_t i = 0; i < depth; i++) {
        int code = find_location(c, names_address(r, pcs, i), &locs[i]);
        if (code)
            return code;
    }
    struct label labels[MAX_LABELS];
    uint32_t nlabels;
    int code = make_labels(c->p, r, labels, &nlabels);
    return code ? code : profile_add_sample(c->p, locs, depth, values, labels, nlabels);
}

static int add_comment(struct profile *p, const char *text)
{
    const char *kept = profile_string(p, text);
    return kept ? profile_add_comment(p, kept) : ERR_NOMEM;
}

/* Readers show comments, those that begin with # only when asked. */
static int add_comments(struct profile *p, const struct snapshot *s)
{
    char text[320];
    int code = 0;
    if (*s->source) {
        snprintf(text, sizeof text, "# source: %s; samples lost: %" PRIu64, s->source, s->lost);
        code = add_comment(p, text);
    }
    if (!code && s->lost) {
        snprintf(text, sizeof text, "%" PRIu64 " samples were lost", s->lost);
        code = add_comment(p, text);
    }
    if (!code && s->lost_labels) {
        struct buf said = {0};
        labeltext_put_lost(&said, s->lost_labels);
        code = said.failed ? ERR_NOMEM : add_comment(p, said.data);
        buf_fini(&said);
    }
    return code;
}

/* What names, files and lines are missing for another reason than that nobody knows them. */
static int add_ends(struct conversion *c)
{
    char text[1024],
        why[EFFORT_ENDS][128] = {[EFFORT_FILE_CHANGED] = "the file was written to while it was read",
            [EFFORT_STARVED] = "the program had no memory or no descriptor left to read more"};
    snprintf(why[EFFORT_TOO_LARGE], sizeof *why, "debug information may take %d MB at most",
        SYMBOL_MAX_BYTES >> 20);
    snprintf(why[EFFORT_TOO_LONG], sizeof *why,
        "debug information is read for %.0f s at most, and for more in the next profile",
        (double)SYMBOL_MAX_NS / 1e9);
    int code = 0;
    for (enum effort_end end = EFFORT_DONE + 1; end < EFFORT_ENDS && !code; end++) {
        if (c->ends[end].addresses == 0)
            continue;
        snprintf(text, sizeof text,
            "%zu addresses have a name from a symbol table at most (the first is in %.512s): %s",
            c->ends[end].addresses, c->ends[end].file ? c->ends[end].file : "no file", why[end]);
        code = add_comment(c->p, text);
    }
    return code;
}

static int add_header(struct profile *p, const struct snapshot *s, const struct feed *feed)
{
    int code = 0;
    for (int i = 0; i < FEED_MAX_TYPES && feed->types[i].type && !code; i++) {
        const char *type = profile_string(p, feed->types[i].type);
        const char *unit = profile_string(p, feed->types[i].unit);
        code = type && unit ? profile_add_sample_type(p, type, unit) : ERR_NOMEM;
    }
    p->period_type.type = profile_string(p, feed->period.type);
    p->period_type.unit = profile_string(p, feed->period.unit);
    p->default_sample_type = profile_string(p, feed->default_type);
    if (code || !p->period_type.type || !p->period_type.unit || !p->default_sample_type)
        return ERR_NOMEM;
    p->time_nanos = s->time_ns;
    p->duration_nanos = s->duration_ns;
    p->period = s->period;
    return add_comments(p, s);
}

int convert_snapshot(
    const struct snapshot *s, const struct feed *feed, struct profile **out, struct error *error)
{
    struct conversion c = {.p = profile_new(NULL)};
    int code = c.p ? add_header(c.p, s, feed) : ERR_NOMEM;
    if (code) {
        profile_free(c.p);
        return error_set(error, code, "out of memory");
    }
    c.names = names_begin(error);
    if (!c.names) {
        profile_free(c.p);
        return error ? error->code : ERR_IO;
    }
    names_prime(c.names, s);
    code = begin_mappings(&c);
    for (size_t i = 0; i < s->records.len && !code; i++)
        code = add_sample(&c, s, &s->records.items[i], feed);
    if (!code)
        code = add_ends(&c);
    names_end(c.names);
    free(c.mapping_of);
    table_fini(&c.locations);
    table_fini(&c.functions);
    if (code) {
        profile_free(c.p);
        return error_set(error, code, "%s", error_text(code));
    }
    *out = c.p;
    return 0;
}
