#include "lesson5/release_report.h"

#include "base/clock.h"
#include "lesson5/measure.h"
#include "lesson5/postage_client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
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

static struct calls time_prices(const struct tariff *tariff, size_t runs, int64_t run_ns)
{
    struct subject subject = {tariff};
    struct calls_plan plan = {.subject = &subject, .warm_up_ns = 20 * run_ns, .run_ns = run_ns, .runs = runs};
    struct calls calls;
    measure_calls(&real_clock, &plan, &calls);
    return calls;
}

static void report_price(const struct tariff *tariff)
{
    struct calls calls = time_prices(tariff, 100, 5000000);
    printf("  one price                  %.1f ns (of %" PRIu64 ")\n", calls.typical_ns, calls.made);
    fflush(stdout);
}

/* Short runs: most are over before the system gives the processor to somebody else. */
static struct calls time_briefly(const struct tariff *tariff)
{
    return time_prices(tariff, 20, 500000);
}

static void report_comparison(const char *with, const struct tariff *a, const struct tariff *b)
{
    int different = 0;
    for (int i = 0; i < COMPARISONS; i++) {
        struct calls of_a = time_briefly(a), of_b = time_briefly(b);
        different += measure_differ(&of_a, &of_b);
    }
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
