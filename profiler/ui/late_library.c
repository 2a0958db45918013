#include "ui/late_library.h"

#include <dlfcn.h>
#include <string.h>

int late_library_load(const char *file, const char *who, const char *const *names, size_t n, void *functions,
    struct error *error)
{
    void *handle = dlopen(file, RTLD_LAZY | RTLD_LOCAL);
    if (!handle)
        return error_set(
            error, ERR_UNSUPPORTED, "%s needs %.*s: %s", who, (int)strcspn(file, "."), file, dlerror());
    for (size_t i = 0; i < n; i++) {
        void *function = dlsym(handle, names[i]);
        if (!function)
            return error_set(error, ERR_UNSUPPORTED, "%s needs another %.*s: %s", who,
                (int)strcspn(file, "."), file, dlerror());
        memcpy((char *)functions + i * sizeof function, &function, sizeof function);
    }
    return 0;
}
