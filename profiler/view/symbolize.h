#ifndef VIEW_SYMBOLIZE_H
#define VIEW_SYMBOLIZE_H

#include "base/buf.h"
#include "model/profile.h"

/*
 * Names for what a profile has only addresses of, from the files it was mapped from.
 *
 *     mode        "" and "local": functions, files, lines and inlined calls of mappings that have none;
 *                 "fastlocal": functions only; "force" with a colon before or after those: of all mappings;
 *                 "none" and "remote": nothing
 *     search      where to look for the files beside where they were, directories with colons between: each
 *                 as DIR/BUILD-ID/NAME, DIR/NAME and DIR/PATH
 *
 * What was not found, or has another build id, is named in notes. *out is a new profile in p's pool.
 * ERR_NOMEM; ERR_INVALID for a mode there is not.
 */
int symbolize_profile(const struct profile *p, const char *mode, const char *search, struct profile **out,
    struct buf *notes, struct error *error);

/* Whether there is anything for it to do. */
bool symbolize_needed(const struct profile *p, const char *mode);

#endif
