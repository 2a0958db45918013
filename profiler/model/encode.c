#include "model/codec.h"

#include "base/hash.h"
#include "base/table.h"
#include "model/gzip.h"

#include "profile.pb-c.h"

/*
 * Message by message: each of protobuf-c's structs is filled, packed and sent on before the next, so that
 * what is needed beside the profile is the result and some kilobytes. The fields come in the order of their
 * numbers, as from one tree; strings, which come after most that name them, are numbered as they are met.
 */

typedef Perftools__Profiles__Profile pb_profile;
typedef Perftools__Profiles__Sample pb_sample;
typedef Perftools__Profiles__Label pb_label;
typedef Perftools__Profiles__Mapping pb_mapping;
typedef Perftools__Profiles__Location pb_location;
typedef Perftools__Profiles__Line pb_line;
typedef Perftools__Profiles__Function pb_function;
typedef Perftools__Profiles__ValueType pb_value_type;

/* The fields of Profile that are messages or strings. */
enum { SAMPLE_TYPE = 1, SAMPLE, MAPPING, LOCATION, FUNCTION, STRING };

struct encoder {
    const struct profile *p;
    VEC(const char *) strings;
    struct table numbers; /* of strings, by pointer */
    struct buf plain;     /* not sent on yet */
    struct gzip_packer *packer;
    struct buf *out;
    size_t bytes; /* of all that was encoded, before packing */
    bool nomem;
    /* of the message being filled */
    VEC(uint64_t) ids;
    VEC(pb_label) labels;
    VEC(pb_label *) label_pointers;
    VEC(pb_line) lines;
    VEC(pb_line *) line_pointers;
};

enum { SEND_BYTES = 64 * 1024, MAX_VARINT_BYTES = 10 };

static int64_t number(struct encoder *e, const char *text)
{
    uint64_t hash = hash_u64((uintptr_t)text);
    uint32_t i;
    for (size_t at = table_first(&e->numbers, hash); table_next(&e->numbers, hash, &at, &i);)
        if (e->strings.items[i] == text)
            return i;
    i = (uint32_t)e->strings.len;
    if (e->nomem || !vec_push(&e->strings, text) || !table_add(&e->numbers, hash, i)) {
        e->nomem = true;
        return 0;
    }
    return i;
}

/* ---- the wire ---- */

static void send_on(struct encoder *e)
{
    if (e->packer)
        gzip_packer_append(e->packer, e->plain.data, e->plain.len);
    else
        buf_append(e->out, e->plain.data, e->plain.len);
    e->plain.len = 0;
}

static void put_varint(struct encoder *e, uint64_t v)
{
    char bytes[MAX_VARINT_BYTES];
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        bytes[n++] = (char)(v | 0x80);
    bytes[n++] = (char)v;
    buf_append(&e->plain, bytes, n);
}

/* What comes before the bytes of a field, and room for these. */
static bool begin_field(struct encoder *e, int field, size_t len)
{
    size_t before = e->plain.len;
    put_varint(e, (uint64_t)field << 3 | 2);
    put_varint(e, len);
    e->bytes += e->plain.len - before + len;
    return !e->plain.failed && buf_reserve(&e->plain, len);
}

static void end_field(struct encoder *e)
{
    if (e->plain.len >= SEND_BYTES)
        send_on(e);
}

static void put_message(struct encoder *e, int field, const void *message)
{
    size_t len = protobuf_c_message_get_packed_size(message);
    if (e->nomem || !begin_field(e, field, len)) {
        e->nomem = true;
        return;
    }
    e->plain.len += protobuf_c_message_pack(message, (uint8_t *)e->plain.data + e->plain.len);
    end_field(e);
}

static void put_string(struct encoder *e, const char *text)
{
    size_t len = strlen(text);
    if (e->nomem || !begin_field(e, STRING, len)) {
        e->nomem = true;
        return;
    }
    buf_append(&e->plain, text, len);
    end_field(e);
}

/* The fields of the profile itself. */
static void put_fields(struct encoder *e, const pb_profile *fields)
{
    size_t len = perftools__profiles__profile__get_packed_size(fields);
    if (e->nomem || !buf_reserve(&e->plain, len)) {
        e->nomem = true;
        return;
    }
    e->plain.len += perftools__profiles__profile__pack(fields, (uint8_t *)e->plain.data + e->plain.len);
    e->bytes += len;
}

/* Room for n messages and protobuf-c's pointers to them, which are set. */
#define FIT(e, items_vec, pointers_vec, n)                                         \
    do {                                                                           \
        (items_vec)->len = (pointers_vec)->len = 0;                                \
        if (!vec_reserve((items_vec), (n)) || !vec_reserve((pointers_vec), (n))) { \
            (e)->nomem = true;                                                     \
            return;                                                                \
        }                                                                          \
        for (size_t each_ = 0; each_ < (n); each_++)                               \
            (pointers_vec)->items[each_] = &(items_vec)->items[each_];             \
    } while (0)

/* ---- messages ---- */

static pb_value_type value_type(struct encoder *e, const struct value_type *t)
{
    pb_value_type to = PERFTOOLS__PROFILES__VALUE_TYPE__INIT;
    to.type = number(e, t->type);
    to.unit = number(e, t->unit);
    return to;
}

static pb_label label(struct encoder *e, const struct label *l)
{
    pb_label to = PERFTOOLS__PROFILES__LABEL__INIT;
    to.key = number(e, l->key);
    if (l->is_num) {
        to.num = l->num;
        to.num_unit = number(e, l->num_unit);
    } else {
        /* At index 0, which means no text at all, a label with an empty one would be gone when it is read. */
        static const char no_text[] = "";
        to.str = number(e, *l->str ? l->str : no_text);
    }
    return to;
}

static void put_sample(struct encoder *e, size_t index)
{
    const struct profile *p = e->p;
    const struct sample *s = &p->samples.items[index];
    pb_sample to = PERFTOOLS__PROFILES__SAMPLE__INIT;
    FIT(e, &e->labels, &e->label_pointers, s->nlabels);
    e->ids.len = 0;
    if (!vec_reserve(&e->ids, s->nlocs)) {
        e->nomem = true;
        return;
    }
    for (uint32_t i = 0; i < s->nlocs; i++)
        e->ids.items[i] = p->locations.items[p->locs.items[s->first_loc + i]].id;
    for (uint32_t i = 0; i < s->nlabels; i++)
        e->labels.items[i] = label(e, &p->labels.items[s->first_label + i]);
    to.n_location_id = s->nlocs;
    to.location_id = e->ids.items;
    to.n_value = p->sample_types.len;
    to.value = profile_values(p, index);
    to.n_label = s->nlabels;
    to.label = e->label_pointers.items;
    put_message(e, SAMPLE, &to);
}

static void put_mapping(struct encoder *e, const struct mapping *m)
{
    pb_mapping to = PERFTOOLS__PROFILES__MAPPING__INIT;
    to.id = m->id;
    to.memory_start = m->start;
    to.memory_limit = m->limit;
    to.file_offset = m->offset;
    to.filename = number(e, m->file);
    to.build_id = number(e, m->build_id);
    to.has_functions = m->has_functions;
    to.has_filenames = m->has_filenames;
    to.has_line_numbers = m->has_line_numbers;
    to.has_inline_frames = m->has_inline_frames;
    put_message(e, MAPPING, &to);
}

static pb_line line(const struct profile *p, const struct line *l)
{
    pb_line to = PERFTOOLS__PROFILES__LINE__INIT;
    to.function_id = l->function == NO_INDEX ? 0 : p->functions.items[l->function].id;
    to.line = l->line;
    to.column = l->column;
    return to;
}

static void put_location(struct encoder *e, const struct location *l)
{
    const struct profile *p = e->p;
    pb_location to = PERFTOOLS__PROFILES__LOCATION__INIT;
    FIT(e, &e->lines, &e->line_pointers, l->nlines);
    for (uint32_t i = 0; i < l->nlines; i++)
        e->lines.items[i] = line(p, &p->lines.items[l->first_line + i]);
    to.id = l->id;
    to.mapping_id = l->mapping == NO_INDEX ? 0 : p->mappings.items[l->mapping].id;
    to.address = l->address;
    to.n_line = l->nlines;
    to.line = e->line_pointers.items;
    to.is_folded = l->folded;
    put_message(e, LOCATION, &to);
}

static void put_function(struct encoder *e, const struct function *f)
{
    pb_function to = PERFTOOLS__PROFILES__FUNCTION__INIT;
    to.id = f->id;
    to.name = number(e, f->name);
    to.system_name = number(e, f->system_name);
    to.filename = number(e, f->file);
    to.start_line = f->start_line;
    put_message(e, FUNCTION, &to);
}

/* The strings, and what else names some. */
static void put_rest(struct encoder *e)
{
    const struct profile *p = e->p;
    pb_profile rest = PERFTOOLS__PROFILES__PROFILE__INIT;
    rest.drop_frames = number(e, p->drop_frames);
    rest.keep_frames = number(e, p->keep_frames);
    rest.time_nanos = p->time_nanos;
    rest.duration_nanos = p->duration_nanos;
    pb_value_type period_type = value_type(e, &p->period_type);
    if (period_type.type || period_type.unit)
        rest.period_type = &period_type;
    rest.period = p->period;
    VEC(int64_t) comments = {0};
    e->nomem |= !vec_reserve(&comments, p->comments.len);
    for (size_t i = 0; i < p->comments.len && !e->nomem; i++)
        comments.items[comments.len++] = number(e, p->comments.items[i]);
    rest.n_comment = comments.len;
    rest.comment = comments.items;
    rest.default_sample_type = number(e, p->default_sample_type);
    rest.doc_url = number(e, p->doc_url);
    for (size_t i = 0; i < e->strings.len; i++)
        put_string(e, e->strings.items[i]);
    put_fields(e, &rest);
    vec_fini(&comments);
}

static void put_all(struct encoder *e)
{
    const struct profile *p = e->p;
    number(e, intern_empty);
    for (size_t i = 0; i < p->sample_types.len; i++) {
        pb_value_type type = value_type(e, &p->sample_types.items[i]);
        put_message(e, SAMPLE_TYPE, &type);
    }
    for (size_t i = 0; i < p->samples.len && !e->nomem; i++)
        put_sample(e, i);
    for (size_t i = 0; i < p->mappings.len && !e->nomem; i++)
        put_mapping(e, &p->mappings.items[i]);
    for (size_t i = 0; i < p->locations.len && !e->nomem; i++)
        put_location(e, &p->locations.items[i]);
    for (size_t i = 0; i < p->functions.len && !e->nomem; i++)
        put_function(e, &p->functions.items[i]);
    put_rest(e);
    send_on(e);
}

static void encoder_fini(struct encoder *e)
{
    vec_fini(&e->strings);
    table_fini(&e->numbers);
    buf_fini(&e->plain);
    vec_fini(&e->ids);
    vec_fini(&e->labels);
    vec_fini(&e->label_pointers);
    vec_fini(&e->lines);
    vec_fini(&e->line_pointers);
}

static int encode_all(struct encoder *e, bool gzip, struct error *error)
{
    e->packer = gzip ? gzip_packer_new(e->out) : NULL;
    e->nomem = gzip && !e->packer;
    put_all(e);
    int code = gzip ? gzip_packer_finish(e->packer, error) : 0;
    if (!code && (e->nomem || e->plain.failed || e->out->failed))
        code = error_set(error, ERR_NOMEM, "out of memory");
    if (!code && e->bytes > INT32_MAX)
        code =
            error_set(error, ERR_LIMIT, "the profile takes %zu bytes, more than protobuf's 2 GiB", e->bytes);
    return code;
}

int profile_encode(const struct profile *p, bool gzip, struct buf *out, struct error *error)
{
    struct encoder e = {.p = p, .out = out};
    size_t old_len = out->len;
    int code = encode_all(&e, gzip, error);
    encoder_fini(&e);
    if (code && out->data) {
        out->len = old_len;
        out->data[old_len] = '\0';
    }
    if (code)
        out->failed = false;
    return code;
}
