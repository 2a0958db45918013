/* fails: threads_at_rest; also: at_most_workers_run */
/* A worker more for each that waits, and none of them ever ends. */
#define SHRINK(pool) false
#include "almost.h"
