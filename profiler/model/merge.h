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

/*
 * The same, one profile after another, so that none of them need stay: a merger has what was merged so far.
 * Not even `first`, which only decides the types, has to be there longer than merger_new takes; it is merged
 * when it is added. After a failure there is nothing but merger_free. merger_finish frees the merger in any
 * case.
 */
struct merger;
int merger_new(const struct profile *first, struct merger **out, struct error *error);
int merger_add(struct merger *m, const struct profile *src, struct error *error);
int merger_finish(struct merger *m, struct profile **out, struct error *error);
void merger_free(struct merger *m); /* NULL is allowed */

#endif
