#ifndef VIEW_SOURCE_LABEL_H
#define VIEW_SOURCE_LABEL_H

#include "model/profile.h"

#include <stddef.h>

/*
 * Where a sample is from, as a label of it: profiles of several servers can be merged then, and told apart
 * again.
 */

/* How a source is called: a URL by its HOST:PORT, or by the socket's file; a file by its name without folders
 * and without .gz, .pb and .prof at the end. Cut to size - 1 bytes. */
void source_label_name(const char *address, char *name, size_t size);

/* p with the label key=name on every sample, in place of any that it has of that key. ERR_NOMEM. Caller
 * frees. */
int source_label_add(const struct profile *p, const char *key, const char *name, struct profile **out);

#endif
