/* fails: different_from_another; also: same_against_itself */
/* A fixed tolerance: too much for a quiet machine, too little for a loud one. */
#define DIFFER(a, b) (fabs((a)->typical_ns - (b)->typical_ns) > 0.05 * (a)->typical_ns)
#include "almost_stopwatch.h"
