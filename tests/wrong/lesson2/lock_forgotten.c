/* fails: totals_under_threads */
/* Right for one user at a time. */
#define LOCK(all) ((void)(all))
#define UNLOCK(all) ((void)(all))
#include "almost_session.h"
