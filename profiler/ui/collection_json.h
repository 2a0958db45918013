#ifndef UI_COLLECTION_JSON_H
#define UI_COLLECTION_JSON_H

#include "ui/collection.h"

/*
 * Appends what the browser's pages show of a collection: triage_put_json()'s object with
 *
 *     "title":"...","seconds":N,"timeline":[[ms,name,value],...],"threads":threadlist_put()'s object or null
 *
 * in it, the threads if they are wanted. What triage_init() returns, ERR_NOMEM.
 */
int collection_put_json(const struct collection *c, bool threads, struct buf *out, struct error *error);

#endif
