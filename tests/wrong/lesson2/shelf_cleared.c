/* fails: the_others_stay; also: live_bytes_flat totals_under_threads everything_given_back */
/* Whoever stands on the shelf behind the one that leaves is logged out with it, and everything is freed. */
#define LEAVE_SHELF(all, link, s) clear_behind((all), (link), (s))
#include <stddef.h>
struct sessions;
struct session;
static void clear_behind(struct sessions *all, struct session **link, struct session *s);
#include "almost_session.h"

static void clear_behind(struct sessions *all, struct session **link, struct session *s)
{
    for (struct session *behind = s->next, *next; behind; behind = next) {
        next = behind->next;
        session_free(behind);
        all->stats.active--;
        all->stats.logouts++;
    }
    *link = NULL;
}
