#include "lesson5/postage.h"

#include "base/buf.h"
#include "base/hash.h"
#include "common/reply.h"

#include <inttypes.h>
#include <string.h>

static const char PRICES[] = "/v1/price/";

static enum MHD_Result reply_json(struct MHD_Connection *connection, struct buf *body)
{
    size_t len = body->len;
    return reply_take(connection, MHD_HTTP_OK, "application/json", buf_take(body), len);
}

static enum MHD_Result handle_price(struct postage *p, struct MHD_Connection *connection, const char *key)
{
    struct parcel parcel = parcel_numbered(hash_bytes(key, strlen(key)));
    uint32_t cents = tariff_cents(p->tariff, &parcel);
    double dollars = cents / 100.0 * rates_dollars(p->rates);
    struct buf body = {0};
    buf_printf(&body, "{\"grams\":%" PRIu32 ",\"zone\":%" PRIu32 ",\"euro\":%.2f,\"dollars\":%.2f}\n",
        parcel.grams, parcel.zone, cents / 100.0, dollars);
    __atomic_fetch_add(&p->requests, 1, __ATOMIC_RELAXED);
    return reply_json(connection, &body);
}

static enum MHD_Result handle_stats(struct postage *p, struct MHD_Connection *connection)
{
    struct buf body = {0};
    buf_printf(&body, "{\"requests\":%" PRIu64 "}\n", __atomic_load_n(&p->requests, __ATOMIC_RELAXED));
    return reply_json(connection, &body);
}

enum MHD_Result postage_handle(void *postage, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload, size_t *upload_len, void **request)
{
    (void)version, (void)upload;
    if (!*request || *upload_len > 0) { /* MHD wants the answer once the body has been read */
        *request = postage;
        *upload_len = 0;
        return MHD_YES;
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0)
        return reply_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
    if (strncmp(url, PRICES, sizeof PRICES - 1) == 0 && url[sizeof PRICES - 1])
        return handle_price(postage, connection, url + sizeof PRICES - 1);
    if (strcmp(url, "/stats") == 0)
        return handle_stats(postage, connection);
    return reply_text(connection, MHD_HTTP_NOT_FOUND, "there is /v1/price/KEY and /stats\n");
}
