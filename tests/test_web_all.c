#include "hostile_profile.h"
#include "model/codec.h"
#include "stacks_profile.h"
#include "ui/interrupt.h"
#include "ui/server_stats.h"
#include "ui/web.h"
#include "web_rig.h"

#include <poll.h>
#include <sys/prctl.h>

/*
 * pprof -http -triage as a client of HTTP sees it, over a folder made by hand and over a server that is a
 * child of ours. tests/web_all.sh has a browser look at a real one.
 */

#define SECOND INT64_C(1000000000)

static char home[] = "/tmp/test-web-all-XXXXXX";

static const struct stack_line cpu[] = {
    {"start_thread;serve;json_write", 3 * SECOND}, {"start_thread;serve;cache_evict", SECOND}};
static const struct stack_line mutex[] = {
    {"start_thread;serve;cache_evict;pthread_mutex_unlock", 90 * SECOND}};
static const struct stack_line heap_start[] = {{"start_thread;serve;cache_put;malloc", 1 << 22}};
static const struct stack_line heap[] = {{"start_thread;serve;cache_put;malloc", 1 << 24}};
static const struct stack_line threads[] = {
    {"start_thread;serve;cache_evict;pthread_mutex_lock", 40}, {"start_thread;serve;recv", 12}};
static const char dump[] = "goroutine 11 [mutex wait, for 33 ms, on 0x55d0, held by 12, name \"<b>\"]:\n"
                           "cache_evict(...)\n\tcache.c:120 +0x2a\n\n"
                           "goroutine 12 [running]:\ncache_evict(...)\n\tcache.c:99 +0x1\n\n";

static struct buf encoded(struct profile *p)
{
    struct buf bytes = {0};
    struct error e = {0};
    ck_assert_msg(profile_encode(p, true, &bytes, &e) == 0, "%s", e.text);
    profile_free(p);
    return bytes;
}

#define STACKS(type, unit, lines) \
    encoded(stacks_profile(type, unit, 1, lines, sizeof(lines) / sizeof *(lines)))

/* ---- a folder ---- */

static void make_home(void)
{
    ck_assert_ptr_nonnull(mkdtemp(home));
    setenv("HOME", home, 1);
    setenv("PPROF_TMPDIR", home, 1);
    unsetenv("XDG_CONFIG_HOME");
}

static void remove_home(void)
{
    char command[80];
    snprintf(command, sizeof command, "rm -rf %s", home);
    ck_assert_int_eq(system(command), 0); /* NOLINT: a name of our own */
}

static void put_file(const char *name, const char *bytes, size_t len)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", home, name);
    FILE *f = fopen(path, "we");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
    fclose(f);
}

static void put_profile(const char *name, struct buf bytes)
{
    put_file(name, bytes.data, bytes.len);
    buf_fini(&bytes);
}

static void put_text(const char *name, const char *text)
{
    put_file(name, text, strlen(text));
}

static void make_folder(void)
{
    make_home();
    put_profile("cpu.pb.gz", STACKS("cpu", "nanoseconds", cpu));
    put_profile("heap-start.pb.gz", STACKS("inuse_space", "bytes", heap_start));
    put_profile("heap.pb.gz", STACKS("inuse_space", "bytes", heap));
    put_profile("threads.pb.gz", STACKS("threads", "count", threads));
    put_profile("mutex.pb.gz", STACKS("delay", "nanoseconds", mutex));
    put_text("threads.txt", dump);
    put_text(
        "timeline.txt", "0 threads 210\n1000 threads 2300\nno line\n1000 p95_ms 1834.5\n1000 <b> 1e999\n");
    put_text("about.txt", "source http://10.9.8.7:6060/debug/pprof\nseconds 7\nmissing block <b>404</b>\n");
}

/* ---- pprof ---- */

static struct served serve(const char *source, const char *extra)
{
    struct served s = {0};
    int fds[2];
    char line[400] = "";
    char *argv[] = {"pprof", "-no_browser", "-http=localhost:0", "-triage", "-seconds=1",
        (char *)(extra ? extra : "-trim=true"), (char *)source, NULL};
    ck_assert_int_eq(pipe(fds), 0);
    s.pid = fork();
    if (s.pid == 0) {
        struct options o;
        struct error error = {0};
        struct web_all *all = NULL;
        dup2(fds[1], STDERR_FILENO);
        close(fds[0]);
        close(fds[1]);
        interrupt_catch();
        signal(SIGTERM,
            SIG_DFL); /* Check's handler, in a collector that is ended at once, would end this test */
        int code = options_parse(&o, 7, argv, &error);
        code = code ? code : web_all_open(&o, &interrupted, &all, &error);
        code = code ? code : web_serve_all(all, &o, &error);
        if (code)
            fprintf(stderr, "%s\n", error.text);
        web_all_free(all);
        options_fini(&o);
        _exit(code ? 2 : 0);
    }
    close(fds[1]);
    FILE *out = fdopen(fds[0], "r");
    while (!strstr(line, "Serving web UI on ") && fgets(line, sizeof line, out))
        ;
    ck_assert_msg(strstr(line, "Serving") && sscanf(strrchr(line, ':'), ":%u", &s.port) == 1, "%s", line);
    snprintf(s.address, sizeof s.address, "127.0.0.1:%u", s.port);
    return s; /* out stays open: what it says later has somewhere to go */
}

/* By POST, from a page at origin (NULL: ours). */
static int post(const struct served *s, const char *path, const char *origin, const char *says)
{
    char headers[200], own[60];
    snprintf(own, sizeof own, "http://localhost:%u", s->port);
    snprintf(headers, sizeof headers, "Host: localhost:%u\r\nOrigin: %s\r\n", s->port, origin ? origin : own);
    struct answer a = receive(ask_at(s->address, "POST", path, headers, ""));
    ck_assert_msg(!says || strstr(a.body, says), "%s: %s", path, a.body);
    buf_fini(&a.all);
    return a.status;
}

START_TEST(a_folder_is_shown_as_a_whole)
{
    make_folder();
    struct served s = serve(home, NULL);
    SHOWS(&s, "/ui/", 200, "\"view\":\"all\"", "\"live\":false", "\"before\":null", "7 s from",
        "\"profiles\":[[\"cpu\",\"CPU\",", "[\"growth\",\"Heap growth\",", "[\"mutex\",",
        "[\"cache_evict\",\"cause\",false,[1000000000,0,0,40,90000000000,0],", "\"missing\":\"\\u003cb>404",
        "\"words\":[\"cause   cache_evict makes others wait",
        "\"threads\":{\"dump\":true,\"threads\":[[11,\"mutex "
        "wait\",33000000,\"0x55d0\",12,\"\\u003cb>\",-1,0,1],",
        "\"timeline\":[[0,\"threads\",210],[1000,\"threads\",2300],[1000,\"p95_ms\",1834.5]]}");
    SHOWS(&s, "/ui/all", 200, "\"view\":\"all\"");
    SHOWS(&s, "/", 307, "elsewhere");
    static const char *const scripts[] = {
        "base", "header", "flame", "top", "graph", "text", "locks", "timeline", "all", "compare", "app"};
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        char path[40], tag[80];
        snprintf(path, sizeof path, "/ui/%s.js", scripts[i]);
        snprintf(tag, sizeof tag, "<script src=\"%s.js\"></script>", scripts[i]);
        SHOWS(&s, path, 200, "'use strict';");
        SHOWS(&s, "/ui/all", 200, tag);
    }
    ck_assert_int_eq(end(&s), 0);
    remove_home();
}
END_TEST

START_TEST(each_profile_has_its_views)
{
    make_folder();
    struct served s = serve(home, NULL);
    SHOWS(&s, "/ui/top", 200, "\"of\":\"cpu\"", "\"flat\": 3000000000");
    SHOWS(&s, "/ui/top?of=mutex", 200, "\"of\":\"mutex\"", "\"flat\": 90000000000");
    SHOWS(&s, "/ui/top?of=heap", 200, "\"flat\": 16777216", "\"unit\":\"bytes\"");
    SHOWS(&s, "/ui/flamegraph?of=growth", 200, "\"signed\": true");
    SHOWS(&s, "/ui/?of=threads", 200, "\"view\":\"flamegraph\"", "\"of\":\"threads\"");
    SHOWS(&s, "/ui/top?of=block", 400, "Block is not there: \\u003cb>404");
    SHOWS(&s, "/ui/top?of=cpu-change", 400, "CPU, compared is not there: not collected");
    SHOWS(&s, "/ui/top?of=nothing", 400, "of=nothing: there is cpu");
    SHOWS(&s, "/ui/top?of=cpu&f=%28", 400, "missing closing parenthesis");
    struct answer a = get(&s, "/ui/download?of=heap");
    struct profile *p;
    struct error error;
    ck_assert_int_eq(a.status, 200);
    ck_assert_int_eq(profile_decode(a.body, a.body_len, 0, &p, &error), 0);
    ck_assert_str_eq(p->sample_types.items[0].type, "inuse_space");
    profile_free(p);
    buf_fini(&a.all);
    shows(&s, "/ui/download?of=block", 400, NULL);
    ck_assert_int_eq(end(&s), 0);
    remove_home();
}
END_TEST

/* A folder's about.txt may say what it likes: nothing is asked of the server it names. */
START_TEST(a_folder_collects_nothing)
{
    make_folder();
    struct served s = serve(home, NULL);
    ck_assert_int_eq(post(&s, "/ui/collect?seconds=1", NULL, "a folder cannot be collected again"), 400);
    ck_assert_int_eq(post(&s, "/ui/collect", "http://evil.example", "Only pprof's own page"), 403);
    ck_assert_int_eq(post(&s, "/ui/collect", "null", NULL), 403);
    shows(&s, "/ui/collect?seconds=1", 405, NULL);
    SHOWS(&s, "/ui/collecting", 200, "{\"running\":false,\"ms\":0,\"seconds\":1,\"taken\":1,\"error\":\"\"}");
    static const char *const paths[] = {"/ui/all", "/ui/collecting", "/ui/collect", "/ui/top?of=heap"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct answer a = receive(ask_at(s.address, "GET", paths[i], "Host: evil.example\r\n", NULL));
        ck_assert_msg(a.status == 403 && !strstr(a.body, "cache"), "%s: %d", paths[i], a.status);
        ck_assert_ptr_nonnull(
            strstr(a.all.data, "Content-Security-Policy: default-src 'none'; script-src 'self';"));
        buf_fini(&a.all);
    }
    ck_assert_int_eq(end(&s), 0);
    remove_home();
}
END_TEST

static size_t count_tags(const struct served *s, const char *path)
{
    struct answer a = get(s, path);
    size_t tags = 0;
    for (const char *c = a.body; *c; c++)
        tags += *c == '<';
    ck_assert_msg(!strstr(a.body, "<script>"), "%s", a.body);
    buf_fini(&a.all);
    return tags;
}

START_TEST(no_text_of_a_folder_becomes_markup)
{
    static const char hostile[] = "</script><script>hacked = 1</script><img src=x onerror=hacked=2>";
    struct buf text = {0};
    make_folder();
    struct served s = serve(home, NULL);
    size_t tags = count_tags(&s, "/ui/all");
    ck_assert_int_eq(end(&s), 0);
    static const char *const names[] = {"cpu", "heap-start", "heap", "threads", "mutex", "block"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char name[40];
        snprintf(name, sizeof name, "%s.pb.gz", names[i]);
        put_profile(name, encoded(hostile_profile()));
    }
    buf_printf(&text, "thread 1 [%s, on %s, name \"%s\"]:\n%s(...)\n\t%s:1 +0x0\n", hostile, hostile, hostile,
        hostile, hostile);
    put_text("threads.txt", text.data);
    text.len = 0;
    buf_printf(&text, "source %s\nseconds 7\ntime %s\n", hostile, hostile);
    put_text("about.txt", text.data);
    text.len = 0;
    buf_printf(&text, "0 <script>hacked=3</script> 7\n0 %s 7\n", hostile);
    put_text("timeline.txt", text.data);
    buf_fini(&text);
    s = serve(home, NULL);
    ck_assert_uint_eq(count_tags(&s, "/ui/all"), tags);
    ck_assert_uint_eq(count_tags(&s, "/ui/top?of=%3Cscript%3E"), tags);
    SHOWS(&s, "/ui/all", 200, "\\u003cscript>hacked = 1\\u003c/script>");
    ck_assert_int_eq(end(&s), 0);
    remove_home();
}
END_TEST

/* ---- a server ---- */

struct target {
    pid_t pid;
    char base[60];
    unsigned port;
};

static void answer_with(int fd, const char *status, const char *body, size_t len)
{
    char head[200];
    int n = snprintf(
        head, sizeof head, "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n", status, len);
    if (write(fd, head, (size_t)n) != n || write(fd, body, len) != (ssize_t)len)
        _exit(1);
}

static void answer_profile(int fd, struct buf bytes)
{
    answer_with(fd, "200 OK", bytes.data, bytes.len);
    buf_fini(&bytes);
}

static void answer_one(int fd, const char *path, int *asked)
{
    static const char stats[] = "{\"threads\": 52, \"connections\":7, \"p95_ms\":33.5}\n";
    if (strncmp(path, "/stats ", 7) == 0)
        answer_with(fd, "200 OK", stats, sizeof stats - 1);
    else if (strncmp(path, "/debug/pprof/goroutine?debug=2 ", 31) == 0)
        answer_with(fd, "200 OK", dump, sizeof dump - 1);
    else if (strncmp(path, "/debug/pprof/goroutine ", 23) == 0)
        answer_profile(fd, STACKS("goroutine", "count", threads));
    else if (strncmp(path, "/debug/pprof/heap ", 18) == 0)
        answer_profile(fd,
            (*asked)++ ? STACKS("inuse_space", "bytes", heap) : STACKS("inuse_space", "bytes", heap_start));
    else if (strncmp(path, "/debug/pprof/mutex?", 19) == 0)
        answer_profile(fd, STACKS("delay", "nanoseconds", mutex));
    else if (strncmp(path, "/debug/pprof/profile?", 21) == 0)
        answer_profile(fd, STACKS("cpu", "nanoseconds", cpu));
    else
        answer_with(fd, "404 Not Found", "none\n", 5);
}

static struct target start_target(void)
{
    struct target t = {0};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), asked = 0;
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, len), 0);
    ck_assert_int_eq(listen(listener, 64), 0);
    getsockname(listener, (struct sockaddr *)&at, &len);
    t.port = ntohs(at.sin_port);
    snprintf(t.base, sizeof t.base, "http://127.0.0.1:%u", t.port);
    t.pid = fork();
    if (t.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            char request[2000] = "";
            int fd = accept(listener, NULL, NULL);
            ssize_t n = read(fd, request, sizeof request - 1);
            if (n > 4)
                answer_one(fd, request + 4, &asked);
            close(fd);
        }
    }
    close(listener);
    return t;
}

static void stop_target(const struct target *t)
{
    kill(t->pid, SIGKILL);
    waitpid(t->pid, NULL, 0);
}

/* Asks how far it is until it runs no more. */
static void await(const struct served *s, const char *says)
{
    bool runs = true;
    for (int i = 0; i < 600 && runs; i++) {
        struct answer a = get(s, "/ui/collecting");
        runs = strstr(a.body, "\"running\":true") != NULL;
        ck_assert_msg(runs || strstr(a.body, says), "%s", a.body);
        buf_fini(&a.all);
        if (runs)
            poll(NULL, 0, 50);
    }
    ck_assert(!runs);
}

START_TEST(a_server_is_collected_from_again_and_compared)
{
    make_home();
    struct target t = start_target();
    struct served s = serve(t.base, NULL);
    SHOWS(&s, "/ui/", 200, "\"live\":true", "\"seconds\":1", "\"before\":null", "[\"cache_evict\",\"cause\"",
        "[0,\"threads\",52]", "[1000,\"p95_ms\",33.5]", "[0,\"heap\",4194304]", "[1000,\"heap\",16777216]",
        "[11,\"mutex wait\",33000000,\"0x55d0\",12,");
    ck_assert_int_eq(post(&s, "/ui/collect?seconds=0", NULL, "no number of seconds"), 400);
    ck_assert_int_eq(
        post(&s, "/ui/collect?seconds=1&stats=http://10.0.0.1/stats", NULL, "on another machine"), 400);
    ck_assert_int_eq(post(&s, "/ui/collect?seconds=1&stats=http://evil.example@10.0.0.1/", NULL, NULL), 400);
    ck_assert_int_eq(post(&s, "/ui/collect?seconds=1&stats=file:///etc/passwd", NULL, NULL), 400);
    ck_assert_int_eq(post(&s, "/ui/collect?seconds=1", "http://evil.example", NULL), 403);
    SHOWS(&s, "/ui/collecting", 200, "\"running\":false", "\"taken\":1");
    ck_assert_int_eq(post(&s, "/ui/collect?seconds=1", NULL, "done"), 200);
    ck_assert_int_eq(post(&s, "/ui/collect?seconds=1", NULL, "already"), 409);
    SHOWS(&s, "/ui/all", 200, "\"before\":null"); /* and it is served meanwhile */
    await(&s, "\"taken\":2,\"error\":\"\"");
    SHOWS(&s, "/ui/all", 200, "\"before\":{\"lenses\"", "[\"cpu-change\",");
    SHOWS(&s, "/ui/flamegraph?of=heap-change", 200, "\"signed\": true");
    stop_target(&t);
    ck_assert_int_eq(post(&s, "/ui/collect?seconds=1", NULL, NULL), 200);
    await(&s, "\"taken\":2,\"error\":\"http://127.0.0.1:");
    SHOWS(&s, "/ui/all", 200, "\"before\":{\"lenses\""); /* what there was is still there */
    ck_assert_int_eq(end(&s), 0);
    remove_home();
}
END_TEST

/* Ctrl-C while it collects ends both. */
START_TEST(collecting_ends_with_pprof)
{
    make_home();
    struct target t = start_target();
    char stats[40];
    snprintf(stats, sizeof stats, "-stats=%u", t.port);
    struct served s = serve(t.base, stats);
    SHOWS(&s, "/ui/", 200, "[1000,\"p95_ms\",33.5]");
    ck_assert_int_eq(post(&s, "/ui/collect?seconds=600", NULL, NULL), 200);
    ck_assert_int_eq(end(&s), 0);
    stop_target(&t);
    remove_home();
}
END_TEST

/* ---- a server's own figures ---- */

START_TEST(where_figures_are)
{
    static const char *const cases[][3] = {{"", "http://h:6060/debug/pprof", "http://h:6060/stats"},
        {"8080", "https://h:6060/debug/pprof", "http://h:8080/stats"},
        {"8080", "http://[::1]:6060/debug/pprof", "http://[::1]:8080/stats"},
        {"8080", "http+unix://%2Fa.sock/debug/pprof", "http://localhost:8080/stats"},
        {"127.0.0.1:8080", "http://h:1", "http://127.0.0.1:8080/stats"},
        {"http://h:8080/", "http://h:1", "http://h:8080/stats"},
        {"https://h/own/figures?x=1", "http://h:1", "https://h/own/figures?x=1"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *url = server_stats_url(cases[i][0], cases[i][1]);
        ck_assert_msg(url && strcmp(url, cases[i][2]) == 0, "%s: %s", cases[i][0], url);
        free(url);
    }
    ck_assert_ptr_null(server_stats_url("no such thing", "http://h:1"));
    ck_assert_ptr_null(server_stats_url("0", "http://h:1"));
    ck_assert(server_stats_is_near("http://h:8080/stats", "http://H:6060/debug/pprof"));
    ck_assert(server_stats_is_near("http://127.0.0.1:1/x", "http://h:1"));
    ck_assert(!server_stats_is_near("http://h.evil:8080/stats", "http://h:6060"));
    ck_assert(!server_stats_is_near("http://127.0.0.1@evil/stats", "http://h:6060"));
    ck_assert(!server_stats_is_near("ftp://h/stats", "http://h:6060"));
}
END_TEST

START_TEST(which_figures_there_are)
{
    static const char text[] = "{\"a\" : -1.5e3, \"b\":\"7\", \"threads\":1e99, \"c\":nan}";
    struct buf json = {.data = (char *)text, .len = sizeof text - 1}, empty = {0};
    double n = 0;
    ck_assert(server_stats_number(&json, "a", &n) && n == -1500);
    ck_assert(!server_stats_number(&json, "b", &n));
    ck_assert(!server_stats_number(&json, "c", &n));
    ck_assert(!server_stats_number(&json, "threads", &n));
    ck_assert(!server_stats_number(&json, "hreads", &n));
    ck_assert(!server_stats_number(&empty, "a", &n));
    ck_assert(n == -1500);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {a_folder_is_shown_as_a_whole, each_profile_has_its_views,
        a_folder_collects_nothing, no_text_of_a_folder_becomes_markup,
        a_server_is_collected_from_again_and_compared, collecting_ends_with_pprof, where_figures_are,
        which_figures_there_are};
    return HARNESS_SUITE("web_all", 60, tests);
}
