#include "harness.h"

#include "gateway_profile.h"
#include "model/codec.h"
#include "ui/fetch.h"
#include "ui/gather.h"
#include "ui/progress.h"
#include "ui/store.h"
#include "view/symbolz.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- a server of our own: a child that answers one request a connection ---- */

static pid_t server, socket_server;
static int port;
static int *asked; /* how many times for names; shared with the servers */
static char home[] = "/tmp/pprof-test-XXXXXX", socket_name[100];

static void answer(int fd, const char *status, const char *headers, const char *body, size_t len)
{
    char head[300];
    int n = snprintf(head, sizeof head, "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n",
        status, len, headers);
    if (write(fd, head, (size_t)n) != n || write(fd, body, len) != (ssize_t)len)
        _exit(1);
}

static void answer_profile(int fd)
{
    struct profile *p = gateway_profile();
    struct buf bytes = {0};
    struct error e;
    profile_encode(p, true, &bytes, &e);
    answer(fd, "200 OK", "Content-Type: application/octet-stream\r\n", bytes.data, bytes.len);
    buf_fini(&bytes);
    profile_free(p);
}

/* Addresses alone, of two mappings, of which one has a file that is not here. */
static void answer_nameless(int fd)
{
    struct profile *p = profile_new(NULL);
    struct buf bytes = {0};
    struct error e;
    struct mapping mappings[] = {{.start = 0x1000, .limit = 0x9000},
        {.start = 0x7f0000000000, .limit = 0x7f0000009000, .file = profile_string(p, "/nowhere/lib.so")}};
    static const uint64_t addresses[] = {0x1010, 0x1020, 0x7f0000000030, 0x7f0000000040};
    uint32_t locs[4];
    profile_add_sample_type(p, profile_string(p, "samples"), profile_string(p, "count"));
    for (uint32_t i = 0; i < 2; i++)
        profile_add_mapping(p, &mappings[i], NULL);
    for (uint32_t i = 0; i < 4; i++)
        profile_add_location(
            p, &(struct location){.address = addresses[i], .mapping = i / 2}, NULL, 0, &locs[i]);
    profile_add_sample(p, locs, 4, (int64_t[]){1}, NULL, 0);
    profile_encode(p, true, &bytes, &e);
    answer(fd, "200 OK", "Content-Type: application/octet-stream\r\n", bytes.data, bytes.len);
    buf_fini(&bytes);
    profile_free(p);
}

static void answer_names(int fd, const char *request)
{
    const char *body = strstr(request, "\r\n\r\n") + 4;
    static const char main_names[] = "num_symbols: 1\n0x1010 _Z3maxIiET_S0_S0_\r\n0x1020\tmain loop\n"
                                     "0x1020\n0x \n0x99999999999999999 x\n0x5 unasked\n\n0x",
                      lib_names[] = "0x7f0000000040 lib_call";
    ++*asked;
    if (strcmp(body, "0x1010+0x1020") == 0)
        answer(fd, "200 OK", "Content-Type: text/plain\r\n", main_names, sizeof main_names - 1);
    else if (strcmp(body, "0x7f0000000030+0x7f0000000040") == 0)
        answer(fd, "200 OK", "Content-Type: text/plain\r\n", lib_names, sizeof lib_names - 1);
    else
        answer(fd, "400 Bad Request", "Content-Type: text/plain\r\n", body, strlen(body));
}

/* All of a request, with its body. */
static bool read_request(int fd, char *request, size_t room)
{
    size_t len = 0, want = 1;
    while (len < want && len < room - 1) {
        ssize_t n = read(fd, request + len, room - 1 - len);
        if (n <= 0)
            return false;
        request[len += (size_t)n] = '\0';
        const char *end = strstr(request, "\r\n\r\n"), *length = strstr(request, "Content-Length: ");
        want = end ? (size_t)(end + 4 - request) + (length ? strtoul(length + 16, NULL, 10) : 0) : len + 1;
    }
    return true;
}

static void serve(int fd)
{
    char request[2000];
    if (!read_request(fd, request, sizeof request))
        return;
    static const char busy[] = "Could not enable CPU profiling:\n busy";
    if (strncmp(request, "GET /debug/pprof/profile", 24) == 0)
        answer_profile(fd);
    else if (strncmp(request, "POST /debug/pprof/symbol HTTP", 29) == 0)
        answer_names(fd, request);
    else if (strncmp(request, "POST /junk/pprof/symbol", 23) == 0 && ++*asked)
        answer(fd, "200 OK", "", "\0 0x junk\n0xjunk", 16);
    else if (strncmp(request, "POST ", 5) == 0 && ++*asked)
        answer(fd, "404 Not Found", "Content-Type: text/plain\r\n", "no such page", 12);
    else if (strstr(request, "/nameless") || strstr(request, "/junk/pprof/heap"))
        answer_nameless(fd);
    else if (strncmp(request, "GET /moved", 10) == 0)
        answer(fd, "302 Found", "Location: /debug/pprof/profile\r\n", "", 0);
    else if (strncmp(request, "GET /elsewhere", 14) == 0) {
        char location[80];
        snprintf(location, sizeof location, "Location: http://localhost:%d/guarded\r\n", port);
        answer(fd, "302 Found", location, "", 0);
    } else if (strncmp(request, "GET /busy", 9) == 0)
        answer(fd, "500 Internal Server Error", "X-Go-Pprof: 1\r\nContent-Type: text/plain\r\n", busy,
            sizeof busy - 1);
    else if (strncmp(request, "GET /guarded", 12) == 0 &&
             !strstr(request, "\r\nAuthorization: Bearer sesame\r\n"))
        answer(fd, "401 Unauthorized", "Content-Type: text/plain\r\n", "who are you", 11);
    else if (strncmp(request, "GET /guarded", 12) == 0)
        answer_profile(fd);
    else if (strncmp(request, "GET /page", 9) == 0)
        answer(fd, "404 Not Found", "Content-Type: text/html\r\n", "<html>", 6);
    else if (strncmp(request, "GET /junk", 9) == 0)
        answer(fd, "200 OK", "", "junk", 4);
    else if (strncmp(request, "GET /cut", 8) == 0)
        answer(fd, "200 OK", "Content-Length: 900\r\n", "x", 1);
    else if (strncmp(request, "GET /slow", 9) == 0)
        pause();
}

static pid_t serve_in_child(int fd)
{
    pid_t child = fork();
    if (child)
        close(fd);
    while (!child) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int peer = accept(fd, NULL, NULL);
        if (peer < 0)
            _exit(1);
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            close(fd);
            serve(peer);
            _exit(0);
        }
        close(peer);
    }
    return child;
}

static void setup(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, len), 0);
    ck_assert_int_eq(listen(fd, 16), 0);
    getsockname(fd, (struct sockaddr *)&address, &len);
    port = ntohs(address.sin_port);
    asked = mmap(NULL, sizeof *asked, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_nonnull(mkdtemp(home));
    setenv("HOME", home, 1);
    unsetenv("PPROF_TMPDIR");
    unsetenv("http_proxy");
    server = serve_in_child(fd);
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    snprintf(socket_name, sizeof socket_name, "%s/app.sock", home);
    strcpy(name.sun_path, socket_name);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
    ck_assert_int_eq(listen(fd, 16), 0);
    socket_server = serve_in_child(fd);
}

static void teardown(void)
{
    char command[100];
    kill(server, SIGKILL);
    kill(socket_server, SIGKILL);
    waitpid(server, NULL, 0);
    waitpid(socket_server, NULL, 0);
    snprintf(command, sizeof command, "rm -rf %s", home);
    ck_assert_int_eq(system(command), 0);
}

static const char *at_server(const char *path)
{
    static char url[4][100];
    static int next;
    char *u = url[next++ % 4];
    snprintf(u, sizeof url[0], "http://127.0.0.1:%d%s", port, path);
    return u;
}

/* ---- addresses ---- */

static void expect_url(const char *address, int seconds, const char *want, int want_seconds)
{
    int collects = -1;
    char *url = fetch_url(address, seconds, &collects);
    if (!want) {
        ck_assert_msg(url == NULL, "%s became %s", address, url);
        return;
    }
    ck_assert_str_eq(url, want);
    ck_assert_int_eq(collects, want_seconds);
    free(url);
}

START_TEST(what_is_a_url)
{
    expect_url("localhost:6060", 0, "http://localhost:6060/debug/pprof/profile", 0);
    expect_url("127.0.0.1:6060/debug/pprof/heap", 0, "http://127.0.0.1:6060/debug/pprof/heap", 0);
    expect_url("http://h", 0, "http://h/debug/pprof/profile", 0);
    expect_url("http://h/", 5, "http://h/debug/pprof/profile?seconds=5", 5);
    expect_url("https://h/x?a=1&seconds=9&b=2", -1, "https://h/x?a=1&seconds=9&b=2", 9);
    expect_url("https://h/x?a=1&seconds=9&b=2", 4, "https://h/x?a=1&b=2&seconds=4", 4);
    expect_url("http://h/x?seconds=junk", -1, "http://h/x?seconds=junk", 0);
    expect_url("http://h?debug=0#part", -1, "http://h/debug/pprof/profile?debug=0", 0);
    expect_url("unix:/run/a.sock", 0, "http+unix://%2Frun%2Fa.sock/debug/pprof/profile", 0);
    expect_url("unix:///run/a.sock", 5, "http+unix://%2Frun%2Fa.sock/debug/pprof/profile?seconds=5", 5);
    expect_url("unix:/run/a.sock/debug/pprof/heap?debug=0", 0,
        "http+unix://%2Frun%2Fa.sock/debug/pprof/heap?debug=0", 0);
    expect_url("unix:/run/a b:/x", 0, "http+unix://%2Frun%2Fa%20b/x", 0);
    expect_url("http+unix://%2Frun%2Fa.sock/x?seconds=3", -1, "http+unix://%2Frun%2Fa.sock/x?seconds=3", 3);
    expect_url("dir/with:colon", 0, NULL, 0);
    expect_url("cpu.pb.gz", 0, NULL, 0);
    expect_url("/abs/cpu.pb.gz", 0, NULL, 0);
}
END_TEST

START_TEST(timeouts_follow_the_seconds)
{
    ck_assert_int_eq(fetch_timeout_ms(0, -1), 65000);
    ck_assert_int_eq(fetch_timeout_ms(30, -1), 50000);
    ck_assert_int_eq(fetch_timeout_ms(30, 10), 15000);
}
END_TEST

/* ---- fetching ---- */

static void fetch_one(const char *address, struct fetch *f, int timeout_s)
{
    struct fetch_limits limits = {.seconds = -1, .timeout_s = timeout_s};
    *f = (struct fetch){.address = address};
    ck_assert_int_eq(fetch_all(f, 1, &limits), 0);
}

static void expect_error(const char *path, const char *want)
{
    struct fetch f;
    fetch_one(at_server(path), &f, -1);
    ck_assert_int_eq(f.code, ERR_IO);
    ck_assert_msg(strstr(f.error.text, want) != NULL, "%s", f.error.text);
    fetch_fini(&f);
}

START_TEST(server_errors_are_shown)
{
    expect_error(
        "/busy", "server response: 500 Internal Server Error - Could not enable CPU profiling:  busy");
    expect_error("/page", "server response: 404 Not Found");
    expect_error("/cut", "http fetch: ");
    struct fetch f;
    fetch_one("127.0.0.1:1/x", &f, -1);
    ck_assert_int_eq(f.code, ERR_IO);
    ck_assert_msg(strstr(f.error.text, "http fetch: ") != NULL, "%s", f.error.text);
    fetch_fini(&f);
    fetch_one("/nonexistent/x", &f, -1);
    ck_assert_int_eq(f.code, ERR_NOTFOUND);
    ck_assert_str_eq(f.error.text, "No such file or directory");
    fetch_one("/tmp", &f, -1);
    ck_assert_str_eq(f.error.text, "is a directory");
}
END_TEST

START_TEST(redirects_are_followed_and_files_read_beside)
{
    struct fetch all[3] = {{.address = at_server("/moved")}, {.address = "/proc/self/comm"},
        {.address = at_server("/debug/pprof/profile")}};
    struct fetch_limits limits = {.seconds = -1, .timeout_s = -1};
    ck_assert_int_eq(fetch_all(all, 3, &limits), 0);
    ck_assert_int_eq(all[0].code, 0);
    ck_assert_uint_gt(all[0].bytes.len, 100);
    ck_assert_uint_eq(all[0].bytes.len, all[2].bytes.len);
    ck_assert_uint_gt(all[1].bytes.len, 0);
    ck_assert_ptr_null(all[1].url);
    for (int i = 0; i < 3; i++)
        fetch_fini(&all[i]);
}
END_TEST

START_TEST(sockets_are_asked)
{
    char address[200];
    static const char *const ways[] = {
        "unix:%s", "unix://%s", "unix:%s:/debug/pprof/profile", "unix:%s/moved"};
    setenv("http_proxy", "http://127.0.0.1:1", 1); /* which is no way to a socket, nor to this machine */
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct fetch f;
        snprintf(address, sizeof address, ways[i], socket_name);
        fetch_one(address, &f, -1);
        ck_assert_msg(f.code == 0, "%s: %s", address, f.error.text);
        ck_assert_uint_gt(f.bytes.len, 100);
        fetch_fini(&f);
    }
    struct fetch f;
    fetch_one(at_server("/debug/pprof/profile"), &f, -1);
    ck_assert_msg(f.code == 0, "%s", f.error.text);
    fetch_fini(&f);
    fetch_one("unix:/nonexistent/a.sock", &f, -1);
    ck_assert_int_eq(f.code, ERR_IO);
    fetch_fini(&f);
}
END_TEST

START_TEST(tokens_are_sent)
{
    struct fetch_limits limits = {.seconds = -1, .timeout_s = -1, .token = "sesame"};
    struct fetch f = {.address = at_server("/guarded")};
    ck_assert_int_eq(fetch_all(&f, 1, &limits), 0);
    ck_assert_msg(f.code == 0, "%s", f.error.text);
    fetch_fini(&f);
    expect_error("/guarded", "401 Unauthorized - who are you (CPROF_TOKEN or -token has");
}
END_TEST

/* A server that sends its visitor elsewhere does not send the token there: not to another host of it, though
 * that would take it. */
START_TEST(tokens_stay_with_the_server_they_are_for)
{
    struct fetch_limits limits = {.seconds = -1, .timeout_s = -1, .token = "sesame"};
    struct fetch f = {.address = at_server("/elsewhere")};
    ck_assert_int_eq(fetch_all(&f, 1, &limits), 0);
    ck_assert_int_ne(f.code, 0);
    ck_assert_msg(strstr(f.error.text, "401 Unauthorized"), "%s", f.error.text);
    fetch_fini(&f);
}
END_TEST

static volatile sig_atomic_t stop;

static void on_alarm(int number)
{
    (void)number;
    stop = 1;
}

START_TEST(cancelling_ends_the_wait)
{
    struct fetch f = {.address = at_server("/slow")};
    struct fetch_limits limits = {.seconds = -1, .timeout_s = -1, .cancel = &stop};
    struct sigaction action = {.sa_handler = on_alarm};
    sigaction(SIGUSR1, &action, NULL);
    pid_t self = getpid();
    if (fork() == 0) {
        usleep(300000);
        kill(self, SIGUSR1);
        _exit(0);
    }
    ck_assert_int_eq(
        fetch_all(&f, 1, &limits), ERR_CANCELLED); /* not after the timeout of 65 s: see the watchdog */
    fetch_fini(&f);
}
END_TEST

/* ---- loading ---- */

static size_t saved_files(const char *prefix)
{
    char dir[200];
    size_t n = 0;
    snprintf(dir, sizeof dir, "%s/pprof", home);
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));)
        n += strncmp(e->d_name, prefix, strlen(prefix)) == 0;
    if (d)
        closedir(d);
    return n;
}

static int load(const char *const *sources, size_t n, struct profile **p, struct error *e)
{
    struct options o;
    char *argv[8] = {"pprof", "-add_comment=added"};
    for (size_t i = 0; i < n; i++)
        argv[2 + i] = (char *)sources[i];
    ck_assert_int_eq(options_parse(&o, (int)n + 2, argv, e), 0);
    int code = gather_profile(&o, NULL, p, e);
    options_fini(&o);
    return code;
}

START_TEST(fetched_profiles_are_merged_and_kept)
{
    struct profile *p;
    struct error e;
    const char *two[] = {at_server("/debug/pprof/profile?a"), at_server("/debug/pprof/profile?b")};
    ck_assert_msg(load(two, 2, &p, &e) == 0, "%s", e.text);
    ck_assert_uint_eq(p->samples.len, 8); /* of 9, two of which are one stack */
    ck_assert_int_eq(profile_values(p, 0)[0], 2 * 45);
    ck_assert_str_eq(p->comments.items[p->comments.len - 1], "added");
    ck_assert_uint_eq(saved_files("pprof.gateway.samples.cpu.001.pb.gz"), 1);
    profile_free(p);
    ck_assert_int_eq(load(two, 1, &p, &e), 0);
    ck_assert_uint_eq(p->samples.len, 9); /* alone it stays as it is */
    ck_assert_uint_eq(saved_files("pprof.gateway.samples.cpu.002.pb.gz"), 1);
    profile_free(p);
}
END_TEST

static unsigned mode_of(const char *path)
{
    struct stat s;
    ck_assert_msg(stat(path, &s) == 0, "%s: %s", path, strerror(errno));
    return s.st_mode & 0777;
}

/* What is kept shows the inside of a program: it is for the user alone, whatever the umask. */
START_TEST(kept_profiles_are_the_users_alone)
{
    struct profile *p = profile_new(NULL);
    struct error e;
    char dir[80], *file, *folder;
    profile_add_sample_type(p, profile_string(p, "samples"), profile_string(p, "count"));
    umask(0);
    snprintf(dir, sizeof dir, "%s/pprof", home);
    ck_assert_msg(store_save(p, &file, &e) == 0, "%s", e.text);
    ck_assert_msg(store_make_folder("pprof.triage", &folder, &e) == 0, "%s", e.text);
    ck_assert_uint_eq(mode_of(file), 0600);
    ck_assert_uint_eq(mode_of(folder), 0700);
    ck_assert_uint_eq(mode_of(dir), 0700);
    free(file);
    free(folder);
    profile_free(p);
}
END_TEST

START_TEST(what_fails_is_left_out)
{
    struct profile *p = NULL;
    struct error e;
    const char *some[] = {at_server("/busy"), at_server("/debug/pprof/profile"), "/nonexistent"};
    ck_assert_int_eq(load(some, 3, &p, &e), 0);
    ck_assert_uint_eq(p->samples.len, 9);
    profile_free(p);
    const char *none[] = {at_server("/busy"), at_server("/junk")};
    ck_assert_int_lt(load(none, 2, &p, &e), 0);
    ck_assert_msg(strstr(e.text, "none of the 2 source profiles") != NULL, "%s", e.text);
    ck_assert_int_eq(load(&none[1], 1, &p, &e), ERR_FORMAT);
    ck_assert_msg(strstr(e.text, "/junk: not a profile: offset 1") != NULL, "%s", e.text);
}
END_TEST

/* ---- names from the server ---- */

static void expect_symbolz(const char *url, const char *want)
{
    char *got = symbolz_url(url);
    ck_assert_str_eq(got, want);
    free(got);
}

START_TEST(where_names_are_asked_for)
{
    expect_symbolz("http://h:1/debug/pprof/heap?debug=1", "http://h:1/debug/pprof/symbol");
    expect_symbolz("http://h/a/debug/pprof/deep/x/", "http://h/a/debug/pprof/deep/symbol");
    expect_symbolz("https+insecure://h/pprof/growth", "https+insecure://h/pprof/symbol");
    expect_symbolz("http+unix://%2Fa.sock/debug/pprof/x", "http+unix://%2Fa.sock/debug/pprof/symbol");
    expect_symbolz("http://h/pprof/other", "http://h/symbolz");
    expect_symbolz("http://h?of=/debug/pprof/", "http://h/symbolz");
}
END_TEST

static FILE *said;
static char *words;
static size_t words_len;

/* Loads with this -symbolize; what it says on standard error is in words. */
static struct profile *load_nameless(const char *mode, const char *const *sources, size_t n)
{
    struct options o;
    struct error e;
    struct profile *p;
    char option[60], *argv[8] = {"pprof", option};
    FILE *real = stderr;
    snprintf(option, sizeof option, "-symbolize=%s", mode);
    for (size_t i = 0; i < n; i++)
        argv[2 + i] = (char *)sources[i];
    *asked = 0;
    free(words);
    words = NULL;
    stderr = said = open_memstream(&words, &words_len);
    ck_assert_int_eq(options_parse(&o, (int)n + 2, argv, &e), 0);
    int code = gather_profile(&o, NULL, &p, &e);
    stderr = real;
    fclose(said);
    ck_assert_msg(code == 0, "%s", e.text);
    options_fini(&o);
    return p;
}

static const char *name_of(const struct profile *p, size_t location)
{
    const struct location *l = &p->locations.items[location];
    return l->nlines ? p->functions.items[p->lines.items[l->first_line].function].name : "";
}

static void expect_names(const char *mode, const char *source)
{
    struct profile *p = load_nameless(mode, &source, 1);
    ck_assert_int_eq(*asked, 2); /* once a mapping */
    ck_assert_str_eq(name_of(p, 0), "max");
    ck_assert_str_eq(name_of(p, 1), "main loop");
    ck_assert_str_eq(name_of(p, 2), "");
    ck_assert_str_eq(name_of(p, 3), "lib_call");
    ck_assert_str_eq(p->functions.items[0].system_name, "_Z3maxIiET_S0_S0_");
    ck_assert_uint_eq(p->functions.len, 3);
    ck_assert(p->mappings.items[0].has_functions && p->mappings.items[1].has_functions);
    ck_assert_str_eq(p->mappings.items[0].file, "");
    ck_assert_msg(!strstr(words, "without names"), "%s", words);
    profile_free(p);
}

START_TEST(servers_are_asked_for_names)
{
    char address[200];
    expect_names("", at_server("/debug/pprof/nameless?seconds=0"));
    expect_names("remote", at_server("/debug/pprof/nameless"));
    snprintf(address, sizeof address, "unix:%s/debug/pprof/nameless", socket_name);
    expect_names("", address);
    static const char *const quiet[] = {"none", "local", "fastlocal"};
    const char *source = at_server("/debug/pprof/nameless");
    for (size_t i = 0; i < 3; i++) {
        struct profile *p = load_nameless(quiet[i], &source, 1);
        ck_assert_int_eq(*asked, 0);
        ck_assert_uint_eq(p->functions.len, 0);
        profile_free(p);
    }
}
END_TEST

/* Once merged, a mapping is where the first profile has it, and its server still knows its own addresses. */
START_TEST(servers_are_asked_in_their_own_addresses)
{
    struct profile *moved = profile_new(NULL);
    struct error e;
    struct mapping m = {.start = 0x5000, .limit = 0xe000, .file = profile_string(moved, "/nowhere/lib.so")};
    struct buf bytes = {0};
    char file[200];
    uint32_t loc;
    profile_add_sample_type(moved, profile_string(moved, "samples"), profile_string(moved, "count"));
    profile_add_mapping(moved, &m, NULL);
    profile_add_location(moved, &(struct location){.address = 0x5030}, NULL, 0, &loc);
    profile_add_sample(moved, &loc, 1, (int64_t[]){1}, NULL, 0);
    ck_assert_int_eq(profile_encode(moved, true, &bytes, &e), 0);
    snprintf(file, sizeof file, "%s/moved.pb.gz", home);
    FILE *out = fopen(file, "we");
    fwrite(bytes.data, 1, bytes.len, out);
    fclose(out);
    const char *two[] = {file, at_server("/debug/pprof/nameless")};
    struct profile *p = load_nameless("remote", two, 2);
    size_t named = 0;
    for (size_t i = 0; i < p->locations.len; i++)
        if (strcmp(name_of(p, i), "lib_call") == 0) {
            ck_assert_uint_eq(p->locations.items[i].address, 0x5040);
            named++;
        }
    ck_assert_uint_eq(named, 1);
    profile_free(p);
    profile_free(moved);
    buf_fini(&bytes);
}
END_TEST

static size_t lines_with(const char *text)
{
    size_t n = 0;
    for (const char *at = words; (at = strstr(at, text)); at++)
        n++;
    return n;
}

START_TEST(servers_without_names_are_a_line)
{
    static const char *const paths[] = {"/nameless", "/junk/pprof/heap"};
    static const char *const why[] = {"/symbolz: server response: 404 Not Found - no such page; addresses",
        "/junk/pprof/symbol: the answer has no names in it; addresses"};
    for (size_t i = 0; i < 2; i++) {
        const char *source = at_server(paths[i]);
        struct profile *p = load_nameless("remote", &source, 1);
        ck_assert_int_eq(*asked, 1); /* and not again */
        ck_assert_uint_eq(p->samples.len, 1);
        ck_assert_uint_eq(p->functions.len, 0);
        ck_assert_uint_eq(lines_with(why[i]), 1);
        ck_assert_uint_eq(lines_with("without names"), 1);
        profile_free(p);
    }
}
END_TEST

START_TEST(names_of_kept_profiles_stay_in_their_directory)
{
    struct profile *p = profile_new(NULL);
    struct error e;
    char *file;
    profile_add_sample_type(p, profile_string(p, "../../evil"), profile_string(p, "count"));
    ck_assert_msg(store_save(p, &file, &e) == 0, "%s", e.text);
    ck_assert_ptr_nonnull(strstr(file, "/pprof/pprof..._.._evil.001.pb.gz"));
    free(file);
    setenv("PPROF_TMPDIR", home, 1);
    ck_assert_int_eq(store_save(p, &file, &e), 0);
    ck_assert_ptr_nonnull(strstr(file, "/pprof..._.._evil.001.pb.gz"));
    free(file);
    profile_free(p);
}
END_TEST

START_TEST(progress_says_how_far)
{
    char line[160];
    progress_format(15, 30, 1, 0, line, sizeof line);
    ck_assert_str_eq(line, "Collecting: [===============>              ] 15 of 30 s");
    progress_format(31, 30, 2, 0, line, sizeof line);
    ck_assert_str_eq(
        line, "Collecting: [==============================] done, waiting for the answer, 2 sources");
    progress_format(1.25, 0, 1, 4096, line, sizeof line);
    ck_assert_str_eq(line, "Fetching: 1.2 s, 4 kB");
}
END_TEST

Suite *suite(void)
{
    const TTest *tests[] = {what_is_a_url, timeouts_follow_the_seconds, server_errors_are_shown,
        redirects_are_followed_and_files_read_beside, sockets_are_asked, tokens_are_sent,
        tokens_stay_with_the_server_they_are_for, cancelling_ends_the_wait,
        fetched_profiles_are_merged_and_kept, kept_profiles_are_the_users_alone, what_fails_is_left_out,
        where_names_are_asked_for, servers_are_asked_for_names, servers_are_asked_in_their_own_addresses,
        servers_without_names_are_a_line, names_of_kept_profiles_stay_in_their_directory,
        progress_says_how_far};
    Suite *s = suite_create("fetch");
    TCase *cases = tcase_create("fetch");
    tcase_set_timeout(cases, 20);
    tcase_add_checked_fixture(cases, setup, teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(cases, tests[i]);
    suite_add_tcase(s, cases);
    return s;
}
