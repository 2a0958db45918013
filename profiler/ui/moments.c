#include "ui/moments.h"

#include "model/codec.h"
#include "ui/server_stats.h"
#include "view/triage.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const int moments_percent[N_LOOKS] = {15, 38, 61, 84};

enum { DUMPS = 0, HEAPS = N_LOOKS, STATS = 2 * N_LOOKS, LEAST_STEP_MS = 1000, PATIENCE_MS = 5000 };

/* ---- what to ask for ---- */

static bool plan(struct fetch *f, const char *base, const char *endpoint, int start_ms)
{
    char *address;
    if (asprintf(&address, "%s/%s", base, endpoint) < 0)
        return false;
    f->address = address;
    f->start_ms = start_ms;
    return true;
}

static bool plan_looks(struct moments *m, const char *base, int seconds)
{
    for (int i = 0; i < N_LOOKS; i++) {
        int at = seconds * moments_percent[i] * 10;
        if (!plan(&m->fetches[DUMPS + i], base, "goroutine?debug=2", at) ||
            !plan(&m->fetches[HEAPS + i], base, "heap", at))
            return false;
    }
    return true;
}

static void plan_stats(struct moments *m, const char *url, int seconds)
{
    int64_t step = (int64_t)seconds * 1000 / (MOST_MOMENTS - STATS - 1);
    step = step < LEAST_STEP_MS ? LEAST_STEP_MS : step;
    for (int64_t at = step; at <= (int64_t)seconds * 1000 && m->n < MOST_MOMENTS; at += step) {
        struct fetch *f = &m->fetches[m->n];
        f->address = strdup(url);
        f->start_ms = (int)at;
        f->timeout_ms = PATIENCE_MS;
        f->anonymous = true;
        m->n += f->address != NULL;
    }
}

static bool has_figures(const struct fetch *f)
{
    double ignored;
    return !f->code && (server_stats_number(&f->bytes, "threads", &ignored) ||
                           server_stats_number(&f->bytes, "p95_ms", &ignored));
}

int moments_begin(struct moments *m, struct fetch *fetches, const char *base, const char *stats, int seconds,
    const struct fetch_limits *limits)
{
    *m = (struct moments){.fetches = fetches, .n = STATS};
    for (int i = 0; i < MOST_MOMENTS; i++)
        fetches[i].code = ERR_CANCELLED;
    char *url = server_stats_url(stats, base);
    if (!url || !plan_looks(m, base, seconds)) {
        free(url);
        return ERR_NOMEM;
    }
    m->first = (struct fetch){.address = url, .timeout_ms = PATIENCE_MS, .anonymous = true};
    int code = fetch_all(&m->first, 1, limits);
    bool named = stats && *stats;
    if (!code && (named || has_figures(&m->first)))
        plan_stats(m, url, seconds); /* a server that is busy now may answer later */
    if (!code && named && !has_figures(&m->first))
        fprintf(stderr, "%s: %s\n", url,
            m->first.code ? m->first.error.text : "neither threads nor p95_ms is a number there");
    return code == ERR_NOMEM ? code : 0;
}

void moments_fini(struct moments *m)
{
    free((char *)m->first.address);
    fetch_fini(&m->first);
}

/* ---- what came ---- */

/* Of all samples: the values of that type, or of the last one. */
static bool total_of(const struct fetch *f, const char *type, int64_t *out)
{
    struct profile *p;
    struct error ignored;
    if (f->code || profile_decode(f->bytes.data ? f->bytes.data : "", f->bytes.len, 0, &p, &ignored))
        return false;
    size_t index = p->sample_types.len - 1;
    for (size_t i = 0; i < p->sample_types.len; i++)
        if (strcmp(p->sample_types.items[i].type, type) == 0)
            index = i;
    uint64_t sum = 0;
    for (size_t s = 0; s < p->samples.len && p->sample_types.len; s++)
        sum += (uint64_t)profile_values(p, s)[index];
    *out = (int64_t)sum;
    bool any = p->sample_types.len > 0;
    profile_free(p);
    return any;
}

static void put_total(const struct fetch *f, const char *type, const char *name, struct buf *out)
{
    int64_t total;
    if (total_of(f, type, &total))
        buf_printf(out, "%d %s %" PRId64 "\n", f->start_ms, name, total);
}

static bool put_figures(const struct fetch *f, struct buf *out)
{
    static const char *const names[] = {"threads", "p95_ms"};
    double threads, value;
    for (size_t i = 0; !f->code && i < sizeof names / sizeof *names; i++)
        if (server_stats_number(&f->bytes, names[i], &value))
            buf_printf(out, "%d %s %.15g\n", f->start_ms, names[i], value);
    return !f->code && server_stats_number(&f->bytes, "threads", &threads);
}

void moments_put_timeline(const struct moments *m, const struct moments_profiles *with, struct buf *out)
{
    bool counted = put_figures(&m->first, out);
    for (size_t i = STATS; i < m->n; i++)
        counted |= put_figures(&m->fetches[i], out);
    for (int i = 0; i < N_LOOKS && !counted; i++)
        put_total(&with->looks[i], "threads", "threads", out);
    put_total(with->heap_start, "inuse_space", "heap", out);
    for (int i = 0; i < N_LOOKS; i++)
        put_total(&m->fetches[HEAPS + i], "inuse_space", "heap", out);
    put_total(with->heap, "inuse_space", "heap", out);
}

static int64_t stuck_in(const struct fetch *look)
{
    struct profile *p;
    struct error ignored;
    if (look->code ||
        profile_decode(look->bytes.data ? look->bytes.data : "", look->bytes.len, 0, &p, &ignored))
        return -1;
    int64_t stuck = triage_stuck_threads(p);
    profile_free(p);
    return stuck;
}

const struct buf *moments_dump(const struct moments *m, const struct moments_profiles *with)
{
    int worst = -1;
    int64_t most = -1;
    for (int i = 0; i < N_LOOKS; i++) {
        int64_t stuck = stuck_in(&with->looks[i]);
        if (stuck >= 0 && stuck >= most) {
            most = stuck;
            worst = i;
        }
    }
    const struct fetch *dump = worst < 0 ? NULL : &m->fetches[DUMPS + worst];
    return dump && !dump->code && dump->bytes.len ? &dump->bytes : NULL;
}
