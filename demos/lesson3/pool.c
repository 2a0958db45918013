/*
 * The workers and what they have to do: one queue of jobs, from which each worker takes the first.
 *
 *     pool_submit ----> job -> job -> job -> job ---> worker_run, `workers` of them
 *     pool_all -------------------^      ^
 *        `-- a group: how many of its jobs are left; watched by a thread of its own
 *
 * Who asks for a group sleeps until the last of its jobs has ended, and then goes on with what comes
 * afterwards.
 */
#include "lesson3/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { WATCHER_STACK_BYTES = 64 * 1024 };

struct job {
    struct task task;
    struct group *group; /* NULL: by itself, and freed when it has run */
    struct job *next;
};

/* The jobs of one pool_all. */
struct group {
    struct pool *pool;
    pthread_mutex_t lock;
    pthread_cond_t ended; /* the last of its jobs has */
    size_t left;          /* jobs that have not ended */
    int users;            /* its caller and its watcher; the last one frees it */
    struct job jobs[];
};

struct pool {
    struct pool_config config;
    pthread_t *workers;
    size_t nworkers;

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t job_came, group_came, watcher_ended;
    struct job *first, **last; /* the queue */
    struct group *unwatched;   /* a group for a watcher that has none */
    size_t watchers;
    bool closing;
};

/* ---- the queue and its workers ---- */

static void enqueue(struct pool *pool, struct job *job)
{
    pthread_mutex_lock(&pool->lock);
    job->next = NULL;
    *pool->last = job;
    pool->last = &job->next;
    pthread_cond_signal(&pool->job_came);
    pthread_mutex_unlock(&pool->lock);
}

/* The next job, as soon as there is one; NULL when the pool is closing. */
static struct job *next_job(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (!pool->first && !pool->closing)
        pthread_cond_wait(&pool->job_came, &pool->lock);
    struct job *job = pool->first;
    if (job) {
        pool->first = job->next;
        if (!pool->first)
            pool->last = &pool->first;
    }
    pthread_mutex_unlock(&pool->lock);
    return job;
}

static void job_ended(struct group *group)
{
    pthread_mutex_lock(&group->lock);
    if (--group->left == 0)
        pthread_cond_broadcast(&group->ended);
    pthread_mutex_unlock(&group->lock);
}

static void *worker_run(void *argument)
{
    struct pool *pool = argument;
    struct job *job;
    pthread_setname_np(pthread_self(), "worker");
    while ((job = next_job(pool))) {
        job->task.run(job->task.argument);
        if (job->group)
            job_ended(job->group);
        else
            free(job);
    }
    return NULL;
}

/* ---- groups ---- */

static struct group *group_new(struct pool *pool, const struct task *tasks, size_t ntasks)
{
    struct group *group = calloc(1, sizeof *group + ntasks * sizeof *group->jobs);
    if (!group)
        return NULL;
    group->pool = pool;
    group->left = ntasks;
    group->users = 1;
    pthread_mutex_init(&group->lock, NULL);
    pthread_cond_init(&group->ended, NULL);
    for (size_t i = 0; i < ntasks; i++)
        group->jobs[i] = (struct job){.task = tasks[i], .group = group};
    return group;
}

static void group_release(struct group *group)
{
    pthread_mutex_lock(&group->lock);
    int users = --group->users;
    pthread_mutex_unlock(&group->lock);
    if (users > 0)
        return;
    pthread_cond_destroy(&group->ended);
    pthread_mutex_destroy(&group->lock);
    free(group);
}

static void wait_for_group(struct group *group)
{
    pthread_mutex_lock(&group->lock);
    while (group->left > 0)
        pthread_cond_wait(&group->ended, &group->lock);
    pthread_mutex_unlock(&group->lock);
}

/* ---- the watchers ---- */

static void watch_group(struct group *group)
{
    const struct pool_config *config = &group->pool->config;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += config->limit_ms % 1000 * 1000000;
    until.tv_sec += config->limit_ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&group->lock);
    while (group->left > 0 && pthread_cond_timedwait(&group->ended, &group->lock, &until) != ETIMEDOUT)
        ;
    size_t left = group->left;
    pthread_mutex_unlock(&group->lock);
    if (left > 0)
        config->late(left);
}

/* Starting a thread costs, so a watcher whose group has ended is kept for another. */
static struct group *next_group(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (!pool->unwatched && !pool->closing)
        pthread_cond_wait(&pool->group_came, &pool->lock);
    struct group *group = pool->unwatched;
    pool->unwatched = NULL;
    pthread_mutex_unlock(&pool->lock);
    return group;
}

static void watcher_leaves(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->watchers--;
    pthread_cond_signal(&pool->watcher_ended);
    pthread_mutex_unlock(&pool->lock);
}

static void *watcher_run(void *argument)
{
    struct group *group = argument;
    struct pool *pool = group->pool;
    pthread_setname_np(pthread_self(), "watcher");
    while (group) {
        watch_group(group);
        group_release(group);
        group = next_group(pool);
    }
    watcher_leaves(pool);
    return NULL;
}

/* A group that cannot be watched is served all the same. */
static void start_watcher(struct group *group)
{
    struct pool *pool = group->pool;
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, WATCHER_STACK_BYTES);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_mutex_lock(&pool->lock);
    pool->watchers++;
    pthread_mutex_unlock(&pool->lock);
    group->users++;
    if (pthread_create(&thread, &attributes, watcher_run, group) != 0) {
        group->users--;
        watcher_leaves(pool);
    }
    pthread_attr_destroy(&attributes);
}

/* ---- the contract ---- */

bool pool_submit(struct pool *pool, struct task task)
{
    struct job *job = malloc(sizeof *job);
    if (!job)
        return false;
    *job = (struct job){.task = task};
    enqueue(pool, job);
    return true;
}

bool pool_all(struct pool *pool, const struct task *tasks, size_t ntasks, struct task then)
{
    struct group *group = group_new(pool, tasks, ntasks);
    if (!group)
        return false;
    start_watcher(group);
    for (size_t i = 0; i < ntasks; i++)
        enqueue(pool, &group->jobs[i]);
    wait_for_group(group);
    group_release(group);
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
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->job_came, NULL);
    pthread_cond_init(&pool->group_came, NULL);
    pthread_cond_init(&pool->watcher_ended, NULL);
    pool->workers = calloc(config->workers, sizeof *pool->workers);
    while (pool->workers && pool->nworkers < config->workers &&
           pthread_create(&pool->workers[pool->nworkers], NULL, worker_run, pool) == 0)
        pool->nworkers++;
    if (pool->nworkers == config->workers)
        return pool;
    pool_free(pool);
    return NULL;
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    pthread_cond_broadcast(&pool->job_came);
    pthread_cond_broadcast(&pool->group_came);
    while (pool->watchers > 0)
        pthread_cond_wait(&pool->watcher_ended, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->nworkers; i++)
        pthread_join(pool->workers[i], NULL);
    pthread_cond_destroy(&pool->watcher_ended);
    pthread_cond_destroy(&pool->group_came);
    pthread_cond_destroy(&pool->job_came);
    pthread_mutex_destroy(&pool->lock);
    free(pool->workers);
    free(pool);
}
