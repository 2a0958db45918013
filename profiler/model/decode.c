#include "model/codec.h"

#include "model/gunzip.h"
#include "model/gzip.h"
#include "model/idmap.h"
#include "model/legacy.h"
#include "model/wire.h"

#include <inttypes.h>
#include <string.h>

/*
 * Four passes over the top level, which is a list of small messages: strings first, since everything names
 * them by number and they come last in the file; then value types, mappings and functions; then locations,
 * which point at those; then samples. A pass over fields it skips reads two bytes of each.
 */

/* Field numbers of profile.proto. */
enum profile_field {
    PROFILE_SAMPLE_TYPE = 1,
    PROFILE_SAMPLE,
    PROFILE_MAPPING,
    PROFILE_LOCATION,
    PROFILE_FUNCTION,
    PROFILE_STRING,
    PROFILE_DROP_FRAMES,
    PROFILE_KEEP_FRAMES,
    PROFILE_TIME_NANOS,
    PROFILE_DURATION_NANOS,
    PROFILE_PERIOD_TYPE,
    PROFILE_PERIOD,
    PROFILE_COMMENT,
    PROFILE_DEFAULT_SAMPLE_TYPE,
    PROFILE_DOC_URL,
};

struct decoder {
    struct profile *p;
    struct error *error;
    VEC(const char *) strings;
    struct idmap mappings, functions, locations;
    size_t nmappings, nfunctions, nlocations, nsamples; /* counted in the first pass */
    size_t time_fields;
    /* of the message being read */
    VEC(uint64_t) numbers;
    VEC(uint32_t) locs;
    VEC(int64_t) values;
    VEC(struct label) labels;
    VEC(struct line) lines;
};

typedef int (*field_fn)(struct decoder *d, struct wire_field *f, void *into);

static int fail(struct decoder *d, size_t offset, const char *what)
{
    return error_set(d->error, ERR_FORMAT, "offset %zu: %s", offset, what);
}

static int nomem(struct decoder *d)
{
    return error_set(d->error, ERR_NOMEM, "out of memory");
}

/* In line, so that fn is, too: a message of two fields is not worth a call for each. */
static inline __attribute__((always_inline)) int each_field(
    struct decoder *d, struct wire w, field_fn fn, void *into)
{
    struct wire_field f;
    int more;
    while ((more = wire_next(&w, &f, d->error)) > 0) {
        int code = fn(d, &f, into);
        if (code)
            return code;
    }
    return more;
}

static inline __attribute__((always_inline)) int get_message(
    struct decoder *d, const struct wire_field *f, field_fn fn, void *into, const char *what)
{
    if (f->type != WIRE_BYTES)
        return error_set(d->error, ERR_FORMAT, "offset %zu: a %s that is no message", f->offset, what);
    return each_field(d, f->bytes, fn, into);
}

static int get_u64(struct decoder *d, const struct wire_field *f, uint64_t *value)
{
    if (f->type != WIRE_VARINT)
        return fail(d, f->offset, "wrong wire type for a number");
    *value = f->number_value;
    return 0;
}

static int get_i64(struct decoder *d, const struct wire_field *f, int64_t *value)
{
    return get_u64(d, f, (uint64_t *)value);
}

static int get_bool(struct decoder *d, const struct wire_field *f, bool *value)
{
    uint64_t v = 0;
    int code = get_u64(d, f, &v);
    *value = v != 0;
    return code;
}

static int get_string(struct decoder *d, const struct wire_field *f, const char **text)
{
    uint64_t v = 0;
    int code = get_u64(d, f, &v);
    if (code)
        return code;
    if (v >= d->strings.len)
        return error_set(d->error, ERR_FORMAT, "offset %zu: string %" PRId64 " of a table of %zu", f->offset,
            (int64_t)v, d->strings.len);
    *text = d->strings.items[v];
    return 0;
}

/* Appends one number, or a packed run of them, to d->numbers. */
static int get_numbers(struct decoder *d, struct wire_field *f)
{
    if (f->type != WIRE_BYTES) {
        uint64_t v = 0;
        int code = get_u64(d, f, &v);
        return code ? code : vec_push(&d->numbers, v) ? 0 : nomem(d);
    }
    struct wire *w = &f->bytes;
    if (!vec_reserve(&d->numbers, (size_t)(w->end - w->at))) /* a byte each at least */
        return nomem(d);
    while (w->at < w->end) {
        int code = wire_varint(w, &d->numbers.items[d->numbers.len], d->error);
        if (code)
            return code;
        d->numbers.len++;
    }
    return 0;
}

/* ---- first pass: strings and counts ---- */

static int add_string(struct decoder *d, const struct wire_field *f)
{
    if (f->type != WIRE_BYTES)
        return fail(d, f->offset, "a string that has no bytes");
    size_t len = (size_t)(f->bytes.end - f->bytes.at);
    if (d->strings.len == 0 && len)
        return fail(d, f->offset, "string 0 is not empty");
    if (len > INT32_MAX)
        return fail(d, f->offset, "a string of more than 2 GiB");
    /* No name has a NUL in it; what follows one would be lost later, and two names look like one. */
    const char *text =
        intern_bytes(d->p->strings, (const char *)f->bytes.at, strnlen((const char *)f->bytes.at, len));
    return text && vec_push(&d->strings, text) ? 0 : nomem(d);
}

static int count_field(struct decoder *d, struct wire_field *f, void *into)
{
    (void)into;
    switch (f->number) {
    case PROFILE_SAMPLE:
        d->nsamples++;
        return 0;
    case PROFILE_MAPPING:
        d->nmappings++;
        return 0;
    case PROFILE_LOCATION:
        d->nlocations++;
        return 0;
    case PROFILE_FUNCTION:
        d->nfunctions++;
        return 0;
    case PROFILE_STRING:
        return add_string(d, f);
    case PROFILE_TIME_NANOS:
        if (d->time_fields++)
            return fail(d, f->offset, "a second time: these are several profiles, one after another");
        return 0;
    }
    return 0;
}

/* ---- second pass: everything that needs only strings ---- */

static int value_type_field(struct decoder *d, struct wire_field *f, void *into)
{
    struct value_type *t = into;
    return f->number == 1 ? get_string(d, f, &t->type) : f->number == 2 ? get_string(d, f, &t->unit) : 0;
}

static int add_sample_type(struct decoder *d, const struct wire_field *f)
{
    struct value_type t = {intern_empty, intern_empty};
    int code = get_message(d, f, value_type_field, &t, "sample type");
    if (!code && profile_add_sample_type(d->p, t.type, t.unit))
        code = nomem(d);
    return code;
}

static int mapping_field(struct decoder *d, struct wire_field *f, void *into)
{
    struct mapping *m = into;
    switch (f->number) {
    case 1:
        return get_u64(d, f, &m->id);
    case 2:
        return get_u64(d, f, &m->start);
    case 3:
        return get_u64(d, f, &m->limit);
    case 4:
        return get_u64(d, f, &m->offset);
    case 5:
        return get_string(d, f, &m->file);
    case 6:
        return get_string(d, f, &m->build_id);
    case 7:
        return get_bool(d, f, &m->has_functions);
    case 8:
        return get_bool(d, f, &m->has_filenames);
    case 9:
        return get_bool(d, f, &m->has_line_numbers);
    case 10:
        return get_bool(d, f, &m->has_inline_frames);
    }
    return 0;
}

/* An id that is 0, or that another one has. */
static int check_id(
    struct decoder *d, const struct wire_field *f, uint64_t id, const struct idmap *taken, const char *what)
{
    if (!id)
        return error_set(d->error, ERR_FORMAT, "offset %zu: a %s with the reserved id 0", f->offset, what);
    if (idmap_get(taken, id) != NO_INDEX)
        return error_set(
            d->error, ERR_FORMAT, "offset %zu: a second %s with the id %" PRIu64, f->offset, what, id);
    return 0;
}

static int add_mapping(struct decoder *d, const struct wire_field *f)
{
    struct mapping m = {.file = intern_empty, .build_id = intern_empty};
    uint32_t index;
    int code = get_message(d, f, mapping_field, &m, "mapping");
    if (!code)
        code = check_id(d, f, m.id, &d->mappings, "mapping");
    if (code)
        return code;
    return profile_add_mapping(d->p, &m, &index) || !idmap_put(&d->mappings, m.id, index) ? nomem(d) : 0;
}

static int function_field(struct decoder *d, struct wire_field *f, void *into)
{
    struct function *fn = into;
    switch (f->number) {
    case 1:
        return get_u64(d, f, &fn->id);
    case 2:
        return get_string(d, f, &fn->name);
    case 3:
        return get_string(d, f, &fn->system_name);
    case 4:
        return get_string(d, f, &fn->file);
    case 5:
        return get_i64(d, f, &fn->start_line);
    }
    return 0;
}

static int add_function(struct decoder *d, const struct wire_field *f)
{
    struct function fn = {.name = intern_empty, .system_name = intern_empty, .file = intern_empty};
    uint32_t index;
    int code = get_message(d, f, function_field, &fn, "function");
    if (!code)
        code = check_id(d, f, fn.id, &d->functions, "function");
    if (code)
        return code;
    return profile_add_function(d->p, &fn, &index) || !idmap_put(&d->functions, fn.id, index) ? nomem(d) : 0;
}

static int add_comments(struct decoder *d, struct wire_field *f)
{
    d->numbers.len = 0;
    int code = get_numbers(d, f);
    for (size_t i = 0; i < d->numbers.len && !code; i++) {
        if (d->numbers.items[i] >= d->strings.len)
            code = fail(d, f->offset, "a comment that is not in the string table");
        else if (profile_add_comment(d->p, d->strings.items[d->numbers.items[i]]))
            code = nomem(d);
    }
    return code;
}

static int header_field(struct decoder *d, struct wire_field *f, void *into)
{
    (void)into;
    struct profile *p = d->p;
    switch (f->number) {
    case PROFILE_SAMPLE_TYPE:
        return add_sample_type(d, f);
    case PROFILE_MAPPING:
        return add_mapping(d, f);
    case PROFILE_FUNCTION:
        return add_function(d, f);
    case PROFILE_DROP_FRAMES:
        return get_string(d, f, &p->drop_frames);
    case PROFILE_KEEP_FRAMES:
        return get_string(d, f, &p->keep_frames);
    case PROFILE_TIME_NANOS:
        return get_i64(d, f, &p->time_nanos);
    case PROFILE_DURATION_NANOS:
        return get_i64(d, f, &p->duration_nanos);
    case PROFILE_PERIOD_TYPE:
        p->period_type = (struct value_type){intern_empty, intern_empty};
        return get_message(d, f, value_type_field, &p->period_type, "period type");
    case PROFILE_PERIOD:
        return get_i64(d, f, &p->period);
    case PROFILE_COMMENT:
        return add_comments(d, f);
    case PROFILE_DEFAULT_SAMPLE_TYPE:
        return get_string(d, f, &p->default_sample_type);
    case PROFILE_DOC_URL:
        return get_string(d, f, &p->doc_url);
    }
    return 0;
}

/* ---- third pass: locations ---- */

struct raw_line {
    uint64_t function_id;
    struct line line;
};

static int line_field(struct decoder *d, struct wire_field *f, void *into)
{
    struct raw_line *l = into;
    switch (f->number) {
    case 1:
        return get_u64(d, f, &l->function_id);
    case 2:
        return get_i64(d, f, &l->line.line);
    case 3:
        return get_i64(d, f, &l->line.column);
    }
    return 0;
}

static int add_line(struct decoder *d, const struct wire_field *f)
{
    struct raw_line raw = {0};
    int code = get_message(d, f, line_field, &raw, "line");
    if (code)
        return code;
    raw.line.function = idmap_get(&d->functions, raw.function_id);
    if (raw.line.function == NO_INDEX)
        return error_set(d->error, ERR_FORMAT,
            "offset %zu: a line of function %" PRIu64 ", which there is not", f->offset, raw.function_id);
    return vec_push(&d->lines, raw.line) ? 0 : nomem(d);
}

struct raw_location {
    uint64_t mapping_id;
    struct location location;
};

static int location_field(struct decoder *d, struct wire_field *f, void *into)
{
    struct raw_location *l = into;
    switch (f->number) {
    case 1:
        return get_u64(d, f, &l->location.id);
    case 2:
        return get_u64(d, f, &l->mapping_id);
    case 3:
        return get_u64(d, f, &l->location.address);
    case 4:
        return add_line(d, f);
    case 5:
        return get_bool(d, f, &l->location.folded);
    }
    return 0;
}

static int read_location(struct decoder *d, struct wire_field *f, void *into)
{
    (void)into;
    if (f->number != PROFILE_LOCATION)
        return 0;
    struct raw_location raw = {0};
    uint32_t index;
    d->lines.len = 0;
    int code = get_message(d, f, location_field, &raw, "location");
    if (!code)
        code = check_id(d, f, raw.location.id, &d->locations, "location");
    if (code)
        return code;
    raw.location.mapping = idmap_get(&d->mappings, raw.mapping_id);
    return profile_add_location(d->p, &raw.location, d->lines.items, (uint32_t)d->lines.len, &index) ||
                   !idmap_put(&d->locations, raw.location.id, index)
               ? nomem(d)
               : 0;
}

/* ---- fourth pass: samples ---- */

struct raw_label {
    struct label label;
    uint64_t str, unit; /* indexes: a label of string 0 and number 0 without a unit says nothing */
};

static int label_field(struct decoder *d, struct wire_field *f, void *into)
{
    struct raw_label *l = into;
    switch (f->number) {
    case 1:
        return get_string(d, f, &l->label.key);
    case 2:
        l->str = f->number_value;
        return get_string(d, f, &l->label.str);
    case 3:
        return get_i64(d, f, &l->label.num);
    case 4:
        l->unit = f->number_value;
        return get_string(d, f, &l->label.num_unit);
    }
    return 0;
}

static int add_label(struct decoder *d, const struct wire_field *f)
{
    struct raw_label raw = {.label = {.key = intern_empty, .str = intern_empty, .num_unit = intern_empty}};
    int code = get_message(d, f, label_field, &raw, "label");
    if (code || (raw.str == 0 && raw.label.num == 0 && raw.unit == 0))
        return code;
    if (raw.str) {
        raw.label.num = 0;
        raw.label.num_unit = intern_empty;
    } else {
        raw.label.is_num = true;
    }
    return vec_push(&d->labels, raw.label) ? 0 : nomem(d);
}

static inline int add_loc(struct decoder *d, const struct wire_field *f, uint64_t id)
{
    uint32_t index = idmap_get(&d->locations, id);
    if (index == NO_INDEX)
        return error_set(d->error, ERR_FORMAT,
            "offset %zu: a sample at location %" PRIu64 ", which there is not", f->offset, id);
    d->locs.items[d->locs.len++] = index;
    return 0;
}

static int add_locs(struct decoder *d, struct wire_field *f)
{
    if (f->type != WIRE_BYTES) {
        uint64_t id = 0;
        int code = get_u64(d, f, &id);
        return code ? code : vec_reserve(&d->locs, 1) ? add_loc(d, f, id) : nomem(d);
    }
    struct wire *w = &f->bytes;
    if (!vec_reserve(&d->locs, (size_t)(w->end - w->at))) /* a byte each at least */
        return nomem(d);
    while (w->at < w->end) {
        uint64_t id = 0;
        int code = wire_varint(w, &id, d->error);
        if (!code)
            code = add_loc(d, f, id);
        if (code)
            return code;
    }
    return 0;
}

static int add_values(struct decoder *d, struct wire_field *f)
{
    d->numbers.len = 0;
    int code = get_numbers(d, f);
    if (code)
        return code;
    if (!vec_reserve(&d->values, d->numbers.len))
        return nomem(d);
    for (size_t i = 0; i < d->numbers.len; i++)
        d->values.items[d->values.len++] = (int64_t)d->numbers.items[i];
    return 0;
}

static int sample_field(struct decoder *d, struct wire_field *f, void *into)
{
    (void)into;
    switch (f->number) {
    case 1:
        return add_locs(d, f);
    case 2:
        return add_values(d, f);
    case 3:
        return add_label(d, f);
    }
    return 0;
}

static int read_sample(struct decoder *d, struct wire_field *f, void *into)
{
    (void)into;
    if (f->number != PROFILE_SAMPLE)
        return 0;
    d->locs.len = d->values.len = d->labels.len = 0;
    int code = get_message(d, f, sample_field, NULL, "sample");
    if (code)
        return code;
    if (d->values.len != d->p->sample_types.len)
        return error_set(d->error, ERR_FORMAT,
            "offset %zu: a sample of %zu values in a profile of %zu sample types", f->offset, d->values.len,
            d->p->sample_types.len);
    if (d->values.len == 0)
        return fail(d, f->offset, "a sample without values");
    if (d->p->locs.len + d->locs.len > UINT32_MAX || d->p->labels.len + d->labels.len > UINT32_MAX)
        return error_set(d->error, ERR_LIMIT, "offset %zu: more than 4 billion frames", f->offset);
    return profile_add_sample(d->p, d->locs.items, (uint32_t)d->locs.len, d->values.items, d->labels.items,
               (uint32_t)d->labels.len)
               ? nomem(d)
               : 0;
}

static int prepare(struct decoder *d, size_t offset)
{
    if (d->strings.len == 0)
        return fail(d, offset, "the file ends and there was no string table");
    struct profile *p = d->p;
    bool ok = idmap_init(&d->mappings, d->nmappings) && idmap_init(&d->functions, d->nfunctions) &&
              idmap_init(&d->locations, d->nlocations) && vec_reserve(&p->samples, d->nsamples) &&
              vec_reserve(&p->locations, d->nlocations) && vec_reserve(&p->lines, d->nlocations) &&
              vec_reserve(&p->functions, d->nfunctions);
    return ok ? 0 : nomem(d);
}

static int decode_all(struct decoder *d, struct wire w)
{
    int code = each_field(d, w, count_field, NULL);
    if (!code)
        code = prepare(d, (size_t)(w.end - w.base));
    if (!code)
        code = each_field(d, w, header_field, NULL);
    if (!code)
        code = each_field(d, w, read_location, NULL);
    if (!code)
        code = each_field(d, w, read_sample, NULL);
    return code;
}

static void decoder_fini(struct decoder *d)
{
    vec_fini(&d->strings);
    idmap_fini(&d->mappings);
    idmap_fini(&d->functions);
    idmap_fini(&d->locations);
    vec_fini(&d->numbers);
    vec_fini(&d->locs);
    vec_fini(&d->values);
    vec_fini(&d->labels);
    vec_fini(&d->lines);
}

static int decode_plain(const void *bytes, size_t len, struct profile **out, struct error *error)
{
    if (len == 0)
        return error_set(error, ERR_FORMAT, "offset 0: the profile is empty");
    struct decoder d = {.p = profile_new(NULL), .error = error};
    if (!d.p)
        return error_set(error, ERR_NOMEM, "out of memory");
    const uint8_t *at = bytes;
    int code = decode_all(&d, (struct wire){at, at, at + len});
    decoder_fini(&d);
    if (code) {
        profile_free(d.p);
        return code;
    }
    *out = d.p;
    return 0;
}

/* What is no profile.proto may be older; what is neither is told why it is not the first. */
static int decode_any(const void *bytes, size_t len, struct profile **out, struct error *error)
{
    int code = decode_plain(bytes, len, out, error);
    if (code != ERR_FORMAT)
        return code;
    struct error legacy_error = {0};
    int legacy_code = legacy_decode(bytes, len, out, &legacy_error);
    if (legacy_code == 0 || legacy_code == ERR_UNSUPPORTED)
        return legacy_code == 0 ? 0 : code;
    *error = legacy_error;
    return legacy_code;
}

int profile_decode(const void *bytes, size_t len, size_t max_bytes, struct profile **out, struct error *error)
{
    if (!gzip_is(bytes, len))
        return decode_any(bytes, len, out, error);
    struct buf plain = {0};
    size_t limit = max_bytes ? max_bytes : (size_t)2 << 30;
    int code = 0;
    if (!gunzip_whole(bytes, len, limit, &plain))
        code = gzip_unpack(bytes, len, limit, &plain, error);
    if (!code)
        code = decode_any(plain.data, plain.len, out, error);
    buf_fini(&plain);
    return code;
}
