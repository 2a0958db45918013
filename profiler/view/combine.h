#ifndef VIEW_COMBINE_H
#define VIEW_COMBINE_H

#include "model/profile.h"

/*
 * Several profiles as one: sample types not all have are left out, units made the same, samples merged. A
 * single profile comes out as it went in. ERR_INVALID when they do not go together, ERR_NOMEM. Caller frees.
 */
int combine_profiles(const struct profile *const srcs[], size_t n, struct profile **out, struct error *error);

/* p less base. With diff, base's samples are labelled pprof::base=true, and reports count percentages of it
 * alone; with normalize, p is first scaled to base's sums. */
int combine_with_base(const struct profile *p, const struct profile *base, bool diff, bool normalize,
    struct profile **out, struct error *error);

#endif
