/*
 * A server that says what a parcel costs, and the stopwatch that the team decides its releases with.
 *
 *     client --HTTP--> postage.c --> tariff.c     the first rule that fits
 *                           `------> rates.c      dollars for a euro, asked of the bank now and then
 *
 *     release_report.c --> measure.c              how long a price takes, a request, and whether that has
 * changed
 *
 * Every release has been faster than the one before it: the report says so, a little each time. A price takes
 * next to nothing, and 99 of 100 requests are answered in less than a millisecond. Meanwhile the customers,
 * who have no stopwatch, complain that the shop hangs. Whom do you believe?
 */
#include "common/knobs.h"
#include "common/reply.h"
#include "lesson5/postage.h"
#include "lesson5/release_report.h"

#include <cprof.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct options {
    long port, report_s, rate, rules, refresh_ms, bank_ms;
    const char *debug;
};

static const char SUMMARY[] =
    "Says what a parcel costs: the server of lesson 5. It measures itself first, prints the team's release\n"
    "report, and serves on. GET /v1/price/KEY answers a price, GET /stats the server's own figures.";

static bool postage_init(struct postage *p, const struct options *options)
{
    *p = (struct postage){.tariff = tariff_new((size_t)options->rules),
        .next_tariff = tariff_new((size_t)options->rules * 2),
        .rates = rates_start(options->refresh_ms, options->bank_ms)};
    return p->tariff && p->next_tariff && p->rates;
}

static void postage_fini(struct postage *p)
{
    rates_stop(p->rates);
    tariff_free(p->next_tariff);
    tariff_free(p->tariff);
}

/* MHD's own complaints are about clients that went away. */
static void be_quiet(void *closure, const char *format, va_list args)
{
    (void)closure, (void)format, (void)args;
}

static struct MHD_Daemon *start_serving(struct postage *p, int listen_fd)
{
    return MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ERROR_LOG, 0,
        NULL, NULL, postage_handle, p, MHD_OPTION_EXTERNAL_LOGGER, be_quiet, NULL, MHD_OPTION_LISTEN_SOCKET,
        listen_fd, MHD_OPTION_CONNECTION_TIMEOUT, 15u, MHD_OPTION_END);
}

static void greet(const struct options *options)
{
    printf("stopwatch: http://127.0.0.1:%ld/v1/price/KEY; profiles on %s\n", options->port,
        *cprof_address() ? cprof_address() : "no address");
    fflush(stdout);
}

static void *report_run(void *plan)
{
    release_report(plan);
    return NULL;
}

/* Serves until SIGINT or SIGTERM, which are blocked in every thread. */
static int serve(struct postage *p, struct options *options, const sigset_t *ending)
{
    int listen_fd = reply_listen("stopwatch", &options->port, 1024);
    if (listen_fd < 0)
        return 1;
    cprof_set_mutex_fraction(1); /* waits are few here, and each counts */
    cprof_start(options->debug); /* it says itself what is wrong; the server can do without */
    struct MHD_Daemon *daemon = start_serving(p, listen_fd);
    if (!daemon) {
        fprintf(stderr, "stopwatch: cannot serve: %s\n", strerror(errno));
        close(listen_fd);
        cprof_stop();
        return 1;
    }
    greet(options);
    pthread_t reporter;
    struct report_plan report = {p, options->port, options->rate, options->report_s};
    bool reporting = options->report_s > 0 && pthread_create(&reporter, NULL, report_run, &report) == 0;
    int signal_number;
    sigwait(ending, &signal_number);
    if (reporting) { /* it may be in the middle of it: then it ends at its next wait */
        pthread_cancel(reporter);
        pthread_join(reporter, NULL);
    }
    MHD_stop_daemon(daemon);
    cprof_stop();
    return 0;
}

int main(int argc, char **argv)
{
    struct options options = {.port = 8080,
        .debug = "127.0.0.1:6060",
        .report_s = 8,
        .rate = 500,
        .rules = 1500,
        .refresh_ms = 2000,
        .bank_ms = 200};
    const struct knob knobs[] = {
        {"port", "N", "where to serve on 127.0.0.1; 0 picks one", KNOB_NUMBER, &options.port, 0, 65535},
        {"debug", "ADDRESS", "where to serve the profiles", KNOB_TEXT, &options.debug, 0, 0},
        {"report", "N", "seconds of requests for the report; 0 for none", KNOB_NUMBER, &options.report_s, 0,
            3600},
        {"rate", "N", "of these, a second", KNOB_NUMBER, &options.rate, 1, 20000},
        {"rules", "N", "special offers in the price list", KNOB_NUMBER, &options.rules, 0, 1000000},
        {"refresh-ms", "N", "how often the bank is asked", KNOB_NUMBER, &options.refresh_ms, 1, 3600000},
        {"bank-ms", "N", "how long the bank takes", KNOB_NUMBER, &options.bank_ms, 0, 60000},
    };
    int code = knobs_parse(knobs, sizeof knobs / sizeof *knobs, SUMMARY, argc, argv);
    if (code >= 0)
        return code;
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ending, NULL);
    signal(SIGPIPE, SIG_IGN);
    struct postage postage;
    code = 1;
    if (postage_init(&postage, &options))
        code = serve(&postage, &options, &ending);
    else
        fprintf(stderr, "stopwatch: cannot begin: no memory, or no thread\n");
    postage_fini(&postage);
    return code;
}
