#include "export/service.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define OBJECT "libcprof-export.so"

static _Atomic(const struct service *) loaded;

/* OBJECT is where this library is. */
static int find_object(char path[PATH_MAX], struct error *error)
{
    Dl_info here;
    if (!dladdr((void *)service_load, &here) || !here.dli_fname)
        return error_set(error, ERR_UNSUPPORTED, "cannot tell where libcprof.so is");
    const char *slash = strrchr(here.dli_fname, '/');
    int folder = slash ? (int)(slash + 1 - here.dli_fname) : 0;
    int n = snprintf(path, PATH_MAX, "%.*s" OBJECT, folder, here.dli_fname);
    return n < PATH_MAX ? 0 : error_set(error, ERR_UNSUPPORTED, "the path of " OBJECT " is too long");
}

/* What the two call in each other has names that only those of one build know: exports.sh. */
static int refuse(const char *path, const char *why, struct error *error)
{
    if (why && strstr(why, "cprof_private_"))
        why = "it is of another build than libcprof.so";
    return error_set(error, ERR_UNSUPPORTED, "cannot load %s: %s", path, why ? why : "no service in it");
}

/* Never unloaded again: its threads and its handlers of fork live in it. */
int service_load(const struct service **out, struct error *error)
{
    char path[PATH_MAX];
    const struct service *service = service_current();
    if (!service) {
        int code = find_object(path, error);
        if (code)
            return code;
        void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
        service = object ? dlsym(object, "cprof_private_service") : NULL;
        if (!service)
            return refuse(path, dlerror(), error);
        atomic_store(&loaded, service);
    }
    *out = service;
    return 0;
}

const struct service *service_current(void)
{
    return atomic_load(&loaded);
}
