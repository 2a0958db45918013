#include "cprof.h"

#include "capture/capture.h"
#include "capture/contention.h"
#include "capture/threadlabels.h"
#include "export/service.h"

/* cprof.h repeats these of base/error.h. */
#define SAME(name) _Static_assert((int)CPROF_E##name == (int)ERR_##name, "CPROF_E" #name)
SAME(NOMEM);
SAME(IO);
SAME(INVALID);
SAME(NOTFOUND);
SAME(BUSY);
SAME(LIMIT);
SAME(DENIED);
SAME(UNSUPPORTED);
SAME(CANCELLED);
SAME(OFF);
SAME(FAILED);

const char *cprof_strerror(int code)
{
    return error_text(code);
}

int cprof_start(const char *address)
{
    struct error error = {0};
    const struct service *service;
    struct capture_quiet quiet;
    capture_quiet_begin(&quiet);
    int code = service_load(&service, &error);
    if (!code)
        code = service->start(address, false, &error);
    capture_quiet_end(&quiet);
    if (code)
        service_complain(&error);
    return code;
}

int cprof_start_capture(void)
{
    struct error error = {0};
    const struct service *service;
    struct capture_quiet quiet;
    capture_quiet_begin(&quiet);
    int code = service_load(&service, &error);
    if (!code)
        code = service->start_capture(&error);
    capture_quiet_end(&quiet);
    if (code)
        service_complain(&error);
    return code;
}

void cprof_stop(void)
{
    struct capture_quiet quiet;
    const struct service *service = service_current();
    capture_quiet_begin(&quiet);
    if (service)
        service->stop();
    capture_quiet_end(&quiet);
}

const char *cprof_address(void)
{
    const struct service *service = service_current();
    return service ? service->address() : "";
}

int cprof_write(const char *profile, int fd)
{
    const struct service *service = service_current();
    if (!profile)
        return ERR_INVALID;
    return service ? service->write(profile, fd) : ERR_OFF;
}

int cprof_mhd_handle(struct MHD_Connection *connection, const char *url, const char *method,
    const char *upload_data, size_t *upload_data_size)
{
    const struct service *service = service_current();
    return service ? service->handle(connection, url, method, upload_data, upload_data_size)
                   : CPROF_MHD_NOT_MINE;
}

int cprof_set_mutex_fraction(int n)
{
    return contention_set_mutex_fraction(n);
}

int64_t cprof_set_block_rate_ns(int64_t rate_ns)
{
    return contention_set_block_rate_ns(rate_ns);
}

/* ---- labels ---------------------------------------------------------------------------------------------
 */

/* Outside, a set is an incomplete type of its own. */
static const struct cprof_labels *outside(const struct label_set *set)
{
    return (const struct cprof_labels *)(const void *)set;
}

int cprof_label_set(const char *key, const char *value)
{
    return threadlabels_set(key, value);
}

int cprof_label_unset(const char *key)
{
    return threadlabels_unset(key);
}

void cprof_label_clear(void)
{
    threadlabels_clear();
}

const struct cprof_labels *cprof_label_save(void)
{
    return outside(threadlabels_get());
}

int cprof_label_restore(const struct cprof_labels *saved)
{
    return threadlabels_put((const void *)saved);
}

const struct cprof_labels *cprof_label_enter(const char *key, const char *value)
{
    const struct label_set *before = threadlabels_get();
    if (threadlabels_set(key, value) == ERR_INVALID)
        threadlabels_unset(key); /* rather than with that of an outer scope */
    return outside(before);
}

void cprof_label_leave(const struct cprof_labels **saved)
{
    threadlabels_put((const void *)*saved);
}
