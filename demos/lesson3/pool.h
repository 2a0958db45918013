#ifndef LESSON3_POOL_H
#define LESSON3_POOL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The workers that do all of the server's work.
 *
 * At most `workers` tasks run at the same time, and that many do when there are that many to run. Tasks are
 * begun in the order in which they came, or nearly. A task may ask for other tasks (pool_all); while it is
 * inside that call, it does not count as running.
 *
 * At rest, when nothing is left to run, the pool soon has just its workers and at most POOL_SPARE_THREADS
 * threads more. It never spins: who has nothing to do sleeps.
 */
struct pool;

enum { POOL_SPARE_THREADS = 2 };

struct task {
    void (*run)(void *argument);
    void *argument;
};

struct pool_config {
    size_t workers;            /* at least 1 */
    long limit_ms;             /* how long the tasks of one pool_all may take */
    void (*late)(size_t left); /* told once, then, how many of them have not ended yet; quick, any thread */
};

struct pool *pool_new(const struct pool_config *config); /* NULL when memory or threads run out */
void pool_free(struct pool *pool);                       /* ends its threads; at rest only */

/* Has the task run by a worker. False when memory runs out. Any thread. */
bool pool_submit(struct pool *pool, struct task task);

/*
 * Called by a task: has all `ntasks` (at least 1) tasks run, which may themselves do so, and then, once each
 * of them has returned, `then`, in whatever thread. Whether this call returns before that or after is left
 * open: there should be nothing left for its caller to do. The array is copied. False when memory runs out;
 * nothing runs then.
 */
bool pool_all(struct pool *pool, const struct task *tasks, size_t ntasks, struct task then);

#endif
