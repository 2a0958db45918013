#include "capture/interpose.h"

#include <dlfcn.h>

_Atomic int interpose_state = INTERPOSE_UNRESOLVED;
struct interpose_functions interpose_real = {
    .pthread_mutex_lock = interpose_first_lock, .pthread_mutex_unlock = interpose_first_unlock};

static _Atomic bool resolved, wanted;

/* Not a tail call: dlsym finds "next" by its return address. Versions where libc has several. */
static __attribute__((noinline)) void *find(const char *name, const char *version)
{
    void *volatile found = version ? dlvsym(RTLD_NEXT, name, version) : NULL;
    if (!found)
        found = dlsym(RTLD_NEXT, name);
    return found;
}

static void update_state(void)
{
    atomic_store(&interpose_state, atomic_load(&wanted) ? INTERPOSE_ON : 0);
}

/*
 * The mutex functions come first in the list: should dlsym allocate for one of the others, and malloc lock,
 * they are there. While they are not, nobody else runs (see interpose_first_lock). Two threads at it at once
 * write the same values.
 */
bool interpose_resolve(void)
{
    static __thread bool resolving __attribute__((tls_model("initial-exec")));
    if (resolving)
        return false;
    if (!atomic_load(&resolved)) {
        resolving = true;
        int saved = errno;
#define X(type, name, args, version) *(void **)&interpose_real.name = find(#name, version);
        INTERPOSED(X)
#undef X
        errno = saved;
        resolving = false;
        atomic_store(&resolved, true);
        update_state();
    }
    return atomic_load(&interpose_state) == INTERPOSE_ON;
}

void interpose_switch(bool on)
{
    atomic_store(&wanted, on);
    interpose_resolve();
    update_state();
}

static __attribute__((constructor(101))) void resolve_early(void)
{
    ticks_init(); /* notes have the time */
    interpose_resolve();
}
