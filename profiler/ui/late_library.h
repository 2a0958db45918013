#ifndef UI_LATE_LIBRARY_H
#define UI_LATE_LIBRARY_H

#include "base/error.h"

#include <stddef.h>

/*
 * A library that most commands do not need, loaded when one does. Fills `functions`, a struct of n function
 * pointers and nothing else, with those of these names; it is never unloaded. ERR_UNSUPPORTED, with `who`
 * needs it, when it is not there or lacks one.
 */
int late_library_load(const char *file, const char *who, const char *const *names, size_t n, void *functions,
    struct error *error);

#endif
