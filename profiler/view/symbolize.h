#ifndef VIEW_SYMBOLIZE_H
#define VIEW_SYMBOLIZE_H

#include "base/buf.h"
#include "model/profile.h"

/*
 * Names for what a profile has only addresses of, from the files it was mapped from (see locate.h).
 *
 *     mode        "" and "local": functions, files, lines and inlined calls of mappings that have none;
 *                 "fastlocal": functions only; "none" and "remote": nothing. With colons between:
 *                 "force": of all mappings; "demangle=full", "templates", "none": how much of C++ names, and
 *                 of all functions anew
 *
 * What was not found, or has another build id, is named in notes. *out is a new profile in p's pool.
 * ERR_NOMEM; ERR_INVALID for a mode there is not.
 */
int symbolize_profile(
    const struct profile *p, const char *mode, struct profile **out, struct buf *notes, struct error *error);

/* Whether there is anything for it to do. */
bool symbolize_needed(const struct profile *p, const char *mode);

#endif
