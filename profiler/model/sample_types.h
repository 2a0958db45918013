#ifndef MODEL_SAMPLE_TYPES_H
#define MODEL_SAMPLE_TYPES_H

#include "model/profile.h"

/*
 * What a profile's values are, compared, chosen and scaled as github.com/google/pprof does it. All leave
 * their input alone; a new profile is the caller's to free.
 */

/* 0 when a and b have the same period and sample types, ERR_INVALID with the difference otherwise. */
int profile_compatible(const struct profile *a, const struct profile *b, struct error *error);

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
