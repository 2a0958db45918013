#include "cprof.h"

#include "base/error.h"
#include "base/hostname.h"
#include "client.h"
#include "export/endpoints.h"
#include "export/guard.h"
#include "export/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static int ask(const char *method, const char *path, const char *headers, const char *body)
{
    return ask_at(cprof_address(), method, path, headers, body);
}

static struct answer get(const char *path)
{
    return receive(ask("GET", path, NULL, NULL));
}

static void start(void)
{
    ck_assert_int_eq(cprof_start("127.0.0.1:0"), 0);
    ck_assert_ptr_nonnull(strchr(cprof_address(), ':'));
}

#define P "/debug/pprof/"

/* ---- good requests --------------------------------------------------------------------------------------
 */

struct download {
    const char *path, *filename;
};

/* All at once: those that take a second do not wait for each other. */
static void expect_downloads(const struct download *good, size_t n)
{
    int fds[ENDPOINTS_MAX_REQUESTS];
    char line[100];
    ck_assert_uint_le(n, ENDPOINTS_MAX_REQUESTS);
    for (size_t i = 0; i < n; i++)
        fds[i] = ask("GET", good[i].path, NULL, NULL);
    for (size_t i = 0; i < n; i++) {
        struct answer a = receive(fds[i]);
        snprintf(line, sizeof line, "Content-Disposition: attachment; filename=\"%s\"", good[i].filename);
        ck_assert_msg(has_header(&a, line), "%s: %s", good[i].path, a.all.data);
        ck_assert_msg(a.body_len > 20 && memcmp(a.body, "\x1f\x8b", 2) == 0, "%s is not gzip", good[i].path);
        ck_assert(!names_header(&a, "X-Go-Pprof"));
        expect(a, good[i].path, 200, "application/octet-stream", NULL);
    }
}

START_TEST(profiles_are_gzipped_attachments)
{
    static const struct download now[] = {{P "profile?seconds=1", "profile"},
        {P "profile?seconds=1&hz=50", "profile"}, {P "wall?seconds=1", "wall"},
        {P "wall?seconds=1&hz=1000", "wall"}, {"/debug/fgprof?seconds=1", "wall"}, {P "heap", "heap"},
        {P "heap?gc=1", "heap"}, {P "heap?debug=0", "heap"}, {P "heap?debug=junk", "heap"},
        {P "allocs", "allocs"}, {P "threads", "threads"}, {P "goroutine", "goroutine"},
        {P "threadcreate", "threadcreate"}, {P "mutex", "mutex"}, {P "block", "block"}};
    static const struct download deltas[] = {{P "heap?seconds=1", "heap-delta"},
        {P "mutex?seconds=%31", "mutex-delta"}, {P "goroutine?seconds=%2B1", "goroutine-delta"},
        {P "threads?seconds=1", "threads-delta"}, {P "threadcreate?seconds=1", "threadcreate-delta"},
        {P "block?seconds=1", "block-delta"}, {P "allocs?seconds=1", "allocs-delta"}};
    start();
    expect_downloads(now, sizeof now / sizeof *now);
    expect_downloads(deltas, sizeof deltas / sizeof *deltas);
    cprof_stop();
}
END_TEST

START_TEST(texts)
{
    static const struct {
        const char *path, *begins;
    } good[] = {{"heap?debug=1", "heap profile: "}, {"allocs?debug=1", "heap profile: "},
        {"threads?debug=1", "threads profile: total "}, {"goroutine?debug=1", "goroutine profile: total "},
        {"goroutine?debug=2", "goroutine "}, {"threads?debug=2", "# "},
        {"threadcreate?debug=1", "threadcreate profile: total "},
        {"mutex?debug=1", "--- mutex:\ncycles/second="}, {"block?debug=2", "--- contention:\ncycles/second="},
        {"goroutine?debug=-1", "goroutine profile: total "}, {"symbol", "num_symbols: 1\n"}};
    start();
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char path[64];
        snprintf(path, sizeof path, P "%s", good[i].path);
        struct answer a = get(path);
        ck_assert_msg(a.body && strncmp(a.body, good[i].begins, strlen(good[i].begins)) == 0, "%s: %s", path,
            a.body ? a.body : "nothing");
        ck_assert(!names_header(&a, "Content-Disposition"));
        expect(a, path, 200, TEXT, NULL);
    }
    cprof_stop();
}
END_TEST

START_TEST(index_page_lists_all)
{
    static const char *const names[] = {"allocs", "block", "cmdline", "goroutine", "heap", "mutex", "profile",
        "symbol", "threadcreate", "threads", "wall"};
    start();
    struct answer a = get(P);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char link[64], text[64];
        snprintf(link, sizeof link, "<a href=\"%s", names[i]);
        snprintf(text, sizeof text, "<dt>%s</dt>", names[i]);
        ck_assert_msg(strstr(a.body, link) && strstr(a.body, text), "%s is not on the page", names[i]);
    }
    ck_assert_ptr_nonnull(strstr(a.body, "<a href=\"goroutine?debug=2\">"));
    expect(a, "index", 200, "text/html; charset=utf-8", NULL);
    a = get("/debug/pprof");
    ck_assert(has_header(&a, "Location: /debug/pprof/"));
    expect(a, "redirect", 301, TEXT, NULL);
    cprof_stop();
}
END_TEST

START_TEST(cmdline_is_joined_by_nul)
{
    char wanted[65536];
    int fd = open("/proc/self/cmdline", O_RDONLY);
    ssize_t n = read(fd, wanted, sizeof wanted);
    close(fd);
    start();
    struct answer a = get(P "cmdline");
    ck_assert_uint_eq(a.body_len, (size_t)n - 1);
    ck_assert_mem_eq(a.body, wanted, a.body_len);
    expect(a, "cmdline", 200, TEXT, NULL);
    cprof_stop();
}
END_TEST

START_TEST(symbol_by_get_and_post)
{
    char query[128], path[160], wanted[256];
    unsigned long address = (unsigned long)(uintptr_t)suite;
    start();
    snprintf(query, sizeof query, "0x%lx+junk+0x1+%lu+", address, address + 1);
    snprintf(wanted, sizeof wanted, "num_symbols: 1\n0x%lx suite\n0x%lx suite\n", address, address + 1);
    snprintf(path, sizeof path, P "symbol?%s", query);
    expect(get(path), "GET", 200, TEXT, wanted);
    expect(receive(ask("POST", P "symbol", NULL, query)), "POST", 200, TEXT, wanted);
    expect(receive(ask("POST", P "symbol", NULL, "")), "empty POST", 200, TEXT, "num_symbols: 1\n");
    char *large = calloc(1, (2 << 20) + 1);
    memset(large, '+', 2 << 20);
    expect(receive(ask("POST", P "symbol", NULL, large)), "large POST", 413, TEXT, "the body is too large\n");
    free(large);
    cprof_stop();
}
END_TEST

/* ---- bad ones -------------------------------------------------------------------------------------------
 */

START_TEST(errors_are_byte_for_byte_those_of_go)
{
    static const char seconds[] = "invalid value for \"seconds\" - must be a positive integer\n";
    static const char both[] = "seconds and debug params are incompatible\n";
    static const char limit[] = "profile duration exceeds the limit of 3600 seconds\n";
    static const char hz[] = "invalid value for \"hz\" - must be between 1 and 1000\n";
    static const struct {
        const char *path;
        int status;
        const char *text;
    } bad[] = {{P "nope", 404, "Unknown profile\n"}, {P "heap/", 404, "Unknown profile\n"},
        {P "trace?seconds=5", 404, "Unknown profile\n"}, {P "heap?seconds=0", 400, seconds},
        {P "heap?seconds=-1", 400, seconds}, {P "mutex?seconds=x", 400, seconds},
        {P "mutex?seconds=1x", 400, seconds}, {P "block?seconds=1.5", 400, seconds},
        {P "allocs?seconds=99999999999999999999", 400, seconds}, {P "threads?seconds=%20", 400, seconds},
        {P "goroutine?seconds=1&debug=1", 400, both}, {P "heap?debug=2&seconds=1", 400, both},
        {P "heap?seconds=3601", 400, limit}, {P "profile?seconds=3601", 400, limit},
        {P "profile?seconds=1&hz=0", 400, hz}, {P "profile?seconds=1&hz=1001", 400, hz},
        {P "profile?seconds=1&hz=x", 400, hz}, {P "wall?seconds=3601", 400, limit},
        {P "wall?seconds=1&hz=0", 400, hz}, {P "wall?seconds=1&hz=1001", 400, hz},
        {"/debug/fgprof?seconds=1&hz=-5", 400, hz}, {P "threads?seconds=3601", 400, limit},
        {P "threadcreate?seconds=0", 400, seconds}};
    start();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct answer a = get(bad[i].path);
        ck_assert_msg(has_header(&a, "X-Go-Pprof: 1"), "%s: %s", bad[i].path, a.all.data);
        ck_assert(!names_header(&a, "Content-Disposition"));
        expect(a, bad[i].path, bad[i].status, TEXT, bad[i].text);
    }
    expect(get("/"), "/", 404, TEXT, "404 page not found\n");
    expect(get("/debug/fgprof/"), "fgprof/", 404, TEXT, "404 page not found\n");
    expect(get("/debug/pprofx/heap"), "pprofx", 404, TEXT, "404 page not found\n");
    expect(receive(ask("DELETE", P "heap", NULL, NULL)), "DELETE", 405, TEXT, "Method Not Allowed\n");
    expect(receive(ask("POST", P "heap", NULL, "x")), "POST", 405, TEXT, "Method Not Allowed\n");
    cprof_stop();
}
END_TEST

START_TEST(garbage_does_no_harm)
{
    start();
    static const char *const junk[] = {"\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        "GET " P "%00%zz?%=&&=%f HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "POST " P "symbol HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n"};
    for (size_t i = 0; i < sizeof junk / sizeof *junk; i++) {
        int fd = connect_to(cprof_address());
        struct timeval patience = {.tv_usec = 100000}; /* half a request may get no answer */
        ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
        send_all(fd, junk[i], strlen(junk[i]));
        struct answer a = receive(fd);
        ck_assert_int_ne(a.status, 200);
        buf_fini(&a.all);
    }
    char *line = malloc(300000);
    memset(line, 'a', 299999);
    line[299999] = '\0';
    struct answer a = get(line);
    ck_assert_int_ne(a.status, 200);
    buf_fini(&a.all);
    free(line);
    expect(get(P "cmdline"), "afterwards", 200, TEXT, NULL);
    cprof_stop();
}
END_TEST

START_TEST(only_loopback_names_are_answered)
{
    static const struct {
        const char *host;
        bool ok;
    } hosts[] = {{"localhost", true}, {"LocalHost:6060", true}, {"127.0.0.1:1", true}, {"127.9.9.9", true},
        {"[::1]:6060", true}, {"[::1]", true}, {"evil.example", false}, {"evil.example:6060", false},
        {"127.0.0.1.evil.example", false}, {"localhost.evil.example", false}, {"10.0.0.1", false},
        {"[::2]", false}, {"[::1", false}, {"127.0.0.1:x", false}, {"", false}, {"2130706433", false}};
    start();
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        char header[64];
        ck_assert_msg(hostname_is_loopback(hosts[i].host) == hosts[i].ok, "%s", hosts[i].host);
        if (!*hosts[i].host)
            continue;
        snprintf(header, sizeof header, "Host: %s\r\n", hosts[i].host);
        struct answer a = receive(ask("GET", P "cmdline", header, NULL));
        ck_assert_msg(a.status == (hosts[i].ok ? 200 : 403), "%s: %d", hosts[i].host, a.status);
        buf_fini(&a.all);
    }
    ck_assert(hostname_is_loopback(NULL));
    cprof_stop();
}
END_TEST

START_TEST(a_token_is_asked_for)
{
    setenv("CPROF_TOKEN", "s3cret", 1);
    start();
    struct answer a = get(P "cmdline");
    ck_assert(has_header(&a, "WWW-Authenticate: Bearer"));
    expect(a, "no token", 401, TEXT, NULL);
    static const char *const wrong[] = {"s3cre", "s3cretx", "S3cret", "", "s3crets3cret"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char header[100];
        snprintf(header, sizeof header, "Host: localhost\r\nAuthorization: Bearer %s\r\n", wrong[i]);
        expect(receive(ask("GET", P "cmdline", header, NULL)), wrong[i], 401, TEXT, NULL);
    }
    expect(receive(ask("GET", P "cmdline", "Host: localhost\r\nAuthorization: Bearer s3cret\r\n", NULL)),
        "token", 200, TEXT, NULL);
    cprof_stop();
}
END_TEST

#if defined(__x86_64__)

/* The instructions from the call to the return as one number, of a child that makes it; 0 when processes may
 * not trace their children here. */
static uint64_t trace_of_match(const char *given, const char *token)
{
    static _Alignas(64) char authorization[64]; /* libc's functions mind where a text lies */
    struct user_regs_struct registers;
    uint64_t trace = 14695981039346656037u;
    int status = 0;
    snprintf(authorization, sizeof authorization, "%s", given);
    pid_t child = fork();
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
            _exit(77);
        raise(SIGSTOP);
        volatile bool matches = guard_token_matches(authorization, token);
        raise(SIGSTOP);
        _exit(matches);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    if (!WIFSTOPPED(status))
        return 0;
    for (long steps = 0; steps < 100000; steps++) {
        if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) || waitpid(child, &status, 0) != child ||
            !WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
            break;
        ck_assert_int_eq(ptrace(PTRACE_GETREGS, child, NULL, &registers), 0);
        trace = (trace ^ registers.rip) * 1099511628211u;
    }
    ck_assert(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    ptrace(PTRACE_KILL, child, NULL, NULL);
    waitpid(child, NULL, 0);
    return trace;
}

/* A clock cannot tell from anything that this code does how much of a token was right: whatever is given in
 * place of it, of the same length, takes the same instructions, one by one. */
START_TEST(a_near_miss_takes_the_steps_of_any_other)
{
    static const char token[] = "0123456789abcdef";
    static const char *const same_length[] = {"Bearer 0123456789abcdef", "Bearer 0123456789abcdeX",
        "Bearer 01234567X9abcdef", "Bearer X123456789abcdef", "Bearer XXXXXXXXXXXXXXXX"};
    static const char *const shorter[] = {"Bearer 0123456", "Bearer 012345X", "Bearer XXXXXXX"};
    static const char *const longer[] = {"Bearer 0123456789abcdef0123", "Bearer XXXXXXXXXXXXXXXXXXXX"};
    static const struct {
        const char *const *given;
        size_t n;
    } sets[] = {{same_length, 5}, {shorter, 3}, {longer, 2}};
    ck_assert(guard_token_matches(same_length[0], token)); /* which has the loader bind what is called */
    if (!trace_of_match(same_length[0], token))
        printf("not tried: processes may not trace their children here\n");
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        for (size_t k = 1; k < sets[i].n; k++) {
            ck_assert(!guard_token_matches(sets[i].given[k], token));
            ck_assert_msg(trace_of_match(sets[i].given[0], token) == trace_of_match(sets[i].given[k], token),
                "%s takes other steps than %s", sets[i].given[k], sets[i].given[0]);
        }
    ck_assert(trace_of_match("Bearer 0", token) != trace_of_match("Basic 0", token) ||
              !trace_of_match("Basic 0", token)); /* the trace would show it */
}
END_TEST

#endif

/* A page of another site's, in the browser of somebody who works here, has nothing done: each request is
 * refused before anything begins, so that its CPU profile of an hour takes no time. */
START_TEST(pages_of_other_sites_get_nothing)
{
    static const char *const headers[] = {
        "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n",
        "Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n",
        "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n",
        "Origin: http://evil.example\r\n", "Origin: http://localhost:3000\r\n", "Origin: null\r\n"};
    static const char *const paths[] = {
        P "profile?seconds=3600", P "heap", P "threads?debug=2", P "symbol", P};
    start();
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        for (size_t k = 0; k < sizeof paths / sizeof *paths; k++) {
            char all[200];
            bool posts = strstr(paths[k], "symbol");
            snprintf(all, sizeof all, "Host: localhost\r\n%s", headers[i]);
            struct answer a = receive(ask(posts ? "POST" : "GET", paths[k], all, posts ? "0x1" : NULL));
            ck_assert(!names_header(&a, "Access-Control-Allow-Origin"));
            expect(a, all, 403, TEXT, "a page of another site made the browser ask this\n");
        }
    /* What is no such page: our own, an address that was typed, a link. */
    expect(receive(ask("GET", P "cmdline", "Host: localhost\r\nSec-Fetch-Site: same-origin\r\n", NULL)),
        "ours", 200, TEXT, NULL);
    expect(receive(ask("GET", P "cmdline",
               "Host: localhost\r\nSec-Fetch-Site: none\r\nSec-Fetch-Dest: document\r\n", NULL)),
        "typed", 200, TEXT, NULL);
    expect(receive(ask("GET", P "cmdline",
               "Host: localhost\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Dest: document\r\n", NULL)),
        "a link", 200, TEXT, NULL);
    cprof_stop();
}
END_TEST

/* Everything on standard error while `address` is tried. */
static int try_start(const char *address, char *line, size_t size)
{
    int pipes[2], saved = dup(2);
    ck_assert_int_eq(pipe(pipes), 0);
    fflush(stderr);
    dup2(pipes[1], 2);
    close(pipes[1]);
    int code = cprof_start(address);
    fflush(stderr);
    dup2(saved, 2);
    close(saved);
    ssize_t n = read(pipes[0], line, size - 1);
    line[n > 0 ? n : 0] = '\0';
    close(pipes[0]);
    return code;
}

/* A remote address is anybody's: its name is not looked at, the token is. */
START_TEST(a_remote_address_relies_on_the_token)
{
    static const char good[] = "Host: server.example\r\nAuthorization: Bearer s3cret\r\n";
    setenv("CPROF_ALLOW_REMOTE", "1", 1);
    setenv("CPROF_TOKEN", "s3cret", 1);
    ck_assert_int_eq(cprof_start("0.0.0.0:0"), 0);
    ck_assert_int_eq(strncmp(cprof_address(), "0.0.0.0:", 8), 0);
    expect(receive(ask("GET", P "cmdline", good, NULL)), "token", 200, TEXT, NULL);
    expect(receive(ask("GET", P "cmdline", "Host: localhost\r\n", NULL)), "none", 401, TEXT, NULL);
    expect(receive(ask("GET", P "nope", "Host: server.example\r\n", NULL)), "none", 401, TEXT, NULL);
    cprof_stop();
}
END_TEST

/* A socket with the process id in its name: any Host, since no page in a browser can ask it; the token counts
 * there as well; nobody else may connect; its file goes with it; one that was left behind is replaced, one
 * that is served is not. */
START_TEST(a_unix_socket)
{
    char folder[] = "/tmp/cprof-test-XXXXXX", address[100], wanted[100], line[256];
    struct stat s;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(address, sizeof address, "unix:%s/%%p.sock", folder);
    snprintf(wanted, sizeof wanted, "unix:%s/%d.sock", folder, (int)getpid());
    for (int i = 0; i < 2; i++) {
        if (i == 1)
            setenv("CPROF_TOKEN", "s3cret", 1);
        ck_assert_int_eq(cprof_start(address), 0);
        ck_assert_str_eq(cprof_address(), wanted);
        ck_assert_int_eq(stat(wanted + 5, &s), 0);
        ck_assert(S_ISSOCK(s.st_mode) && (s.st_mode & 0777) == 0600);
        int status = i == 1 ? 401 : 200;
        expect(receive(ask("GET", P "heap?debug=1", "Host: anything\r\n", NULL)), "unix", status, TEXT, NULL);
        expect(receive(ask("GET", P "cmdline", "Host: x\r\nAuthorization: Bearer s3cret\r\n", NULL)), "token",
            200, TEXT, NULL);
        pid_t child = fork();
        if (child == 0) /* it has the parent's address no longer, and may not take it */
            _exit(*cprof_address() || try_start(wanted, line, sizeof line) != ERR_BUSY);
        int ended;
        ck_assert_int_eq(waitpid(child, &ended, 0), child);
        ck_assert_int_eq(ended, 0);
        cprof_stop();
        ck_assert_int_ne(stat(wanted + 5, &s), 0);
    }
    pid_t killed = fork();
    if (killed == 0) {
        _exit(cprof_start(wanted)); /* without cprof_stop: the file stays */
    }
    ck_assert_int_eq(waitpid(killed, NULL, 0), killed);
    ck_assert_int_eq(stat(wanted + 5, &s), 0);
    ck_assert_int_eq(cprof_start(wanted), 0);
    cprof_stop();
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

/* ---- load and life --------------------------------------------------------------------------------------
 */

START_TEST(answers_with_5000_descriptors_open)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 64; /* cprof_start raises it */
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    start();
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_uint_eq(limit.rlim_cur, limit.rlim_max);
    rlim_t wanted = limit.rlim_max < 5200 ? limit.rlim_max - 200 : 5000;
    int last = 0;
    for (rlim_t i = 0; i < wanted; i++)
        ck_assert_int_ge(last = dup(0), 0);
    ck_assert_int_gt(last, (int)wanted - 1);
    expect(get(P "heap"), "heap", 200, "application/octet-stream", NULL);
    expect(get(P "heap?seconds=1"), "delta", 200, "application/octet-stream", NULL);
    expect(get(P), "index", 200, "text/html; charset=utf-8", NULL);
    cprof_stop();
}
END_TEST

/* Both limits at once: sixteen requests run, the next one is told so, and when the clients of the
 * sixteen go away their hour-long sessions end at once, so that there is room again. */
START_TEST(sixteen_at_once_and_clients_that_vanish)
{
    static const char *const hour_long[] = {
        P "mutex?seconds=3600", P "profile?seconds=3600", P "wall?seconds=3600"};
    int fds[ENDPOINTS_MAX_REQUESTS];
    start();
    for (int i = 0; i < ENDPOINTS_MAX_REQUESTS; i++)
        fds[i] = ask("GET", hour_long[i % 3], NULL, NULL);
    struct answer a = {0};
    for (int tries = 0; tries < 200 && a.status != 503; tries++) { /* until the last of them has begun */
        buf_fini(&a.all);
        a = get(P "cmdline");
    }
    ck_assert(has_header(&a, "X-Go-Pprof: 1"));
    expect(a, "17th", 503, TEXT, "too many requests at once: at most 16 run\n");
    for (int i = 0; i < ENDPOINTS_MAX_REQUESTS; i++)
        close(fds[i]);
    int status = 0;
    for (int tries = 0; tries < 1000 && status != 200; tries++) {
        a = get(P "cmdline");
        status = a.status;
        buf_fini(&a.all);
        if (status != 200)
            poll(NULL, 0, 5);
    }
    ck_assert_int_eq(status, 200);
    cprof_stop();
}
END_TEST

/* There is room for several CPU sessions, and for fewer than there are requests. */
START_TEST(one_cpu_session_too_many)
{
    struct pollfd watched[ENDPOINTS_MAX_REQUESTS];
    int refused = 0;
    start();
    for (int i = 0; i < ENDPOINTS_MAX_REQUESTS; i++)
        watched[i] =
            (struct pollfd){.fd = ask("GET", P "profile?seconds=3600", NULL, NULL), .events = POLLIN};
    ck_assert_int_gt(poll(watched, ENDPOINTS_MAX_REQUESTS, 10000), 0);
    for (int i = 0; i < ENDPOINTS_MAX_REQUESTS; i++) {
        if (!(watched[i].revents & POLLIN)) {
            close(watched[i].fd);
            continue;
        }
        refused++;
        expect(receive(watched[i].fd), "one too many", 503, TEXT,
            "Could not enable CPU profiling: a limit was reached\n");
    }
    ck_assert_int_gt(refused, 0);
    ck_assert_int_lt(refused, ENDPOINTS_MAX_REQUESTS - 1);
    cprof_stop();
}
END_TEST

START_TEST(stop_ends_what_runs)
{
    start();
    int a = ask("GET", P "profile?seconds=3600", NULL, NULL),
        b = ask("GET", P "heap?seconds=3600", NULL, NULL);
    int idle = connect_to(cprof_address());
    expect(get(P "cmdline"), "beside them", 200, TEXT, NULL);
    cprof_stop(); /* the watchdog ends this test if it waits */
    ck_assert_str_eq(cprof_address(), "");
    struct answer x = receive(a), y = receive(b);
    ck_assert_int_ne(x.status, 200);
    ck_assert_int_ne(y.status, 200);
    buf_fini(&x.all);
    buf_fini(&y.all);
    close(idle);
}
END_TEST

static int count_threads(void)
{
    char line[256];
    int n = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof line, f))
        sscanf(line, "Threads: %d", &n);
    fclose(f);
    return n;
}

static int count_descriptors(void)
{
    int n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

START_TEST(start_stop_start)
{
    int threads = 0, descriptors = 0;
    for (int i = 0; i < 5; i++) {
        start();
        expect(get(P "threads?debug=2"), "threads", 200, TEXT, NULL);
        ck_assert_int_ne(cprof_start("127.0.0.1:0"), 0);
        expect(get(P "cmdline"), "still", 200, TEXT, NULL);
        cprof_stop();
        cprof_stop();
        if (i == 0) { /* what the first time leaves behind for good, if anything, is there now */
            threads = count_threads();
            descriptors = count_descriptors();
        }
    }
    for (int i = 0; i < 200 && count_threads() != threads; i++)
        usleep(10000); /* the kernel counts a joined thread for a moment longer */
    ck_assert_int_eq(count_threads(), threads);
    ck_assert_int_eq(count_descriptors(), descriptors);
}
END_TEST

START_TEST(what_is_wrong_is_said_in_one_line)
{
    char line[1024], busy[LISTENER_NAME_BYTES], wanted[256];
    ck_assert_int_eq(try_start("127.0.0.1:0", line, sizeof line), 0);
    snprintf(wanted, sizeof wanted, "cprof: serving http://%s/debug/pprof/\n", cprof_address());
    ck_assert_str_eq(line, wanted);
    ck_assert_int_eq(try_start("127.0.0.1:0", line, sizeof line), ERR_BUSY);
    snprintf(wanted, sizeof wanted, "cprof: already started on %s\n", cprof_address());
    ck_assert_str_eq(line, wanted);
    cprof_stop();

    struct error e = {0};
    int fd;
    ck_assert_int_eq(listener_open("127.0.0.1:0", false, &fd, busy, &e), 0);
    ck_assert_int_eq(try_start(busy, line, sizeof line), ERR_BUSY);
    snprintf(wanted, sizeof wanted, "cprof: cannot listen on %s: Address already in use\n", busy);
    ck_assert_str_eq(line, wanted);
    close(fd);

    static const char *const bad[] = {"", "6060", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000",
        ":6060", "::1:6060", "[::1:6060", "127.0.0.1:-1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(try_start(bad[i], line, sizeof line) == ERR_INVALID, "%s", bad[i]);
        snprintf(wanted, sizeof wanted, "cprof: bad address \"%s\": HOST:PORT is wanted\n", bad[i]);
        ck_assert_str_eq(line, wanted);
    }
    ck_assert_int_eq(try_start("unix:socket", line, sizeof line), ERR_INVALID);
    ck_assert_str_eq(line,
        "cprof: bad address \"unix:socket\": unix:/PATH is wanted, with at most 107 characters in PATH\n");
    ck_assert_int_eq(try_start("0.0.0.0:0", line, sizeof line), ERR_DENIED);
    ck_assert_str_eq(line,
        "cprof: 0.0.0.0:0 is not a loopback address: CPROF_ALLOW_REMOTE=1 and CPROF_TOKEN are needed\n");
    ck_assert_str_eq(cprof_address(), "");
    ck_assert_str_eq(cprof_strerror(ERR_DENIED), "not permitted");
}
END_TEST

START_TEST(bad_variables_are_named)
{
    static const struct {
        const char *name, *value;
    } bad[] = {{"CPROF_MUTEX_FRACTION", "-1"}, {"CPROF_MUTEX_FRACTION", "x"},
        {"CPROF_MUTEX_FRACTION", "2147483648"}, {"CPROF_BLOCK_RATE", "1us"}, {"CPROF_HEAP_RATE", "1000"},
        {"CPROF_HEAP_RATE", "-4"}, {"CPROF_ALLOW_REMOTE", "yes"}, {"CPROF_ALLOW_REMOTE", "1"}};
    char line[1024];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        setenv(bad[i].name, bad[i].value, 1);
        ck_assert_int_lt(try_start("127.0.0.1:0", line, sizeof line), 0);
        char wanted[64];
        snprintf(wanted, sizeof wanted, "cprof: %s=%s", bad[i].name, bad[i].value);
        ck_assert_msg(strncmp(line, wanted, strlen(wanted)) == 0, "%s", line);
        ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
        unsetenv(bad[i].name);
    }
    setenv("CPROF_HTTP", "127.0.0.1:0", 1);
    setenv("CPROF_HEAP_RATE", "1048576", 1);
    ck_assert_int_eq(cprof_start(NULL), 0);
    ck_assert_int_eq(strncmp(cprof_address(), "127.0.0.1:", 10), 0);
    cprof_stop();
}
END_TEST

START_TEST(a_forked_child_has_no_server_and_may_start_its_own)
{
    start();
    int hanging = ask("GET", P "profile?seconds=3600", NULL, NULL);
    expect(get(P "heap"), "parent", 200, "application/octet-stream", NULL);
    pid_t child = fork();
    if (child == 0) {
        bool ok = !*cprof_address();
        ok = ok && cprof_start("127.0.0.1:0") == 0;
        struct answer a = ok ? get(P "threads?debug=1") : (struct answer){0};
        ok = ok && a.status == 200;
        cprof_stop();
        _exit(ok ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    expect(get(P "heap"), "parent", 200, "application/octet-stream", NULL);
    close(hanging);
    cprof_stop();
}
END_TEST

START_TEST(the_profilers_own_threads_are_not_shown)
{
    start();
    struct answer a = get(P "threads?debug=2");
    ck_assert_ptr_null(strstr(a.body, "cprof-"));
    ck_assert_ptr_null(strstr(a.body, "endpoints_serve"));
    ck_assert_ptr_nonnull(strstr(a.body, "the_profilers_own_threads_are_not_shown_fn(...)"));
    expect(a, "threads", 200, TEXT, NULL);
    a = get(P "threads?debug=1");
    ck_assert_int_eq(strncmp(a.body, "threads profile: total 1\n", 25), 0);
    expect(a, "threads", 200, TEXT, NULL);
    cprof_stop();
}
END_TEST

/* At a rate of 1 byte every allocation is in the profile: none may be ours. */
START_TEST(the_profilers_own_memory_is_not_shown)
{
    static const char *const paths[] = {P, P "allocs", P "allocs?debug=1", P "block", P "block?debug=1",
        P "cmdline", P "goroutine", P "goroutine?debug=1", P "goroutine?debug=2", P "heap", P "heap?gc=1",
        P "heap?seconds=1", P "mutex", P "mutex?debug=1", P "mutex?seconds=1", P "profile?seconds=1",
        P "symbol", P "threadcreate", P "threadcreate?debug=1", P "threads", P "threads?debug=1",
        P "threads?debug=2", P "nope"};
    setenv("CPROF_HEAP_RATE", "1", 1);
    setenv("CPROF_MUTEX_FRACTION", "1", 1);
    setenv("CPROF_BLOCK_RATE", "1", 1);
    start();
    void *volatile ours = malloc(12345);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct answer a = get(paths[i]);
        ck_assert_int_ne(a.status, 0);
        buf_fini(&a.all);
    }
    char query[64];
    snprintf(query, sizeof query, P "symbol?0x%lx", (unsigned long)(uintptr_t)suite);
    struct answer named = get(query);
    ck_assert_ptr_nonnull(strstr(named.body, " suite\n"));
    buf_fini(&named.all);
    struct answer a = get(P "heap?debug=1");
    ck_assert_ptr_nonnull(strstr(a.body, "the_profilers_own_memory_is_not_shown_fn+"));
    static const char *const own[] = {"/profiler/capture/", "/profiler/export/", "/profiler/symbol/",
        "/profiler/model/", "libmicrohttpd", "libdw", "libprotobuf", "libz"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        ck_assert_msg(!strstr(a.body, own[i]), "%s is in the heap profile", own[i]);
    buf_fini(&a.all);
    free(ours);
    cprof_stop();
}
END_TEST

START_TEST(head_and_connections_that_are_kept)
{
    static const char two[] = "HEAD " P "cmdline HTTP/1.1\r\nHost: localhost\r\n\r\n"
                              "GET " P "nope HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    start();
    int fd = connect_to(cprof_address());
    send_all(fd, two, sizeof two - 1);
    struct answer a = receive(fd);
    ck_assert_int_eq(a.status, 200);
    ck_assert_int_eq(strncmp(a.body, "HTTP/1.1 404 ", 13), 0); /* the head had no body */
    ck_assert_ptr_nonnull(strstr(a.body, "\r\n\r\nUnknown profile\n"));
    buf_fini(&a.all);
    cprof_stop();
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {
        profiles_are_gzipped_attachments,
        texts,
        index_page_lists_all,
        cmdline_is_joined_by_nul,
        symbol_by_get_and_post,
        errors_are_byte_for_byte_those_of_go,
        garbage_does_no_harm,
        only_loopback_names_are_answered,
        a_token_is_asked_for,
#if defined(__x86_64__)
        a_near_miss_takes_the_steps_of_any_other,
#endif
        pages_of_other_sites_get_nothing,
        a_remote_address_relies_on_the_token,
        a_unix_socket,
        answers_with_5000_descriptors_open,
        sixteen_at_once_and_clients_that_vanish,
        one_cpu_session_too_many,
        stop_ends_what_runs,
        start_stop_start,
        what_is_wrong_is_said_in_one_line,
        bad_variables_are_named,
        a_forked_child_has_no_server_and_may_start_its_own,
        the_profilers_own_threads_are_not_shown,
        the_profilers_own_memory_is_not_shown,
        head_and_connections_that_are_kept
    };
    return HARNESS_SUITE("server", 30, tests);
}
