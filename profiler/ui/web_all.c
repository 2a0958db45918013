#include "ui/web_all.h"

#include "base/clock.h"
#include "ui/collection_json.h"
#include "ui/collector.h"
#include "ui/server_stats.h"
#include "view/combine.h"
#include "view/jsontext.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECONDS = 20, MOST_SECONDS = 3600 };

/* A profile by the name it has in addresses: of a collection, or what two of them differ by. */
static const struct choice {
    const char *name, *title, *summary;
    enum triage_lens lens, less; /* less: what is subtracted; N_LENSES: nothing */
    bool of_before;              /* less is the collection before */
} choices[] = {
    {"cpu", "CPU", "Where processor time goes", LENS_CPU, N_LENSES, false},
    {"heap", "Live heap", "Who allocated what is live", LENS_HEAP, N_LENSES, false},
    {"growth", "Heap growth", "What became of it since the start", LENS_HEAP, LENS_HEAP_START, false},
    {"threads", "Threads", "Where each thread is", LENS_THREADS, N_LENSES, false},
    {"mutex", "Mutex", "Who makes others wait", LENS_MUTEX, N_LENSES, false},
    {"block", "Block", "Who waits", LENS_BLOCK, N_LENSES, false},
    {"cpu-change", "CPU, compared", "With the collection before", LENS_CPU, LENS_CPU, true},
    {"heap-change", "Live heap, compared", "With the collection before", LENS_HEAP, LENS_HEAP, true},
    {"threads-change", "Threads, compared", "With the collection before", LENS_THREADS, LENS_THREADS, true},
    {"mutex-change", "Mutex, compared", "With the collection before", LENS_MUTEX, LENS_MUTEX, true},
    {"block-change", "Block, compared", "With the collection before", LENS_BLOCK, LENS_BLOCK, true},
};

enum { N_CHOICES = sizeof choices / sizeof *choices };

/* A collection, and what the page shows of it. */
struct taken {
    struct collection collection;
    struct buf json;
};

struct web_all {
    const struct options *o;
    struct taken now, before;
    bool has_before;
    struct profile *differences[N_CHOICES]; /* made when first asked for */
    bool live;                              /* there is a server to ask again */
    char *stats;                            /* as last given; NULL: as the command line has it */
    int count, seconds;
    struct collector collector;
    struct error error; /* of the last time */
};

static int nomem(struct error *error)
{
    return error_set(error, ERR_NOMEM, "out of memory");
}

static void taken_fini(struct taken *taken)
{
    collection_fini(&taken->collection);
    buf_fini(&taken->json);
    *taken = (struct taken){0};
}

static int taken_open(struct taken *taken, const struct options *o, const char *folder, struct error *error)
{
    *taken = (struct taken){0};
    int code = collection_open(&taken->collection, o, folder, error);
    if (!code)
        code = collection_put_json(&taken->collection, true, &taken->json, error);
    if (code)
        taken_fini(taken);
    return code;
}

/* ---- opening ---- */

static int open_source(struct web_all *all, const volatile sig_atomic_t *cancel, struct error *error)
{
    const char *source = all->o->sources.items[0];
    char *base = collection_base(source), *folder = NULL;
    int code = 0;
    all->live = base != NULL;
    free(base);
    if (!all->live)
        return taken_open(&all->now, all->o, source, error);
    code = collection_take(all->o, source, cancel, &folder, error);
    if (folder)
        fprintf(stderr, "Saved profiles in %s; pprof -http=: -triage %s shows this again\n", folder, folder);
    if (!code)
        code = taken_open(&all->now, all->o, folder, error);
    free(folder);
    return code;
}

int web_all_open(
    const struct options *o, const volatile sig_atomic_t *cancel, struct web_all **out, struct error *error)
{
    struct web_all *all = calloc(1, sizeof *all);
    if (!all)
        return nomem(error);
    *all = (struct web_all){
        .o = o, .count = 1, .seconds = o->seconds > 0 ? o->seconds : SECONDS, .collector = COLLECTOR_IDLE};
    int code = open_source(all, cancel, error);
    if (code)
        web_all_free(all);
    else
        *out = all;
    return code;
}

static void forget_differences(struct web_all *all)
{
    for (int i = 0; i < N_CHOICES; i++) {
        profile_free(all->differences[i]);
        all->differences[i] = NULL;
    }
}

void web_all_free(struct web_all *all)
{
    if (!all)
        return;
    collector_fini(&all->collector);
    forget_differences(all);
    taken_fini(&all->now);
    taken_fini(&all->before);
    free(all->stats);
    free(all);
}

/* ---- one profile ---- */

static const struct profile *less_of(const struct web_all *all, const struct choice *c)
{
    const struct taken *from = c->of_before ? &all->before : &all->now;
    return c->less == N_LENSES ? NULL : from->collection.profiles[c->less];
}

static bool has(const struct web_all *all, const struct choice *c)
{
    return all->now.collection.profiles[c->lens] && (c->less == N_LENSES || less_of(all, c));
}

static const struct choice *find_choice(const struct web_all *all, const char *of)
{
    for (int i = 0; i < N_CHOICES; i++)
        if (of && *of ? strcmp(choices[i].name, of) == 0 : has(all, &choices[i]))
            return &choices[i];
    return NULL;
}

const struct profile *web_all_profile(struct web_all *all, const char **of, struct error *error)
{
    const struct choice *c = find_choice(all, *of);
    if (!c) {
        error_set(
            error, ERR_INVALID, "of=%s: there is cpu, heap, growth, threads, mutex, block", *of ? *of : "");
        return NULL;
    }
    const struct profile *p = all->now.collection.profiles[c->lens], *less = less_of(all, c);
    struct profile **difference = &all->differences[c - choices];
    const char *why = all->now.collection.missing[c->lens];
    *of = c->name;
    if (!has(all, c)) {
        error_set(error, ERR_INVALID, "%s is not there: %s", c->title, why ? why : "not collected");
        return NULL;
    }
    if (c->less == N_LENSES)
        return p;
    if (!*difference && combine_with_base(p, less, true, false, difference, error))
        return NULL;
    return *difference;
}

void web_all_put_menu(const struct web_all *all, struct buf *out)
{
    bool first = true;
    buf_putc(out, '[');
    for (int i = 0; i < N_CHOICES; i++) {
        const struct choice *c = &choices[i];
        if (!has(all, c))
            continue;
        buf_puts(out, first ? "[" : ",[");
        jsontext_put(out, c->name);
        buf_putc(out, ',');
        jsontext_put(out, c->title);
        buf_putc(out, ',');
        jsontext_put(out, c->summary);
        buf_putc(out, ']');
        first = false;
    }
    buf_putc(out, ']');
}

/* ---- the page ---- */

const char *web_all_title(const struct web_all *all)
{
    return all->now.collection.title;
}

static const char *stats_given(const struct web_all *all)
{
    return all->stats ? all->stats : all->o->stats ? all->o->stats : "";
}

void web_all_put(const struct web_all *all, struct buf *out)
{
    buf_printf(out, "{\"live\":%s,\"seconds\":%d,\"taken\":%d,\"stats\":", all->live ? "true" : "false",
        all->seconds, all->count);
    jsontext_put(out, stats_given(all));
    buf_puts(out, ",\"now\":");
    buf_append(out, all->now.json.data, all->now.json.len);
    buf_puts(out, ",\"before\":");
    if (all->has_before)
        buf_append(out, all->before.json.data, all->before.json.len);
    else
        buf_puts(out, "null");
    buf_putc(out, '}');
}

/* ---- collecting again ---- */

static int set_stats(struct web_all *all, const char *given, const char *base, struct error *error)
{
    char *url = server_stats_url(given, base);
    if (!url)
        return error_set(error, ERR_INVALID, "\"%s\" is neither a URL nor a port", given);
    bool near = server_stats_is_near(url, base);
    free(url);
    if (!near)
        return error_set(error, ERR_INVALID,
            "%s is on another machine: -stats on the command line may name any, a page may not", given);
    char *kept = strdup(given);
    if (!kept)
        return nomem(error);
    free(all->stats);
    all->stats = kept;
    return 0;
}

static int set_seconds(struct web_all *all, const char *text, struct error *error)
{
    char *end;
    long n = strtol(text, &end, 10);
    if (end == text || *end || n < 1 || n > MOST_SECONDS)
        return error_set(
            error, ERR_INVALID, "\"%s\" is no number of seconds from 1 to %d", text, MOST_SECONDS);
    all->seconds = (int)n;
    return 0;
}

int web_all_collect(struct web_all *all, const char *seconds, const char *stats, struct error *error)
{
    const char *source = all->o->sources.items[0];
    if (!all->live)
        return error_set(error, ERR_UNSUPPORTED, "a folder cannot be collected again: -triage URL can");
    if (collector_runs(&all->collector))
        return error_set(error, ERR_BUSY, "profiles are being collected already");
    char *base = collection_base(source);
    int code = base ? 0 : nomem(error);
    if (!code && *seconds)
        code = set_seconds(all, seconds, error);
    if (!code && *stats && strcmp(stats, stats_given(all)) != 0)
        code = set_stats(all, stats, base, error);
    free(base);
    all->error.code = 0;
    return code ? code : collector_start(&all->collector, all->o, source, all->seconds, all->stats, error);
}

/* What was shown becomes what is compared with. */
static int take_over(struct web_all *all, const char *folder, struct error *error)
{
    struct taken next;
    int code = taken_open(&next, all->o, folder, error);
    if (code)
        return code;
    forget_differences(all);
    taken_fini(&all->before);
    all->before = all->now;
    all->now = next;
    all->has_before = true;
    all->count++;
    return 0;
}

void web_all_put_progress(struct web_all *all, struct buf *out)
{
    char *folder = NULL;
    struct error error = {0};
    if (collector_ended(&all->collector, &folder, &error)) {
        int code = folder ? take_over(all, folder, &error) : error.code;
        all->error = error;
        all->error.code = code;
        if (!code)
            fprintf(stderr, "Saved profiles in %s\n", folder);
        free(folder);
    }
    bool runs = collector_runs(&all->collector);
    int64_t ms = runs ? (clock_monotonic_ns() - all->collector.began_ns) / 1000000 : 0;
    buf_printf(out,
        "{\"running\":%s,\"ms\":%" PRId64 ",\"seconds\":%d,\"taken\":%d,\"error\":", runs ? "true" : "false",
        ms, all->seconds, all->count);
    jsontext_put(out, all->error.code ? all->error.text : "");
    buf_puts(out, "}\n");
}
