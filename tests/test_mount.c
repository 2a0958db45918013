#include "cprof.h"

#include "client.h"
#include "export/endpoints.h"

#include <fcntl.h>
#include <ifaddrs.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/un.h>

/* ---- a program with a server ----------------------------------------------------------------------------
 */

/* A daemon in one of the ways there are of running one. */
struct host {
    const char *name;
    unsigned flags;
    unsigned pool;      /* threads of libmicrohttpd's, 0 for one */
    bool takes_seconds; /* else it answers 501 to what does */
    struct MHD_Daemon *daemon;
    char address[32];
    pthread_t loop;
};

#define HOST(...)                \
    {                            \
        __VA_ARGS__, NULL, "", 0 \
    }
static struct host hosts[] = {
    HOST("a thread for each connection", MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL_INTERNAL_THREAD, 0,
        true),
    HOST("a thread for each connection, which could suspend",
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, true),
    HOST("select", MHD_USE_INTERNAL_POLLING_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, true),
    HOST("poll", MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, true),
    HOST("epoll", MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, true),
    HOST("epoll in four threads", MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 4, true),
    HOST("epoll without suspending", MHD_USE_EPOLL_INTERNAL_THREAD, 0, false),
    HOST("a loop of its own with select", MHD_ALLOW_SUSPEND_RESUME, 0, true),
    HOST("a loop of its own with epoll", MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, true),
    HOST("a loop of its own without suspending", MHD_NO_FLAG, 0, false),
};
enum { HOSTS = sizeof hosts / sizeof *hosts };

static struct host *const per_connection = &hosts[0], *const epoll = &hosts[4];
static atomic_bool leave_loop;
static atomic_int answered; /* the program's own requests */

/* Gives every request of its own something to free, and frees what it finds, as programs do. */
static void free_context(
    void *arg, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode why)
{
    (void)arg, (void)connection, (void)why;
    free(*context);
    *context = NULL;
}

static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload, size_t *upload_len, void **context)
{
    (void)arg, (void)version;
    static char hello[] = "hello\n";
    int result = cprof_mhd_handle(connection, url, method, upload, upload_len);
    if (result != CPROF_MHD_NOT_MINE)
        return (enum MHD_Result)result;
    if (!*context) {
        *context = malloc(100);
        return *context ? MHD_YES : MHD_NO;
    }
    *upload_len = 0;
    atomic_fetch_add(&answered, 1);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(sizeof hello - 1, hello, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result sent = MHD_queue_response(connection, 200, response);
    MHD_destroy_response(response);
    return sent;
}

static void turn(const struct host *h)
{
    enum { AT_MOST_MS = 20 };
    if (h->flags & MHD_USE_EPOLL) {
        struct pollfd ready = {
            .fd = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, .events = POLLIN};
        poll(&ready, 1, AT_MOST_MS);
        MHD_run(h->daemon);
        return;
    }
    fd_set reads, writes, exceptions;
    MHD_socket last = 0;
    struct timeval time_out = {.tv_usec = AT_MOST_MS * 1000};
    FD_ZERO(&reads);
    FD_ZERO(&writes);
    FD_ZERO(&exceptions);
    MHD_get_fdset(h->daemon, &reads, &writes, &exceptions, &last);
    select(last + 1, &reads, &writes, &exceptions, &time_out);
    MHD_run_from_select(h->daemon, &reads, &writes, &exceptions);
}

static void *run_loop(void *arg)
{
    while (!leave_loop)
        turn(arg);
    return NULL;
}

static bool has_loop(const struct host *h)
{
    return !(h->flags & MHD_USE_INTERNAL_POLLING_THREAD);
}

static void serve_on(struct host *h, in_addr_t address)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)h->pool, NULL}, {MHD_OPTION_END, 0, NULL}};
    h->daemon = MHD_start_daemon(h->flags, 0, NULL, NULL, handle, NULL, MHD_OPTION_SOCK_ADDR, &at,
        MHD_OPTION_NOTIFY_COMPLETED, free_context, NULL, MHD_OPTION_ARRAY, h->pool ? options : options + 1,
        MHD_OPTION_END);
    ck_assert_ptr_nonnull(h->daemon);
    snprintf(h->address, sizeof h->address, "127.0.0.1:%d",
        MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    if (has_loop(h))
        ck_assert_int_eq(pthread_create(&h->loop, NULL, run_loop, h), 0);
}

/* All of them, or the one. */
static void begin(struct host *only)
{
    ck_assert_int_eq(cprof_start_capture(), 0);
    leave_loop = false;
    for (struct host *h = hosts; h < hosts + HOSTS; h++)
        if (!only || h == only)
            serve_on(h, INADDR_LOOPBACK);
}

static void finish(void)
{
    cprof_stop();
    leave_loop = true;
    for (struct host *h = hosts; h < hosts + HOSTS; h++) {
        if (h->daemon && has_loop(h))
            pthread_join(h->loop, NULL);
        if (h->daemon)
            MHD_stop_daemon(h->daemon);
        h->daemon = NULL;
    }
}

static struct answer get(const struct host *h, const char *path)
{
    return receive(ask_at(h->address, "GET", path, NULL, NULL));
}

#define P "/debug/pprof/"
#define BINARY "application/octet-stream"

/* ---- in each mode ---------------------------------------------------------------------------------------
 */

static void expect_own(const struct host *h)
{
    struct answer a = get(h, "/");
    ck_assert_int_eq(a.status, 200);
    ck_assert_str_eq(a.body, "hello\n");
    buf_fini(&a.all);
}

static void try_profiles(const struct host *h)
{
    static const char *const names[] = {
        "heap", "allocs", "threads", "goroutine", "threadcreate", "mutex", "block"};
    char path[100], wanted[100];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, P "%s", names[i]);
        snprintf(wanted, sizeof wanted, "Content-Disposition: attachment; filename=\"%s\"", names[i]);
        struct answer a = get(h, path);
        ck_assert_msg(has_header(&a, wanted), "%s: %s", h->name, a.all.data);
        expect(a, path, 200, BINARY, NULL);
    }
}

static void try_symbol(const struct host *h)
{
    char path[100], wanted[100];
    unsigned long at = (unsigned long)(uintptr_t)suite;
    snprintf(wanted, sizeof wanted, "num_symbols: 1\n0x%lx suite\n0x%lx suite\n", at, at + 1);
    snprintf(path, sizeof path, P "symbol?0x%lx+junk+%%30x%lx", at, at + 1);
    expect(get(h, path), path, 200, TEXT, wanted);
    snprintf(path, sizeof path, "0x%lx+0x%lx", at, at + 1);
    expect(receive(ask_at(h->address, "POST", P "symbol", NULL, path)), "POST", 200, TEXT, wanted);
    expect(
        receive(ask_at(h->address, "POST", P "symbol", NULL, "")), "no body", 200, TEXT, "num_symbols: 1\n");
}

START_TEST(every_endpoint)
{
    static const char seconds[] = "invalid value for \"seconds\" - must be a positive integer\n";
    begin(NULL);
    for (const struct host *h = hosts; h < hosts + HOSTS; h++) {
        atomic_store(&answered, 0);
        try_profiles(h);
        try_symbol(h);
        expect(get(h, P), "index", 200, "text/html; charset=utf-8", NULL);
        expect(get(h, "/debug/pprof"), "redirect", 301, TEXT, NULL);
        expect(get(h, P "nope"), "nope", 404, TEXT, "Unknown profile\n");
        expect(get(h, P "threads?debug=2"), "threads?debug=2", 200, TEXT, NULL);
        if (h->takes_seconds)
            expect(get(h, P "heap?seconds=%30"), "seconds=0", 400, TEXT, seconds);
        expect(receive(ask_at(h->address, "DELETE", P "heap", NULL, NULL)), "DELETE", 405, TEXT,
            "Method Not Allowed\n");
        ck_assert_int_eq(answered, 0);
        expect_own(h);
        struct answer other = get(h, "/debug/pprofx"); /* is the program's */
        ck_assert_str_eq(other.body, "hello\n");
        buf_fini(&other.all);
    }
    finish();
}
END_TEST

static void expect_refusal(const struct host *h)
{
    static const char *const refused[] = {
        P "profile", P "profile?seconds=1", P "heap?seconds=1", P "wall", "/debug/fgprof?seconds=1"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct answer a = get(h, refused[i]);
        ck_assert_ptr_nonnull(strstr(a.body, "MHD_ALLOW_SUSPEND_RESUME"));
        expect(a, refused[i], 501, TEXT, NULL);
    }
}

/* Profiles that take their time, or the reason why there are none. */
START_TEST(a_second_of_profile)
{
    static const struct {
        const char *path, *name;
    } kinds[] = {{P "profile?seconds=1", "profile"}, {P "mutex?seconds=1", "mutex-delta"},
        {"/debug/fgprof?seconds=1", "wall"}};
    int asked[HOSTS];
    char wanted[100];
    begin(NULL);
    for (int i = 0; i < HOSTS; i++)
        asked[i] =
            hosts[i].takes_seconds ? ask_at(hosts[i].address, "GET", kinds[i % 3].path, NULL, NULL) : -1;
    for (const struct host *h = hosts; h < hosts + HOSTS; h++) {
        if (!h->takes_seconds)
            expect_refusal(h);
        expect_own(h);
        expect(get(h, P "cmdline"), "cmdline", 200, TEXT, NULL);
    }
    for (int i = 0; i < HOSTS; i++) {
        if (asked[i] < 0)
            continue;
        struct answer a = receive(asked[i]);
        snprintf(
            wanted, sizeof wanted, "Content-Disposition: attachment; filename=\"%s\"", kinds[i % 3].name);
        ck_assert_msg(has_header(&a, wanted), "%s: %s", hosts[i].name, a.all.data);
        expect(a, hosts[i].name, 200, BINARY, NULL);
    }
    finish();
}
END_TEST

static int status_soon(const struct host *h, const char *path)
{
    int status = 0;
    for (int tries = 0; tries < 1000 && status != 200; tries++) {
        struct answer a = get(h, path);
        status = a.status;
        buf_fini(&a.all);
        if (status != 200)
            poll(NULL, 0, 5);
    }
    return status;
}

/* Clients that go away, and clients that wait for an hour, beside whom the program's servers answer. */
START_TEST(clients_that_vanish_and_that_stay)
{
    int waiting[HOSTS];
    begin(NULL);
    for (int i = 0; i < HOSTS; i++) {
        const struct host *h = &hosts[i];
        for (int k = 0; h->takes_seconds && k < 40; k++) /* more than there are workers, or places */
            close(ask_at(
                h->address, "GET", k % 2 ? P "mutex?seconds=3600" : P "profile?seconds=3600", NULL, NULL));
        for (int k = 0; k < 40; k++)
            close(ask_at(h->address, "GET", P "cmdline", NULL, NULL));
        ck_assert_msg(status_soon(h, P "heap") == 200, "%s", h->name);
        struct answer a = receive(ask_at(h->address, "HEAD", P "cmdline", NULL, NULL));
        ck_assert_msg(a.status == 200 && a.body_len == 0, "%s: %s", h->name, a.all.data);
        buf_fini(&a.all);
    }
    for (int i = 0; i < HOSTS; i++) {
        waiting[i] = ask_at(
            hosts[i].address, "GET", hosts[i].takes_seconds ? P "heap?seconds=3600" : P "heap", NULL, NULL);
        expect_own(&hosts[i]);
    }
    finish(); /* the watchdog ends this test if it waits */
    for (int i = 0; i < HOSTS; i++)
        close(waiting[i]);
}
END_TEST

/* ---- who may ask ----------------------------------------------------------------------------------------
 */

static int status_with(const char *headers)
{
    struct answer a = receive(ask_at(epoll->address, "GET", P "cmdline", headers, NULL));
    int status = a.status;
    buf_fini(&a.all);
    return status;
}

START_TEST(guards_of_a_machine_alone)
{
    begin(epoll);
    ck_assert_int_eq(status_with("Host: localhost:8080\r\n"), 200);
    ck_assert_int_eq(status_with("Host: evil.example\r\n"), 403);
    ck_assert_int_eq(status_with("Host: localhost\r\nX-Forwarded-For: 10.0.0.1\r\n"), 403);
    ck_assert_int_eq(status_with("Host: localhost\r\nForwarded: for=10.0.0.1\r\n"), 403);
    ck_assert_int_eq(status_with("Host: localhost\r\nVia: 1.1 proxy\r\n"), 403);
    ck_assert_int_eq(status_with("Host: localhost\r\nOrigin: http://evil.example\r\n"), 403);
    ck_assert_int_eq(
        status_with("Host: localhost\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Dest: image\r\n"), 403);
    struct answer a = receive(ask_at(epoll->address, "GET", P "cmdline", "Host: x\r\n", NULL));
    expect(a, "Host: x", 403, TEXT, "the Host header must name localhost or a loopback address\n");
    expect_own(epoll);
    finish();
}
END_TEST

START_TEST(guards_with_a_token)
{
    setenv("CPROF_TOKEN", "s3cret", 1);
    begin(epoll);
    ck_assert_int_eq(status_with("Host: localhost\r\n"), 401);
    ck_assert_int_eq(status_with("Host: localhost\r\nAuthorization: Bearer s3cre\r\n"), 401);
    ck_assert_int_eq(status_with("Host: localhost\r\nAuthorization: Bearer s3cret\r\n"), 200);
    ck_assert_int_eq(
        status_with("Host: localhost\r\nX-Forwarded-For: ::1\r\nAuthorization: Bearer s3cret\r\n"), 200);
    ck_assert_int_eq(status_with("Host: evil.example\r\nAuthorization: Bearer s3cret\r\n"), 403);
    expect_own(epoll);
    finish();
}
END_TEST

/* An address of this machine's by which it is reached as from outside; false when there is none. */
static bool find_outside(struct sockaddr_in *found)
{
    struct ifaddrs *all;
    bool is_found = false;
    ck_assert_int_eq(getifaddrs(&all), 0);
    for (struct ifaddrs *i = all; i && !is_found; i = i->ifa_next)
        if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET) {
            memcpy(found, i->ifa_addr, sizeof *found);
            is_found = ntohl(found->sin_addr.s_addr) >> 24 != 127;
        }
    freeifaddrs(all);
    return is_found;
}

static int status_from_outside(struct sockaddr_in from, const char *headers)
{
    struct buf text = {0};
    from.sin_port = htons((uint16_t)atoi(strchr(epoll->address, ':') + 1));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&from, sizeof from), 0);
    buf_printf(&text, "GET " P "cmdline HTTP/1.1\r\nConnection: close\r\n%s\r\n", headers);
    send_all(fd, text.data, text.len);
    buf_fini(&text);
    struct answer a = receive(fd);
    int status = a.status;
    buf_fini(&a.all);
    return status;
}

START_TEST(guards_of_a_public_server)
{
    static const char good[] = "Host: server.example\r\nAuthorization: Bearer s3cret\r\n";
    struct sockaddr_in outside;
    bool has_outside = find_outside(&outside);
    setenv("CPROF_TOKEN", "s3cret", 1);
    for (int allowed = 0; allowed < 2; allowed++) {
        setenv("CPROF_ALLOW_REMOTE", allowed ? "1" : "0", 1);
        ck_assert_int_eq(cprof_start_capture(), 0);
        serve_on(epoll, INADDR_ANY);
        ck_assert_int_eq(status_with("Host: localhost\r\nAuthorization: Bearer s3cret\r\n"), 200);
        if (has_outside) {
            ck_assert_int_eq(status_from_outside(outside, good), allowed ? 200 : 403);
            ck_assert_int_eq(status_from_outside(outside, "Host: localhost\r\n"), allowed ? 401 : 403);
        }
        finish();
    }
}
END_TEST

/* No page in a browser reaches a unix socket: any Host will do. */
START_TEST(guards_of_a_unix_socket)
{
    char folder[] = "/tmp/cprof-test-XXXXXX", at[100];
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(at, sizeof at, "unix:%s/socket", folder);
    strcpy(un.sun_path, at + 5);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&un, sizeof un), 0);
    ck_assert_int_eq(listen(fd, 4), 0);
    ck_assert_int_eq(cprof_start_capture(), 0);
    epoll->daemon = MHD_start_daemon(
        epoll->flags, 0, NULL, NULL, handle, NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_END);
    ck_assert_ptr_nonnull(epoll->daemon);
    expect(receive(ask_at(at, "GET", P "cmdline", "Host: x\r\n", NULL)), "unix", 200, TEXT, NULL);
    finish();
    unlink(at + 5);
    rmdir(folder);
}
END_TEST

/* ---- life -----------------------------------------------------------------------------------------------
 */

/* Nothing is cprof's while it does not capture; what runs elsewhere counts towards the sixteen. */
START_TEST(before_after_and_too_many)
{
    int fds[ENDPOINTS_MAX_REQUESTS];
    begin(epoll);
    for (int i = 0; i < ENDPOINTS_MAX_REQUESTS; i++)
        fds[i] = ask_at(epoll->address, "GET", P "mutex?seconds=3600", NULL, NULL);
    struct answer a = {0};
    for (int tries = 0; tries < 200 && a.status != 503; tries++) {
        buf_fini(&a.all);
        a = get(epoll, P "cmdline");
    }
    expect(a, "17th", 503, TEXT, "too many requests at once: at most 16 run\n");
    ck_assert_int_eq(cprof_write("cmdline", 1), CPROF_ELIMIT);
    expect_own(epoll);
    cprof_stop();
    for (int i = 0; i < ENDPOINTS_MAX_REQUESTS; i++) {
        a = receive(fds[i]);
        ck_assert_int_ne(a.status, 200);
        buf_fini(&a.all);
    }
    a = get(epoll, P "cmdline");
    ck_assert_str_eq(a.body, "hello\n");
    buf_fini(&a.all);
    ck_assert_int_eq(cprof_start("127.0.0.1:0"), 0); /* its own server as well */
    expect(get(epoll, P "heap"), "mounted", 200, BINARY, NULL);
    expect(receive(ask_at(cprof_address(), "GET", P "heap", NULL, NULL)), "own", 200, BINARY, NULL);
    finish();
}
END_TEST

/* A body that does not end, and its client that goes away: nothing is left held, however often. */
START_TEST(half_a_body)
{
    begin(epoll);
    for (int i = 0; i < 10; i++) {
        static const char half[] =
            "POST " P "symbol HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n0x";
        int fd = connect_to(epoll->address);
        send_all(fd, half, sizeof half - 1);
        close(fd);
    }
    char *large = calloc(1, (2 << 20) + 1);
    memset(large, '+', 2 << 20);
    expect(receive(ask_at(epoll->address, "POST", P "symbol", NULL, large)), "large", 413, TEXT,
        "the body is too large\n");
    free(large);
    expect(get(epoll, P "heap"), "afterwards", 200, BINARY, NULL);
    finish();
}
END_TEST

/* What it does on the server's thread is in no profile. */
START_TEST(it_is_not_shown)
{
    static const char *const paths[] = {P "heap?debug=1", P "block?debug=1", P "mutex?debug=1"};
    setenv("CPROF_HEAP_RATE", "1", 1);
    setenv("CPROF_BLOCK_RATE", "1", 1);
    setenv("CPROF_MUTEX_FRACTION", "1", 1);
    struct host *const tried[] = {per_connection, epoll}; /* one that waits, and one that suspends */
    for (int i = 0; i < 2; i++) {
        begin(tried[i]);
        for (size_t k = 0; k < sizeof paths / sizeof *paths; k++) {
            struct answer a = get(tried[i], P "heap");
            buf_fini(&a.all);
            a = get(tried[i], paths[k]);
            ck_assert_int_eq(a.status, 200);
            ck_assert_msg(
                !strstr(a.body, "mount_") && !strstr(a.body, "cprof_mhd"), "%s: %.3000s", paths[k], a.body);
            buf_fini(&a.all);
        }
        finish();
    }
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {every_endpoint, a_second_of_profile, clients_that_vanish_and_that_stay,
        guards_of_a_machine_alone, guards_with_a_token, guards_of_a_public_server, guards_of_a_unix_socket,
        before_after_and_too_many, half_a_body, it_is_not_shown};
    return HARNESS_SUITE("mount", 60, tests);
}
