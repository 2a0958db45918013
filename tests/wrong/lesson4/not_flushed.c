/* fails: lines_complete_in_order */
/* What is in the ring when the statistics are freed is never written. */
#define LEFT_AT_CLOSE 0
#include "queued.h"
