/* fails: every_call_is_made; also: warm_up_does_not_count typical_is_the_median */
/* Warm-up, runs and median as they should be, around a loop in which nothing is left. */
#define KEEP(answer) ((void)(answer))
#include "almost_stopwatch.h"
