#include "ui/libcurl.h"

#include "ui/late_library.h"

#include <stdbool.h>

static const char *const names[] = {
#define X(name) "curl_" #name,
    LIBCURL_LIST(X)
#undef X
};

int libcurl_load(const struct libcurl **out, struct error *error)
{
    static struct libcurl lib;
    static bool loaded;
    int code = loaded ? 0
                      : late_library_load(
                            "libcurl.so.4", "fetching", names, sizeof names / sizeof *names, &lib, error);
    if (code)
        return code;
    if (!loaded && lib.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return error_set(error, ERR_UNSUPPORTED, "libcurl does not start");
    loaded = true;
    *out = &lib;
    return 0;
}
