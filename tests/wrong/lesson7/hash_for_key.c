/* fails: own_pixels; also: right_under_threads */
/* Two tiles with the same hash are taken for one. */
#define KEY(tile) (hash_u64(tile) % 8192)
#include "almost_store.h"
