#include "view/prune.h"

#include "base/buf.h"
#include "view/regex.h"

#include <string.h>

static int nomem(struct error *error)
{
    return error_set(error, ERR_NOMEM, "out of memory");
}

/* ---- names are matched without their arguments ---- */

/* name up to its argument list: the first parenthesis that is not part of the name itself. */
static void simplify(const char *name, struct buf *out)
{
    static const char *const reserved[] = {"(anonymous namespace)", "operator()"};
    const char *at = name + (*name == '.'); /* PowerPC */
    out->len = 0;
    while (*at) {
        size_t skip = 0;
        for (size_t i = 0; i < 2 && !skip; i++)
            if (strncmp(at, reserved[i], strlen(reserved[i])) == 0)
                skip = strlen(reserved[i]);
        if (!skip && *at == '(')
            break;
        buf_append(out, at, skip ? skip : 1);
        at += skip ? skip : 1;
    }
    buf_append(out, "", 0);
}

enum answer { UNKNOWN, NO, YES };

struct pruner {
    struct profile *p;
    struct regex *drop, *keep;
    uint8_t *functions; /* enum answer */
    uint8_t *marks;     /* of each location: PRUNE, PRUNE_BENEATH */
    struct buf name;
};

enum { PRUNE = 1, PRUNE_BENEATH = 2 };

static bool is_pruned(struct pruner *r, uint32_t function)
{
    uint8_t *answer = &r->functions[function];
    const char *name = r->p->functions.items[function].name;
    if (*answer == UNKNOWN && *name) {
        simplify(name, &r->name);
        const char *simple = r->name.data ? r->name.data : "";
        *answer = regex_match(r->drop, simple) && !(r->keep && regex_match(r->keep, simple)) ? YES : NO;
    }
    return *answer == YES;
}

static void mark_pruned(struct pruner *r, uint32_t index)
{
    struct location *l = &r->p->locations.items[index];
    for (uint32_t i = l->nlines; i-- > 0;) {
        if (!is_pruned(r, r->p->lines.items[l->first_line + i].function))
            continue;
        r->marks[index] = PRUNE_BENEATH;
        if (i == l->nlines - 1) {
            r->marks[index] |= PRUNE;
        } else {
            l->first_line += i + 1;
            l->nlines -= i + 1;
        }
        return;
    }
}

static void cut_below(struct sample *s, uint32_t n)
{
    s->first_loc += n;
    s->nlocs -= n;
}

/* From the root: frames before the first one of the user's are let be, else nothing might be left. */
static void cut_dropped(const struct pruner *r, struct sample *s)
{
    bool user = false;
    for (uint32_t i = s->nlocs; i-- > 0;) {
        uint8_t mark = r->marks[r->p->locs.items[s->first_loc + i]];
        if (!mark)
            user = true;
        else if (user) {
            cut_below(s, mark & PRUNE ? i + 1 : i);
            return;
        }
    }
}

static void cut_from(const struct pruner *r, struct sample *s)
{
    for (uint32_t i = 0; i < s->nlocs; i++) {
        if (r->marks[r->p->locs.items[s->first_loc + i]]) {
            cut_below(s, i);
            return;
        }
    }
}

static void mark_prune_from(struct pruner *r, uint32_t index)
{
    struct location *l = &r->p->locations.items[index];
    for (uint32_t i = 0; i < l->nlines; i++) {
        if (is_pruned(r, r->p->lines.items[l->first_line + i].function)) {
            r->marks[index] = PRUNE_BENEATH;
            l->first_line += i;
            l->nlines -= i;
            return;
        }
    }
}

static int prune(struct profile *p, struct regex *drop, struct regex *keep,
    void (*mark)(struct pruner *, uint32_t), void (*cut)(const struct pruner *, struct sample *),
    struct error *error)
{
    struct pruner r = {.p = p, .drop = drop, .keep = keep};
    r.functions = calloc(p->functions.len + 1, 1);
    r.marks = calloc(p->locations.len + 1, 1);
    int code = r.functions && r.marks ? 0 : nomem(error);
    for (size_t i = 0; i < p->locations.len && !code; i++)
        mark(&r, (uint32_t)i);
    if (!code)
        code = regex_check(drop, error);
    if (!code)
        code = regex_check(keep, error);
    for (size_t i = 0; i < p->samples.len && !code; i++)
        cut(&r, &p->samples.items[i]);
    free(r.functions);
    free(r.marks);
    buf_fini(&r.name);
    return code;
}

int prune_from(struct profile *p, const char *pattern, struct error *error)
{
    struct regex *re;
    int code = regex_new(pattern, &re, error);
    if (code) {
        error_prefix(error, "parsing prune_from regexp");
        return code;
    }
    code = prune(p, re, NULL, mark_prune_from, cut_from, error);
    regex_free(re);
    return code;
}

static int whole_regex(const char *pattern, struct regex **out, struct error *error)
{
    struct buf whole = {0};
    buf_printf(&whole, "^(%s)$", pattern);
    int code = whole.failed ? nomem(error) : regex_new(whole.data, out, error);
    buf_fini(&whole);
    return code;
}

int prune_dropped(struct profile *p, struct error *error)
{
    struct regex *drop = NULL, *keep = NULL;
    int code = *p->drop_frames ? whole_regex(p->drop_frames, &drop, error) : 0;
    if (!code && drop && *p->keep_frames)
        code = whole_regex(p->keep_frames, &keep, error);
    if (!code && drop)
        code = prune(p, drop, keep, mark_pruned, cut_dropped, error);
    regex_free(drop);
    regex_free(keep);
    return code;
}
