/* fails: work_on_trace; also: work_after_a_change */
/* The list is read from the wrong end: what was asked for last, and is most likely to be asked for again, goes first. */
#define VICTIM(s) ((s)->newest)
#include "almost_store.h"
