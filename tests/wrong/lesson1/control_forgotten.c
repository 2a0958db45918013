/* fails: same_output; also: from_many_threads */
/* Quick, and no JSON: what is below a space goes through as it is. */
#define IS_CONTROL(byte) 0
#include "almost.h"
