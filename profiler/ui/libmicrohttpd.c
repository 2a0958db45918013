#include "ui/libmicrohttpd.h"

#include "ui/late_library.h"

#include <stdbool.h>

static const char *const names[] = {
#define X(name) "MHD_" #name,
    LIBMICROHTTPD_LIST(X)
#undef X
};

int libmicrohttpd_load(const struct libmicrohttpd **out, struct error *error)
{
    static struct libmicrohttpd lib;
    static bool loaded;
    int code = loaded ? 0
                      : late_library_load(
                            "libmicrohttpd.so.12", "-http", names, sizeof names / sizeof *names, &lib, error);
    if (code)
        return code;
    loaded = true;
    *out = &lib;
    return 0;
}
