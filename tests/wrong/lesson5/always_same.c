/* fails: different_from_another */
/* Never a false alarm, and never any other. */
#define DIFFER(a, b) ((void)(a), (void)(b), false)
#include "almost_stopwatch.h"
