/* fails: own_pixels; also: within_any_budget */
/* A tile's number has 64 bits, and 32 are compared. */
#define KEY(tile) ((uint32_t)(tile))
#include "almost_store.h"
