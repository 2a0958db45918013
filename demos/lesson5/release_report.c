#include "lesson5/release_report.h"

#include "base/clock.h"
#include "lesson5/measure.h"
#include "lesson5/postage_client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { COMPARISONS = 10 };

static atomic_bool stopping;

static void sleep_until_ns(int64_t at_ns)
{
    struct timespec at = {at_ns / 1000000000, at_ns % 1000000000};
    while (!atomic_load(&stopping) && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
        ;
}

static const struct measure_clock real_clock = {clock_monotonic_ns, sleep_until_ns};

/* ---- prices ---- */

/* What is measured: the price of one parcel after the other. */
struct subject {
    const struct tariff *tariff;
};

uint64_t subject_call(const struct subject *subject, uint64_t n)
{
    struct parcel parcel = parcel_numbered(n);
    return tariff_cents(subject->tariff, &parcel);
}

static struct calls time_prices(const struct tariff *tariff, size_t runs, int64_t run_ns, int64_t warm_up_ns)
{
    struct subject subject = {tariff};
    struct calls_plan plan = {.subject = &subject, .warm_up_ns = warm_up_ns, .run_ns = run_ns, .runs = runs};
    struct calls calls;
    measure_calls(&real_clock, &plan, &calls);
    return calls;
}

static void report_price(const struct tariff *tariff)
{
    struct calls calls = time_prices(tariff, 100, 5000000, 100000000);
    printf("  one price                  %.1f ns (of %" PRIu64 ")\n", calls.typical_ns, calls.made);
    fflush(stdout);
}

enum { TURNS = 20 };

/* A turn is short, since most are over then before the system gives the processor to somebody else. */
static void take_turn(const struct tariff *tariff, struct calls *all)
{
    enum { TURN_NS = 500000 };
    struct calls turn = time_prices(tariff, 1, TURN_NS, TURN_NS);
    all->run_ns[all->runs++] = turn.run_ns[0];
    all->made += turn.made;
}

static int by_time(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void find_typical(struct calls *all)
{
    double sorted_ns[TURNS];
    memcpy(sorted_ns, all->run_ns, sizeof sorted_ns);
    qsort(sorted_ns, TURNS, sizeof *sorted_ns, by_time);
    all->typical_ns = (sorted_ns[TURNS / 2 - 1] + sorted_ns[TURNS / 2]) / 2;
}

/* Both take turns: while the machine is slow, it is so for both. */
static bool differ(const struct tariff *a, const struct tariff *b)
{
    struct calls of_a = {0}, of_b = {0};
    for (int i = 0; i < TURNS; i++) {
        take_turn(a, &of_a);
        take_turn(b, &of_b);
    }
    find_typical(&of_a);
    find_typical(&of_b);
    return measure_differ(&of_a, &of_b);
}

static void report_comparison(const char *with, const struct tariff *a, const struct tariff *b)
{
    int different = 0;
    for (int i = 0; i < COMPARISONS; i++)
        different += differ(a, b);
    printf("  against %-18s \"different\" %d times of %d\n", with, different, COMPARISONS);
    fflush(stdout);
}

/* ---- requests ---- */

static void ask(void *closure, uint64_t n)
{
    if (atomic_load(&stopping))
        postage_client_close(closure);
    postage_client_ask(closure, n); /* nothing, when it is closed */
}

static void report_requests(const struct report_plan *plan)
{
    struct postage_client client;
    struct requests_plan requests = {.rate = (double)plan->rate,
        .warm_up = (size_t)plan->rate,
        .requests = (size_t)(plan->rate * plan->seconds),
        .request = ask,
        .closure = &client};
    struct latencies latencies;
    bool measured = postage_client_connect(&client, plan->port) &&
                    measure_requests(&real_clock, &requests, &latencies) && client.fd >= 0;
    if (measured)
        printf("  a request                  p50 %.2f ms, p95 %.2f ms, p99 %.2f ms (of %zu, %ld a second)\n",
            (double)latencies.p50_ns / 1e6, (double)latencies.p95_ns / 1e6, (double)latencies.p99_ns / 1e6,
            latencies.requests, plan->rate);
    else if (!atomic_load(&stopping))
        fprintf(stderr, "stopwatch: requests to 127.0.0.1:%ld fail\n", plan->port);
    fflush(stdout);
    postage_client_close(&client);
}

void release_report(const struct report_plan *plan)
{
    printf("Release report, about %ld s:\n", plan->seconds + 3);
    fflush(stdout);
    report_price(plan->tariff);
    report_comparison("itself", plan->tariff, plan->tariff);
    report_comparison("the next list", plan->tariff, plan->next_tariff);
    report_requests(plan);
}

void release_report_stop(void)
{
    atomic_store(&stopping, true);
}
