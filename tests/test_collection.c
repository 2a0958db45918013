#include "harness.h"

#include "model/codec.h"
#include "stacks_profile.h"
#include "ui/collection.h"
#include "ui/triage_run.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Collecting from a server of our own, a child that lacks a profile and may be slow, and opening what was
 * kept. */

static char home[] = "/tmp/pprof-test-XXXXXX", base[60];
static const struct stack_line evicting[] = {{"main;cache_evict;pthread_mutex_unlock", 90000000000}};
static const struct stack_line few[] = {{"main;cache_get;pthread_mutex_lock", 2}, {"main;poll", 50}};
static const struct stack_line many[] = {{"main;cache_get;pthread_mutex_lock", 40}, {"main;poll", 12}};

static void reply(int fd, const char *status, const char *body, size_t len)
{
    char head[200];
    int n = snprintf(head, sizeof head,
        "HTTP/1.1 %s\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n", status,
        len);
    if (write(fd, head, (size_t)n) != n || write(fd, body, len) != (ssize_t)len)
        _exit(1);
}

static void reply_profile(
    int fd, const char *type, const char *unit, const struct stack_line *lines, size_t n)
{
    struct profile *p = stacks_profile(type, unit, 1, lines, n);
    struct buf bytes = {0};
    struct error e;
    profile_encode(p, true, &bytes, &e);
    reply(fd, "200 OK", bytes.data, bytes.len);
    buf_fini(&bytes);
    profile_free(p);
}

/* Addresses alone. */
static void reply_nameless(int fd)
{
    struct profile *p = profile_new(NULL);
    struct buf bytes = {0};
    struct error e;
    uint32_t locs[2];
    profile_add_sample_type(p, profile_string(p, "inuse_space"), profile_string(p, "bytes"));
    profile_add_mapping(p, &(struct mapping){.start = 0x1000, .limit = 0x9000}, NULL);
    for (uint32_t i = 0; i < 2; i++)
        profile_add_location(p, &(struct location){.address = 0x1010 + 16 * i}, NULL, 0, &locs[i]);
    profile_add_sample(p, locs, 2, (int64_t[]){1}, NULL, 0);
    profile_encode(p, true, &bytes, &e);
    reply(fd, "200 OK", bytes.data, bytes.len);
    buf_fini(&bytes);
    profile_free(p);
}

/* All of a request, with the body of a POST. */
static bool read_request(int fd, char *request, size_t room)
{
    size_t len = 0;
    bool whole = false;
    while (!whole && len < room - 1) {
        ssize_t n = read(fd, request + len, room - 1 - len);
        if (n <= 0)
            return false;
        request[len += (size_t)n] = '\0';
        const char *end = strstr(request, "\r\n\r\n");
        whole = end && (strncmp(request, "POST", 4) != 0 || strstr(end, "0x1020"));
    }
    return whole;
}

static bool asks(const char *request, const char *path)
{
    return strncmp(request + 4, path, strlen(path)) == 0;
}

/* looks: how many times threads were asked for: the second time they are stuck. */
static void serve(int fd, int *looks)
{
    char request[2000];
    static const char names[] = "0x1010 evict_all\n0x1020 main\n";
    if (!read_request(fd, request, sizeof request))
        return;
    if (strncmp(request, "POST /nameless/debug/pprof/symbol ", 34) == 0)
        reply(fd, "200 OK", names, sizeof names - 1);
    else if (asks(request, "/nameless/debug/pprof/heap "))
        reply_nameless(fd);
    else if (asks(request, "/debug/pprof/mutex?seconds=1 "))
        reply_profile(fd, "delay", "nanoseconds", evicting, 1);
    else if (asks(request, "/debug/pprof/goroutine "))
        reply_profile(fd, "goroutine", "count", ++*looks == 2 ? many : few, 2);
    else if (asks(request, "/debug/pprof/heap "))
        reply_profile(fd, "inuse_space", "bytes", few, 2);
    else if (asks(request, "/debug/pprof/profile?seconds=9"))
        pause();
    else if (asks(request, "/debug/pprof/profile?seconds=1 "))
        reply(fd, "200 OK", "no profile", 10);
    else
        reply(fd, "404 Not Found", "Unknown profile\n", 16);
}

static void start_server(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), looks = 0;
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, len), 0);
    ck_assert_int_eq(listen(listener, 16), 0);
    getsockname(listener, (struct sockaddr *)&at, &len);
    snprintf(base, sizeof base, "http://127.0.0.1:%d", ntohs(at.sin_port));
    if (fork() == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGCHLD, SIG_IGN);
        for (;;) {
            char peek[60] = "";
            int fd = accept(listener, NULL, NULL);
            bool slow = recv(fd, peek, sizeof peek - 1, MSG_PEEK) > 0 && strstr(peek, "seconds=9");
            if (!slow) {
                serve(fd, &looks);
            } else if (fork() == 0) { /* what waits must not hold up the rest */
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                serve(fd, &looks);
                _exit(0);
            }
            close(fd);
        }
    }
    close(listener);
    ck_assert_ptr_nonnull(mkdtemp(home));
    setenv("PPROF_TMPDIR", home, 1);
    setenv("HOME", home, 1);
}

static void remove_home(void)
{
    char command[80];
    snprintf(command, sizeof command, "rm -rf %s", home);
    ck_assert_int_eq(system(command), 0); /* NOLINT: a name of our own */
}

static void parse(struct options *o, const char *seconds, const char *source)
{
    char *argv[] = {"pprof", "-triage", (char *)seconds, (char *)source, NULL};
    struct error e = {0};
    ck_assert_msg(options_parse(o, 4, argv, &e) == 0, "%s", e.text);
}

START_TEST(what_a_server_has_is_kept_and_opens_again)
{
    struct options o;
    struct collection c;
    struct error e = {0};
    char *folder;
    start_server();
    parse(&o, "-seconds=1", base);
    ck_assert_msg(collection_take(&o, base, NULL, &folder, &e) == 0, "%s", e.text);
    ck_assert_int_eq(strncmp(folder, home, strlen(home)), 0);
    ck_assert_msg(collection_open(&c, &o, folder, &e) == 0, "%s", e.text);
    ck_assert_ptr_nonnull(strstr(c.title, base));
    ck_assert_ptr_nonnull(strstr(c.title, "/debug/pprof, 1 s from "));
    ck_assert_ptr_nonnull(c.profiles[LENS_MUTEX]);
    ck_assert_ptr_nonnull(c.profiles[LENS_HEAP]);
    ck_assert_ptr_nonnull(c.profiles[LENS_HEAP_START]);
    ck_assert_ptr_null(c.profiles[LENS_BLOCK]);
    ck_assert_ptr_nonnull(strstr(c.missing[LENS_BLOCK], "404 Not Found - Unknown profile"));
    ck_assert_ptr_null(c.profiles[LENS_CPU]);
    ck_assert_ptr_nonnull(strstr(c.missing[LENS_CPU], "not a profile"));
    ck_assert_int_eq(triage_stuck_threads(c.profiles[LENS_THREADS]), 40); /* the worst look */
    collection_fini(&c);
    free(folder);
    options_fini(&o);
    remove_home();
}
END_TEST

/* Names are asked for while there is somebody to ask, and stay in the folder. */
START_TEST(what_has_no_names_is_kept_with_them)
{
    struct options o;
    struct collection c;
    struct error e = {0};
    char *folder, *address;
    start_server();
    ck_assert_int_gt(asprintf(&address, "%s/nameless/debug/pprof", base), 0);
    parse(&o, "-seconds=1", address);
    ck_assert_msg(collection_take(&o, address, NULL, &folder, &e) == 0, "%s", e.text);
    ck_assert_msg(collection_open(&c, &o, folder, &e) == 0, "%s", e.text);
    const struct profile *heap = c.profiles[LENS_HEAP];
    ck_assert_ptr_nonnull(heap);
    ck_assert_uint_eq(heap->functions.len, 2);
    ck_assert_str_eq(heap->functions.items[0].name, "evict_all");
    ck_assert_str_eq(heap->mappings.items[0].file, "");
    collection_fini(&c);
    free(folder);
    free(address);
    options_fini(&o);
    remove_home();
}
END_TEST

static volatile sig_atomic_t cancel;

static void on_alarm(int number)
{
    (void)number;
    cancel = 1;
}

START_TEST(an_interrupt_keeps_what_has_come)
{
    struct options o;
    struct collection c;
    struct error e = {0};
    char *folder;
    start_server();
    parse(&o, "-seconds=9", base);
    signal(SIGALRM, on_alarm);
    alarm(2); /* after the first heap profile and the first look at threads */
    ck_assert_int_eq(collection_take(&o, base, &cancel, &folder, &e), ERR_CANCELLED);
    ck_assert_msg(collection_open(&c, &o, folder, &e) == 0, "%s", e.text);
    ck_assert_ptr_nonnull(c.profiles[LENS_HEAP_START]);
    ck_assert_ptr_nonnull(c.profiles[LENS_THREADS]);
    ck_assert_ptr_null(c.profiles[LENS_HEAP]);
    ck_assert_str_eq(c.missing[LENS_CPU], "cancelled");
    ck_assert_str_eq(c.missing[LENS_HEAP], "cancelled");
    collection_fini(&c);
    free(folder);
    options_fini(&o);
    remove_home();
}
END_TEST

START_TEST(a_server_that_is_not_there_leaves_nothing)
{
    struct options o;
    struct error e = {0};
    char *folder;
    ck_assert_ptr_nonnull(mkdtemp(home));
    setenv("PPROF_TMPDIR", home, 1);
    parse(&o, "-seconds=1", "http://127.0.0.1:1");
    ck_assert_int_eq(collection_take(&o, "http://127.0.0.1:1", NULL, &folder, &e), ERR_IO);
    ck_assert_ptr_null(folder);
    ck_assert_ptr_nonnull(strstr(e.text, "http://127.0.0.1:1/debug/pprof/heap: "));
    ck_assert_msg(rmdir(home) == 0, "something was left in %s", home);
    options_fini(&o);
}
END_TEST

START_TEST(a_folder_of_something_else_is_refused)
{
    struct options o;
    struct error e = {0};
    ck_assert_ptr_nonnull(mkdtemp(home));
    parse(&o, "-seconds=1", home);
    ck_assert_int_eq(triage_run(&o, NULL, &e), ERR_NOTFOUND);
    ck_assert_ptr_nonnull(strstr(e.text, "no cpu.pb.gz"));
    options_fini(&o);
    rmdir(home);
}
END_TEST

static void expect_base(const char *address, const char *want)
{
    char *got = collection_base(address);
    ck_assert_ptr_nonnull(got);
    ck_assert_str_eq(got, want);
    free(got);
}

START_TEST(any_url_of_a_server_will_do)
{
    expect_base("127.0.0.1:6060", "http://127.0.0.1:6060/debug/pprof");
    expect_base("http://h:1/", "http://h:1/debug/pprof");
    expect_base("http://h:1/debug/pprof/", "http://h:1/debug/pprof");
    expect_base("https://h/app/debug/pprof/heap?seconds=3", "https://h/app/debug/pprof");
    expect_base("http://h:1/profiles/?x=1", "http://h:1/profiles");
    expect_base("http+unix://%2Fa.sock/debug/pprof/heap", "http+unix://%2Fa.sock/debug/pprof");
    ck_assert_ptr_null(collection_base("some/folder"));
}
END_TEST

Suite *suite(void)
{
    const TTest *tests[] = {what_a_server_has_is_kept_and_opens_again, what_has_no_names_is_kept_with_them,
        an_interrupt_keeps_what_has_come, a_server_that_is_not_there_leaves_nothing,
        a_folder_of_something_else_is_refused, any_url_of_a_server_will_do};
    return HARNESS_SUITE("collection", 20, tests);
}
