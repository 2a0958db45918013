#include "cprof.h"

#include "capture/contention.h"
#include "capture/heap.h"
#include "export/service.h"

const char *cprof_strerror(int code)
{
    return error_text(code);
}

int cprof_start(const char *address)
{
    struct error error = {0};
    const struct service *service;
    bool sampled = heap_sample_thread(false);
    int code = service_load(&service, &error);
    if (!code)
        code = service->start(address, false, &error);
    heap_sample_thread(sampled);
    if (code)
        service_complain(&error);
    return code;
}

void cprof_stop(void)
{
    const struct service *service = service_current();
    if (service)
        service->stop();
}

const char *cprof_address(void)
{
    const struct service *service = service_current();
    return service ? service->address() : "";
}

int cprof_set_mutex_fraction(int n)
{
    return contention_set_mutex_fraction(n);
}

int64_t cprof_set_block_rate_ns(int64_t rate_ns)
{
    return contention_set_block_rate_ns(rate_ns);
}
