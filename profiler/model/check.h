#ifndef MODEL_CHECK_H
#define MODEL_CHECK_H

#include "model/profile.h"

/*
 * Whether a profile holds together, as CheckValid of github.com/google/pprof asks: sample types wherever
 * there are samples, every index inside its table, no id of 0 and none twice, no line without a function.
 * profile_decode has it checked; those who build a profile by hand can ask too.
 *
 * Returns 0, or ERR_FORMAT with the first thing wrong, or ERR_NOMEM.
 */
int profile_check(const struct profile *p, struct error *error);

#endif
