#ifndef MODEL_MERGE_H
#define MODEL_MERGE_H

#include "model/profile.h"

/*
 * Arithmetic on whole profiles, as Merge and its relatives of github.com/google/pprof do it. All leave their
 * input alone and give a new profile, which the caller frees.
 */

/*
 * One profile with the samples of all: those with the same locations and labels are added up, those that are
 * all zero dropped, and only the locations, functions and mappings still used are kept, numbered from 1 in
 * the order they are met. Mappings are the same when size, offset and build id (else file) are, so
 * that runs at different addresses meet. Period and sample types must be the same: ERR_INVALID otherwise.
 * Time is the earliest, duration the sum, period the largest, frames to drop are the first's.
 */
int profile_merge(const struct profile *const srcs[], size_t n, struct profile **out, struct error *error);

/* The sample types, by name, that all n have, in the order of the first. ERR_INVALID if there are none.
 * *types (malloc'd) is the caller's to free; the names are the first profile's. */
int profile_common_types(
    const struct profile *const srcs[], size_t n, const char ***types, size_t *ntypes, struct error *error);

/* p with just these sample types, in this order; the default becomes the first where it is not among them.
 * ERR_INVALID when p lacks one. */
int profile_select_types(const struct profile *p, const char *const types[], size_t ntypes,
    struct profile **out, struct error *error);

/* p with the values of sample type i times ratios[i], rounded; samples of which nothing is left are dropped.
 * Where a ratio is 1 the value is left exactly alone, and does not keep its sample, as in the source. */
int profile_scale(const struct profile *p, const double *ratios, struct profile **out, struct error *error);

/* The ratios (sample_types.len of them, malloc'd) that scale p so that each type's sum is base's. */
int profile_normal_ratios(
    const struct profile *p, const struct profile *base, double **ratios, struct error *error);

#endif
