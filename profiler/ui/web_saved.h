#ifndef UI_WEB_SAVED_H
#define UI_WEB_SAVED_H

#include "base/vec.h"
#include "ui/variables.h"

/*
 * Settings that were given a name in the browser, in the file of the reference and as it writes them:
 * $XDG_CONFIG_HOME/pprof/settings.json, or $HOME/.config/pprof/settings.json,
 *
 *     {"configs": [{"name": "json alone", "focus": "json", "nodecount": -1, "trim": true, ...}]}
 *
 * What is false, 0 or "" is left out. Members that are not known here are kept. Which profile, sample type
 * and where sources are is no part of them.
 */
struct saved_member {
    char *key, *value; /* as variable_set() takes it, or, of what is no text, as it was */
    bool is_text;
};

struct saved_config {
    char *name;
    VEC(struct saved_member) members;
};

struct saved {
    VEC(struct saved_config) configs;
};

/* What is in the file; nothing when there is none. ERR_FORMAT with the position, ERR_IO, ERR_NOMEM.
 * saved_fini in any case. */
int saved_load(struct saved *s, struct error *error);

/* Writes the file, by way of another, so that it is whole at any time. ERR_IO, ERR_NOMEM. */
int saved_store(const struct saved *s, struct error *error);

/* Adds c under this name, in the place of what had it. ERR_INVALID for a name that is empty or too long. */
int saved_put(struct saved *s, const char *name, const struct config *c, struct error *error);

/* ERR_NOTFOUND when there is none of this name. */
int saved_remove(struct saved *s, const char *name, struct error *error);

/* [["name", {"f": "json"}], ...]: each with the parameters of a URL that stand for it. */
void saved_put_menu(const struct saved *s, struct buf *out);

void saved_fini(struct saved *s);

#endif
