#include "export/service.h"

int service_load(const struct service **out, struct error *error)
{
    (void)error;
    *out = &cprof_private_service;
    return 0;
}

const struct service *service_current(void)
{
    return &cprof_private_service;
}
