#ifndef UI_WEB_QUERY_H
#define UI_WEB_QUERY_H

#include "ui/variables.h"

/*
 * The settings of one request: those of the command line, with what the URL says put over them, under the
 * reference's short names (f for focus, si for sample_index).
 */

/* settings_fini in any case. ERR_NOMEM. */
int web_query_init(struct settings *s, const struct settings *defaults);

/* One parameter of a URL. Those without a value keep the default, but of a text, which they clear; unknown
 * ones are left to the page. ERR_INVALID, ERR_NOMEM. */
int web_query_set(struct settings *s, const char *name, const char *value, struct error *error);

/* The URL's name for a variable (NULL when it has none). */
const char *web_query_name(const struct variable *v);

/* What differs from pprof's own defaults, as a JSON object of parameters. */
void web_query_put(const struct config *c, struct buf *out);

/* The same as the query of a URL, "?f=json&si=cpu"; "" for none. */
void web_query_put_url(const struct config *c, struct buf *out);

#endif
