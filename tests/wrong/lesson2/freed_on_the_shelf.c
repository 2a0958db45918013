/* fails: the_others_stay; also: live_bytes_flat totals_under_threads everything_given_back */
/* Freed, and still on its shelf: found again, shown, and freed twice. */
#define LEAVE_SHELF(all, link, s) ((void)(link))
#include "almost_session.h"
