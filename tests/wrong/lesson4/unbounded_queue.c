/* fails: pending_lines_bounded */
/* A ring with room for more than ever comes, as a list without a bound would have. */
#define ROOM 100000
#include "queued.h"
