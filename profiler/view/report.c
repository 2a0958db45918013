#include "view/report.h"

#include "view/filter.h"
#include "view/measure.h"
#include "view/suggest.h"

#include <stdlib.h>
#include <string.h>

static int nomem(struct error *error)
{
    return error_set(error, ERR_NOMEM, "out of memory");
}

/* ---- what a format implies ---- */

static void apply_format(struct config *c, enum report_format format)
{
    bool trim = c->trim;
    switch (format) {
    case REPORT_PEEK:
        trim = false;
        break;
    case REPORT_LIST:
        trim = false;
        c->granularity = GRANULARITY_LINES;
        break;
    case REPORT_DISASM:
        trim = false;
        c->granularity = GRANULARITY_ADDRESSES;
        c->no_inlines = true; /* one entry an address, or what is below it would count once a frame */
        break;
    case REPORT_WEBLIST:
        trim = false;
        c->granularity = GRANULARITY_ADDRESSES;
        c->no_inlines = false;
        break;
    case REPORT_PROTO:
    case REPORT_RAW:
    case REPORT_CALLGRIND:
        trim = false;
        c->granularity = GRANULARITY_ADDRESSES;
        break;
    case REPORT_TEXT:
    case REPORT_JSON:
    case REPORT_CSV:
    case REPORT_TOPPROTO:
        if (c->nodecount == -1)
            c->nodecount = 0;
        break;
    case REPORT_GROWTH:
        if (c->nodecount == -1)
            c->nodecount = 10;
        break;
    default:
        break;
    }
    if (c->nodecount == -1)
        c->nodecount = 80;
    if (!trim) {
        c->nodecount = 0;
        c->nodefraction = c->edgefraction = 0;
    }
}

/* ---- sample types ---- */

static int find_default(const struct profile *p, size_t *index)
{
    *index = p->sample_types.len - 1;
    for (size_t i = 0; *p->default_sample_type && i < p->sample_types.len; i++) {
        if (strcmp(p->sample_types.items[i].type, p->default_sample_type) == 0) {
            *index = i;
            break;
        }
    }
    return 0;
}

static int no_such_type(const struct profile *p, const char *name, struct error *error)
{
    struct buf types = {0};
    for (size_t i = 0; i < p->sample_types.len; i++)
        buf_printf(&types, "%s%s", i ? " " : "", p->sample_types.items[i].type);
    int code = error_set(
        error, ERR_INVALID, "sample_index \"%s\" must be one of: [%s]", name, types.data ? types.data : "");
    buf_fini(&types);
    return code;
}

int report_sample_index(const struct profile *p, const char *name, size_t *index, struct error *error)
{
    size_t n = p->sample_types.len;
    if (n == 0)
        return error_set(error, ERR_INVALID, "profile has no samples");
    if (!*name)
        return find_default(p, index);
    char *end;
    long number = strtol(name, &end, 10);
    if (*end == '\0') {
        if (number < 0 || (size_t)number >= n)
            return error_set(
                error, ERR_INVALID, "sample_index %s is outside the range [0..%zu]", name, n - 1);
        *index = (size_t)number;
        return 0;
    }
    const char *bare =
        strncmp(name, "inuse_", 6) == 0 ? name + 6 : name; /* older profiles say just "space" */
    for (size_t i = 0; i < n; i++) {
        const char *type = p->sample_types.items[i].type;
        if (strcmp(type, name) == 0 || strcmp(type, bare) == 0) {
            *index = i;
            return 0;
        }
    }
    return no_such_type(p, name, error);
}

/* ---- values ---- */

int64_t report_sample_value(const struct report *r, size_t sample)
{
    return profile_values(r->p, sample)[r->value_index];
}

int64_t report_sample_div(const struct report *r, size_t sample)
{
    return r->config.mean ? profile_values(r->p, sample)[0] : 0;
}

bool report_in_base(const struct profile *p, size_t sample)
{
    const struct sample *s = &p->samples.items[sample];
    for (uint32_t i = 0; i < s->nlabels; i++) {
        const struct label *l = &p->labels.items[s->first_label + i];
        if (!l->is_num && strcmp(l->key, "pprof::base") == 0 && strcmp(l->str, "true") == 0)
            return true;
    }
    return false;
}

/* The sum of what the samples amount to; of the base alone when there is one to compare with. */
static int64_t compute_total(const struct report *r)
{
    uint64_t total = 0, div = 0, base_total = 0, base_div = 0;
    for (size_t i = 0; i < r->p->samples.len; i++) {
        uint64_t v = (uint64_t)magnitude(report_sample_value(r, i)), d = (uint64_t)report_sample_div(r, i);
        total += v;
        div += d;
        if (report_in_base(r->p, i)) {
            base_total += v;
            base_div += d;
        }
    }
    if ((int64_t)base_total > 0) {
        total = base_total;
        div = base_div;
    }
    return ratio_value((int64_t)total, (int64_t)div);
}

static struct buf *scratch(struct report *r)
{
    struct buf *b = &r->scratch[r->next_scratch++ % (sizeof r->scratch / sizeof *r->scratch)];
    b->len = 0;
    if (b->data)
        *b->data = '\0';
    else
        buf_append(b, "", 0);
    return b;
}

static const char *text_of(struct buf *b)
{
    return b->failed ? "" : b->data;
}

int64_t report_exact(const struct report *r, int64_t value)
{
    return r->ratio > 0 && r->ratio != 1 ? measure_int((double)value * r->ratio) : value;
}

const char *report_value(struct report *r, int64_t value)
{
    struct buf *b = scratch(r);
    if (r->scaler.from != r->unit || r->scaler.to != r->output_unit)
        r->scaler = measure_scaler(r->unit, r->output_unit);
    measure_put_scaled(b, report_exact(r, value), &r->scaler);
    return text_of(b);
}

const char *report_percent(struct report *r, int64_t value, int64_t total)
{
    struct buf *b = scratch(r);
    measure_put_percent(b, value, total);
    return text_of(b);
}

void report_put_right(struct buf *out, int width, const char *text)
{
    int chars = 0;
    for (const char *c = text; *c; c++)
        chars += (*c & 0xc0) != 0x80;
    static const char spaces[] = "                                                                ";
    for (int n; (n = width - chars) > 0; chars += n) {
        n = n < (int)sizeof spaces ? n : (int)sizeof spaces - 1;
        buf_append(out, spaces, (size_t)n);
    }
    buf_puts(out, text);
}

int report_no_match(struct report *r)
{
    const char *pattern = regex_pattern(r->symbol), *near = suggest_function(r->p, pattern);
    return error_set(r->error, ERR_NOTFOUND,
        near ? "no matches found for regexp: %s; did you mean %s?" : "no matches found for regexp: %s%s",
        pattern, near ? near : "");
}

bool report_cancelled(const struct report *r)
{
    return r->cancel && *r->cancel;
}

enum { SPILL_BYTES = 256 * 1024 };

int report_go_on(struct report *r, struct buf *out)
{
    if (report_cancelled(r))
        return ERR_CANCELLED;
    return r->spill && out->len >= SPILL_BYTES ? r->spill(r->spill_context, out, r->error) : 0;
}

/* ---- graphs ---- */

static enum graph_edges edges_read_by(enum report_format format)
{
    switch (format) {
    case REPORT_TEXT:
    case REPORT_JSON:
    case REPORT_CSV:
        return EDGES_INTO_INLINED; /* for the word behind the name */
    case REPORT_TOPPROTO:
        return EDGES_NONE;
    default:
        return EDGES_ALL;
    }
}

int report_graph(struct report *r, struct frames *frames, struct graph *g)
{
    struct frame_detail detail = frame_detail_of(&r->config);
    /* Elsewhere functions meet across binaries. */
    detail.objfile = r->format == REPORT_LIST || r->format == REPORT_CALLGRIND || r->format == REPORT_DISASM;
    if (frames_init(frames, r->p, detail, &r->config))
        return ERR_NOMEM;
    struct graph_options options = {.value_index = r->value_index,
        .mean = r->config.mean,
        .call_tree = r->config.call_tree && (r->format == REPORT_DOT || r->format == REPORT_CALLGRIND),
        .drop_negative = r->config.drop_negative,
        .tags = r->format == REPORT_DOT,
        .edges = edges_read_by(r->format),
        .tag_unit = label_units_get(&r->units, "bytes"),
        .output_unit = r->output_unit,
        .cancel = r->cancel};
    int code = graph_init(g, frames, &options);
    if (code)
        frames_fini(frames);
    return code;
}

/* "minimum": the unit of the smallest value shown, or a larger one if the total is far larger. */
static void choose_unit(struct report *r, const struct graph *g)
{
    if (strcmp(r->output_unit, "minimum") != 0 || g->listed.len == 0)
        return;
    int64_t least = 0, most = r->total;
    for (size_t i = 0; i < g->listed.len; i++) {
        const struct node *n = &g->nodes.items[g->listed.items[i]];
        int64_t v = magnitude(node_flat(n));
        if (v == 0)
            v = magnitude(node_cum(n));
        if (v > 0 && (least == 0 || v < least))
            least = v;
    }
    if (least == 0)
        least = most;
    if (r->ratio > 0 && r->ratio != 1) {
        least = measure_int((double)least * r->ratio);
        most = measure_int((double)most * r->ratio);
    }
    const char *unit = measure_scale(least, r->unit, "minimum").unit;
    const char *most_unit = measure_scale(most, r->unit, "minimum").unit;
    int64_t hundredfold = (int64_t)((uint64_t)least * 100);
    if (strcmp(unit, most_unit) != 0 && hundredfold < most &&
        r->format != REPORT_CALLGRIND) /* whole numbers */
        unit = measure_scale(hundredfold, r->unit, "minimum").unit;
    r->output_unit = *unit ? unit : r->unit;
}

int report_with_graph(struct report *r, report_write_fn write, struct buf *out)
{
    const struct config *c = &r->config;
    struct trim trim = {.nodecount = c->nodecount,
        .nodefraction = c->nodefraction,
        .edgefraction = c->edgefraction,
        .cum = c->sort == SORT_CUM,
        .visual = r->format == REPORT_DOT};
    struct frames frames;
    struct graph g;
    struct trimmed trimmed;
    int code = report_graph(r, &frames, &g);
    if (code)
        return code;
    code = trim_graph(&g, &trim, &trimmed);
    if (!code)
        code = graph_link(&g);
    if (!code) {
        choose_unit(r, &g);
        code = write(r, &g, &trimmed, out);
    }
    graph_fini(&g);
    frames_fini(&frames);
    return code;
}

void report_put_values(struct report *r, const struct node *n, int64_t *sum, struct buf *out)
{
    int64_t flat = node_flat(n), cum = node_cum(n);
    *sum = wrap_add(*sum, flat);
    report_put_right(out, 10, report_value(r, flat));
    buf_putc(out, ' ');
    buf_puts(out, report_percent(r, flat, r->total));
    buf_putc(out, ' ');
    buf_puts(out, report_percent(r, *sum, r->total));
    buf_putc(out, ' ');
    report_put_right(out, 10, report_value(r, cum));
    buf_putc(out, ' ');
    buf_puts(out, report_percent(r, cum, r->total));
}

/* ---- the pipeline ---- */

static int report_init(struct report *r, const struct profile *p, const struct config *c, struct error *error)
{
    r->p = p;
    r->config = *c;
    r->error = error;
    int code = report_sample_index(p, c->sample_index, &r->value_index, error);
    if (code)
        return code;
    if (c->divide_by == 0)
        return error_set(error, ERR_INVALID, "zero divisor specified");
    const struct value_type *t = &p->sample_types.items[r->value_index];
    buf_printf(&r->type, "%s%s", c->mean ? "mean_" : "", t->type);
    r->unit = t->unit;
    r->output_unit = c->unit;
    r->ratio = 1 / c->divide_by;
    r->total = compute_total(r);
    return r->type.failed ? nomem(error) : 0;
}

static void report_fini(struct report *r)
{
    for (size_t i = 0; i < sizeof r->scratch / sizeof *r->scratch; i++)
        buf_fini(&r->scratch[i]);
    buf_fini(&r->type);
    regex_free(r->symbol);
    label_units_fini(&r->units);
}

typedef int (*report_fn)(struct report *, struct buf *);

static const report_fn writers[] = {
    [REPORT_TEXT] = report_text,
    [REPORT_TREE] = report_tree,
    [REPORT_PEEK] = report_tree,
    [REPORT_TRACES] = report_traces,
    [REPORT_RAW] = report_raw,
    [REPORT_LIST] = report_list,
    [REPORT_TAGS] = report_tags,
    [REPORT_COMMENTS] = report_comments,
    [REPORT_PROTO] = report_proto,
    [REPORT_TOPPROTO] = report_topproto,
    [REPORT_DOT] = report_dot,
    [REPORT_CALLGRIND] = report_callgrind,
    [REPORT_DISASM] = report_disasm,
    [REPORT_WEBLIST] = report_weblist,
    [REPORT_FOLDED] = report_folded,
    [REPORT_JSON] = report_json,
    [REPORT_CSV] = report_csv,
    [REPORT_GROWTH] = report_growth,
    [REPORT_FLAME] = report_flame,
    [REPORT_LIMITS] = report_limits,
    [REPORT_FLAMETREE] = report_flametree,
    [REPORT_HEAVIEST] = report_heaviest,
};

/* The profiles of one report: the last is the current one, and those after the first are ours. */
struct stages {
    const struct profile *current;
    struct profile *owned;
};

static void advance(struct stages *s, struct profile *next)
{
    profile_free(s->owned);
    s->current = s->owned = next;
}

static int filter_stage(struct stages *s, const struct report *r, const struct config *c, struct error *error)
{
    struct profile *next;
    if (!filter_changes(c))
        return 0;
    int code = filter_profile(s->current, c, &r->units, &next, r->notes, error);
    if (!code)
        advance(s, next);
    return code;
}

static int frames_stage(struct stages *s, const struct report *r, const struct config *c, struct error *error)
{
    struct profile *next;
    if (!*c->tagroot && !*c->tagleaf)
        return 0;
    int code = labels_to_frames(s->current, c->tagroot, c->tagleaf, c->unit, &next, r->notes, error);
    if (!code)
        advance(s, next);
    return code;
}

static int inlines_stage(struct stages *s, const struct report *r, struct error *error)
{
    struct profile *next;
    if (!r->config.no_inlines || (r->format != REPORT_RAW && r->format != REPORT_PROTO))
        return 0;
    int code = filter_inlines(s->current, &next, error);
    if (!code)
        advance(s, next);
    return code;
}

static int prepare(struct report *r, struct stages *s, const struct report_request *q, struct error *error)
{
    struct config c = q->config;
    apply_format(&c, q->format);
    int code = label_units_init(&r->units, s->current, r->notes) ? nomem(error) : 0;
    if (!code)
        code = frames_stage(s, r, &c, error);
    if (!code && c.relative_percentages)
        code = filter_stage(s, r, &c, error);
    if (!code)
        code = report_init(r, s->current, &c, error);
    if (!code && q->pattern) {
        code = regex_new(q->pattern, &r->symbol, error);
        if (code)
            error_prefix(error, "parsing argument regexp %s", q->pattern);
    }
    if (!code && !c.relative_percentages)
        code = filter_stage(s, r, &c, error);
    if (!code)
        code = inlines_stage(s, r, error);
    r->p = s->current;
    return code;
}

int report_generate(const struct profile *p, const struct report_request *q, struct buf *out,
    struct buf *notes, struct error *error)
{
    struct report r = {.format = q->format,
        .screen = q->screen,
        .limits = q->limits,
        .n_limits = q->n_limits,
        .disassembler = q->disassembler,
        .cancel = q->cancel,
        .spill = q->spill,
        .spill_context = q->spill_context,
        .notes = notes};
    struct stages stages = {.current = p};
    struct error none = {0};
    *error = none;
    int code = prepare(&r, &stages, q, error);
    if (!code)
        code = writers[q->format](&r, out);
    if (!code && (out->failed || notes->failed))
        code = ERR_NOMEM;
    if (code && !error->code)
        error_set(error, code, "%s", error_text(code));
    report_fini(&r);
    profile_free(stages.owned);
    return code;
}

int report_heading(
    const struct profile *p, const struct config *c, struct buf *out, int64_t *total, struct error *error)
{
    struct report r = {.format = REPORT_TEXT};
    int code = report_init(&r, p, c, error);
    if (!code) {
        report_profile_labels(&r, out);
        *total = r.total;
    }
    report_fini(&r);
    return code;
}
