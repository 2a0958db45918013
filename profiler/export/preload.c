#include "capture/heap.h"
#include "export/service.h"

#include <errno.h>
#include <gnu/lib-names.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

/*
 * What libcprof.so does before main() in a program that was not linked with it: with CPROF_HTTP, all that
 * cprof_start does; without it nothing, and then jemalloc does not sample either.
 *
 * A process that is profiled says so in its environment, by its id. Whoever finds another's id there is a
 * child that was executed: it inherited what was meant for its parent. One that finds its own id was executed
 * in the parent's place (`env`, `nohup`, `sh -c 'exec …'`) and is the one that is meant.
 */
#define OWNER "CPROF_OWNER"
#define OUR_NAME "libcprof.so"

struct presence {
    bool seen, before_libc; /* as only a preloaded library is; one that came by dlopen is behind it */
    bool is_needed;         /* some object is linked with us: it calls cprof_start when it pleases */
};

static bool needs_us(const struct dl_phdr_info *info, const ElfW(Dyn) * entries)
{
    const char *strings = NULL;
    for (const ElfW(Dyn) *d = entries; d->d_tag != DT_NULL; d++)
        if (d->d_tag == DT_STRTAB) /* the loader has made an address of it, but for the vDSO's */
            strings = (const char *)(d->d_un.d_ptr < info->dlpi_addr ? info->dlpi_addr + d->d_un.d_ptr
                                                                     : d->d_un.d_ptr);
    for (const ElfW(Dyn) *d = entries; strings && d->d_tag != DT_NULL; d++)
        if (d->d_tag == DT_NEEDED && strncmp(strings + d->d_un.d_val, OUR_NAME, strlen(OUR_NAME)) == 0)
            return true;
    return false;
}

static int look(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)size;
    struct presence *p = data;
    const char *slash = strrchr(info->dlpi_name, '/');
    if (strcmp(slash ? slash + 1 : info->dlpi_name, LIBC_SO) == 0)
        p->before_libc = p->seen;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *h = &info->dlpi_phdr[i];
        uintptr_t at = info->dlpi_addr + h->p_vaddr;
        if (h->p_type == PT_LOAD && (uintptr_t)look - at < h->p_memsz)
            p->seen = true;
        if (h->p_type == PT_DYNAMIC && needs_us(info, (const ElfW(Dyn) *)at))
            p->is_needed = true;
    }
    return 0;
}

static bool was_preloaded(void)
{
    struct presence p = {0};
    dl_iterate_phdr(look, &p);
    return p.before_libc && !p.is_needed;
}

static void start_as_guest(bool is_child)
{
    struct error error = {0};
    const struct service *service;
    bool sampled = heap_sample_thread(false);
    int code = service_load(&service, &error);
    if (!code)
        code = service->start(NULL, true, &error);
    heap_sample_thread(sampled);
    if (code)
        heap_decline();
    if (code && !(code == ERR_BUSY && is_child))
        service_complain(&error);
}

static void start_if_meant(void)
{
    const char *owner = getenv(OWNER), *forks = getenv("CPROF_FORK");
    char own[16];
    snprintf(own, sizeof own, "%d", (int)getpid());
    bool is_child = owner && strcmp(owner, own) != 0;
    if (is_child && !(forks && strcmp(forks, "1") == 0)) {
        heap_decline();
        return;
    }
    setenv(OWNER, own, 1);
    start_as_guest(is_child);
}

static bool has_address(void)
{
    const char *address = getenv("CPROF_HTTP");
    return address && *address;
}

bool heap_is_declined(void)
{
    return !has_address() && was_preloaded();
}

/* A program finds errno at 0. Number 101 is for what capturing needs. */
static __attribute__((constructor(102))) void preload(void)
{
    int saved = errno;
    if (!was_preloaded())
        return;
    if (has_address())
        start_if_meant();
    else
        heap_decline(); /* the usual case: no more than this */
    errno = saved;
}
