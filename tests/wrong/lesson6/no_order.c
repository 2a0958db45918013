/* fails: least_recently_used_order */
/* Bounded, but a hit does not count as use: first in, first out. */
#define TOUCH(c, e) ((void)(e))
#include "almost.h"
