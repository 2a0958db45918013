#ifndef VIEW_REPORT_H
#define VIEW_REPORT_H

#include "view/report_config.h"
#include "view/assembly.h"
#include "view/graph.h"
#include "view/labels.h"
#include "view/measure.h"
#include "view/regex.h"
#include "view/trim.h"

/*
 * profile ─► pseudo frames ─► filters ─► graph ─► trimming ─► text, byte for byte what google/pprof prints.
 * Pure: the profile is left alone and the text goes to a buffer; only list, weblist and disasm read files,
 * sources and binaries.
 */

enum report_format {
    REPORT_TEXT,
    REPORT_TREE,
    REPORT_PEEK,
    REPORT_TRACES,
    REPORT_RAW,
    REPORT_LIST,
    REPORT_TAGS,
    REPORT_COMMENTS,
    REPORT_PROTO,
    REPORT_TOPPROTO,
    REPORT_DOT,
    REPORT_CALLGRIND,
    REPORT_DISASM,
    REPORT_WEBLIST,
    REPORT_FOLDED,
    REPORT_JSON,
    REPORT_CSV,
    REPORT_GROWTH,
    REPORT_FLAME,
    REPORT_LIMITS,
    REPORT_FLAMETREE,
    REPORT_HEAVIEST,
};

/* Where it will be read: for reports that fit it. All zero: nowhere in particular, 80 columns, no colour. */
struct report_screen {
    int width;
    bool colour;
};

struct limit;

/* Takes what out holds and empties it; an error ends the report. */
typedef int (*report_spill_fn)(void *context, struct buf *out, struct error *error);

struct report_request {
    enum report_format format;
    const char *pattern;         /* of peek, list, weblist and disasm, else NULL */
    struct config config;        /* as the user set it; what a format implies is applied here */
    struct report_screen screen; /* of flame */
    struct limit *limits;        /* of REPORT_LIMITS: are measured, see limit.h */
    size_t n_limits;
    const struct disassembler *disassembler; /* for disasm and weblist; NULL: none */
    const volatile sig_atomic_t *cancel;     /* NULL, or looked at now and then */
    report_spill_fn spill;                   /* NULL, or what long reports give their parts to as they go */
    void *spill_context;
};

/*
 * Appends the report to out, and to notes lines for the user ("Focus expression matched no samples").
 * ERR_INVALID for an option that makes no sense with this profile, ERR_NOTFOUND when a pattern matches
 * nothing, ERR_FORMAT for a bad expression, ERR_CANCELLED, ERR_NOMEM. out may hold a part of it on failure.
 */
int report_generate(const struct profile *p, const struct report_request *request, struct buf *out,
    struct buf *notes, struct error *error);

/* The heading alone, as the shell greets with it: a line each. *total is the profile's sum. */
int report_heading(
    const struct profile *p, const struct config *c, struct buf *out, int64_t *total, struct error *error);

/* Which sample type `name` (a number, a name, "" for the default) is. ERR_INVALID, naming those there are. */
int report_sample_index(const struct profile *p, const char *name, size_t *index, struct error *error);

/* ---- for the report_*.c ---- */

struct report {
    const struct profile *p;
    struct config config; /* with what the format implies */
    enum report_format format;
    size_t value_index;
    struct buf type; /* "mean_" and the name */
    const char *unit, *output_unit;
    struct measure_scaler scaler; /* from unit to output_unit, when these were last looked at */
    double ratio;
    int64_t total;
    struct regex *symbol;
    struct label_units units;
    struct report_screen screen;
    struct limit *limits;
    size_t n_limits;
    const struct disassembler *disassembler;
    const volatile sig_atomic_t *cancel;
    report_spill_fn spill;
    void *spill_context;
    struct buf *notes;
    struct error *error;
    struct buf scratch[3];
    unsigned next_scratch;
};

int64_t report_sample_value(const struct report *r, size_t sample); /* mean is not divided yet */
int64_t report_sample_div(const struct report *r, size_t sample);

/* Whether it is one of those that -diff_base subtracts. */
bool report_in_base(const struct profile *p, size_t sample);

/* A value as programs read it: divided as divide_by says, in the unit of the sample type. */
int64_t report_exact(const struct report *r, int64_t value);

/* "inline" when every call to it was inlined, "partial-inline" when some were, else "". After graph_link().
 */
const char *report_inline_word(const struct graph *g, const struct node *n);

/* A value as printed. Good until three more are asked for. */
const char *report_value(struct report *r, int64_t value);
const char *report_percent(struct report *r, int64_t value, int64_t total);

/* text, right-aligned in width characters (not bytes). */
void report_put_right(struct buf *out, int width, const char *text);

/* The graph as it is. Caller finishes both. */
int report_graph(struct report *r, struct frames *frames, struct graph *g);

/* Has write put the graph, trimmed and sorted and with the unit chosen, into out. */
typedef int (*report_write_fn)(
    struct report *r, struct graph *g, const struct trimmed *trimmed, struct buf *out);
int report_with_graph(struct report *r, report_write_fn write, struct buf *out);

/* "flat flat% sum% cum cum%" of a node, whose flat is added to *sum. */
void report_put_values(struct report *r, const struct node *n, int64_t *sum, struct buf *out);

/* "File: ...", "Type: ..." and so on, a line each; report_labels() adds filters and what was trimmed. */
void report_profile_labels(struct report *r, struct buf *out);
void report_labels(struct report *r, struct graph *g, const struct trimmed *t, bool full, struct buf *out);

/* ERR_NOTFOUND for a pattern that no function matches, with the one that may have been meant. */
int report_no_match(struct report *r);

bool report_cancelled(const struct report *r);

/* Between two samples of a report that may be long: hands on what is done, see report_request. ERR_CANCELLED,
 * or what spill said. */
int report_go_on(struct report *r, struct buf *out);

int report_text(struct report *r, struct buf *out);
int report_tree(struct report *r, struct buf *out);
int report_traces(struct report *r, struct buf *out);
int report_raw(struct report *r, struct buf *out);
int report_list(struct report *r, struct buf *out);
int report_tags(struct report *r, struct buf *out);
int report_comments(struct report *r, struct buf *out);
int report_proto(struct report *r, struct buf *out);
int report_topproto(struct report *r, struct buf *out);
int report_callgrind(struct report *r, struct buf *out);
int report_dot(struct report *r, struct buf *out);
int report_disasm(struct report *r, struct buf *out);
int report_weblist(struct report *r, struct buf *out);
int report_folded(struct report *r, struct buf *out);
int report_json(struct report *r, struct buf *out);
int report_csv(struct report *r, struct buf *out);
int report_growth(struct report *r, struct buf *out);
int report_flame(struct report *r, struct buf *out);
int report_limits(struct report *r, struct buf *out);
int report_flametree(struct report *r, struct buf *out);
int report_heaviest(struct report *r, struct buf *out);

#endif
