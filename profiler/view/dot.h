#ifndef VIEW_DOT_H
#define VIEW_DOT_H

#include "view/report.h"

/* Parts of the dot report. */

/* A function's name without package, namespace and arguments, as google/pprof shortens it for boxes. */
void dot_put_short_name(const char *name, struct buf *out);

/* text inside double quotes: backslashes and quotes escaped, line ends as \l. */
void dot_put_escaped(const char *text, struct buf *out);

/* A tag's text: its \n are line breaks of dot, so only quotes are escaped. */
void dot_put_tag(const char *text, struct buf *out);

/* The little boxes of a node's tags. Whether there were any. ERR_NOMEM. */
int dot_put_tags(struct report *r, struct graph *g, uint32_t node, unsigned id, bool *any, struct buf *out);

#endif
