#ifndef VIEW_LOCATE_H
#define VIEW_LOCATE_H

#include "base/buf.h"
#include "model/profile.h"

/*
 * Where the binaries of a profile are on this machine. search is a list of directories with colons between;
 * in each of them, and before the place where a binary was,
 *
 *     DIR/BUILD-ID/NAME, DIR/BUILD-ID/anything, DIR/PATH/BUILD-ID, DIR/BU/ILD-ID.debug    for those with a
 * build ID DIR/NAME, DIR/PATH
 *
 * A mapping whose binary is found is given that file's name, unless that has another build ID, which notes
 * then say. ERR_NOMEM.
 */
int locate_binaries(struct profile *p, const char *search, struct buf *notes);

#endif
