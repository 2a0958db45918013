/* fails: sleeps_while_waiting; also: nested_requests_finish threads_at_rest parts_run_together
 * at_most_workers_run each_part_once_then_finish late_is_told_once */
/* Who asks for a group looks again and again whether it has ended. */
#define WAIT(group) (pthread_mutex_unlock(&(group)->pool->lock), pthread_mutex_lock(&(group)->pool->lock))
#include "almost.h"
