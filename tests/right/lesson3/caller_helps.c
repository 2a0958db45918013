/*
 * Right, and another design: who asks for a group runs jobs of it that nobody has begun yet, and sleeps only
 * while the rest run elsewhere. Each group has a watcher, which ends with it.
 */
#include "lesson3/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <time.h>

struct job {
    TAILQ_ENTRY(job) queued;
    struct task task;
    struct group *group;
};

struct group {
    struct pool *pool;
    pthread_cond_t ended;
    size_t begun, left, njobs;
    int users;
    struct job jobs[];
};

struct pool {
    struct pool_config config;
    pthread_mutex_t lock;
    pthread_cond_t job_came, watcher_ended;
    TAILQ_HEAD(job_list, job) queue;
    size_t watchers, nworkers;
    bool closing;
    pthread_t workers[];
};

static void run_locked(struct pool *pool, struct job *job)
{
    struct group *group = job->group;
    pthread_mutex_unlock(&pool->lock);
    job->task.run(job->task.argument);
    pthread_mutex_lock(&pool->lock);
    if (!group)
        free(job);
    else if (--group->left == 0)
        pthread_cond_broadcast(&group->ended);
}

static void *work(void *argument)
{
    struct pool *pool = argument;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        struct job *job = TAILQ_FIRST(&pool->queue);
        if (job) {
            TAILQ_REMOVE(&pool->queue, job, queued);
            if (job->group)
                job->group->begun |= (size_t)1 << (job - job->group->jobs);
            run_locked(pool, job);
        } else if (pool->closing) {
            break;
        } else {
            pthread_cond_wait(&pool->job_came, &pool->lock);
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static void release_locked(struct group *group)
{
    if (--group->users > 0)
        return;
    pthread_cond_destroy(&group->ended);
    free(group);
}

static void *watch(void *argument)
{
    struct group *group = argument;
    struct pool *pool = group->pool;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += pool->config.limit_ms / 1000;
    until.tv_nsec += pool->config.limit_ms % 1000 * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&pool->lock);
    while (group->left > 0 && pthread_cond_timedwait(&group->ended, &pool->lock, &until) != ETIMEDOUT)
        ;
    if (group->left > 0)
        pool->config.late(group->left);
    release_locked(group);
    pool->watchers--;
    pthread_cond_signal(&pool->watcher_ended);
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

bool pool_submit(struct pool *pool, struct task task)
{
    struct job *job = calloc(1, sizeof *job);
    if (!job)
        return false;
    job->task = task;
    pthread_mutex_lock(&pool->lock);
    TAILQ_INSERT_TAIL(&pool->queue, job, queued);
    pthread_cond_signal(&pool->job_came);
    pthread_mutex_unlock(&pool->lock);
    return true;
}

bool pool_all(struct pool *pool, const struct task *tasks, size_t ntasks, struct task then)
{
    pthread_t watcher;
    struct group *group = calloc(1, sizeof *group + ntasks * sizeof *group->jobs);
    if (!group)
        return false;
    group->pool = pool;
    group->left = group->njobs = ntasks;
    group->users = 2;
    pthread_cond_init(&group->ended, NULL);
    pthread_mutex_lock(&pool->lock);
    pool->watchers++;
    if (pthread_create(&watcher, NULL, watch, group) == 0) {
        pthread_detach(watcher);
    } else {
        pool->watchers--;
        group->users--;
    }
    for (size_t i = 0; i < ntasks; i++) {
        group->jobs[i] = (struct job){.task = tasks[i], .group = group};
        TAILQ_INSERT_TAIL(&pool->queue, &group->jobs[i], queued);
        pthread_cond_signal(&pool->job_came);
    }
    for (size_t i = 0; i < ntasks; i++) {
        if (group->begun & (size_t)1 << i)
            continue;
        group->begun |= (size_t)1 << i;
        TAILQ_REMOVE(&pool->queue, &group->jobs[i], queued);
        run_locked(pool, &group->jobs[i]);
    }
    while (group->left > 0)
        pthread_cond_wait(&group->ended, &pool->lock);
    release_locked(group);
    pthread_mutex_unlock(&pool->lock);
    then.run(then.argument);
    return true;
}

struct pool *pool_new(const struct pool_config *config)
{
    struct pool *pool = calloc(1, sizeof *pool + config->workers * sizeof *pool->workers);
    if (!pool)
        return NULL;
    pool->config = *config;
    TAILQ_INIT(&pool->queue);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->job_came, NULL);
    pthread_cond_init(&pool->watcher_ended, NULL);
    for (; pool->nworkers < config->workers; pool->nworkers++)
        if (pthread_create(&pool->workers[pool->nworkers], NULL, work, pool) != 0)
            abort();
    return pool;
}

void pool_free(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    pthread_cond_broadcast(&pool->job_came);
    while (pool->watchers > 0)
        pthread_cond_wait(&pool->watcher_ended, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->nworkers; i++)
        pthread_join(pool->workers[i], NULL);
    free(pool);
}
