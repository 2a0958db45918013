#ifndef UI_WEB_H
#define UI_WEB_H

#include "ui/options.h"

/*
 * Serves the profile to browsers at o->http until Ctrl-C: 0 then. Prints where, and opens a browser unless
 * o->no_browser or there is no desktop. What web_listen() returns, ERR_UNSUPPORTED, ERR_NOMEM.
 */
int web_serve(const struct profile *p, const struct options *o, struct error *error);

#endif
