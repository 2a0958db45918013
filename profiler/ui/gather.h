#ifndef UI_GATHER_H
#define UI_GATHER_H

#include "ui/fetch.h"
#include "ui/options.h"

/*
 * From the sources on the command line to one profile: fetched, decoded, added up, compared with the base,
 * without the frames it says to drop; kept on disk when a part of it came over the network. A source
 * that fails is named on standard error and left out as long as another one does not fail.
 *
 * ERR_CANCELLED, or the reason of the only source. Caller frees *out.
 */
int gather_profile(
    const struct options *o, const volatile sig_atomic_t *cancel, struct profile **out, struct error *error);

/*
 * Names for what *p, which was fetched from url, has only addresses of, from the files that are here and from
 * the server: *p is replaced, *found says whether there were any. ERR_CANCELLED, ERR_NOMEM, ERR_INVALID for a
 * bad -symbolize; *p is a profile in any case.
 */
int gather_names(struct profile **p, const char *url, const struct options *o,
    const struct fetch_limits *limits, bool *found, struct error *error);

#endif
