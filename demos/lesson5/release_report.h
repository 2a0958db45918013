#ifndef LESSON5_RELEASE_REPORT_H
#define LESSON5_RELEASE_REPORT_H

#include "lesson5/tariff.h"

/* What the team looks at before a release goes out, measured by measure.c: how long a price takes, whether
 * it takes longer than before, and how long a customer waits. */
struct report_plan {
    const struct tariff *tariff, *next_tariff; /* today's, and the one that comes in January */
    long port;                                 /* where prices are served */
    long rate;                                 /* requests a second, as many as there are in a usual hour */
    long seconds;                              /* of requests */
};

/* Measures and prints. When requests fail, a line on standard error says so. */
void release_report(const struct report_plan *plan);

/* From another thread: no request is waited for or sent any more, and nothing said of them. */
void release_report_stop(void);

#endif
