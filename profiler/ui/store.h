#ifndef UI_STORE_H
#define UI_STORE_H

#include "model/profile.h"

#include <stdbool.h>

/*
 * Keeps a fetched profile as pprof.[BINARY.]TYPE1.TYPE2.NNN.pb.gz in $PPROF_TMPDIR, else $HOME/pprof, else
 * $TMPDIR or /tmp, making the directory. *file (malloc'd) is its name. What is kept is for the user alone,
 * whatever the umask: it shows the inside of a program. ERR_IO, ERR_NOMEM.
 */
int store_save(const struct profile *p, char **file, struct error *error);

/* Makes the first free folder PREFIX.NNN there. *folder (malloc'd) is its name. ERR_IO, ERR_NOMEM. */
int store_make_folder(const char *prefix, char **folder, struct error *error);

/* As mkdir -p, for the user alone. False, with errno, when there is no such directory after it. */
bool store_make_dirs(const char *dir);

#endif
