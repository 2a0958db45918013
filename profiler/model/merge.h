#ifndef MODEL_MERGE_H
#define MODEL_MERGE_H

#include "model/profile.h"

/*
 * As Merge of github.com/google/pprof does it: leaves its input alone and gives a new profile, which the
 * caller frees.
 *
 * One profile with the samples of all: those with the same locations and labels are added up, those that are
 * all zero dropped, and only the locations, functions and mappings still used are kept, numbered from 1 in
 * the order they are met. Mappings are the same when size, offset and build id (else file) are, so
 * that runs at different addresses meet. Period and sample types must be the same: ERR_INVALID otherwise.
 * Time is the earliest, duration the sum, period the largest, frames to drop are the first's.
 */
int profile_merge(const struct profile *const srcs[], size_t n, struct profile **out, struct error *error);

#endif
