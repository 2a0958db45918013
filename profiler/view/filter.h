#ifndef VIEW_FILTER_H
#define VIEW_FILTER_H

#include "view/report_config.h"
#include "view/labels.h"

/*
 * Filters: which samples a report counts, and which of their frames. Each makes a new profile in the pool of
 * the old one, which it leaves alone.
 */

/*
 * focus, ignore, hide, show, show_from, tagfocus, tagignore, tagshow, taghide and prune_from of c, in the
 * order google/pprof applies them. An expression that matches nothing is named in notes. ERR_FORMAT for a
 * bad expression, ERR_LIMIT for one that had to be given up, ERR_NOMEM.
 */
int filter_profile(const struct profile *p, const struct config *c, const struct label_units *units,
    struct profile **out, struct buf *notes, struct error *error);

/* Whether filter_profile() would change anything. */
bool filter_changes(const struct config *c);

/* Cuts the frames below those that the profile's drop_frames matches and its keep_frames does not. */
int filter_dropped_frames(const struct profile *p, struct profile **out, struct error *error);

/* Leaves only the outermost function of each location: what noinlines does to a profile that is written. */
int filter_inlines(const struct profile *p, struct profile **out, struct error *error);

#endif
