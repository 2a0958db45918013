/* fails: threads_at_rest */
/* Nobody waits for a full pool any more, but each watcher stays until the pool is closed. */
#define LEAVE_WATCHING(pool) stay(pool)
struct pool;
static void stay(struct pool *pool);
#include "almost.h"

static void stay(struct pool *pool)
{
    while (!pool->closing) {
        struct timespec until = time_after(50);
        pthread_cond_timedwait(&pool->thread_ended, &pool->lock, &until);
    }
}
