#ifndef VIEW_SYMBOLIZE_H
#define VIEW_SYMBOLIZE_H

#include "base/buf.h"
#include "model/profile.h"
#include "view/symbolz.h"

/*
 * Names for what a profile has only addresses of: from the files it was mapped from (see locate.h), then from
 * the servers it came from (see symbolz.h) for mappings that still have none.
 *
 *     mode        "": both; "local": functions, files, lines and inlined calls from files alone;
 *                 "fastlocal": so, but functions only; "remote": functions, from servers alone; "none":
 * nothing. With colons between: "force": of all mappings; "demangle=full", "templates", "none": how much of
 * C++ names, and of all functions anew
 *
 * What was not found anywhere, or has another build id, is named in notes. sources may be NULL: there are no
 * servers. *out is a new profile in p's pool. ERR_NOMEM; ERR_CANCELLED; ERR_INVALID for a mode there is not.
 */
int symbolize_profile(const struct profile *p, const char *mode, const struct name_sources *sources,
    struct profile **out, struct buf *notes, struct error *error);

/* Whether there is anything for it to do. */
bool symbolize_needed(const struct profile *p, const char *mode, const struct name_sources *sources);

#endif
