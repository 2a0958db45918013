/* fails: at_most_workers_run; also: threads_at_rest */
/* No pool: each job has a thread of its own, so that nobody ever waits for a worker. */
#define GROW(pool) ((void)0)
#define SHRINK(pool) false
#define RUN_AT_ONCE(pool, job) (run_alone_in = (pool), start_thread((pool), run_alone, (job)), true)
static void *run_alone(void *argument);
static struct pool *run_alone_in;
#include "almost.h"

static void *run_alone(void *job)
{
    struct pool *pool = run_alone_in;
    pthread_mutex_lock(&pool->lock);
    run_job(pool, job);
    thread_ends(pool);
    return NULL;
}
