/* fails: parts_run_together */
/* Who asks for a group runs all of it, one after the other: nothing to wait for, and nothing at the same
 * time. */
#define RUN_AT_ONCE(pool, job) ((job)->group && (run_job((pool), (job)), true))
#include "almost.h"
