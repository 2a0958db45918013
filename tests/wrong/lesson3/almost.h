/*
 * A right pool with seams: who asks for a group waits for it, and meanwhile the pool has one worker more.
 * Each wrong fix in this folder defines a seam, includes this, and is wrong in just that; its first comment
 * names the check that must fail, and those that may fail as well because the mistake cannot be seen by one
 * alone. tests/right/lesson3/grows_and_shrinks.c defines none.
 */
#include "lesson3/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#ifndef WORKERS
#define WORKERS(config) ((config)->workers)
#endif
#ifndef GROW /* when a worker begins to wait */
#define GROW(pool) start_worker(pool)
#endif
#ifndef SHRINK /* whether a worker is to end, rather than take another job */
#define SHRINK(pool) ((pool)->awake > (pool)->workers)
#endif
#ifndef WAIT /* of who asked for a group, until it has ended; with the lock */
#define WAIT(group) pthread_cond_wait(&(group)->ended, &(group)->pool->lock)
#endif
#ifndef WATCHED /* whether groups have a watcher */
#define WATCHED 1
#endif
#ifndef IS_LATE
#define IS_LATE(group) ((group)->left > 0)
#endif
#ifndef COUNT_DOWN /* with the lock */
#define COUNT_DOWN(group) (--(group)->left)
#endif
#ifndef RUN_AT_ONCE /* instead of leaving it to a worker: whether it was run */
#define RUN_AT_ONCE(pool, job) false
#endif
#ifndef LEAVE_WATCHING /* the end of a watcher, with the lock */
#define LEAVE_WATCHING(pool) ((void)(pool))
#endif

struct job {
    struct task task;
    struct group *group;
    struct job *next;
};

struct group {
    struct pool *pool;
    pthread_cond_t ended;
    size_t left;
    int users; /* its caller, its watcher, and each of its jobs */
    struct job jobs[];
};

struct pool {
    struct pool_config config;
    pthread_mutex_t lock;
    pthread_cond_t job_came, thread_ended;
    struct job *first, **last;
    size_t workers; /* that may be awake */
    size_t awake;   /* workers that do not wait for a group */
    size_t threads; /* all of the pool's */
    bool closing;
};

static void start_thread(struct pool *pool, void *(*run)(void *), void *argument)
{
    pthread_t thread;
    pool->threads++;
    if (pthread_create(&thread, NULL, run, argument) != 0)
        abort();
    pthread_detach(thread);
}

static void thread_ends(struct pool *pool)
{
    pool->threads--;
    pthread_cond_signal(&pool->thread_ended);
    pthread_mutex_unlock(&pool->lock);
}

static void group_release(struct group *group)
{
    if (--group->users > 0)
        return;
    pthread_cond_destroy(&group->ended);
    free(group);
}

/* Called and left with the lock. */
static void run_job(struct pool *pool, struct job *job)
{
    struct group *group = job->group;
    pthread_mutex_unlock(&pool->lock);
    job->task.run(job->task.argument);
    pthread_mutex_lock(&pool->lock);
    if (!group) {
        free(job);
        return;
    }
    if (COUNT_DOWN(group) == 0)
        pthread_cond_broadcast(&group->ended);
    group_release(group);
}

static void *work(void *argument)
{
    struct pool *pool = argument;
    pthread_mutex_lock(&pool->lock);
    while (!SHRINK(pool)) {
        struct job *job = pool->first;
        if (job) {
            pool->first = job->next;
            if (!pool->first)
                pool->last = &pool->first;
            run_job(pool, job);
        } else if (pool->closing) {
            break;
        } else {
            pthread_cond_wait(&pool->job_came, &pool->lock);
        }
    }
    pool->awake--;
    thread_ends(pool);
    return NULL;
}

static inline void start_worker(struct pool *pool)
{
    if (pool->awake >= pool->workers || !pool->first)
        return;
    pool->awake++;
    start_thread(pool, work, pool);
}

static void put_job(struct pool *pool, struct job *job)
{
    if (RUN_AT_ONCE(pool, job))
        return;
    job->next = NULL;
    *pool->last = job;
    pool->last = &job->next;
    pthread_cond_signal(&pool->job_came);
    GROW(pool);
}

static inline struct timespec time_after(long ms)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

static void *watch(void *argument)
{
    struct group *group = argument;
    struct pool *pool = group->pool;
    struct timespec until = time_after(pool->config.limit_ms);
    pthread_mutex_lock(&pool->lock);
    while (group->left > 0 && pthread_cond_timedwait(&group->ended, &pool->lock, &until) != ETIMEDOUT)
        ;
    if (IS_LATE(group))
        pool->config.late(group->left);
    group_release(group);
    LEAVE_WATCHING(pool);
    thread_ends(pool);
    return NULL;
}

bool pool_submit(struct pool *pool, struct task task)
{
    struct job *job = calloc(1, sizeof *job);
    if (!job)
        return false;
    job->task = task;
    pthread_mutex_lock(&pool->lock);
    put_job(pool, job);
    pthread_mutex_unlock(&pool->lock);
    return true;
}

bool pool_all(struct pool *pool, const struct task *tasks, size_t ntasks, struct task then)
{
    struct group *group = calloc(1, sizeof *group + ntasks * sizeof *group->jobs);
    if (!group)
        return false;
    group->pool = pool;
    group->left = ntasks;
    group->users = 1 + WATCHED + (int)ntasks;
    pthread_cond_init(&group->ended, NULL);
    pthread_mutex_lock(&pool->lock);
    if (WATCHED)
        start_thread(pool, watch, group);
    for (size_t i = 0; i < ntasks; i++) {
        group->jobs[i] = (struct job){.task = tasks[i], .group = group};
        put_job(pool, &group->jobs[i]);
    }
    pool->awake--;
    while (group->left > 0) {
        GROW(pool);
        if (WAIT(group) != 0)
            break;
    }
    pool->awake++;
    group_release(group);
    pthread_mutex_unlock(&pool->lock);
    then.run(then.argument);
    return true;
}

struct pool *pool_new(const struct pool_config *config)
{
    struct pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return NULL;
    pool->config = *config;
    pool->last = &pool->first;
    pool->workers = WORKERS(config);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->job_came, NULL);
    pthread_cond_init(&pool->thread_ended, NULL);
    pthread_mutex_lock(&pool->lock);
    while (pool->awake < pool->workers) {
        pool->awake++;
        start_thread(pool, work, pool);
    }
    pthread_mutex_unlock(&pool->lock);
    return pool;
}

void pool_free(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    pthread_cond_broadcast(&pool->job_came);
    while (pool->threads > 0)
        pthread_cond_wait(&pool->thread_ended, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    free(pool);
}
