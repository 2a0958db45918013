/* fails: lines_complete_in_order; also: pending_lines_bounded */
/* A writer's ring with room for four lines; the oldest is given up when there is no room. */
#define ROOM 4
#define WHEN_FULL ring.out++
#include "queued.h"
