/* fails: every_call_is_made; also: warm_up_does_not_count typical_is_the_median */
/* The answer is stored where nobody ever reads it, which the compiler sees. */
#include <stdint.h>
static uint64_t sink;
#define KEEP(answer) (sink = (answer))
#include "almost_stopwatch.h"
