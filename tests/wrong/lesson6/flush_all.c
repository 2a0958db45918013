/* fails: keeps_what_fits; also: least_recently_used_order */
/* One too many, and everything but the newcomer goes. The oracle misses the others, too. */
#define EVICT(c) ((c)->stats.entries - 1)
#include "almost.h"
