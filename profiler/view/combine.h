#ifndef VIEW_COMBINE_H
#define VIEW_COMBINE_H

#include "model/profile.h"

/*
 * Several profiles as one: sample types not all have are left out, units made the same, samples merged. A
 * single profile comes out as it went in. ERR_INVALID when they do not go together, ERR_NOMEM. Caller frees.
 */
int combine_profiles(const struct profile *const srcs[], size_t n, struct profile **out, struct error *error);

/*
 * The same, one after another, as long as they are alike: in memory for the result, the first and the one
 * being added. `struct combiner c = {0};` is empty.
 *
 * combiner_add takes p when it returns 0. ERR_UNSUPPORTED: p has other types or units than those before, or
 * two types of one name, so that only combine_profiles, over all of them, can tell what becomes of each.
 * combiner_finish gives the result, NULL when nothing was added, and empties c.
 */
struct combiner {
    struct profile *first;
    struct merger *merger; /* once there is a second */
};

int combiner_add(struct combiner *c, struct profile *p, struct error *error);
int combiner_finish(struct combiner *c, struct profile **out, struct error *error);
void combiner_fini(struct combiner *c);

/* p less base. With diff, base's samples are labelled pprof::base=true, and reports count percentages of it
 * alone; with normalize, p is first scaled to base's sums. */
int combine_with_base(const struct profile *p, const struct profile *base, bool diff, bool normalize,
    struct profile **out, struct error *error);

#endif
