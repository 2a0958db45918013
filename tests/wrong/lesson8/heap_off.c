/* fails: samples_a_second */
/* Costs nothing, shows nothing. */
#define HEAP_BYTES 0
#include "almost.h"
