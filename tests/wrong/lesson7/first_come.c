/* fails: work_after_a_change */
/* What comes first stays for ever, and when the budget is used up, nothing else is kept. */
#define REFUSES(s, more) ((s)->bytes + (more) > (s)->config.budget_bytes)
#include "almost_store.h"
