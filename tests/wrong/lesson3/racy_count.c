/* fails: each_part_once_then_finish; also: nested_requests_finish threads_at_rest at_most_workers_run
 * late_is_told_once sleeps_while_waiting parts_run_together */
/* Jobs are counted down without the lock, by reading and then writing. */
#define COUNT_DOWN(group) count_down(group)
#include <stddef.h>
struct group;
static size_t count_down(struct group *group);
#include "almost.h"

static size_t count_down(struct group *group)
{
    pthread_mutex_unlock(&group->pool->lock);
    size_t left = *(volatile size_t *)&group->left;
    if (left > 0)
        *(volatile size_t *)&group->left = left - 1;
    pthread_mutex_lock(&group->pool->lock);
    return left - 1;
}
