/* fails: work_on_trace; also: work_after_a_change */
/* Next to nothing is kept, so that memory is no concern any more; most of the budget lies idle. */
#define IS_FULL(s, more) ((s)->bytes + (more) > (s)->config.budget_bytes || (s)->figures.kept >= 8)
#include "almost_store.h"
