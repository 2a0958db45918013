#include "capture/interpose.h"

#include <threads.h>

const int interpose_c11_linked = 1;

/*
 * The threads of the C standard are POSIX threads under other names, and call these inside libc, where no
 * wrapper sees it: here they call them through the wrappers. To glibc mtx_t and cnd_t are pthread_mutex_t and
 * pthread_cond_t, and a thread's result is an int in a pointer. thrd_sleep is in interpose_io.c.
 */
_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t) && sizeof(cnd_t) == sizeof(pthread_cond_t),
    "C11's locks are POSIX locks");

static int to_c11(int error)
{
    switch (error) {
    case 0:
        return thrd_success;
    case ENOMEM:
        return thrd_nomem;
    case EBUSY:
        return thrd_busy;
    case ETIMEDOUT:
        return thrd_timedout;
    default:
        return thrd_error;
    }
}

int mtx_lock(mtx_t *m)
{
    return to_c11(pthread_mutex_lock((pthread_mutex_t *)m));
}

int mtx_timedlock(mtx_t *restrict m, const struct timespec *restrict until)
{
    return to_c11(pthread_mutex_timedlock((pthread_mutex_t *)m, until));
}

int mtx_unlock(mtx_t *m)
{
    return to_c11(pthread_mutex_unlock((pthread_mutex_t *)m));
}

int cnd_wait(cnd_t *c, mtx_t *m)
{
    return to_c11(pthread_cond_wait((pthread_cond_t *)c, (pthread_mutex_t *)m));
}

int cnd_timedwait(cnd_t *restrict c, mtx_t *restrict m, const struct timespec *restrict until)
{
    return to_c11(pthread_cond_timedwait((pthread_cond_t *)c, (pthread_mutex_t *)m, until));
}

int thrd_create(thrd_t *out, thrd_start_t start, void *argument)
{
    union {
        thrd_start_t c11;
        void *(*posix)(void *);
    } function = {start}; /* its int is where a pointer's low half would be */
    return to_c11(pthread_create(out, NULL, function.posix, argument));
}

int thrd_join(thrd_t thread, int *result)
{
    void *value = NULL;
    int r = pthread_join(thread, &value);
    if (r == 0 && result)
        *result = (int)(uintptr_t)value;
    return to_c11(r);
}
