#ifndef LESSON6_CATALOGUE_H
#define LESSON6_CATALOGUE_H

#include "base/buf.h"

/*
 * What the upstream knows: for each key a record of some two dozen "name: value" lines, always the same for
 * the same key. Numbers stand bare; texts are UTF-8 in several languages. Keys that start with "seller"
 * give a seller, all others an item.
 */
void catalogue_write(struct buf *out, const char *key);

#endif
