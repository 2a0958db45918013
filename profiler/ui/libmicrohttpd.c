#include "ui/libmicrohttpd.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>

static const struct {
    const char *name;
    size_t offset;
} symbols[] = {
#define X(name) {"MHD_" #name, offsetof(struct libmicrohttpd, name)},
    LIBMICROHTTPD_LIST(X)
#undef X
};

int libmicrohttpd_load(const struct libmicrohttpd **out, struct error *error)
{
    static struct libmicrohttpd lib;
    static bool loaded;
    void *handle = loaded ? NULL : dlopen("libmicrohttpd.so.12", RTLD_LAZY | RTLD_LOCAL);
    if (!loaded && !handle)
        return error_set(error, ERR_UNSUPPORTED, "-http needs libmicrohttpd: %s", dlerror());
    for (size_t i = 0; !loaded && i < sizeof symbols / sizeof *symbols; i++) {
        void *symbol = dlsym(handle, symbols[i].name);
        if (!symbol)
            return error_set(error, ERR_UNSUPPORTED, "-http needs another libmicrohttpd: %s", dlerror());
        *(void **)((char *)&lib + symbols[i].offset) = symbol;
    }
    loaded = true;
    *out = &lib;
    return 0;
}
