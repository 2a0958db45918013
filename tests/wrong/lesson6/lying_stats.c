/* fails: bound_after_every_operation; also: least_recently_used_order books_balance release_outside_lock
 * totals_under_threads */
/* Grows without end and says it does not. It keeps keys that the oracle has given up. */
#define EVICT(c) 0
#define SAID_ENTRIES(c) \
    ((c)->stats.entries < (c)->config.capacity ? (c)->stats.entries : (c)->config.capacity)
#include "almost.h"
