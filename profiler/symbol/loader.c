#include "symbol/loader.h"

#include "base/objects.h"

#include <pthread.h>

/* libgcc's, exported since 3.0 for exactly this question. It reads the object's unwind tables. */
struct dwarf_eh_bases {
    void *tbase, *dbase, *func;
};
extern const void *_Unwind_Find_FDE(void *pc, struct dwarf_eh_bases *bases);

static pthread_mutex_t walking = PTHREAD_MUTEX_INITIALIZER;
static bool forked; /* from somebody who had threads, perhaps */

int loader_walk(int (*visit)(struct dl_phdr_info *, size_t, void *), void *arg)
{
    if (!objects_listable())
        return LOADER_LOCKED;
    pthread_mutex_lock(&walking);
    int result = dl_iterate_phdr(visit, arg);
    pthread_mutex_unlock(&walking);
    return result;
}

bool loader_may_open(void)
{
    return !forked;
}

struct search {
    uintptr_t address, start;
};

static bool covers(const struct dl_phdr_info *info, uintptr_t address)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type == PT_LOAD && address - (info->dlpi_addr + p->p_vaddr) < p->p_memsz)
            return true;
    }
    return false;
}

static int look_for_start(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    struct search *s = arg;
    struct dwarf_eh_bases bases;
    if (!covers(info, s->address))
        return 0;
    if (_Unwind_Find_FDE((void *)s->address, &bases))
        s->start = (uintptr_t)bases.func;
    return 1;
}

uintptr_t loader_function_start(uintptr_t address)
{
    struct search s = {.address = address};
    loader_walk(look_for_start, &s);
    return s.start;
}

void loader_before_fork(void)
{
    pthread_mutex_lock(&walking);
}

void loader_after_fork_in_parent(void)
{
    pthread_mutex_unlock(&walking);
}

void loader_after_fork_in_child(void)
{
    pthread_mutex_init(&walking, NULL);
    forked = true;
}
