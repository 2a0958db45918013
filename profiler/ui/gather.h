#ifndef UI_GATHER_H
#define UI_GATHER_H

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

#endif
