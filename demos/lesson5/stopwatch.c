/*
 * A server that says what a parcel costs, and the stopwatch that the team decides its releases with.
 *
 *     client --HTTP--> stopwatch.c --> tariff.c     the first rule that fits
 *                             `------> rates.c      dollars for a euro, asked of the bank now and then
 *
 *     release_report.c --> measure.c                how long a price takes, a request, and whether that has
 * changed
 *
 * Every release has been faster than the one before it: the report says so, a little each time. A price takes
 * next to nothing, and 99 of 100 requests are answered in less than a millisecond. Meanwhile the customers,
 * who have no stopwatch, complain that the shop hangs. Whom do you believe?
 */
#include "common/reply.h"
#include "common/webserver.h"
#include "lesson5/rates.h"
#include "lesson5/release_report.h"
#include "lesson5/tariff.h"

#include "base/hash.h"
#include <cprof.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct postage {
    long rules, refresh_ms, bank_ms;
    struct tariff *tariff, *next_tariff; /* today's, and the one that comes in January */
    struct rates *rates;

    long report_s, report_rate;
    struct report_plan plan;
    pthread_t reporter;
    bool reporting;
};

static enum MHD_Result handle_price(void *postage, struct MHD_Connection *connection, const char *key)
{
    struct postage *p = postage;
    struct parcel parcel = parcel_numbered(hash_bytes(key, strlen(key)));
    double euros = tariff_cents(p->tariff, &parcel) / 100.0;
    struct buf body = {0};
    buf_printf(&body, "{\"grams\":%" PRIu32 ",\"zone\":%" PRIu32 ",\"euros\":%.2f,\"dollars\":%.2f}\n",
        parcel.grams, parcel.zone, euros, euros * rates_dollars(p->rates));
    size_t len = body.len;
    return reply_take(connection, MHD_HTTP_OK, "application/json", buf_take(&body), len);
}

static bool start(void *postage)
{
    struct postage *p = postage;
    p->tariff = tariff_new((size_t)p->rules);
    p->next_tariff = tariff_new((size_t)p->rules * 4);
    p->rates = rates_start(p->refresh_ms, p->bank_ms);
    if (p->tariff && p->next_tariff && p->rates)
        return true;
    fprintf(stderr, "stopwatch: cannot begin: no memory, or no thread\n");
    return false;
}

static void stop(void *postage)
{
    struct postage *p = postage;
    rates_stop(p->rates);
    tariff_free(p->next_tariff);
    tariff_free(p->tariff);
}

/* ---- the report ---- */

static void *report(void *plan)
{
    release_report(plan);
    return NULL;
}

static void opened(void *postage, long port)
{
    struct postage *p = postage;
    cprof_set_mutex_fraction(1); /* waits are few here, and each is wanted */
    p->plan = (struct report_plan){p->tariff, p->next_tariff, port, p->report_rate, p->report_s};
    p->reporting = p->report_s > 0 && pthread_create(&p->reporter, NULL, report, &p->plan) == 0;
}

/* It may be in the middle of it, and ends soon then. */
static void interrupt(void *postage)
{
    struct postage *p = postage;
    if (!p->reporting)
        return;
    release_report_stop();
    pthread_join(p->reporter, NULL);
}

int main(int argc, char **argv)
{
    static struct postage postage = {
        .rules = 1500, .refresh_ms = 2000, .bank_ms = 200, .report_s = 10, .report_rate = 500};
    static const struct webserver_route routes[] = {{"/v1/price", "KEY", handle_price}};
    const struct knob knobs[] = {
        {"report", "N", "seconds of requests for the report; 0: none", KNOB_NUMBER, &postage.report_s, 0,
            3600},
        {"report-rate", "N", "of these, a second", KNOB_NUMBER, &postage.report_rate, 1, 20000},
        {"rules", "N", "special offers in the price list", KNOB_NUMBER, &postage.rules, 0, 1000000},
        {"refresh-ms", "N", "how often the bank is asked", KNOB_NUMBER, &postage.refresh_ms, 1, 3600000},
        {"bank-ms", "N", "how long the bank takes", KNOB_NUMBER, &postage.bank_ms, 0, 60000},
    };
    struct webserver server = {.name = "stopwatch",
        .summary =
            "Says what a parcel costs, and prints the team's release report when it starts: the server "
            "of lesson 5.",
        .routes = routes,
        .nroutes = sizeof routes / sizeof *routes,
        .knobs = knobs,
        .nknobs = sizeof knobs / sizeof *knobs,
        .load = "--path /v1/price/KEY --rate 200 --slow-ms 100",
        .start = start,
        .opened = opened,
        .interrupt = interrupt,
        .stop = stop,
        .closure = &postage};
    return webserver_main(&server, argc, argv);
}
