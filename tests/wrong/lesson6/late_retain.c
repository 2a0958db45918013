/* fails: totals_under_threads */
/* The caller's reference is taken after the lock was given back: the value may be gone by then. */
#define RETAIN_OUTSIDE 1
#include "almost.h"
