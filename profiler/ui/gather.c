#include "ui/gather.h"

#include "model/codec.h"
#include "ui/fetch.h"
#include "ui/remote_names.h"
#include "ui/store.h"
#include "view/combine.h"
#include "view/filter.h"
#include "view/locate.h"
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
    if (notes.data)
        fputs(notes.data, stderr);
    buf_fini(&search);
    buf_fini(&notes);
    return code;
}

static int decode_fetched(
    struct fetch *f, const struct options *o, struct remote_names *names, struct profile **out)
{
    if (f->code)
        return f->code;
    int code = profile_decode(f->bytes.data ? f->bytes.data : "", f->bytes.len, 0, out, &f->error);
    buf_fini(&f->bytes);
    if (code == ERR_FORMAT)
        error_prefix(&f->error, "not a profile");
    if (!code &&
        (locate(*out) || adjust_mappings(*out, o) || (f->url && remote_names_add(names, *out, f->url)))) {
        profile_free(*out);
        code = nomem(&f->error);
    }
    return code;
}

/* One group of sources: those to report, or the base. */
struct group {
    const char *what;
    struct fetch *fetches; /* its part of all of them */
    size_t n, loaded;
    const struct profile **profiles;
};

static int decode_group(
    struct group *g, const struct options *o, struct remote_names *names, struct error *error)
{
    g->profiles = calloc(g->n + 1, sizeof *g->profiles);
    if (!g->profiles)
        return nomem(error);
    for (size_t i = 0; i < g->n; i++) {
        struct profile *p;
        struct fetch *f = &g->fetches[i];
        int code = decode_fetched(f, o, names, &p);
        if (!code) {
            g->profiles[g->loaded++] = p;
            continue;
        }
        *error = f->error;
        error->code = code;
        error_prefix(error, "%s", f->address);
        if (g->n > 1)
            fprintf(stderr, "%s\n", error->text);
    }
    if (g->loaded == 0)
        return g->n == 1 ? error->code
                         : error_set(error, ERR_NOTFOUND, "none of the %zu %s profiles could be read", g->n,
                               g->what);
    if (g->loaded < g->n)
        fprintf(stderr, "Fetched %zu %s profiles out of %zu\n", g->loaded, g->what, g->n);
    return 0;
}

static void group_fini(struct group *g)
{
    for (size_t i = 0; i < g->loaded; i++)
        profile_free((struct profile *)g->profiles[i]);
    free(g->profiles);
}

static bool has_twin_types(const struct profile *p)
{
    for (size_t i = 1; i < p->sample_types.len; i++)
        for (size_t k = 0; k < i; k++)
            if (p->sample_types.items[i].type == p->sample_types.items[k].type)
                return true;
    return false;
}

static int combine_groups(struct group *sources, struct group *bases, const struct options *o,
    struct profile **out, struct error *error)
{
    struct profile *p = NULL, *base = NULL;
    if (sources->loaded == 1 && !bases->n && !has_twin_types(sources->profiles[0])) {
        *out = (struct profile *)sources->profiles[--sources->loaded]; /* nothing to do: hand it over */
        return 0;
    }
    int code = combine_profiles(sources->profiles, sources->loaded, &p, error);
    if (!code && bases->n) {
        code = combine_profiles(bases->profiles, bases->loaded, &base, error);
        struct profile *difference;
        if (!code)
            code = combine_with_base(p, base, o->diff_base, o->settings.config.normalize, &difference, error);
        profile_free(p);
        p = code ? NULL : difference;
    }
    profile_free(base);
    if (!code)
        *out = p;
    return code;
}

static int symbolize(
    struct profile **p, const struct options *o, const struct remote_names *names, struct error *error)
{
    struct profile *named;
    struct buf notes = {0};
    if (!symbolize_needed(*p, o->symbolize, &names->sources))
        return 0;
    int code = symbolize_profile(*p, o->symbolize, &names->sources, &named, &notes, error);
    if (notes.data)
        fputs(notes.data, stderr);
    if (!code) {
        profile_free(*p);
        *p = named;
    }
    buf_fini(&notes);
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

static int load_fetched(struct fetch *all, const struct options *o, struct remote_names *names,
    struct profile **out, struct error *error)
{
    struct group sources = {.what = "source", .fetches = all, .n = o->sources.len};
    struct group bases = {.what = "base", .fetches = all + o->sources.len, .n = o->bases.len};
    struct profile *p = NULL;
    bool remote = false;
    int code = decode_group(&sources, o, names, error);
    if (!code && bases.n)
        code = decode_group(&bases, o, names, error);
    if (!code)
        code = combine_groups(&sources, &bases, o, &p, error);
    group_fini(&sources);
    group_fini(&bases);
    if (!code)
        code = symbolize(&p, o, names, error);
    if (!code) {
        remote_names_unmark(names, p);
        code = finish(&p, o, error);
    }
    if (code) {
        profile_free(p);
        return code;
    }
    for (size_t i = 0; i < sources.n + bases.n; i++)
        remote |= all[i].url && !all[i].code;
    if (remote)
        save(p);
    *out = p;
    return 0;
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
        .cancel = cancel};
    struct remote_names names;
    int code = remote_names_init(&names, &limits);
    if (!code)
        code = fetch_all(all, n, &limits);
    if (code)
        error_set(error, code, "%s", error_text(code));
    else
        code = load_fetched(all, o, &names, out, error);
    remote_names_fini(&names);
    for (size_t i = 0; i < n; i++)
        fetch_fini(&all[i]);
    free(all);
    return code;
}
