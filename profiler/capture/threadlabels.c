#include "capture/threadlabels.h"

#include "capture/capture.h"
#include "capture/thread.h"

/* The caller's record if it has one: who has none has no labels. */
static struct thread *known(void)
{
    struct thread *t = thread_tls;
    return (uintptr_t)t > (uintptr_t)THREAD_GONE ? t : NULL;
}

static struct thread *record(void)
{
    struct thread *t = thread_self();
    if (!t && thread_tls != THREAD_GONE && capture_know_threads() == 0)
        t = thread_self();
    if (!t)
        labelset_lose();
    return t;
}

/* One store: whoever looks, on this thread or another, finds the set of before or this one. */
static void store(struct thread *t, const struct label_set *set)
{
    atomic_store_explicit(&t->labels, set, memory_order_release);
}

const struct label_set *threadlabels_get(void)
{
    const struct thread *t = known();
    return t ? atomic_load_explicit(&t->labels, memory_order_relaxed) : NULL;
}

int threadlabels_set(const char *key, const char *value)
{
    const struct label_set *set;
    int code = labelset_with(threadlabels_get(), key, value, &set);
    if (code == ERR_INVALID)
        return code;
    struct thread *t = record();
    if (!t)
        return ERR_LIMIT;
    store(t, set);
    return code;
}

int threadlabels_unset(const char *key)
{
    struct thread *t = known();
    const struct label_set *set;
    int code = labelset_without(threadlabels_get(), key, &set);
    if (t && code != ERR_INVALID)
        store(t, set);
    return code;
}

void threadlabels_clear(void)
{
    struct thread *t = known();
    if (t)
        store(t, NULL);
}

int threadlabels_put(const struct label_set *set)
{
    if (!labelset_is_one(set))
        return ERR_INVALID;
    struct thread *t = set ? record() : known();
    if (t)
        store(t, set);
    return t || !set ? 0 : ERR_LIMIT;
}
