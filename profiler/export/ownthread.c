#include "export/ownthread.h"

#include "base/error.h"
#include "capture/capture.h"
#include "capture/region.h"
#include "export/ownfd.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { STACK_BYTES = 1 << 20 };

static void *begin(void *arg)
{
    struct ownthread *t = arg;
    capture_exclude_thread();
    pthread_setname_np(pthread_self(), t->name);
    pthread_mutex_lock(&t->lock);
    t->begun = true;
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->lock);
    t->run(t->arg);
    return NULL;
}

int ownthread_start(struct ownthread *t, const char *name, void (*run)(void *arg), void *arg)
{
    sigset_t all, before;
    pthread_attr_t attr;
    *t = (struct ownthread){.name = name,
        .run = run,
        .arg = arg,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .changed = PTHREAD_COND_INITIALIZER};
    if (!region_has_room_for_a_thread() || pthread_attr_init(&attr))
        return ERR_LIMIT;
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&t->id, &attr, begin, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (failed)
        return ERR_LIMIT;
    pthread_mutex_lock(&t->lock);
    while (!t->begun)
        pthread_cond_wait(&t->changed, &t->lock);
    pthread_mutex_unlock(&t->lock);
    return 0;
}

void ownthread_join(struct ownthread *t)
{
    pthread_join(t->id, NULL);
}

/* ---- workers --------------------------------------------------------------------------------------------
 */

struct worker {
    struct ownthread thread;
    struct workers *pool;
};

struct workers {
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t given;
    int max, started;
    int idle; /* those that nobody has a job for yet */
    bool stopping;
    void (*job)(void *arg); /* the one that was given and not yet taken, or NULL */
    void *arg;
    pthread_cond_t taken;
    int stop_fd; /* eventfd: the waiting jobs end */
    struct worker workers[];
};

struct workers *workers_new(int max)
{
    struct workers *w = calloc(1, sizeof *w + (size_t)max * sizeof *w->workers);
    if (!w)
        return NULL;
    w->stop_fd = ownfd_raise(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (w->stop_fd < 0) {
        free(w);
        return NULL;
    }
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->given, NULL);
    pthread_cond_init(&w->taken, NULL);
    w->max = max;
    return w;
}

static void work(void *arg)
{
    struct workers *w = ((struct worker *)arg)->pool;
    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (!w->job && !w->stopping)
            pthread_cond_wait(&w->given, &w->lock);
        if (!w->job)
            break;
        void (*job)(void *) = w->job;
        void *job_arg = w->arg;
        w->job = NULL;
        pthread_cond_broadcast(&w->taken);
        pthread_mutex_unlock(&w->lock);
        job(job_arg);
        pthread_mutex_lock(&w->lock);
        w->idle++;
    }
    pthread_mutex_unlock(&w->lock);
}

static bool add_worker(struct workers *w)
{
    struct worker *new = &w->workers[w->started];
    new->pool = w;
    if (w->started == w->max || ownthread_start(&new->thread, "cprof-worker", work, new))
        return false;
    w->started++;
    w->idle++;
    return true;
}

bool workers_submit(struct workers *w, void (*job)(void *arg), void *arg)
{
    pthread_mutex_lock(&w->lock);
    while (w->job) /* another's, whose worker is on its way */
        pthread_cond_wait(&w->taken, &w->lock);
    bool room = !w->stopping && (w->idle > 0 || add_worker(w));
    if (room) {
        w->idle--;
        w->job = job;
        w->arg = arg;
        pthread_cond_signal(&w->given);
    }
    pthread_mutex_unlock(&w->lock);
    return room;
}

int workers_stop_fd(const struct workers *w)
{
    return w->stop_fd;
}

bool workers_stop(struct workers *w)
{
    if (!ownfd_is_event(w->stop_fd))
        return false;
    ownfd_raise_event(w->stop_fd);
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_broadcast(&w->given);
    pthread_mutex_unlock(&w->lock);
    for (int i = 0; i < w->started; i++)
        ownthread_join(&w->workers[i].thread);
    return true;
}

void workers_free(struct workers *w)
{
    close(w->stop_fd);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->given);
    pthread_cond_destroy(&w->taken);
    free(w);
}

void workers_abandon_sigsafe(struct workers *w)
{
    close(w->stop_fd);
}
