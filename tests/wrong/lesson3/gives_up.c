/* fails: each_part_once_then_finish; also: nested_requests_finish late_is_told_once */
/* Who asks for a group waits 50 ms for it at most, and then goes on without. */
#define GROW(pool) ((void)0)
#define WAIT(group) wait_50_ms(group)
struct group;
static int wait_50_ms(struct group *group);
#include "almost.h"

static int wait_50_ms(struct group *group)
{
    struct timespec until = time_after(50);
    return pthread_cond_timedwait(&group->ended, &group->pool->lock, &until);
}
