/* fails: warm_up_does_not_count */
/* The requests of the warm-up are sent, and are in the percentiles. */
#define COUNTS(plan, n) true
#include "almost_stopwatch.h"
