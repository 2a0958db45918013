#include "model/codec.h"

#include "base/hash.h"
#include "base/table.h"
#include "model/gzip.h"

#include "profile.pb-c.h"

/*
 * The profile as protobuf-c's tree, which points into the profile's own pools wherever it can: one block a
 * message type, not one a message.
 */

typedef Perftools__Profiles__Profile pb_profile;
typedef Perftools__Profiles__Sample pb_sample;
typedef Perftools__Profiles__Label pb_label;
typedef Perftools__Profiles__Mapping pb_mapping;
typedef Perftools__Profiles__Location pb_location;
typedef Perftools__Profiles__Line pb_line;
typedef Perftools__Profiles__Function pb_function;
typedef Perftools__Profiles__ValueType pb_value_type;

struct encoder {
    const struct profile *p;
    VEC(char *) strings;
    struct table numbers; /* of strings, by pointer */
    VEC(void *) blocks;
    bool nomem;
};

/* Zeroed room for n items, freed with the encoder. NULL when memory runs out or n is 0. */
static void *block(struct encoder *e, size_t n, size_t item_bytes)
{
    if (n == 0 || e->nomem)
        return NULL;
    void *b = calloc(n, item_bytes);
    if (!b || !vec_push(&e->blocks, b)) {
        free(b);
        e->nomem = true;
        return NULL;
    }
    return b;
}

static int64_t number(struct encoder *e, const char *text)
{
    uint64_t hash = hash_u64((uintptr_t)text);
    uint32_t i;
    for (size_t at = table_first(&e->numbers, hash); table_next(&e->numbers, hash, &at, &i);)
        if (e->strings.items[i] == text)
            return i;
    i = (uint32_t)e->strings.len;
    if (e->nomem || !vec_push(&e->strings, (char *)text) || !table_add(&e->numbers, hash, i)) {
        e->nomem = true;
        return 0;
    }
    return i;
}

/* Two parallel blocks: the messages, and protobuf-c's array of pointers to them. */
#define MESSAGES(e, items, pointers, n)                   \
    do {                                                  \
        (items) = block((e), (n), sizeof *(items));       \
        (pointers) = block((e), (n), sizeof *(pointers)); \
        if ((e)->nomem)                                   \
            return;                                       \
        for (size_t each_ = 0; each_ < (n); each_++)      \
            (pointers)[each_] = &(items)[each_];          \
    } while (0)

static void put_value_type(struct encoder *e, pb_value_type *to, const struct value_type *t)
{
    perftools__profiles__value_type__init(to);
    to->type = number(e, t->type);
    to->unit = number(e, t->unit);
}

static void put_sample_types(struct encoder *e, pb_profile *to)
{
    pb_value_type *types;
    to->n_sample_type = e->p->sample_types.len;
    MESSAGES(e, types, to->sample_type, to->n_sample_type);
    for (size_t i = 0; i < to->n_sample_type; i++)
        put_value_type(e, &types[i], &e->p->sample_types.items[i]);
}

static void put_label(struct encoder *e, pb_label *to, const struct label *l)
{
    perftools__profiles__label__init(to);
    to->key = number(e, l->key);
    if (l->is_num) {
        to->num = l->num;
        to->num_unit = number(e, l->num_unit);
    } else {
        to->str = number(e, l->str);
    }
}

static void put_samples(struct encoder *e, pb_profile *to)
{
    const struct profile *p = e->p;
    pb_sample *samples;
    pb_label *labels, **label_pointers;
    uint64_t *ids = block(e, p->locs.len, sizeof *ids);
    to->n_sample = p->samples.len;
    MESSAGES(e, samples, to->sample, to->n_sample);
    MESSAGES(e, labels, label_pointers, p->labels.len);
    for (size_t i = 0; i < p->locs.len; i++)
        ids[i] = p->locations.items[p->locs.items[i]].id;
    for (size_t i = 0; i < to->n_sample; i++) {
        const struct sample *s = &p->samples.items[i];
        perftools__profiles__sample__init(&samples[i]);
        samples[i].n_location_id = s->nlocs;
        samples[i].location_id = s->nlocs ? ids + s->first_loc : NULL;
        samples[i].n_value = p->sample_types.len;
        samples[i].value = profile_values(p, i);
        samples[i].n_label = s->nlabels;
        samples[i].label = s->nlabels ? label_pointers + s->first_label : NULL;
        for (uint32_t k = 0; k < s->nlabels; k++)
            put_label(e, &labels[s->first_label + k], &p->labels.items[s->first_label + k]);
    }
}

static void put_mappings(struct encoder *e, pb_profile *to)
{
    pb_mapping *mappings;
    to->n_mapping = e->p->mappings.len;
    MESSAGES(e, mappings, to->mapping, to->n_mapping);
    for (size_t i = 0; i < to->n_mapping; i++) {
        const struct mapping *m = &e->p->mappings.items[i];
        perftools__profiles__mapping__init(&mappings[i]);
        mappings[i].id = m->id;
        mappings[i].memory_start = m->start;
        mappings[i].memory_limit = m->limit;
        mappings[i].file_offset = m->offset;
        mappings[i].filename = number(e, m->file);
        mappings[i].build_id = number(e, m->build_id);
        mappings[i].has_functions = m->has_functions;
        mappings[i].has_filenames = m->has_filenames;
        mappings[i].has_line_numbers = m->has_line_numbers;
        mappings[i].has_inline_frames = m->has_inline_frames;
    }
}

static void put_lines(struct encoder *e, pb_line *lines)
{
    const struct profile *p = e->p;
    for (size_t i = 0; i < p->lines.len; i++) {
        const struct line *l = &p->lines.items[i];
        perftools__profiles__line__init(&lines[i]);
        lines[i].function_id = l->function == NO_INDEX ? 0 : p->functions.items[l->function].id;
        lines[i].line = l->line;
        lines[i].column = l->column;
    }
}

static void put_locations(struct encoder *e, pb_profile *to)
{
    const struct profile *p = e->p;
    pb_location *locations;
    pb_line *lines, **line_pointers;
    to->n_location = p->locations.len;
    MESSAGES(e, locations, to->location, to->n_location);
    MESSAGES(e, lines, line_pointers, p->lines.len);
    put_lines(e, lines);
    for (size_t i = 0; i < to->n_location; i++) {
        const struct location *l = &p->locations.items[i];
        perftools__profiles__location__init(&locations[i]);
        locations[i].id = l->id;
        locations[i].mapping_id = l->mapping == NO_INDEX ? 0 : p->mappings.items[l->mapping].id;
        locations[i].address = l->address;
        locations[i].n_line = l->nlines;
        locations[i].line = l->nlines ? line_pointers + l->first_line : NULL;
        locations[i].is_folded = l->folded;
    }
}

static void put_functions(struct encoder *e, pb_profile *to)
{
    pb_function *functions;
    to->n_function = e->p->functions.len;
    MESSAGES(e, functions, to->function, to->n_function);
    for (size_t i = 0; i < to->n_function; i++) {
        const struct function *f = &e->p->functions.items[i];
        perftools__profiles__function__init(&functions[i]);
        functions[i].id = f->id;
        functions[i].name = number(e, f->name);
        functions[i].system_name = number(e, f->system_name);
        functions[i].filename = number(e, f->file);
        functions[i].start_line = f->start_line;
    }
}

static void put_rest(struct encoder *e, pb_profile *to, pb_value_type *period_type)
{
    const struct profile *p = e->p;
    to->drop_frames = number(e, p->drop_frames);
    to->keep_frames = number(e, p->keep_frames);
    to->time_nanos = p->time_nanos;
    to->duration_nanos = p->duration_nanos;
    put_value_type(e, period_type, &p->period_type);
    if (period_type->type || period_type->unit)
        to->period_type = period_type;
    to->period = p->period;
    to->n_comment = p->comments.len;
    to->comment = block(e, p->comments.len, sizeof *to->comment);
    for (size_t i = 0; i < p->comments.len && to->comment; i++)
        to->comment[i] = number(e, p->comments.items[i]);
    to->default_sample_type = number(e, p->default_sample_type);
    to->doc_url = number(e, p->doc_url);
    to->n_string_table = e->strings.len;
    to->string_table = e->strings.items;
}

static void encoder_fini(struct encoder *e)
{
    for (size_t i = 0; i < e->blocks.len; i++)
        free(e->blocks.items[i]);
    vec_fini(&e->blocks);
    vec_fini(&e->strings);
    table_fini(&e->numbers);
}

static int pack(const pb_profile *tree, bool gzip, struct buf *out, struct error *error)
{
    size_t bytes = perftools__profiles__profile__get_packed_size(tree);
    if (bytes > INT32_MAX)
        return error_set(error, ERR_LIMIT, "the profile takes %zu bytes, more than protobuf's 2 GiB", bytes);
    uint8_t *plain = malloc(bytes + 1);
    if (!plain)
        return error_set(error, ERR_NOMEM, "out of memory");
    perftools__profiles__profile__pack(tree, plain);
    int code = 0;
    size_t old_len = out->len;
    if (gzip)
        code = gzip_pack(plain, bytes, out, error);
    else
        buf_append(out, plain, bytes);
    free(plain);
    if (!code && out->failed) {
        out->len = old_len;
        code = error_set(error, ERR_NOMEM, "out of memory");
    }
    return code;
}

int profile_encode(const struct profile *p, bool gzip, struct buf *out, struct error *error)
{
    struct encoder e = {.p = p};
    pb_profile tree = PERFTOOLS__PROFILES__PROFILE__INIT;
    pb_value_type period_type;
    number(&e, intern_empty);
    put_sample_types(&e, &tree);
    put_samples(&e, &tree);
    put_mappings(&e, &tree);
    put_locations(&e, &tree);
    put_functions(&e, &tree);
    put_rest(&e, &tree, &period_type);
    int code = e.nomem ? error_set(error, ERR_NOMEM, "out of memory") : pack(&tree, gzip, out, error);
    encoder_fini(&e);
    return code;
}
