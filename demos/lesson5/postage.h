#ifndef LESSON5_POSTAGE_H
#define LESSON5_POSTAGE_H

#include "lesson5/rates.h"
#include "lesson5/tariff.h"

#include <microhttpd.h>
#include <stdint.h>

/* What the server knows. GET /v1/price/KEY is the price of that parcel, GET /stats the server's own figures.
 */
struct postage {
    struct tariff *tariff, *next_tariff; /* today's, and the one that comes in January */
    struct rates *rates;
    uint64_t requests; /* answered; relaxed atomic */
};

/* MHD's access handler; its closure is a struct postage. */
enum MHD_Result postage_handle(void *postage, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload, size_t *upload_len, void **request);

#endif
