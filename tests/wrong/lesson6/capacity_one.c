/* fails: keeps_what_fits; also: least_recently_used_order */
/* Bounded, ordered, quick and useless: it keeps a single entry. The oracle misses the others, too. */
#define CAPACITY(c) 1
#include "almost.h"
