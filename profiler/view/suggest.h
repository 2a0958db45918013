#ifndef VIEW_SUGGEST_H
#define VIEW_SUGGEST_H

#include "model/profile.h"

/*
 * The function of p whose name, or a part of it between underscores, dots and colons, is nearest to a regexp
 * that matched nothing: cache_evict for evcit. NULL when nothing is near, or when pattern is more than a
 * name. Pure.
 */
const char *suggest_function(const struct profile *p, const char *pattern);

#endif
