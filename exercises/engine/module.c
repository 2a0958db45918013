/* Modules under test; see module.h. */
#include "module.h"

#include "base/clock.h"
#include "verdict.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

bool module_load(void *functions, const char *const *names, const char *stem, const char *ending)
{
    char path[4096];
    snprintf(path, sizeof path, "%s%s", stem, ending);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        fprintf(stderr, "checks: %s\n", dlerror());
        return false;
    }
    for (size_t i = 0; names[i]; i++) {
        void *function = dlsym(handle, names[i]);
        if (!function) {
            fprintf(stderr, "checks: %s has no function %s\n", path, names[i]);
            return false;
        }
        memcpy((char *)functions + i * sizeof function, &function, sizeof function);
    }
    return true;
}

static _Thread_local int64_t waited_ns, entered_wall_ns, entered_cpu_ns;
static _Thread_local long entered_waits;

static long waits_of_thread(void)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

/* The outer clock is read first and last, so that what lies between the two readings counts as waiting,
 * never as less than none. */
void module_enter(const char *function)
{
    verdict_enter(function);
    entered_waits = waits_of_thread();
    entered_wall_ns = clock_monotonic_ns();
    entered_cpu_ns = clock_thread_cpu_ns();
}

void module_leave(void)
{
    int64_t cpu_ns = clock_thread_cpu_ns() - entered_cpu_ns;
    int64_t wall_ns = clock_monotonic_ns() - entered_wall_ns;
    if (waits_of_thread() > entered_waits)
        waited_ns += wall_ns - cpu_ns;
    verdict_leave();
}

int64_t module_waited_ns(void)
{
    return waited_ns;
}
