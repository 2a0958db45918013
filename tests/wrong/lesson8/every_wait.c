/* fails: samples_a_second */
/* The heap was the most, not all. */
#define BLOCK_NS 1
#include "almost.h"
