#include "cprof.h"

#include "base/clock.h"
#include "client.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>

/*
 * A program that has no descriptor left, or that has given up all rights to new ones, as sandboxes do:
 * whoever asks waits, and the profiler's thread does not burn the processor meanwhile.
 */
enum { WAIT_US = 500000, MOST_CPU_NS = 100000000 };

static void ask_on(int fd)
{
    static const char request[] =
        "GET /debug/pprof/cmdline HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    in.sin_port = htons((uint16_t)atoi(strchr(cprof_address(), ':') + 1));
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&in, sizeof in), 0);
    send_all(fd, request, sizeof request - 1);
}

/* The server's descriptor for this connection is beyond the limit. */
static void ask_below_limit(rlim_t limit)
{
    struct rlimit whole;
    ck_assert_int_eq(cprof_start("127.0.0.1:0"), 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &whole), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &(struct rlimit){limit, whole.rlim_max}), 0);
    ask_on(fd);
    int64_t used_ns = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID);
    usleep(WAIT_US);
    used_ns = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID) - used_ns;
    ck_assert_int_lt(used_ns, MOST_CPU_NS);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &whole), 0);
    expect(receive(fd), "when there are descriptors again", 200, TEXT, NULL);
    cprof_stop();
}

START_TEST(no_descriptor_is_left)
{
    ask_below_limit(3);
}
END_TEST

START_TEST(none_was_ever_allowed)
{
    ask_below_limit(0);
}
END_TEST

/* Somebody cannot be let in, whoever was there leaves before there are descriptors again, or stays; and
 * another comes then. */
static void come_in_afterwards(bool leaves)
{
    struct rlimit whole;
    struct timeval patience = {15, 0};
    ck_assert_int_eq(cprof_start("127.0.0.1:0"), 0);
    int there = connect_to(cprof_address()), later[2];
    send_all(there, "GET ", 4);
    usleep(100000);
    for (int i = 0; i < 2; i++)
        later[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &whole), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &(struct rlimit){3, whole.rlim_max}), 0);
    ask_on(later[0]);
    usleep(100000);
    if (leaves)
        close(there);
    usleep(100000);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &whole), 0);
    ask_on(later[1]);
    for (int i = 0; i < 2; i++) {
        setsockopt(later[i], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        expect(receive(later[i]), "once there are descriptors again", 200, TEXT, NULL);
    }
    cprof_stop();
}

START_TEST(all_come_in_when_one_has_left)
{
    come_in_afterwards(true);
}
END_TEST

START_TEST(all_come_in_although_one_stays)
{
    come_in_afterwards(false);
}
END_TEST

/* ---- requests from without and from within --------------------------------------------------------------
 */

enum { REQUESTS = 500 };

static void *write_all_the_time(void *stop)
{
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC), failures = 0;
    while (!*(atomic_bool *)stop)
        failures += cprof_write("cmdline", nowhere) != 0;
    close(nowhere);
    return (void *)(intptr_t)failures;
}

/* None takes another's place on its way to a worker. */
START_TEST(none_is_lost_on_the_way)
{
    struct timeval patience = {15, 0};
    atomic_bool stop = false;
    pthread_t writer;
    void *failures;
    ck_assert_int_eq(cprof_start("127.0.0.1:0"), 0);
    pthread_create(&writer, NULL, write_all_the_time, &stop);
    for (int i = 0; i < REQUESTS; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        ask_on(fd);
        expect(receive(fd), "beside cprof_write", 200, TEXT, NULL);
    }
    stop = true;
    pthread_join(writer, &failures);
    ck_assert_ptr_null(failures);
    cprof_stop();
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {no_descriptor_is_left, none_was_ever_allowed, all_come_in_when_one_has_left,
        all_come_in_although_one_stays, none_is_lost_on_the_way};
    return HARNESS_SUITE("limits", 60, tests);
}
