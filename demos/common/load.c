/*
 * The load generator of all lessons: see loadgen.h for how it works. Without arguments it is the traffic
 * under which lesson 6 begins: three requests in four are for one of a few thousand popular items, which
 * every cache worth its name keeps; the fourth is for an item that nobody has asked for before. The popular
 * ones are asked for evenly, or with --zipf 1 the first far more often than the last.
 */
#include "common/knobs.h"
#include "common/limits.h"
#include "common/loadgen.h"
#include "common/zipf.h"

#include "base/hash.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static const char SUMMARY[] =
    "Open-loop load: a request starts when it is due, whatever has become of those before it, and its\n"
    "latency counts from then. Without options: the traffic of lesson 6, on ./demos/gateway.";

struct load {
    long rate, duration, popular, hits, zipf, seed, slow_ms;
    const char *url, *path, *json, *timeline;
    FILE *noted; /* of timeline */
    double noted_at;
    struct zipf *ranks; /* with --zipf 1 */
    unsigned session;   /* makes this run's new items new */
    bool live;
    double slow_at; /* when the symptom was last seen, in seconds of the run; negative: never */
};

static volatile sig_atomic_t interrupted;

static void interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

/* ---- what is asked for ---- */

static void write_key(const struct load *load, uint64_t n, char *to, size_t cap)
{
    uint64_t random = hash_mix((uint64_t)load->seed, n);
    uint64_t draw = random / 100;
    if ((long)(random % 100) < load->hits)
        snprintf(to, cap, "item-%" PRIu64,
            load->ranks ? zipf_rank(load->ranks, (uint32_t)draw) : draw % (uint64_t)load->popular);
    else
        snprintf(to, cap, "new-%x-%" PRIu64, load->session, n);
}

static uint64_t count_paths(const char *paths)
{
    uint64_t n = 1;
    while ((paths = strchr(paths, ',')))
        paths++, n++;
    return n;
}

/* Of several paths, each key takes all of them, in order and half a second apart: as somebody would who logs
 * in, looks around, and logs out. */
static void write_path(void *closure, uint64_t n, char *to, size_t cap)
{
    const struct load *load = closure;
    uint64_t npaths = count_paths(load->path), which = n % npaths;
    uint64_t apart = (uint64_t)load->rate / 2 / npaths; /* keys that are begun in half a second */
    const char *path = load->path;
    for (uint64_t i = 0; i < which; i++)
        path = strchr(path, ',') + 1;
    size_t len = strcspn(path, ",");
    const char *at = memmem(path, len, "KEY", 3);
    if (!at) {
        snprintf(to, cap, "%.*s", (int)len, path);
        return;
    }
    char key[64];
    size_t before = (size_t)(at - path);
    write_key(load, n / npaths + (npaths - 1 - which) * apart, key, sizeof key);
    snprintf(to, cap, "%.*s%s%.*s", (int)before, path, key, (int)(len - before - 3), at + 3);
}

/* ---- what is shown ---- */

enum { SLOW_FOR_SECONDS = 12 }; /* trouble that comes in bursts is still there between them */

/* What is answered late shows in the p95 once it is answered; what is not answered yet shows before that in
 * the number in flight, which is the rate times the mean latency. */
static bool is_slow(const struct load *load, const struct load_progress *now)
{
    return now->p95_us >= (uint64_t)load->slow_ms * 1000 ||
           now->in_flight * 2000 >= (uint64_t)load->rate * (uint64_t)load->slow_ms;
}

/* Twice a second, once there is something to say. */
static void note_progress(struct load *load, const struct load_progress *now)
{
    if (!load->noted || !now->p95_us || now->seconds < load->noted_at + 0.5)
        return;
    load->noted_at = now->seconds;
    fprintf(load->noted, "%.0f p95_ms %.1f\n", now->seconds * 1000, (double)now->p95_us / 1000);
}

static void show_progress(void *closure, const struct load_progress *now)
{
    struct load *load = closure;
    note_progress(load, now);
    if (is_slow(load, now))
        load->slow_at = now->seconds;
    bool slow = load->slow_at >= 0 && now->seconds - load->slow_at < SLOW_FOR_SECONDS;
    if (load->live)
        fprintf(stderr, "\r%4.0f s  %ld req/s  %5" PRIu64 " in flight  p95 %.2f s%s\033[K", now->seconds,
            load->rate, now->in_flight, (double)now->p95_us / 1e6,
            slow ? "  <- it is slow: profile now" : "");
}

static int columns(void)
{
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

static double percentile_ms(const struct load_report *report, double percent)
{
    return (double)histogram_percentile_us(&report->latency, percent) / 1000;
}

static void print_summary(const struct load_report *report, FILE *to)
{
    histogram_print(&report->latency, to, columns());
    fprintf(to, "%" PRIu64 " requests, %" PRIu64 " errors", report->requests, report->errors);
    if (report->cut_short)
        fprintf(to, ", %" PRIu64 " still in flight", report->cut_short);
    fprintf(to, "\np50 %.1f ms  p95 %.1f ms  p99 %.1f ms  max %.1f ms\n", percentile_ms(report, 50),
        percentile_ms(report, 95), percentile_ms(report, 99), percentile_ms(report, 100));
}

static int write_json(const struct load_report *report, const char *path)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdout : fopen(path, "we");
    if (file)
        fprintf(file,
            "{\"requests\":%" PRIu64 ",\"errors\":%" PRIu64
            ",\"p50_ms\":%.3f,\"p95_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}\n",
            report->requests, report->errors, percentile_ms(report, 50), percentile_ms(report, 95),
            percentile_ms(report, 99), percentile_ms(report, 100));
    if (!file || (standard ? fflush(file) : fclose(file)) != 0) {
        fprintf(stderr, "load: cannot write %s: %s\n", path, strerror(errno));
        return 1;
    }
    return 0;
}

/* ---- the program ---- */

static int run(struct load *load, struct load_plan *plan)
{
    struct load_report *report = calloc(1, sizeof *report);
    if (!report)
        return 1;
    bool to_stdout = load->json && strcmp(load->json, "-") == 0;
    int code = loadgen_run(plan, report);
    if (load->live)
        fputs("\r\033[K", stderr);
    if (code == 0) {
        print_summary(report, to_stdout ? stderr : stdout);
        code = load->json ? write_json(report, load->json) : 0;
    }
    if (report->error.code != 0) {
        fprintf(stderr, "load: %s (is the server running?)\n", report->error.text);
        code = 1;
    }
    free(report);
    return code != 0;
}

int main(int argc, char **argv)
{
    struct load load = {.rate = 1050,
        .duration = 60,
        .popular = 3000,
        .hits = 75,
        .seed = 6,
        .slow_ms = 1500,
        .url = "http://127.0.0.1:8080",
        .path = "/v1/items/KEY",
        .slow_at = -1};
    const struct knob knobs[] = {
        {"url", "BASE", "the server", KNOB_TEXT, &load.url, 0, 0},
        {"path", "PATH[,PATH...]", "what to ask for, in turn; KEY becomes an item", KNOB_TEXT, &load.path, 0,
            0},
        {"rate", "N", "requests a second", KNOB_NUMBER, &load.rate, 1, 100000},
        {"duration", "N", "seconds", KNOB_NUMBER, &load.duration, 1, 86400},
        {"hits", "N", "percent of requests for popular items", KNOB_NUMBER, &load.hits, 0, 100},
        {"popular", "N", "how many items are popular", KNOB_NUMBER, &load.popular, 1, 1000000},
        {"zipf", "N", "1: the first of these far more often than the last; 0: all alike", KNOB_NUMBER,
            &load.zipf, 0, 1},
        {"seed", "N", "another order of requests", KNOB_NUMBER, &load.seed, 0, 1000000000},
        {"slow-ms", "N", "the p95 from which to say \"profile now\"", KNOB_NUMBER, &load.slow_ms, 1, 1000000},
        {"json", "FILE", "write the summary there as well, as JSON; - is standard output", KNOB_TEXT,
            &load.json, 0, 0},
        {"timeline", "FILE", "add the p95 over time to it, in lines of \"MS p95_ms VALUE\"", KNOB_TEXT,
            &load.timeline, 0, 0},
    };
    int code = knobs_parse(knobs, sizeof knobs / sizeof *knobs, SUMMARY, argc, argv);
    if (code >= 0)
        return code;
    struct error error;
    struct load_plan plan = {.rate = (double)load.rate,
        .seconds = (double)load.duration,
        .path = write_path,
        .progress = show_progress,
        .closure = &load,
        .stop = &interrupted};
    if (load_plan_url(&plan, load.url, &error) != 0) {
        fprintf(stderr, "load: %s\n", error.text);
        return 2;
    }
    if (load.zipf && !(load.ranks = zipf_new((size_t)load.popular))) {
        fprintf(stderr, "load: out of memory\n");
        return 1;
    }
    if (load.timeline && !(load.noted = fopen(load.timeline, "ae"))) {
        fprintf(stderr, "load: %s: %s\n", load.timeline, strerror(errno));
        zipf_free(load.ranks);
        return 2;
    }
    if (load.noted)
        setvbuf(load.noted, NULL, _IOLBF, 0); /* others may add lines, too */
    load.session = (unsigned)time(NULL);
    load.live = isatty(STDERR_FILENO);
    limits_raise_descriptors();
    signal(SIGPIPE, SIG_IGN);
    struct sigaction act = {.sa_handler = interrupt};
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    code = run(&load, &plan);
    if (load.noted)
        fclose(load.noted);
    zipf_free(load.ranks);
    return code;
}
