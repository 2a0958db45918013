#ifndef VIEW_PRUNE_H
#define VIEW_PRUNE_H

#include "model/profile.h"

/*
 * Stacks cut from the leaf up, so that what a frame calls is charged to the frame. Both change p, whose
 * samples and locations the caller must own. ERR_FORMAT for a bad expression, ERR_LIMIT, ERR_NOMEM.
 */

/* Cuts the frames below those that pattern matches. */
int prune_from(struct profile *p, const char *pattern, struct error *error);

/* Cuts those that p's drop_frames matches, whole and without arguments, and keep_frames does not, with all
 * below them. */
int prune_dropped(struct profile *p, struct error *error);

#endif
