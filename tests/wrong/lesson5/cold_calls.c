/* fails: warm_up_does_not_count */
/* Calls begin to count at once. */
#define CALLS_WARM_UP_NS(plan) 0
#include "almost_stopwatch.h"
