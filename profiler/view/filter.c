#include "view/filter.h"

#include "view/prune.h"
#include "view/regex.h"
#include "view/suggest.h"
#include "view/tagfilter.h"

#include <string.h>

static int nomem(struct error *error)
{
    return error_set(error, ERR_NOMEM, "out of memory");
}

static void note_miss(bool matched, const char *option, struct buf *notes)
{
    if (!matched)
        buf_printf(notes, "%s expression matched no samples\n", option);
}

/* The same of a regexp that functions match, with the one that may have been meant. */
static void note_no_function(
    const struct profile *p, const struct regex *re, bool matched, const char *option, struct buf *notes)
{
    const char *near = matched || !re ? NULL : suggest_function(p, regex_pattern(re));
    note_miss(matched || !re, option, notes);
    if (near)
        buf_printf(notes, "did you mean %s?\n", near);
}

/* ---- one expression over a profile: each function and mapping is matched once ---- */

enum answer { UNKNOWN, NO, YES };

struct matches {
    const struct profile *p;
    struct regex *re;
    uint8_t *functions, *mappings; /* enum answer */
};

static int matches_init(
    struct matches *m, const struct profile *p, const char *option, const char *pattern, struct error *error)
{
    *m = (struct matches){.p = p};
    if (!*pattern)
        return 0;
    int code = regex_new(pattern, &m->re, error);
    if (code) {
        error_prefix(error, "parsing %s regexp", option);
        return code;
    }
    m->functions = calloc(p->functions.len + 1, 1);
    m->mappings = calloc(p->mappings.len + 1, 1);
    return m->functions && m->mappings ? 0 : nomem(error);
}

static void matches_fini(struct matches *m)
{
    regex_free(m->re);
    free(m->functions);
    free(m->mappings);
}

static bool match_function(struct matches *m, uint32_t function)
{
    uint8_t *answer = &m->functions[function];
    if (*answer == UNKNOWN) {
        const struct function *f = &m->p->functions.items[function];
        *answer = regex_match(m->re, f->name) || regex_match(m->re, f->file) ? YES : NO;
    }
    return *answer == YES;
}

static bool match_mapping(struct matches *m, uint32_t mapping)
{
    if (mapping == NO_INDEX)
        return false;
    uint8_t *answer = &m->mappings[mapping];
    if (*answer == UNKNOWN)
        *answer = regex_match(m->re, m->p->mappings.items[mapping].file) ? YES : NO;
    return *answer == YES;
}

static bool match_location(struct matches *m, const struct location *l)
{
    for (uint32_t i = 0; i < l->nlines; i++)
        if (match_function(m, m->p->lines.items[l->first_line + i].function))
            return true;
    return match_mapping(m, l->mapping);
}

/* Keeps the lines that match (or, if !keep, those that do not). A matching mapping speaks for all. */
static void select_lines(struct matches *m, struct profile *p, struct location *l, bool keep)
{
    if (match_mapping(m, l->mapping)) {
        if (!keep)
            l->nlines = 0;
        return;
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < l->nlines; i++) {
        struct line line = p->lines.items[l->first_line + i];
        if (match_function(m, line.function) == keep)
            p->lines.items[l->first_line + kept++] = line;
    }
    l->nlines = kept;
}

/* ---- whole samples ---- */

typedef bool (*keep_fn)(void *context, struct profile *p, struct sample *s);

/* Drops the samples keep says no to; it may narrow their locs and labels. */
static void keep_samples(struct profile *p, keep_fn keep, void *context)
{
    size_t kept = 0, nvalues = p->sample_types.len;
    for (size_t i = 0; i < p->samples.len; i++) {
        struct sample s = p->samples.items[i];
        if (!keep(context, p, &s))
            continue;
        p->samples.items[kept] = s;
        if (nvalues)
            memmove(profile_values(p, kept), profile_values(p, i), nvalues * sizeof(int64_t));
        kept++;
    }
    p->samples.len = kept;
    p->values.len = kept * nvalues;
}

/* ---- focus, ignore, hide, show ---- */

enum mark { FOCUSED = 1, IGNORED = 2, HIDDEN = 4 };

struct name_filter {
    uint8_t *marks; /* of each location */
    bool any_hidden;
};

static bool keep_by_name(void *context, struct profile *p, struct sample *s)
{
    const struct name_filter *f = context;
    uint32_t *locs = p->locs.items + s->first_loc, kept = 0;
    bool focused = false;
    for (uint32_t i = 0; i < s->nlocs; i++) {
        if (f->marks[locs[i]] & IGNORED)
            return false;
        focused |= f->marks[locs[i]] & FOCUSED;
    }
    if (!focused || !f->any_hidden)
        return focused;
    for (uint32_t i = 0; i < s->nlocs; i++)
        if (!(f->marks[locs[i]] & HIDDEN))
            locs[kept++] = locs[i];
    s->nlocs = kept;
    return kept > 0;
}

struct name_matches {
    struct matches focus, ignore, hide, show, show_from;
    bool focus_any, ignore_any, hide_any, show_any;
};

static uint8_t mark_location(struct name_matches *n, struct profile *p, struct location *l)
{
    uint8_t mark = 0;
    if (n->ignore.re && match_location(&n->ignore, l)) {
        n->ignore_any = true;
        mark |= IGNORED;
    } else if (!n->focus.re || match_location(&n->focus, l)) {
        n->focus_any = true;
        mark |= FOCUSED;
    }
    if (n->hide.re && match_location(&n->hide, l)) {
        n->hide_any = true;
        select_lines(&n->hide, p, l, false);
        if (l->nlines == 0)
            mark |= HIDDEN;
    }
    if (n->show.re) {
        select_lines(&n->show, p, l, true);
        if (l->nlines == 0)
            mark |= HIDDEN;
        else
            n->show_any = true;
    }
    return mark;
}

static int names_check(const struct name_matches *n, struct error *error)
{
    const struct matches *const all[] = {&n->focus, &n->ignore, &n->hide, &n->show};
    int code = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all && !code; i++)
        code = regex_check(all[i]->re, error);
    return code;
}

static int filter_names(struct name_matches *n, struct profile *p, struct buf *notes, struct error *error)
{
    if (!n->focus.re && !n->ignore.re && !n->hide.re && !n->show.re)
        return 0; /* samples without frames stay, too */
    struct name_filter f = {.marks = calloc(p->locations.len + 1, 1)};
    if (!f.marks)
        return nomem(error);
    for (size_t i = 0; i < p->locations.len; i++) {
        f.marks[i] = mark_location(n, p, &p->locations.items[i]);
        f.any_hidden |= f.marks[i] & HIDDEN;
    }
    keep_samples(p, keep_by_name, &f);
    free(f.marks);
    int code = names_check(n, error);
    if (code)
        return code;
    note_no_function(p, n->focus.re, n->focus_any, "Focus", notes);
    note_no_function(p, n->ignore.re, n->ignore_any, "Ignore", notes);
    note_no_function(p, n->hide.re, n->hide_any, "Hide", notes);
    note_no_function(p, n->show.re, n->show_any, "Show", notes);
    return 0;
}

/* ---- show_from ---- */

static bool cut_above(void *context, struct profile *p, struct sample *s)
{
    const uint8_t *shown = context;
    for (uint32_t i = s->nlocs; i-- > 0;) {
        if (shown[p->locs.items[s->first_loc + i]]) {
            s->nlocs = i + 1;
            return true;
        }
    }
    return false;
}

static bool show_location_from(struct matches *m, struct profile *p, struct location *l)
{
    if (match_mapping(m, l->mapping))
        return true;
    for (uint32_t i = l->nlines; i-- > 0;) {
        if (match_function(m, p->lines.items[l->first_line + i].function)) {
            l->nlines = i + 1;
            return true;
        }
    }
    return false;
}

static int filter_show_from(struct matches *m, struct profile *p, struct buf *notes, struct error *error)
{
    if (!m->re)
        return 0;
    uint8_t *shown = calloc(p->locations.len + 1, 1);
    if (!shown)
        return nomem(error);
    bool any = false;
    for (size_t i = 0; i < p->locations.len; i++)
        any |= shown[i] = show_location_from(m, p, &p->locations.items[i]);
    keep_samples(p, cut_above, shown);
    free(shown);
    int code = regex_check(m->re, error);
    if (!code)
        note_no_function(p, m->re, any, "ShowFrom", notes);
    return code;
}

/* ---- tags ---- */

struct tag_filters {
    struct tagfilter *focus, *ignore;
    bool focus_any, ignore_any;
};

static bool keep_by_tag(void *context, struct profile *p, struct sample *s)
{
    struct tag_filters *f = context;
    const struct label *labels = p->labels.items + s->first_label;
    bool focused = !f->focus || tagfilter_match(f->focus, labels, s->nlabels);
    bool ignored = f->ignore && tagfilter_match(f->ignore, labels, s->nlabels);
    f->focus_any |= focused;
    f->ignore_any |= ignored;
    return focused && !ignored;
}

static int filter_tags(struct profile *p, const struct config *c, const struct label_units *units,
    struct buf *notes, struct error *error)
{
    struct tag_filters f = {0};
    int code = 0;
    if (*c->tagfocus)
        code = tagfilter_new("tagfocus", c->tagfocus, units, &f.focus, notes, error);
    if (!code && *c->tagignore)
        code = tagfilter_new("tagignore", c->tagignore, units, &f.ignore, notes, error);
    if (!code && (f.focus || f.ignore))
        keep_samples(p, keep_by_tag, &f);
    if (!code)
        code = tagfilter_check(f.focus, error);
    if (!code)
        code = tagfilter_check(f.ignore, error);
    if (!code) {
        note_miss(!f.focus || f.focus_any, "TagFocus", notes);
        note_miss(!f.ignore || f.ignore_any, "TagIgnore", notes);
    }
    tagfilter_free(f.focus);
    tagfilter_free(f.ignore);
    return code;
}

struct tag_names {
    struct regex *show, *hide;
    bool show_any, hide_any;
};

static bool keep_shown_tags(void *context, struct profile *p, struct sample *s)
{
    struct tag_names *n = context;
    struct label *labels = p->labels.items + s->first_label;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->nlabels; i++) {
        bool show = !n->show || regex_match(n->show, labels[i].key);
        bool hide = n->hide && regex_match(n->hide, labels[i].key);
        n->show_any |= show;
        n->hide_any |= hide;
        if (show && !hide)
            labels[kept++] = labels[i];
    }
    s->nlabels = kept;
    return true;
}

static int new_regex(const char *option, const char *pattern, struct regex **out, struct error *error)
{
    int code = *pattern ? regex_new(pattern, out, error) : 0;
    if (code)
        error_prefix(error, "parsing %s regexp", option);
    return code;
}

static int filter_tag_names(struct profile *p, const struct config *c, struct buf *notes, struct error *error)
{
    struct tag_names n = {0};
    int code = new_regex("tagshow", c->tagshow, &n.show, error);
    if (!code)
        code = new_regex("taghide", c->taghide, &n.hide, error);
    if (!code && (n.show || n.hide))
        keep_samples(p, keep_shown_tags, &n);
    if (!code)
        code = regex_check(n.show, error);
    if (!code)
        code = regex_check(n.hide, error);
    if (!code) {
        note_miss(!n.show || n.show_any, "TagShow", notes);
        note_miss(!n.hide || n.hide_any, "TagHide", notes);
    }
    regex_free(n.show);
    regex_free(n.hide);
    return code;
}

/* ---- all of them ---- */

static int names_init(
    struct name_matches *n, const struct profile *p, const struct config *c, struct error *error)
{
    int code = matches_init(&n->focus, p, "focus", c->focus, error);
    if (!code)
        code = matches_init(&n->ignore, p, "ignore", c->ignore, error);
    if (!code)
        code = matches_init(&n->hide, p, "hide", c->hide, error);
    if (!code)
        code = matches_init(&n->show, p, "show", c->show, error);
    if (!code)
        code = matches_init(&n->show_from, p, "show_from", c->show_from, error);
    return code;
}

static int apply(struct profile *p, const struct config *c, const struct label_units *units,
    struct buf *notes, struct error *error)
{
    struct name_matches n = {0};
    int code = names_init(&n, p, c, error);
    if (!code)
        code = filter_names(&n, p, notes, error);
    if (!code)
        code = filter_show_from(&n.show_from, p, notes, error);
    if (!code)
        code = filter_tags(p, c, units, notes, error);
    if (!code)
        code = filter_tag_names(p, c, notes, error);
    if (!code)
        code = *c->prune_from ? prune_from(p, c->prune_from, error) : 0;
    matches_fini(&n.focus);
    matches_fini(&n.ignore);
    matches_fini(&n.hide);
    matches_fini(&n.show);
    matches_fini(&n.show_from);
    return code;
}

int filter_profile(const struct profile *p, const struct config *c, const struct label_units *units,
    struct profile **out, struct buf *notes, struct error *error)
{
    struct profile *q = profile_copy(p);
    if (!q)
        return nomem(error);
    int code = apply(q, c, units, notes, error);
    if (code)
        profile_free(q);
    else
        *out = q;
    return code;
}

int filter_dropped_frames(const struct profile *p, struct profile **out, struct error *error)
{
    struct profile *q = profile_copy(p);
    int code = q ? prune_dropped(q, error) : nomem(error);
    if (code)
        profile_free(q);
    else
        *out = q;
    return code;
}

bool filter_changes(const struct config *c)
{
    const char *const set[] = {c->focus, c->ignore, c->hide, c->show, c->show_from, c->tagfocus, c->tagignore,
        c->tagshow, c->taghide, c->prune_from};
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        if (*set[i])
            return true;
    return false;
}

int filter_inlines(const struct profile *p, struct profile **out, struct error *error)
{
    struct profile *q = profile_copy(p);
    if (!q)
        return nomem(error);
    for (size_t i = 0; i < q->locations.len; i++) {
        struct location *l = &q->locations.items[i];
        if (l->nlines > 1) {
            l->first_line += l->nlines - 1;
            l->nlines = 1;
        }
    }
    for (size_t i = 0; i < q->mappings.len; i++)
        q->mappings.items[i].has_inline_frames = false;
    *out = q;
    return 0;
}
