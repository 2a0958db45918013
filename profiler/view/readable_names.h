#ifndef VIEW_READABLE_NAMES_H
#define VIEW_READABLE_NAMES_H

#include "model/profile.h"
#include "symbol/demangle.h"

/* Names of C++ functions as people write them; see demangle.h. */

/* Whether a function's name is as a linker has it, or as somebody demangled it in full. */
bool readable_names_needed(const struct profile *p);

/* Changes those names in p; with force, of functions whose names were chosen before, too. mangled: back to
 * what the linker has. ERR_NOMEM. */
int make_names_readable(struct profile *p, enum demangle_style style, bool mangled, bool force);

#endif
