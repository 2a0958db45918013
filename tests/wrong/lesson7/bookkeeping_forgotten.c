/* fails: within_any_budget */
/* The pixels count, and what is needed to find them does not: of plain tiles, that is nearly all. */
#define BYTES(k) ((k)->len)
#include "almost_store.h"
