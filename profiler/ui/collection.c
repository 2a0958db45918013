#include "ui/collection.h"

#include "model/codec.h"
#include "ui/fetch.h"
#include "ui/gather.h"
#include "ui/moments.h"
#include "ui/output.h"
#include "ui/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SECONDS = 20 };

static const char about_name[] = "about.txt", dump_name[] = "threads.txt", timeline_name[] = "timeline.txt";

/* What is asked for. The looks at threads are spread (moments_percent) so that what comes every few seconds
 * is met by one. The endpoint goroutine is there in servers of C and of Go. */
struct part {
    const char *file, *endpoint;
    enum triage_lens lens;
    bool lasts;     /* the server collects for the whole time */
    int at_percent; /* of the time: when it is asked for; of looks moments_percent has it */
};

static const struct part parts[] = {
    {"heap-start", "heap", LENS_HEAP_START, false, 0},
    {"cpu", "profile", LENS_CPU, true, 0},
    {"mutex", "mutex", LENS_MUTEX, true, 0},
    {"block", "block", LENS_BLOCK, true, 0},
    {"threads", "goroutine", LENS_THREADS, false, 0},
    {"threads-2", "goroutine", LENS_THREADS, false, 0},
    {"threads-3", "goroutine", LENS_THREADS, false, 0},
    {"threads-4", "goroutine", LENS_THREADS, false, 0},
    {"heap", "heap", LENS_HEAP, false, 100},
};

enum { N_PARTS = sizeof parts / sizeof *parts, FIRST_LOOK = 4, LAST_HEAP = 8 };

static int nomem(struct error *error)
{
    return error_set(error, ERR_NOMEM, "out of memory");
}

char *collection_base(const char *address)
{
    static const char usual[] = "/debug/pprof";
    int seconds;
    char *url = fetch_url(address, 0, &seconds), *end = url ? strstr(url, usual) : NULL;
    if (!url)
        return NULL;
    if (end)
        end[sizeof usual - 1] = '\0';
    url[strcspn(url, "?")] = '\0';
    for (size_t len = strlen(url); len && url[len - 1] == '/'; len--)
        url[len - 1] = '\0';
    return url;
}

/* ---- taking one ---- */

static bool make_addresses(struct fetch *fetches, const char *base, int seconds)
{
    for (int i = 0; i < N_PARTS; i++) {
        char *address;
        char query[32] = "";
        fetches[i].code = error_set(&fetches[i].error, ERR_CANCELLED, "%s", error_text(ERR_CANCELLED));
        if (parts[i].lasts)
            snprintf(query, sizeof query, "?seconds=%d", seconds);
        if (asprintf(&address, "%s/%s%s", base, parts[i].endpoint, query) < 0)
            return false;
        fetches[i].address = address;
        int look = i - FIRST_LOOK,
            percent = look >= 0 && look < N_LOOKS ? moments_percent[look] : parts[i].at_percent;
        fetches[i].start_ms = seconds * percent * 10;
    }
    return true;
}

static int write_file(const char *folder, const char *name, const struct buf *bytes, struct error *error)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return error_set(error, ERR_LIMIT, "%s: the name is too long", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set(error, ERR_IO, "%s: %s", path, strerror(errno));
    return output_finish_file(fd, path, bytes, error);
}

static int write_parts(const char *folder, const struct fetch *fetches, struct error *error)
{
    for (int i = 0; i < N_PARTS; i++) {
        char name[40];
        snprintf(name, sizeof name, "%s.pb.gz", parts[i].file);
        int code = fetches[i].code ? 0 : write_file(folder, name, &fetches[i].bytes, error);
        if (code)
            return code;
    }
    return 0;
}

static int write_about(
    const char *folder, const struct fetch *fetches, const char *base, int seconds, struct error *error)
{
    struct buf about = {0};
    char when[40];
    time_t now = time(NULL) - seconds;
    struct tm tm;
    strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S %Z", localtime_r(&now, &tm));
    buf_printf(&about, "source %s\nseconds %d\ntime %s\n", base, seconds, when);
    for (int i = 0; i < N_PARTS; i++)
        if (fetches[i].code)
            buf_printf(&about, "missing %s %s\n", parts[i].file, fetches[i].error.text);
    int code = about.failed ? nomem(error) : write_file(folder, about_name, &about, error);
    buf_fini(&about);
    return code;
}

/* The reason of the first that failed, when all did. */
static int check_any(const struct fetch *fetches, int code, struct error *error)
{
    for (int i = 0; i < N_PARTS && fetches[0].answered; i++)
        if (!fetches[i].code)
            return 0;
    if (code)
        return error_set(error, code, "%s", error_text(code));
    *error = fetches[0].error;
    return error_prefix(error, "%s", fetches[0].address);
}

/* Puts names into what came without, while there is a server to ask: the folder has them then, wherever it is
 * opened. What is no profile, or cannot be named, stays as it was sent. ERR_NOMEM. */
static int name_part(struct fetch *f, const struct options *o, const struct fetch_limits *limits)
{
    struct profile *p;
    struct error ignored;
    struct buf bytes = {0};
    bool found = false;
    int code = profile_decode(f->bytes.data ? f->bytes.data : "", f->bytes.len, 0, &p, &ignored);
    if (code)
        return code == ERR_NOMEM ? code : 0;
    code = gather_names(&p, f->url, o, limits, &found, &ignored);
    if (!code && found)
        code = profile_encode(p, true, &bytes, &ignored);
    if (!code && found) {
        buf_fini(&f->bytes);
        f->bytes = bytes;
    }
    profile_free(p);
    return code == ERR_NOMEM ? code : 0;
}

static int name_parts(
    struct fetch *fetches, const struct options *o, const struct fetch_limits *limits, struct error *error)
{
    for (int i = 0; i < N_PARTS; i++)
        if (!fetches[i].code && name_part(&fetches[i], o, limits))
            return nomem(error);
    return 0;
}

static int write_moments(
    const char *folder, const struct fetch *fetches, const struct moments *m, struct error *error)
{
    const struct moments_profiles with = {&fetches[0], &fetches[LAST_HEAP], &fetches[FIRST_LOOK]};
    const struct buf *dump = moments_dump(m, &with);
    struct buf timeline = {0};
    moments_put_timeline(m, &with, &timeline);
    int code = timeline.failed ? nomem(error) : 0;
    if (!code && timeline.len)
        code = write_file(folder, timeline_name, &timeline, error);
    if (!code && dump)
        code = write_file(folder, dump_name, dump, error);
    buf_fini(&timeline);
    return code;
}

static int keep(const struct fetch *fetches, const struct moments *m, const char *base, int seconds,
    char **folder, struct error *error)
{
    int code = store_make_folder("pprof.triage", folder, error);
    if (!code)
        code = write_parts(*folder, fetches, error);
    if (!code)
        code = write_moments(*folder, fetches, m, error);
    return code ? code : write_about(*folder, fetches, base, seconds, error);
}

/* First of all, whether there is a server; then all at once. What fetch_all() says. */
static int fetch_everything(struct fetch *fetches, struct moments *m, const struct options *o,
    const char *base, int seconds, const struct fetch_limits *limits)
{
    int code = fetch_all(fetches, 1, limits);
    if (code || !fetches[0].answered)
        return code;
    code = moments_begin(m, fetches + N_PARTS, base, o->stats, seconds, limits);
    return code ? code : fetch_all(fetches + 1, N_PARTS - 1 + m->n, limits);
}

int collection_take(const struct options *o, const char *address, const volatile sig_atomic_t *cancel,
    char **folder, struct error *error)
{
    int seconds = o->seconds > 0 ? o->seconds : SECONDS, code = 0;
    char *base = collection_base(address);
    struct fetch fetches[N_PARTS + MOST_MOMENTS] = {0};
    struct moments moments = {.fetches = fetches + N_PARTS};
    struct fetch_limits limits = {.seconds = -1,
        .timeout_s = o->timeout_s,
        .token = o->token,
        .tls_cert = o->tls_cert,
        .tls_key = o->tls_key,
        .tls_ca = o->tls_ca,
        .cancel = cancel,
        .quiet = true};
    *folder = NULL;
    if (!base || !make_addresses(fetches, base, seconds))
        code = nomem(error);
    if (!code) {
        fprintf(stderr, "Collecting CPU, heap, threads, mutex and block profiles from %s for %d s\n", base,
            seconds);
        int fetched = fetch_everything(fetches, &moments, o, base, seconds, &limits);
        code = check_any(fetches, fetched, error);
        if (!code)
            code = name_parts(fetches, o, &limits, error);
        if (!code)
            code = keep(fetches, &moments, base, seconds, folder, error);
        if (!code && fetched)
            code = error_set(error, fetched, "%s", error_text(fetched));
    }
    for (int i = 0; i < N_PARTS + MOST_MOMENTS; i++) {
        free((char *)fetches[i].address);
        fetch_fini(&fetches[i]);
    }
    moments_fini(&moments);
    free(base);
    return code;
}

/* ---- opening one ---- */

/* "source URL" and so on: sets the title, and why things are missing. */
static void read_about(struct collection *c, const char *folder)
{
    char path[PATH_MAX], *line = NULL, source[300] = "", when[60] = "";
    size_t room = 0;
    int seconds = 0;
    snprintf(path, sizeof path, "%s/%s", folder, about_name);
    FILE *f = fopen(path, "re");
    while (f && getline(&line, &room, f) > 0) {
        char name[40], why[300];
        line[strcspn(line, "\n")] = '\0';
        if (sscanf(line, "source %299[^\n]", source) == 1 || sscanf(line, "seconds %d", &seconds) == 1 ||
            sscanf(line, "time %59[^\n]", when) == 1 ||
            sscanf(line, "missing %39s %299[^\n]", name, why) != 2)
            continue;
        for (int i = 0; i < N_PARTS; i++)
            if (strcmp(parts[i].file, name) == 0 && !c->missing[parts[i].lens])
                c->missing[parts[i].lens] = strdup(why);
    }
    c->seconds = seconds;
    if (*source && asprintf(&c->title, "Triage of %s, %d s from %s", source, seconds, when) < 0)
        c->title = NULL;
    else if (!*source && asprintf(&c->title, "Triage of %s", folder) < 0)
        c->title = NULL;
    free(line);
    if (f)
        fclose(f);
}

/* What is there of a file of the folder; empty when there is no such file. */
static void read_text(const char *folder, const char *name, struct buf *out)
{
    char path[PATH_MAX];
    struct fetch f = {.address = path};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    fetch_file(&f);
    if (f.code)
        buf_fini(&f.bytes);
    *out = f.bytes;
}

/* Of two looks at threads the one with more of them stuck; else the later one. Frees the other. */
static struct profile *worse(struct profile *a, struct profile *b)
{
    bool keep_a = a && triage_stuck_threads(a) > triage_stuck_threads(b);
    profile_free(keep_a ? b : a);
    return keep_a ? a : b;
}

static int open_part(
    struct collection *c, const struct part *part, const struct options *o, const char *folder)
{
    char path[PATH_MAX];
    const char *source = path;
    struct options one = *o;
    struct profile *p;
    struct error error = {0};
    snprintf(path, sizeof path, "%s/%s.pb.gz", folder, part->file);
    if (access(path, F_OK) != 0)
        return 0;
    one.sources.items = &source;
    one.sources.len = 1;
    one.bases.len = 0;
    int code = gather_profile(&one, NULL, &p, &error);
    if (!code) {
        c->profiles[part->lens] = part->lens == LENS_THREADS ? worse(c->profiles[part->lens], p) : p;
        return 0;
    }
    free(c->missing[part->lens]);
    c->missing[part->lens] = strdup(error.text);
    return code == ERR_NOMEM ? code : 0;
}

int collection_open(struct collection *c, const struct options *o, const char *folder, struct error *error)
{
    bool any = false;
    *c = (struct collection){0};
    read_about(c, folder);
    if (!c->title)
        return nomem(error);
    read_text(folder, dump_name, &c->dump);
    read_text(folder, timeline_name, &c->timeline);
    for (int i = 0; i < N_PARTS; i++) {
        if (open_part(c, &parts[i], o, folder))
            return nomem(error);
        any |= c->profiles[parts[i].lens] != NULL;
    }
    if (any)
        return 0;
    for (int i = 0; i < N_PARTS; i++)
        if (c->missing[parts[i].lens])
            return error_set(error, ERR_NOTFOUND, "%s", c->missing[parts[i].lens]);
    return error_set(error, ERR_NOTFOUND, "%s: no cpu.pb.gz, heap.pb.gz, ... in it", folder);
}

void collection_fini(struct collection *c)
{
    for (int i = 0; i < N_LENSES; i++) {
        profile_free(c->profiles[i]);
        free(c->missing[i]);
    }
    free(c->title);
    buf_fini(&c->dump);
    buf_fini(&c->timeline);
}
