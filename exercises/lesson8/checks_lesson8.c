/*
 * Checks of lesson 8: what a repaired debug_http.c must do, asked as a stranger would ask it. Nothing is
 * timed: who gets in, which status comes back, what the profiler would be asked for, which bytes leave, and
 * how many samples a second that takes. Any design passes that keeps the promises of
 * demos/lesson8/debug_http.h; how it is written is not looked at.
 *
 *   lesson8 TITLE FLAWED MODULE
 */
#include "counted.h"
#include "debug_limits.h"
#include "debug_rig.h"
#include "module.h"
#include "verdict.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOKEN "6f1d-correct-horse-battery-staple-0c4b-of-this-very-check"
#define KEY "canary-b7Q0-signs-tickets"

static struct debug_module module, counted;

static const char *const harmless[] = {"./admin", "--port", "8080", NULL};

static struct debug_settings settings_with(const char *token)
{
    return (struct debug_settings){
        .address = "127.0.0.1:6060", .token = token, .signing_key = KEY, .argv = harmless};
}

static const struct debug_request from_here = {.query = "", .host = "127.0.0.1:6060"};

static struct debug_request request_for(const char *path, const char *query)
{
    struct debug_request r = from_here;
    r.path = path;
    r.query = query;
    return r;
}

/* The status; what comes with it is forgotten. */
static int status_of(const struct debug_settings *s, const struct debug_request *r)
{
    struct debug_answer a;
    rig_ask(&module, s, r, &a);
    buf_fini(&a.text);
    return a.status;
}

/* ---- only_this_machine ---- */

static int try_listening(const char *address, struct error *error)
{
    struct debug_settings s = settings_with("");
    s.address = address;
    memset(error, 0, sizeof *error);
    module_enter("debug_http_listen");
    int fd = module.listen(&s, error);
    module_leave();
    return fd;
}

static void expect_refused(const char *address, const char *what)
{
    static const char allowed[] = "-1, with a reason, for whatever other machines reach";
    struct error error;
    int fd = try_listening(address, &error);
    if (fd >= 0)
        verdict(false, allowed, "%s, which is %s, was listened at%s", address, what,
            rig_is_local(fd) ? ", though not there: whoever wrote it does not learn of it" : "");
    if (!*error.text)
        verdict(false, allowed, "%s was refused without a reason", address);
}

/* `others`: addresses of this machine that must not get through. */
static void expect_local(const char *address, const char *other)
{
    static const char allowed[] = "the address that was asked for gets through, and no other";
    struct error error;
    int fd = try_listening(address, &error);
    if (fd < 0)
        verdict(false, allowed, "nothing listens at %s: %s", address, error.text);
    if (!rig_is_local(fd) || (other && rig_connects(fd, other)))
        verdict(false, allowed, "with the address %s, a connection to %s got through: it listens everywhere",
            address, other ? other : "another one");
    if (!rig_connects(fd, NULL))
        verdict(false, allowed, "a connection to %s was refused", address);
    close(fd);
}

static void expect_private_path(void)
{
    static const char allowed[] = "only the user may connect to it: mode 0600, or less";
    char dir[] = "/tmp/lesson8-XXXXXX", address[64];
    struct error error;
    struct stat made = {0};
    if (!mkdtemp(dir))
        abort();
    snprintf(address, sizeof address, "unix:%s/debug", dir);
    umask(0);
    int fd = try_listening(address, &error);
    bool there = fd >= 0 && stat(address + 5, &made) == 0, connects = there && rig_connects(fd, NULL);
    if (fd >= 0)
        close(fd);
    unlink(address + 5);
    rmdir(dir);
    if (!there || !connects)
        verdict(false, allowed, "nothing listens at %s: %s", address, error.text);
    if (made.st_mode & 077)
        verdict(false, allowed, "the socket %s has mode %04o", address, (unsigned)made.st_mode & 0777);
}

static void only_this_machine(void)
{
    char outside[80];
    int before = rig_open_descriptors();
    expect_local("127.0.0.1:0", "127.0.0.2");
    expect_local("127.0.0.3:0", "127.0.0.1");
    expect_local("localhost:0", "127.0.0.2");
    if (rig_has_ipv6())
        expect_local("[::1]:0", NULL);
    expect_private_path();
    expect_refused("0.0.0.0:0", "every address");
    expect_refused(":0", "every address");
    expect_refused("*:0", "every address");
    expect_refused("[::]:0", "every address");
    expect_refused("0:0", "every address, by another name");
    if (rig_outside_address(outside, sizeof outside))
        expect_refused(outside, "an address that others reach");
    expect_refused("127.0.0.1.example.com:0", "a name on the network");
    expect_refused("127.0.0.1", "without a port");
    expect_refused("127.0.0.1:http", "without a number for a port");
    expect_refused("127.0.0.1:65536", "beyond the last port");
    int left = rig_open_descriptors() - before;
    if (left > 0)
        verdict(
            false, "none: what could not be listened at is closed", "%d descriptors were left open", left);
    verdict(true, "loopback and paths are listened at, all else is refused",
        "what is reached from here alone was listened at, and what others reach was refused");
}

/* ---- host_and_token ---- */

static void expect_status(int got, int want, const char *what)
{
    char allowed[40];
    snprintf(allowed, sizeof allowed, "%d", want);
    if (got != want)
        verdict(false, allowed, "%s was answered with %d", what, got);
}

static void try_hosts(void)
{
    static const char *const OTHERS[] = {"theatre.example:6060", "127.0.0.1.theatre.example", "10.0.0.1:6060",
        "localhost.theatre.example:6060", "[2001:db8::1]:6060", "0.0.0.0:6060"};
    static const char *const OURS[] = {"127.0.0.1:6060", "127.0.0.1", "localhost:6060", "[::1]:6060"};
    struct debug_settings s = settings_with("");
    struct debug_request r = request_for("/debug/pprof/heap", "");
    char what[100];
    for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++) {
        r.host = OTHERS[i];
        snprintf(what, sizeof what, "a request with Host: %s", r.host);
        expect_status(status_of(&s, &r), 403, what);
    }
    for (size_t i = 0; i < sizeof OURS / sizeof *OURS; i++) {
        r.host = OURS[i];
        snprintf(what, sizeof what, "a request with Host: %s", r.host);
        expect_status(status_of(&s, &r), 200, what);
    }
    r.is_unix = true;
    r.host = "admin";
    expect_status(status_of(&s, &r), 200, "a request through the socket with a path");
}

static void try_tokens(void)
{
    static const char *const WRONG[] = {NULL, "", "Bearer", "Bearer ", "Bearer  ", "Bearer x", TOKEN,
        "Basic " TOKEN, "Bearer " TOKEN "x", "Bearer x" TOKEN, "Bearer 6f1d-correct-horse"};
    static const char *const PATHS[] = {"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/profile",
        "/debug/pprof/cmdline", "/debug/vars", "/debug/pprof/threads"};
    struct debug_settings s = settings_with(TOKEN);
    char what[160];
    for (size_t p = 0; p < sizeof PATHS / sizeof *PATHS; p++)
        for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
            struct debug_request r = request_for(PATHS[p], "");
            r.authorization = WRONG[i];
            r.is_unix = i % 2;
            snprintf(what, sizeof what, "%s with %s%s", r.path,
                r.authorization ? "Authorization: " : "no token", r.authorization ? r.authorization : "");
            expect_status(status_of(&s, &r), 401, what);
        }
    struct debug_request r = request_for("/debug/pprof/heap", "");
    r.authorization = "Bearer " TOKEN;
    expect_status(status_of(&s, &r), 200, "the right token");
}

static void host_and_token(void)
{
    try_hosts();
    try_tokens();
    verdict(true, "403 for a page of another site, 401 without the token",
        "403 for six other names, 401 "
        "for eleven wrong tokens");
}

/* ---- near_misses_cost_alike ---- */

enum { LONG = 6400 };

static uint64_t work_of_guess(size_t wrong_at)
{
    static char token[LONG + 1], header[LONG + 8];
    memset(token, 'k', LONG);
    snprintf(header, sizeof header, "Bearer %s", token);
    header[7 + wrong_at] = 'x';
    struct debug_settings s = settings_with(token);
    struct debug_request r = request_for("/debug/pprof/heap", "");
    struct debug_answer a;
    r.authorization = header;
    uint64_t before = counted_work() + counted_bytes();
    rig_ask(&counted, &s, &r, &a);
    uint64_t work = counted_work() + counted_bytes() - before;
    buf_fini(&a.text);
    return work;
}

static void near_misses_cost_alike(void)
{
    uint64_t far = work_of_guess(0), near = work_of_guess(LONG - 1);
    verdict(near == far, "the same: else a token is guessed byte by byte",
        "a guess that is wrong in its first byte takes %" PRIu64
        " blocks and bytes, one that is wrong in its last "
        "%" PRIu64,
        far, near);
}

/* ---- seconds_bounded ---- */

static const char *const PROFILES[] = {
    "profile", "heap", "allocs", "threads", "goroutine", "threadcreate", "mutex", "block", "wall"};
enum { NPROFILES = sizeof PROFILES / sizeof *PROFILES };

static void ask_hostile(const char *profile, const char *query, bool is_plain)
{
    static const char allowed[] = "400; at most 60 s, and 250 Hz, are ever asked of the profiler";
    struct debug_settings s = settings_with("");
    struct debug_answer a;
    struct rig_profile asked;
    char path[60];
    snprintf(path, sizeof path, "/debug/pprof/%s", profile);
    struct debug_request r = request_for(path, query);
    rig_ask(&module, &s, &r, &a);
    buf_fini(&a.text);
    bool readable = rig_profile_read(a.profile, &asked);
    if (a.status == 200 && (asked.seconds > DEBUG_SECONDS_MAX || asked.hz > DEBUG_HZ_MAX))
        verdict(false, allowed,
            "%s?%s was answered with 200, and the profiler is asked for %" PRId64 " s at %" PRId64
            " Hz: '%s'",
            path, query, asked.seconds, asked.hz, a.profile);
    if (is_plain && a.status != 400)
        verdict(false, allowed, "%s?%s was answered with %d", path, query, a.status);
    if (a.status == 200 && !readable)
        verdict(false, allowed, "%s?%s: the profiler is asked for '%s'", path, query, a.profile);
}

static void seconds_bounded(void)
{
    /* Those that can only be meant in one way; and those that may be taken for nothing, but not for more. */
    static const char *const PLAIN[] = {"seconds=61", "seconds=3600", "seconds=0", "seconds=-1", "seconds=5x",
        "seconds=x", "seconds=1e9", "seconds=99999999999999999999", "seconds=4294967301",
        "seconds=18446744073709551621", "debug=0&seconds=3600"};
    static const char *const SLY[] = {"%73econds=3600", "s%65conds=3600", "seconds=%33600",
        "seconds=5&seconds=3600", "seconds=3600&seconds=5", "&seconds=3600", "seconds=+3600",
        "seconds=%203600", "seconds=5%26seconds=3600", "debug=1&%73econds=3600"};
    static const char *const HZ[] = {"hz=251", "hz=1000", "hz=0", "hz=x", "hz=-100", "seconds=5&hz=100000"};
    static const char *const SLY_HZ[] = {"%68z=1000", "seconds=5&h%7a=1000", "hz=100&hz=1000"};
    for (int i = 0; i < NPROFILES; i++) {
        for (size_t q = 0; q < sizeof PLAIN / sizeof *PLAIN; q++)
            ask_hostile(PROFILES[i], PLAIN[q], true);
        for (size_t q = 0; q < sizeof SLY / sizeof *SLY; q++)
            ask_hostile(PROFILES[i], SLY[q], false);
    }
    for (size_t q = 0; q < sizeof HZ / sizeof *HZ; q++)
        ask_hostile("profile", HZ[q], true);
    for (size_t q = 0; q < sizeof SLY_HZ / sizeof *SLY_HZ; q++)
        ask_hostile("profile", SLY_HZ[q], false);
    verdict(true, "400; at most 60 s, and 250 Hz, are ever asked of the profiler",
        "%zu queries that ask for too much, of each of %d profiles: the profiler was asked for none of it",
        sizeof PLAIN / sizeof *PLAIN + sizeof SLY / sizeof *SLY, NPROFILES);
}

/* ---- secret_absent ---- */

static void look_for_secrets(
    const struct debug_settings *s, const char *path, const char *query, const char *authorization)
{
    static const char allowed[] = "neither the signing key nor the token, in any answer";
    struct debug_request r = request_for(path, query);
    struct debug_answer a;
    r.authorization = authorization;
    rig_ask(&module, s, &r, &a);
    bool key = rig_shows(&a, s->signing_key), token = rig_shows(&a, s->token);
    buf_fini(&a.text);
    if (key || token)
        verdict(false, allowed, "%s%s%s, answered with %d, shows the %s", path, *query ? "?" : "", query,
            a.status, key ? "signing key" : "token");
}

static void secret_absent(void)
{
    static const char *const APART[] = {"./admin", "--signing-key", KEY, NULL};
    static const char *const TOGETHER[] = {"./admin", "--port=8080", "--signing-key=" KEY, NULL};
    static const char *const TWICE[] = {
        "./admin", "--signing-key", KEY, "--old-keys", "none," KEY "," KEY, NULL};
    static const char *const WITH_TOKEN[] = {"env", "CPROF_TOKEN=" TOKEN, "./admin", NULL};
    static const char *const *const COMMAND_LINES[] = {APART, TOGETHER, TWICE, WITH_TOKEN, harmless};
    static const char *const PATHS[] = {"/debug/pprof/", "/debug/vars", "/debug/pprof/cmdline",
        "/debug/pprof/heap", "/debug/pprof/threads", "/debug/", "/debug/pprof/nothing", "/"};
    static const char *const QUERIES[] = {"", "debug=2", "seconds=x"};
    for (size_t c = 0; c < sizeof COMMAND_LINES / sizeof *COMMAND_LINES; c++) {
        struct debug_settings s = settings_with(TOKEN);
        s.argv = COMMAND_LINES[c];
        for (size_t p = 0; p < sizeof PATHS / sizeof *PATHS; p++)
            for (size_t q = 0; q < sizeof QUERIES / sizeof *QUERIES; q++) {
                look_for_secrets(&s, PATHS[p], QUERIES[q], "Bearer " TOKEN);
                look_for_secrets(&s, PATHS[p], QUERIES[q], "Bearer wrong");
            }
    }
    verdict(true, "neither the signing key nor the token, in any answer",
        "all that is served, with %zu command lines, has neither in it",
        sizeof COMMAND_LINES / sizeof *COMMAND_LINES);
}

/* ---- labels_are_few ---- */

static char values[DEBUG_LABELS_MAX + 1][256];

/* How many different ones there are with this. */
static int remember(const char *label, int nvalues)
{
    for (int i = 0; i < nvalues; i++)
        if (strcmp(values[i], label) == 0)
            return nvalues;
    snprintf(values[nvalues], sizeof values[0], "%s", label);
    return nvalues + 1;
}

static void labels_are_few(void)
{
    int nvalues = 0;
    char code[40];
    for (int i = 0; i < LABELLED; i++) {
        snprintf(code, sizeof code, "%c%07d-%x", 'A' + i % 26, (i * 7919) % 9999991, i * 40503U);
        module_enter("debug_http_label");
        const char *label = module.label(code);
        module_leave();
        if (!label)
            continue;
        if (!*label || strlen(label) >= sizeof values[0])
            verdict(false, "NULL, or 1 to 255 bytes", "the label of %s has %zu bytes", code, strlen(label));
        if (strstr(label, code))
            verdict(false, "no code: whoever sees it may enter with it", "the ticket %s is labelled \"%s\"",
                code, label);
        nvalues = remember(label, nvalues);
        if (nvalues > DEBUG_LABELS_MAX)
            verdict(false, "at most 32: each is kept for good, and 4,096 are all there can be",
                "after %d tickets there were %d different labels", i + 1, nvalues);
    }
    verdict(true, "at most 32, and no code in them", "%d different labels for %d tickets", nvalues, LABELLED);
}

/* ---- samples_a_second ---- */

static int64_t default_hz(void)
{
    struct debug_settings s = settings_with("");
    struct debug_request r = request_for("/debug/pprof/profile", "");
    struct debug_answer a;
    struct rig_profile asked;
    rig_ask(&module, &s, &r, &a);
    buf_fini(&a.text);
    rig_profile_read(a.profile, &asked);
    return asked.hz;
}

static void samples_a_second(void)
{
    static const char useful[] = "none is off, or so coarse that a minute shows nothing";
    struct debug_rates r = {0};
    module_enter("debug_http_rates");
    module.rates(&r);
    module_leave();
    int64_t hz = default_hz();
    if (r.heap_bytes < 1 || r.heap_bytes > HEAP_BYTES_MAX || (r.heap_bytes & (r.heap_bytes - 1)) != 0)
        verdict(false, "a power of two, up to 64 MB", "the heap is sampled every %" PRId64 " bytes",
            r.heap_bytes);
    if (r.mutex_fraction < 1 || r.mutex_fraction > MUTEX_FRACTION_MAX || r.block_ns < 1 ||
        r.block_ns > BLOCK_NS_MAX || hz < HZ_MIN)
        verdict(false, useful, "1 in %d unlocks, waits of %" PRId64 " ns, %" PRId64 " Hz", r.mutex_fraction,
            r.block_ns, hz);
    int64_t heap = TRAFFIC_BYTES / r.heap_bytes, mutex = TRAFFIC_UNLOCKS / r.mutex_fraction;
    int64_t block =
        r.block_ns > TRAFFIC_WAIT_NS ? (int64_t)TRAFFIC_WAITS * TRAFFIC_WAIT_NS / r.block_ns : TRAFFIC_WAITS;
    int64_t all = heap + mutex + block + hz;
    char allowed[100];
    snprintf(allowed, sizeof allowed, "at most %d: %s", SAMPLES_A_SECOND_MAX, useful);
    verdict(all <= SAMPLES_A_SECOND_MAX, allowed,
        "%" PRId64 " samples a second: heap %" PRId64 ", mutex %" PRId64 ", block %" PRId64 ", CPU %" PRId64,
        all, heap, mutex, block, hz);
}

/* ---- still_of_use ---- */

static void expect_asked(const char *path, const char *query, const char *name, int64_t seconds)
{
    char allowed[100];
    struct debug_settings s = settings_with("");
    struct debug_request r = request_for(path, query);
    struct debug_answer a;
    struct rig_profile asked;
    rig_ask(&module, &s, &r, &a);
    buf_fini(&a.text);
    rig_profile_read(a.profile, &asked);
    snprintf(allowed, sizeof allowed, "200, and %s for %" PRId64 " s", name, seconds);
    if (a.status != 200 || strcmp(asked.name, name) != 0 || asked.seconds != seconds)
        verdict(false, allowed, "%s?%s was answered with %d, and the profiler asked for '%s'", path, query,
            a.status, a.profile);
}

static void still_of_use(void)
{
    static const char *const NOTHING[] = {"/debug/pprof/nothing", "/debug/pprof/heap/",
        "/debug/pprof/../vars", "/debug/pprof/Heap", "/nothing"};
    struct debug_settings s = settings_with("");
    for (int i = 0; i < NPROFILES; i++) {
        char path[60];
        bool lasts = i == 0 || i == NPROFILES - 1;
        snprintf(path, sizeof path, "/debug/pprof/%s", PROFILES[i]);
        expect_asked(path, "", PROFILES[i], lasts ? 30 : 0);
        expect_asked(path, "seconds=1", PROFILES[i], 1);
        expect_asked(path, "seconds=60", PROFILES[i], 60);
    }
    expect_asked("/debug/pprof/profile", "seconds=10&hz=250", "profile", 10);
    for (size_t i = 0; i < sizeof NOTHING / sizeof *NOTHING; i++) {
        struct debug_request r = request_for(NOTHING[i], "");
        expect_status(status_of(&s, &r), 404, NOTHING[i]);
    }
    struct debug_request index = request_for("/debug/pprof/", "");
    struct debug_answer a;
    rig_ask(&module, &s, &index, &a);
    bool names = rig_shows(&a, "heap") && rig_shows(&a, "profile");
    buf_fini(&a.text);
    if (a.status != 200 || !names)
        verdict(false, "200, with the names of the profiles", "/debug/pprof/ was answered with %d", a.status);
    verdict(true, "200, and what was asked for",
        "%d profiles, for as long as was asked; 404 for what is not there", NPROFILES);
}

/* ---- the list ---- */

#define URL "http://127.0.0.1:6060/debug/"
#define PPROF "./profiler/pprof -top "

static const struct verdict_case cases[] = {
    {"only_this_machine", only_this_machine, "none: ask as a stranger would, at another address of yours",
        PPROF "http://127.0.0.2:6060/debug/pprof/heap"},
    {"host_and_token", host_and_token, "none: ask without the token, and by another name",
        "CPROF_TOKEN=wrong " PPROF URL "pprof/heap"},
    {"near_misses_cost_alike", near_misses_cost_alike, "none: it shows in no profile, only in many guesses",
        "read your file: where does the comparison stop?"},
    {"seconds_bounded", seconds_bounded, "threads: who has been collecting for an hour?",
        PPROF "'" URL "pprof/heap?seconds=3600'"},
    {"secret_absent", secret_absent, "the command line, and the settings",
        ".build/fetch " URL "pprof/cmdline"},
    {"labels_are_few", labels_are_few, "CPU, by labels",
        "./profiler/pprof -tags '" URL "pprof/profile?seconds=5'"},
    {"samples_a_second", samples_a_second, "heap: its period; CPU: what each ticket takes",
        "./profiler/pprof -raw " URL "pprof/heap"},
    {"still_of_use", still_of_use, "all of them: whoever looks after the server must be able to read them",
        PPROF URL "pprof/heap"},
};

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: lesson8 TITLE FLAWED MODULE\n");
        return 2;
    }
    if (!debug_module_load(&module, argv[3], ".so") || !debug_module_load(&counted, argv[3], ".counted.so"))
        return 2;
    return verdict_run(argv[1], cases, sizeof cases / sizeof *cases, WATCHDOG_S) > 0 ? 1 : 0;
}
