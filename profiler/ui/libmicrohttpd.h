#ifndef UI_LIBMICROHTTPD_H
#define UI_LIBMICROHTTPD_H

#include "base/error.h"

#include <microhttpd.h>

/* libmicrohttpd, loaded for -http alone: it brings a TLS library with it that no report needs (as libcurl).
 */
#define LIBMICROHTTPD_LIST(X)      \
    X(start_daemon)                \
    X(stop_daemon)                 \
    X(run)                         \
    X(get_daemon_info)             \
    X(get_timeout)                 \
    X(get_connection_values)       \
    X(lookup_connection_value)     \
    X(create_response_from_buffer) \
    X(add_response_header)         \
    X(queue_response)              \
    X(destroy_response)

/* clang-format off */
struct libmicrohttpd {
#define X(name) __typeof__(&(MHD_##name)) name;
    LIBMICROHTTPD_LIST(X)
#undef X
};
/* clang-format on */

/* The same each time, never unloaded. ERR_UNSUPPORTED with the reason when it is not there. */
int libmicrohttpd_load(const struct libmicrohttpd **out, struct error *error);

#endif
