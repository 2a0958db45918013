#include "view/report.h"

#include "base/hash.h"
#include "model/codec.h"
#include "view/measure.h"

/* Reports that are profiles again. */

int report_proto(struct report *r, struct buf *out)
{
    if (r->ratio <= 0 || r->ratio == 1)
        return profile_encode(r->p, true, out, r->error);
    struct profile *scaled = profile_copy(r->p);
    if (!scaled)
        return ERR_NOMEM;
    for (size_t i = 0; i < scaled->values.len; i++)
        scaled->values.items[i] = measure_int((double)scaled->values.items[i] * r->ratio);
    int code = profile_encode(scaled, true, out, r->error);
    profile_free(scaled);
    return code;
}

/* The function of a frame, made when it is not there. */
static int find_function(struct profile *p, struct table *seen, const struct frame *f, uint32_t *index)
{
    struct function fn = {.name = profile_string(p, f->name),
        .system_name = intern_empty,
        .file = profile_string(p, f->file),
        .start_line = f->start_line};
    if (!fn.name || !fn.file)
        return ERR_NOMEM;
    uint64_t hash = hash_mix(hash_mix((uintptr_t)fn.name, (uintptr_t)fn.file), (uint64_t)fn.start_line);
    for (size_t at = table_first(seen, hash); table_next(seen, hash, &at, index);) {
        const struct function *other = &p->functions.items[*index];
        if (other->name == fn.name && other->file == fn.file && other->start_line == fn.start_line)
            return 0;
    }
    return profile_add_function(p, &fn, index) || !table_add(seen, hash, *index) ? ERR_NOMEM : 0;
}

static int add_node(struct report *r, struct profile *p, struct table *seen, const struct node *n)
{
    struct line line = {.line = n->frame.line};
    struct location l = {.address = n->frame.address, .mapping = NO_INDEX};
    uint32_t loc;
    if (find_function(p, seen, &n->frame, &line.function) || profile_add_location(p, &l, &line, 1, &loc))
        return ERR_NOMEM;
    int64_t values[] = {measure_int(measure_scale(node_cum(n), r->unit, r->output_unit).value),
        measure_int(measure_scale(node_flat(n), r->unit, r->output_unit).value)};
    return profile_add_sample(p, &loc, 1, values, NULL, 0);
}

static struct profile *top_header(struct report *r)
{
    struct profile *p = profile_new(NULL);
    if (!p)
        return NULL;
    p->time_nanos = r->p->time_nanos;
    p->duration_nanos = r->p->duration_nanos;
    p->period = r->p->period;
    p->period_type.type = profile_string(p, r->p->period_type.type);
    p->period_type.unit = profile_string(p, r->p->period_type.unit);
    const char *cum = profile_string(p, "cum"), *flat = profile_string(p, "flat");
    const char *unit = profile_string(p, r->output_unit);
    if (p->period_type.type && p->period_type.unit && cum && flat && unit &&
        !profile_add_sample_type(p, cum, unit) && !profile_add_sample_type(p, flat, unit))
        return p;
    profile_free(p);
    return NULL;
}

static int put_top(struct report *r, struct graph *g, const struct trimmed *trimmed, struct buf *out)
{
    (void)trimmed;
    struct table seen = {0};
    struct profile *p = top_header(r);
    int code = p ? 0 : ERR_NOMEM;
    for (size_t i = 0; i < g->listed.len && !code; i++)
        code = add_node(r, p, &seen, &g->nodes.items[g->listed.items[i]]);
    if (!code)
        code = profile_encode(p, true, out, r->error);
    table_fini(&seen);
    profile_free(p);
    return code;
}

int report_topproto(struct report *r, struct buf *out)
{
    return report_with_graph(r, put_top, out);
}
