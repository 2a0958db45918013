#include "ui/libcurl.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>

static const struct {
    const char *name;
    size_t offset;
} symbols[] = {
#define X(name) {"curl_" #name, offsetof(struct libcurl, name)},
    LIBCURL_LIST(X)
#undef X
};

int libcurl_load(const struct libcurl **out, struct error *error)
{
    static struct libcurl lib;
    static bool loaded;
    void *handle = loaded ? NULL : dlopen("libcurl.so.4", RTLD_LAZY | RTLD_LOCAL);
    if (!loaded && !handle)
        return error_set(error, ERR_UNSUPPORTED, "fetching needs libcurl: %s", dlerror());
    for (size_t i = 0; !loaded && i < sizeof symbols / sizeof *symbols; i++) {
        void *symbol = dlsym(handle, symbols[i].name);
        if (!symbol)
            return error_set(error, ERR_UNSUPPORTED, "fetching needs another libcurl: %s", dlerror());
        *(void **)((char *)&lib + symbols[i].offset) = symbol;
    }
    if (!loaded && lib.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return error_set(error, ERR_UNSUPPORTED, "libcurl does not start");
    loaded = true;
    *out = &lib;
    return 0;
}
