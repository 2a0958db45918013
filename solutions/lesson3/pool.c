/*
 * The workers and what they have to do: one queue of jobs, from which each worker takes the first. Nobody
 * waits for a group of jobs: whoever ends the last of them goes on with what comes afterwards.
 *
 *     pool_submit ----> job -> job -> job -> job ---> worker_run, `workers` of them
 *     pool_all -------------------^      ^
 *        `-- a group: how many of its jobs are left, and what is to be done then
 *
 * All groups may take equally long, so they are kept in the order in which they fall due, and one thread,
 * asleep until the first one does, watches them all.
 */
#include "lesson3/pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <time.h>

struct job {
    struct task task;
    struct group *group; /* NULL: by itself, and freed when it has run */
    struct job *next;
};

/* The jobs of one pool_all; guarded by the pool's lock. */
struct group {
    TAILQ_ENTRY(group) watched; /* in the pool's list, unless `late` was told of it */
    struct timespec due;
    bool was_late;
    size_t left; /* jobs that have not ended */
    struct task then;
    struct job jobs[];
};

struct pool {
    struct pool_config config;
    pthread_t *workers, watcher;
    size_t nworkers;
    bool has_watcher;

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t job_came, group_came;
    struct job *first, **last; /* the queue */
    TAILQ_HEAD(group_list, group) watched;
    bool closing;
};

/* ---- the queue and its workers ---- */

static void enqueue_locked(struct pool *pool, struct job *job)
{
    job->next = NULL;
    *pool->last = job;
    pool->last = &job->next;
    pthread_cond_signal(&pool->job_came);
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

static void job_ended(struct pool *pool, struct group *group)
{
    pthread_mutex_lock(&pool->lock);
    bool was_last = --group->left == 0;
    if (was_last && !group->was_late)
        TAILQ_REMOVE(&pool->watched, group, watched);
    pthread_mutex_unlock(&pool->lock);
    if (was_last) {
        group->then.run(group->then.argument);
        free(group);
    }
}

static void *worker_run(void *argument)
{
    struct pool *pool = argument;
    struct job *job;
    pthread_setname_np(pthread_self(), "worker");
    while ((job = next_job(pool))) {
        job->task.run(job->task.argument);
        if (job->group)
            job_ended(pool, job->group);
        else
            free(job);
    }
    return NULL;
}

/* ---- the watcher ---- */

static struct timespec time_after(long ms)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += ms % 1000 * 1000000;
    t.tv_sec += ms / 1000 + t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

static bool has_come(const struct timespec *t)
{
    struct timespec now = time_after(0);
    return now.tv_sec > t->tv_sec || (now.tv_sec == t->tv_sec && now.tv_nsec >= t->tv_nsec);
}

/* A group that ends in time just leaves the list: then this wakes up once for nothing. */
static void *watcher_run(void *argument)
{
    struct pool *pool = argument;
    pthread_setname_np(pthread_self(), "watcher");
    pthread_mutex_lock(&pool->lock);
    while (!pool->closing) {
        struct group *oldest = TAILQ_FIRST(&pool->watched);
        if (!oldest) {
            pthread_cond_wait(&pool->group_came, &pool->lock);
        } else if (!has_come(&oldest->due)) {
            struct timespec due = oldest->due;
            pthread_cond_timedwait(&pool->group_came, &pool->lock, &due);
        } else {
            size_t left = oldest->left;
            oldest->was_late = true;
            TAILQ_REMOVE(&pool->watched, oldest, watched);
            pthread_mutex_unlock(&pool->lock);
            pool->config.late(left);
            pthread_mutex_lock(&pool->lock);
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* ---- the contract ---- */

bool pool_submit(struct pool *pool, struct task task)
{
    struct job *job = malloc(sizeof *job);
    if (!job)
        return false;
    *job = (struct job){.task = task};
    pthread_mutex_lock(&pool->lock);
    enqueue_locked(pool, job);
    pthread_mutex_unlock(&pool->lock);
    return true;
}

bool pool_all(struct pool *pool, const struct task *tasks, size_t ntasks, struct task then)
{
    struct group *group = calloc(1, sizeof *group + ntasks * sizeof *group->jobs);
    if (!group)
        return false;
    group->left = ntasks;
    group->then = then;
    group->due = time_after(pool->config.limit_ms);
    pthread_mutex_lock(&pool->lock);
    if (TAILQ_EMPTY(&pool->watched))
        pthread_cond_signal(&pool->group_came);
    TAILQ_INSERT_TAIL(&pool->watched, group, watched);
    for (size_t i = 0; i < ntasks; i++) {
        group->jobs[i] = (struct job){.task = tasks[i], .group = group};
        enqueue_locked(pool, &group->jobs[i]);
    }
    pthread_mutex_unlock(&pool->lock);
    return true;
}

static bool start_threads(struct pool *pool)
{
    pool->workers = calloc(pool->config.workers, sizeof *pool->workers);
    while (pool->workers && pool->nworkers < pool->config.workers &&
           pthread_create(&pool->workers[pool->nworkers], NULL, worker_run, pool) == 0)
        pool->nworkers++;
    pool->has_watcher = pool->nworkers == pool->config.workers &&
                        pthread_create(&pool->watcher, NULL, watcher_run, pool) == 0;
    return pool->has_watcher;
}

struct pool *pool_new(const struct pool_config *config)
{
    struct pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return NULL;
    pool->config = *config;
    pool->last = &pool->first;
    TAILQ_INIT(&pool->watched);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->job_came, NULL);
    pthread_cond_init(&pool->group_came, NULL);
    if (start_threads(pool))
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
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->nworkers; i++)
        pthread_join(pool->workers[i], NULL);
    if (pool->has_watcher)
        pthread_join(pool->watcher, NULL);
    pthread_cond_destroy(&pool->group_came);
    pthread_cond_destroy(&pool->job_came);
    pthread_mutex_destroy(&pool->lock);
    free(pool->workers);
    free(pool);
}
