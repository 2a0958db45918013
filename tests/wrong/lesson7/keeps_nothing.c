/* fails: work_on_trace; also: work_after_a_change */
/* What the heap profile advises alone: no tile is kept, and each is rendered each time. */
#define REFUSES(s, more) ((void)(more), true)
#include "almost_store.h"
