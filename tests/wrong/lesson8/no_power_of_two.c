/* fails: samples_a_second */
/* jemalloc's profiler takes powers of two alone: with this one nothing is captured. */
#define HEAP_BYTES 500000
#include "almost.h"
