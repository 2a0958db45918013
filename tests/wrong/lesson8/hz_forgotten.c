/* fails: seconds_bounded */
/* Seconds are bounded, and each of them may have any number of samples. */
#define HZ_RIGHT(hz) ((void)(hz), true)
#include "almost.h"
