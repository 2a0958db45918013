#ifndef UI_REMOTE_NAMES_H
#define UI_REMOTE_NAMES_H

#include "model/profile.h"
#include "ui/fetch.h"
#include "view/symbolz.h"

/* The servers that profiles were fetched from, to be asked for names later: who knows which mapping. */
struct remote_names {
    struct name_sources sources;
    struct intern *strings;
    VEC(struct name_server *) servers;
    struct fetch_limits limits; /* to ask with */
};

/* ERR_NOMEM. Caller calls remote_names_fini in any case; r must stay where it is until then. */
int remote_names_init(struct remote_names *r, const struct fetch_limits *limits);
void remote_names_fini(struct remote_names *r);

/* Gives mappings of p, which came from url, that have neither a build id nor a file the URL for their file,
 * so that merging keeps those of different servers apart. ERR_NOMEM. */
int remote_names_mark(struct profile *p, const char *url);

/* Notes the mappings of p, which came from url and was marked. ERR_NOMEM. */
int remote_names_add(struct remote_names *r, const struct profile *p, const char *url);

/* Takes those URLs back out of p, once all is named. */
void remote_names_unmark(const struct remote_names *r, struct profile *p);

#endif
