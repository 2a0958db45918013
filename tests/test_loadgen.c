#include "common/loadgen.h"
#include "common/zipf.h"
#include "harness.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- a server that misbehaves as it is told; a thread for each connection ---- */

static struct {
    int listen_fd;
    uint16_t port;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int connections, requests, waiting;

    int hold_from, hold_until; /* request hold_from and those after it wait until hold_until of them do */
    int fail_every;            /* 503 for every so many */
    int close_after;           /* end a connection after so many answers, without saying so */
    int die_after;             /* stop listening, and answering, after so many requests */
    const char *answer;        /* in the place of a proper one */
} server = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* Counts the request, and waits where that is the plan. Returns its number, from 1. */
static int admit(void)
{
    pthread_mutex_lock(&server.lock);
    int number = ++server.requests;
    if (server.hold_from && number >= server.hold_from) {
        server.waiting++;
        pthread_cond_broadcast(&server.changed);
        while (server.waiting < server.hold_until)
            pthread_cond_wait(&server.changed, &server.lock);
    }
    if (number == server.die_after)
        shutdown(server.listen_fd, SHUT_RDWR);
    pthread_mutex_unlock(&server.lock);
    return number;
}

static bool read_request(int fd)
{
    char text[1024];
    size_t len = 0;
    ssize_t n;
    while ((n = recv(fd, text + len, sizeof text - 1 - len, 0)) > 0) {
        len += (size_t)n;
        text[len] = '\0';
        if (strstr(text, "\r\n\r\n"))
            return strncmp(text, "GET /", 5) == 0;
    }
    return false;
}

static void *serve_connection(void *argument)
{
    int fd = (int)(intptr_t)argument;
    for (int answers = 0; read_request(fd);) {
        int number = admit();
        if (server.die_after && number >= server.die_after)
            break;
        const char *answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        if (server.fail_every && number % server.fail_every == 0)
            answer = "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nConnection: close\r\n\r\n";
        if (server.answer)
            answer = server.answer;
        send(fd, answer, strlen(answer), MSG_NOSIGNAL);
        if (server.answer || ++answers == server.close_after)
            break;
    }
    close(fd);
    return NULL;
}

static void *accept_connections(void *unused)
{
    int fd;
    while ((fd = accept(server.listen_fd, NULL, NULL)) >= 0) {
        pthread_t thread;
        server.connections++;
        pthread_create(&thread, NULL, serve_connection, (void *)(intptr_t)fd);
        pthread_detach(thread);
    }
    close(server.listen_fd); /* from now on connections are refused */
    return unused;
}

static void write_path(void *closure, uint64_t n, char *to, size_t cap)
{
    (void)closure;
    snprintf(to, cap, "/%d", (int)n);
}

static struct load_plan start(double rate, double seconds)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    pthread_t thread;
    char url[64];
    struct load_plan plan = {.rate = rate, .seconds = seconds, .path = write_path};
    server.listen_fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(server.listen_fd, (struct sockaddr *)&address, len), 0);
    ck_assert_int_eq(listen(server.listen_fd, 1024), 0);
    getsockname(server.listen_fd, (struct sockaddr *)&address, &len);
    server.port = ntohs(address.sin_port);
    ck_assert_int_eq(pthread_create(&thread, NULL, accept_connections, NULL), 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%d", server.port);
    ck_assert_int_eq(load_plan_url(&plan, url, NULL), 0);
    return plan;
}

static struct load_report report;

/* ---- the tests ---- */

START_TEST(every_due_request_is_sent)
{
    struct load_plan plan = start(400, 0.5);
    ck_assert_int_eq(loadgen_run(&plan, &report), 0);
    ck_assert_uint_eq(report.requests, 200);
    ck_assert_uint_eq(report.errors, 0);
    ck_assert_uint_eq(histogram_count(&report.latency), 200);
    ck_assert_int_eq(server.requests, 200);
}
END_TEST

/* Who waits for answers before asking on never brings 100 requests together; and the first of them was due
 * 99 intervals before the last, which is when all are answered. */
START_TEST(a_stall_is_charged_to_all_who_came_meanwhile)
{
    server.hold_from = 101;
    server.hold_until = 100;
    struct load_plan plan = start(400, 0.5);
    ck_assert_int_eq(loadgen_run(&plan, &report), 0);
    ck_assert_uint_eq(report.requests, 200);
    ck_assert_uint_eq(report.errors, 0);
    ck_assert_uint_ge(histogram_percentile_us(&report.latency, 99), 97 * 2500);
    ck_assert_uint_ge(histogram_percentile_us(&report.latency, 75), 49 * 2500);
    ck_assert_int_ge(server.connections, 100);
}
END_TEST

/* On a machine without a moment to spare none may be idle when the next request is due, so the best of a few
 * runs counts; a generator that used none again would open 100 in each. */
START_TEST(idle_connections_are_used_again)
{
    int fewest = INT_MAX;
    for (int run = 0; run < 5 && fewest >= 50; run++) {
        struct load_plan plan = start(200, 0.5);
        int before = server.connections;
        ck_assert_int_eq(loadgen_run(&plan, &report), 0);
        ck_assert_uint_eq(report.requests, 100);
        int opened = server.connections - before;
        fewest = opened < fewest ? opened : fewest;
    }
    ck_assert_int_lt(fewest, 50);
}
END_TEST

START_TEST(statuses_from_400_are_errors)
{
    server.fail_every = 4;
    struct load_plan plan = start(400, 0.25);
    ck_assert_int_eq(loadgen_run(&plan, &report), 0);
    ck_assert_uint_eq(report.requests, 100);
    ck_assert_uint_eq(report.errors, 25);
    ck_assert_uint_eq(histogram_count(&report.latency), 75);
}
END_TEST

START_TEST(a_connection_that_ends_between_requests_is_no_error)
{
    server.close_after = 2;
    struct load_plan plan = start(1000, 0.2);
    ck_assert_int_eq(loadgen_run(&plan, &report), 0);
    ck_assert_uint_eq(report.requests, 200);
    ck_assert_uint_eq(report.errors, 0);
    ck_assert_int_ge(server.connections, 100);
}
END_TEST

static const char *const bad_answers[] = {"nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhello", "HTTP/1.1 200 OK\r\nContent-", ""};

START_TEST(broken_answers_are_errors)
{
    server.answer = bad_answers[_i];
    struct load_plan plan = start(200, 0.05);
    ck_assert_int_eq(loadgen_run(&plan, &report), 0);
    ck_assert_uint_eq(report.requests, 10);
    ck_assert_uint_eq(report.errors, 10);
}
END_TEST

START_TEST(a_dead_server_is_told_at_once)
{
    struct load_plan plan = start(100, 1);
    shutdown(server.listen_fd, SHUT_RDWR);
    struct error error;
    for (int tries = 0; tries < 1000 && loadgen_run(&plan, &report) == 0; tries++)
        usleep(1000);
    ck_assert_int_eq(report.error.code, ERR_IO);
    ck_assert_ptr_nonnull(strstr(report.error.text, "Connection refused"));
    ck_assert_int_eq(load_plan_url(&plan, "ftp://127.0.0.1", &error), ERR_INVALID);
}
END_TEST

START_TEST(a_server_that_dies_ends_the_run)
{
    server.die_after = 20;
    struct load_plan plan = start(200, 60);
    ck_assert_int_eq(loadgen_run(&plan, &report), 0);
    ck_assert_int_eq(report.error.code, ERR_IO);
    ck_assert_uint_ge(report.errors, 1);
    ck_assert_uint_ge(histogram_count(&report.latency), 1);
    ck_assert_uint_lt(report.requests, 200 * 60);
}
END_TEST

static volatile sig_atomic_t stop;

static void stop_after_a_while(void *closure, const struct load_progress *now)
{
    (void)closure;
    stop = now->in_flight >= 20;
}

START_TEST(stopping_reports_what_there_is)
{
    server.hold_from = 11;
    server.hold_until = 1000000;
    struct load_plan plan = start(200, 60);
    plan.stop = &stop;
    plan.progress = stop_after_a_while;
    ck_assert_int_eq(loadgen_run(&plan, &report), 0);
    ck_assert_uint_eq(report.requests, 10);
    ck_assert_uint_eq(report.errors, 0);
    ck_assert_uint_ge(report.cut_short, 20);
}
END_TEST

START_TEST(addresses_are_read)
{
    static const char *const bad[] = {"", "127.0.0.1", "http://", "https://127.0.0.1", "http:///x",
        "http://127.0.0.1:8080/sub", "http://127.0.0.1:port"};
    struct load_plan plan;
    struct error error;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(load_plan_url(&plan, bad[i], &error) < 0, "%s", bad[i]);
    ck_assert_int_eq(load_plan_url(&plan, "http://127.0.0.1:81/", &error), 0);
    ck_assert_str_eq(plan.host, "127.0.0.1:81");
    ck_assert_uint_eq(ntohs(((struct sockaddr_in *)&plan.address)->sin_port), 81);
}
END_TEST

/* The thing of rank k is drawn k^-1.25 times as often as the first, which for these ranks is a whole number.
 */
START_TEST(ranks_follow_zipfs_law)
{
    enum { THINGS = 1000 };
    static const struct {
        size_t rank;
        double times_rarer;
    } known[] = {{16, 32}, {81, 243}, {256, 1024}, {625, 3125}};
    static double drawn[THINGS];
    struct zipf *zipf = zipf_new(THINGS);
    for (uint64_t random = 0; random <= UINT32_MAX; random += 1021) {
        size_t rank = zipf_rank(zipf, (uint32_t)random);
        ck_assert_uint_lt(rank, THINGS);
        drawn[rank]++;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        ck_assert_double_eq_tol(drawn[0] / drawn[known[i].rank - 1] / known[i].times_rarer, 1, 0.02);
    ck_assert_uint_eq(zipf_rank(zipf, 0), 0);
    ck_assert_uint_eq(zipf_rank(zipf, UINT32_MAX), THINGS - 1);
    zipf_free(zipf);
    zipf = zipf_new(1);
    ck_assert_uint_eq(zipf_rank(zipf, UINT32_MAX), 0);
    zipf_free(zipf);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {every_due_request_is_sent, a_stall_is_charged_to_all_who_came_meanwhile,
        idle_connections_are_used_again, statuses_from_400_are_errors,
        a_connection_that_ends_between_requests_is_no_error, a_dead_server_is_told_at_once,
        a_server_that_dies_ends_the_run, stopping_reports_what_there_is, addresses_are_read,
        ranks_follow_zipfs_law};
    Suite *s = HARNESS_SUITE("loadgen", 30, tests);
    TCase *loops = tcase_create("answers");
    tcase_add_loop_test(loops, broken_answers_are_errors, 0, sizeof bad_answers / sizeof *bad_answers);
    suite_add_tcase(s, loops);
    return s;
}
