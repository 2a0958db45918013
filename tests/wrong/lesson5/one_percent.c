/* fails: same_against_itself */
/* Fixed as well, and stricter: noise is taken for a difference. */
#define DIFFER(a, b) (fabs((a)->typical_ns - (b)->typical_ns) > 0.01 * (a)->typical_ns)
#include "almost_stopwatch.h"
