#include "ui/gather.h"

#include "model/codec.h"
#include "ui/fetch.h"
#include "ui/output.h"
#include "ui/progress.h"
#include "ui/remote_names.h"
#include "ui/store.h"
#include "view/combine.h"
#include "view/filter.h"
#include "view/locate.h"
#include "view/source_label.h"
#include "view/symbolize.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int nomem(struct error *error)
{
    return error_set(error, ERR_NOMEM, "out of memory");
}

/* A profile without mappings gets one that holds everything; the first is the main binary, whose name and
 * build id the command line may correct. */
static int adjust_mappings(struct profile *p, const struct options *o)
{
    if (p->mappings.len == 0) {
        if (profile_add_mapping(p, &(struct mapping){.id = 1}, NULL))
            return ERR_NOMEM;
        for (size_t i = 0; i < p->locations.len; i++)
            p->locations.items[i].mapping = 0;
    }
    struct mapping *main = &p->mappings.items[0];
    if (o->exec_name)
        main->file = profile_string(p, o->exec_name);
    if (o->build_id)
        main->build_id = profile_string(p, o->build_id);
    return main->file && main->build_id ? 0 : ERR_NOMEM;
}

static bool has_line(const struct buf *lines, const char *line, size_t len)
{
    const char *end = lines->data + lines->len;
    for (const char *at = lines->data; at && at < end;
         at = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1)
        if ((size_t)(end - at) >= len && memcmp(at, line, len) == 0)
            return true;
    return false;
}

/* Each line once, however many profiles give rise to it. */
static void say_once(const struct buf *notes)
{
    static struct buf said;
    for (const char *at = notes->data, *end; at && *at; at = end) {
        end = strchrnul(at, '\n');
        end += *end == '\n';
        size_t len = (size_t)(end - at);
        if (has_line(&said, at, len))
            continue;
        output_say(at, len);
        buf_append(&said, at, len);
        if (end[-1] != '\n')
            buf_putc(&said, '\n');
    }
}

/* PPROF_BINARY_PATH, else $HOME/pprof/binaries. */
static int locate(struct profile *p)
{
    const char *path = getenv("PPROF_BINARY_PATH"), *home = getenv("HOME");
    struct buf search = {0}, notes = {0};
    if (path && *path)
        buf_puts(&search, path);
    else
        buf_printf(&search, "%s/pprof/binaries", home ? home : "");
    int code = search.failed ? ERR_NOMEM : locate_binaries(p, search.data, &notes);
    say_once(&notes);
    buf_fini(&search);
    buf_fini(&notes);
    return code;
}

/*
 * One group of sources, those to report or the base: up to CHUNK of them are added up, then that to what was
 * added up before, as in the reference, where it decides which types all have in common.
 *
 * A source is decoded, added and forgotten. Only where the types or units of a chunk differ are all of it
 * needed at once, and decoded again; so what cannot be read twice is kept until the chunk is done.
 */
enum { CHUNK = 128 };

struct group {
    const char *what;
    struct fetch *fetches; /* its part of all of them */
    size_t n, loaded, tried, bytes;
    const struct options *o;
    const struct fetch_limits *limits;
    struct remote_names *names;
    struct error last; /* the last source's that failed */
    struct progress progress;
};

/* ---- one source ---- */

static bool is_url(const struct fetch *f)
{
    return f->url != NULL;
}

static int prepare(struct group *g, struct profile *p, const struct fetch *f, bool again)
{
    if (locate(p) || adjust_mappings(p, g->o))
        return ERR_NOMEM;
    if (!is_url(f))
        return 0;
    int code = remote_names_mark(p, f->url);
    return code || again ? code : remote_names_add(g->names, p, f->url);
}

/* With -source_label. Frees *p, and *p is NULL when it fails. */
static int label(const struct group *g, const struct fetch *f, struct profile **p)
{
    char name[300];
    struct profile *labelled = NULL;
    if (!*g->o->source_label)
        return 0;
    source_label_name(f->url ? f->url : f->address, name, sizeof name);
    int code = source_label_add(*p, g->o->source_label, name, &labelled);
    profile_free(*p);
    *p = labelled;
    return code;
}

static int decode(struct group *g, struct fetch *f, bool again, struct profile **out)
{
    if (!f->code && !is_url(f) && !f->bytes.len)
        fetch_file(f);
    if (f->code)
        return f->code;
    f->code = profile_decode(f->bytes.data ? f->bytes.data : "", f->bytes.len, 0, out, &f->error);
    if (f->code == ERR_FORMAT)
        error_prefix(&f->error, "not a profile");
    g->bytes += f->bytes.len;
    if (f->reads_again)
        buf_fini(&f->bytes);
    if (!f->code && (prepare(g, *out, f, again) || label(g, f, out))) {
        profile_free(*out);
        *out = NULL;
        f->code = nomem(&f->error);
    }
    return f->code;
}

static void note_failure(struct group *g, const struct fetch *f)
{
    g->last = f->error;
    g->last.code = f->code;
    error_prefix(&g->last, "%s", f->address);
    if (g->n > 1)
        fprintf(stderr, "%s\n", g->last.text);
}

/* *out: NULL when it cannot be read, which is said once. ERR_CANCELLED. */
static int load(struct group *g, size_t i, struct profile **out, struct error *error)
{
    struct fetch *f = &g->fetches[i];
    bool again = i < g->tried;
    *out = NULL;
    if (g->limits->cancel && *g->limits->cancel)
        return error_set(error, ERR_CANCELLED, "%s", error_text(ERR_CANCELLED));
    if (g->n > 1)
        progress_update(&g->progress, g->n - i, g->bytes);
    bool failed = decode(g, f, again, out) != 0;
    if (!again) {
        g->tried = i + 1;
        g->loaded += !failed;
        if (failed)
            note_failure(g, f);
    }
    return 0;
}

/* ---- a chunk ---- */

/* All at once, where what becomes of one depends on the others. */
static int combine_held(struct group *g, size_t from, size_t to, struct profile **out, struct error *error)
{
    struct profile *held[CHUNK] = {0};
    size_t n = 0;
    int code = 0;
    for (size_t i = from; i < to && !code; i++) {
        code = load(g, i, &held[n], error);
        n += !code && held[n];
    }
    if (!code)
        code = combine_profiles((const struct profile *const *)held, n, out, error);
    for (size_t i = 0; i < n; i++)
        profile_free(held[i]);
    return code;
}

/* One by one. ERR_UNSUPPORTED: they are not alike. */
static int combine_passing(struct group *g, size_t from, size_t to, struct profile **out, struct error *error)
{
    struct combiner c = {0};
    struct profile *p;
    int code = 0;
    for (size_t i = from; i < to && !code; i++) {
        code = load(g, i, &p, error);
        if (!code && p && (code = combiner_add(&c, p, error)))
            profile_free(p);
    }
    if (!code)
        return combiner_finish(&c, out, error);
    combiner_fini(&c);
    return code;
}

/* *out: NULL when none could be read. */
static int load_chunk(struct group *g, size_t from, size_t to, struct profile **out, struct error *error)
{
    *out = NULL;
    int code = g->fetches[from].fetched ? 0 : fetch_all(g->fetches + from, to - from, g->limits);
    if (code)
        return error_set(error, code, "%s", error_text(code));
    code = combine_passing(g, from, to, out, error);
    if (code == ERR_UNSUPPORTED)
        code = combine_held(g, from, to, out, error);
    for (size_t i = from; i < to; i++)
        buf_fini(&g->fetches[i].bytes);
    return code;
}

/* ---- a group ---- */

/* Adds more to *sum, and frees both. */
static int add_up(struct profile **sum, struct profile *more, struct error *error)
{
    const struct profile *both[] = {*sum, more};
    struct profile *result = NULL;
    int code = combine_profiles(both, 2, &result, error);
    profile_free(*sum);
    profile_free(more);
    *sum = result;
    return code;
}

/* What there is to say when some failed; an error when all did. */
static int count_loaded(const struct group *g, struct error *error)
{
    if (g->loaded == 0 && g->n == 1) {
        *error = g->last;
        return error->code;
    }
    if (g->loaded == 0)
        return error_set(error, ERR_NOTFOUND, "none of the %zu %s profiles could be read", g->n, g->what);
    if (g->loaded < g->n)
        fprintf(stderr, "Fetched %zu %s profiles out of %zu\n", g->loaded, g->what, g->n);
    return 0;
}

static int load_group(struct group *g, struct profile **out, struct error *error)
{
    struct profile *sum = NULL, *chunk;
    int code = 0;
    progress_start(&g->progress, 0);
    for (size_t from = 0; from < g->n && !code; from += CHUNK) {
        code = load_chunk(g, from, from + CHUNK < g->n ? from + CHUNK : g->n, &chunk, error);
        if (!code && sum && chunk)
            code = add_up(&sum, chunk, error);
        else if (!code && chunk)
            sum = chunk;
    }
    progress_end(&g->progress);
    if (!code)
        code = count_loaded(g, error);
    if (code)
        profile_free(sum);
    else
        *out = sum;
    return code;
}

static int subtract(
    struct profile **p, const struct profile *base, const struct options *o, struct error *error)
{
    struct profile *difference;
    int code = combine_with_base(*p, base, o->diff_base, o->settings.config.normalize, &difference, error);
    if (code)
        return code;
    profile_free(*p);
    *p = difference;
    return 0;
}

static int symbolize(
    struct profile **p, const struct options *o, const struct remote_names *names, struct error *error)
{
    struct profile *named;
    struct buf notes = {0};
    if (!symbolize_needed(*p, o->symbolize, &names->sources))
        return 0;
    int code = symbolize_profile(*p, o->symbolize, &names->sources, &named, &notes, error);
    say_once(&notes);
    if (!code) {
        profile_free(*p);
        *p = named;
    }
    buf_fini(&notes);
    return code;
}

static size_t count_named(const struct profile *p)
{
    size_t named = 0;
    for (size_t i = 0; i < p->locations.len; i++)
        named += p->locations.items[i].nlines > 0;
    return named;
}

int gather_names(struct profile **p, const char *url, const struct options *o,
    const struct fetch_limits *limits, bool *found, struct error *error)
{
    struct remote_names names;
    size_t before = count_named(*p);
    int code = remote_names_init(&names, limits);
    if (code || locate(*p) || adjust_mappings(*p, o) || remote_names_mark(*p, url) ||
        remote_names_add(&names, *p, url))
        code = nomem(error);
    else
        code = symbolize(p, o, &names, error);
    remote_names_unmark(&names, *p);
    remote_names_fini(&names);
    *found = !code && count_named(*p) > before;
    return code;
}

static int finish(struct profile **p, const struct options *o, struct error *error)
{
    struct profile *pruned;
    if (!o->all_frames && *(*p)->drop_frames) {
        int code = filter_dropped_frames(*p, &pruned, error);
        if (code)
            return code;
        profile_free(*p);
        *p = pruned;
    }
    if (!*o->comment)
        return 0;
    const char *comment = profile_string(*p, o->comment);
    return comment && !profile_add_comment(*p, comment) ? 0 : nomem(error);
}

static void save(const struct profile *p)
{
    char *file;
    struct error error;
    if (store_save(p, &file, &error)) {
        fprintf(stderr, "Could not save profile: %s\n", error.text);
        return;
    }
    fprintf(stderr, "Saved profile in %s\n", file);
    free(file);
}

static int load_groups(struct group *sources, struct group *bases, const struct options *o,
    struct profile **out, struct error *error)
{
    struct profile *p = NULL, *base = NULL;
    int code = load_group(sources, &p, error);
    if (!code && bases->n)
        code = load_group(bases, &base, error);
    if (!code && bases->n)
        code = subtract(&p, base, o, error);
    profile_free(base);
    if (!code)
        code = symbolize(&p, o, sources->names, error);
    if (!code) {
        remote_names_unmark(sources->names, p);
        code = finish(&p, o, error);
    }
    if (code)
        profile_free(p);
    else
        *out = p;
    return code;
}

static bool any_remote(const struct fetch *all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is_url(&all[i]) && !all[i].code)
            return true;
    return false;
}

static int gather(struct fetch *all, const struct options *o, const struct fetch_limits *limits,
    struct profile **out, struct error *error)
{
    struct remote_names names;
    struct group sources = {.what = "source", .fetches = all, .n = o->sources.len};
    struct group bases = {.what = "base", .fetches = all + o->sources.len, .n = o->bases.len};
    sources.o = bases.o = o;
    sources.limits = bases.limits = limits;
    sources.names = bases.names = &names;
    size_t n = sources.n + bases.n;
    int code = remote_names_init(&names, limits);
    if (!code && n <= CHUNK) /* sources and base at the same time */
        code = fetch_all(all, n, limits);
    if (code)
        error_set(error, code, "%s", error_text(code));
    else
        code = load_groups(&sources, &bases, o, out, error);
    if (!code && any_remote(all, n))
        save(*out);
    remote_names_fini(&names);
    return code;
}

int gather_profile(
    const struct options *o, const volatile sig_atomic_t *cancel, struct profile **out, struct error *error)
{
    size_t n = o->sources.len + o->bases.len;
    struct fetch *all = calloc(n, sizeof *all);
    if (!all)
        return nomem(error);
    for (size_t i = 0; i < n; i++)
        all[i].address = i < o->sources.len ? o->sources.items[i] : o->bases.items[i - o->sources.len];
    struct fetch_limits limits = {.seconds = o->seconds,
        .timeout_s = o->timeout_s,
        .token = o->token,
        .tls_cert = o->tls_cert,
        .tls_key = o->tls_key,
        .tls_ca = o->tls_ca,
        .cancel = cancel,
        .files_later = true};
    int code = gather(all, o, &limits, out, error);
    for (size_t i = 0; i < n; i++)
        fetch_fini(&all[i]);
    free(all);
    return code;
}
