#ifndef UI_WEB_H
#define UI_WEB_H

#include "ui/web_all.h"

/*
 * Serves the profile to browsers at o->http until Ctrl-C: 0 then. Prints where, and opens a browser unless
 * o->no_browser or there is no desktop. What web_listen() returns, ERR_UNSUPPORTED, ERR_NOMEM.
 */
int web_serve(const struct profile *p, const struct options *o, struct error *error);

/* The same with the profiles of a triage, and the page of them all. */
int web_serve_all(struct web_all *all, const struct options *o, struct error *error);

#endif
