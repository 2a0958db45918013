#ifndef UI_LIBCURL_H
#define UI_LIBCURL_H

#include "base/error.h"

#include <curl/curl.h>

/*
 * libcurl, loaded when something is to be fetched: it brings some thirty libraries with it, which would be
 * more than half of the time and memory of a report on a file.
 */
#define LIBCURL_LIST(X)    \
    X(global_init)         \
    X(free)                \
    X(easy_init)           \
    X(easy_cleanup)        \
    X(easy_getinfo)        \
    X(easy_setopt)         \
    X(easy_strerror)       \
    X(easy_unescape)       \
    X(multi_init)          \
    X(multi_cleanup)       \
    X(multi_add_handle)    \
    X(multi_remove_handle) \
    X(multi_info_read)     \
    X(multi_perform)       \
    X(multi_poll)          \
    X(slist_append)        \
    X(slist_free_all)

/* clang-format off */
struct libcurl {
#define X(name) __typeof__(&(curl_##name)) name;
    LIBCURL_LIST(X)
#undef X
};
/* clang-format on */

/* The same each time, never unloaded; ready for use. ERR_UNSUPPORTED with the reason when it is not there. */
int libcurl_load(const struct libcurl **out, struct error *error);

#endif
