/* fails: lines_complete_in_order */
/* Two threads write what is in the ring, and overtake each other. */
#define WRITERS 2
#include "queued.h"
