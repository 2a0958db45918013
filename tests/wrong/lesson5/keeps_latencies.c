/* fails: leaves_nothing_behind */
/* The latencies are never freed. */
#define GIVE_BACK(p) ((void)(p))
#include "almost_stopwatch.h"
