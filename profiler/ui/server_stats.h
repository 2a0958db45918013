#ifndef UI_SERVER_STATS_H
#define UI_SERVER_STATS_H

#include "base/buf.h"

#include <stdbool.h>

/*
 * A server's own figures: a page of numbers as JSON, {"threads":2300,"p95_ms":1834.5,...}, that the demos
 * (and many a server) have at /stats. It is seldom where the profiles are, which are of another port.
 */

/*
 * Where to ask. given: a URL, of which /stats is meant when it has no path; a port of the host that base, the
 * URL of the profiles, names; NULL or "" for /stats beside the profiles. malloc'd; NULL when memory runs out,
 * or when it is none of these.
 */
char *server_stats_url(const char *given, const char *base);

/* Whether url is of this machine or of base's host: whom a page of ours may have asked. */
bool server_stats_is_near(const char *url, const char *base);

/* The number that a member of that name has. False when there is none. */
bool server_stats_number(const struct buf *json, const char *name, double *out);

#endif
